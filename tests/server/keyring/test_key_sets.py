"""Key sets, read from a real HTTPS server: what comes into the ring, what leaves it, and when."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.errors import AccreditError, ConflictError, FailureError, MalformedError, NotFoundError
from accredit.keys import generate_deployment_key as generate_pair
from accredit.server.keyring.changes import Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.deployment_keys import Holder, register_deployment_key
from accredit.server.keyring.key_set_reading import read_key_set
from accredit.server.keyring.key_set_records import list_key_sets
from accredit.server.keyring.key_sets import REFRESH_MS, UNKNOWN_KID_MS, KeySets
from accredit.server.keyring.records import KEY_SET_HOLD_MS, KeyFilter, list_keys
from accredit.server.keyring.scope import Scope
from accredit.server.outbound import Allowed, Outbound

ALLOWED = Allowed.parse(["127.0.0.1"])
PAIRS = [generate_pair() for _ in range(3)]


class Published:
    """A deployer that publishes its keys, a server that follows them, and what the tests ask of both."""

    def __init__(self, ring: Any, peer: Any, trust: ssl.SSLContext) -> None:
        self.ring, self.peer, self.run = ring, peer, ring.run
        self.addresses = ["127.0.0.1"]
        self.outbound = Outbound(ALLOWED, resolve=self._resolve, ssl_context=trust)
        self.key_sets = KeySets(ring.store, self.outbound)

    async def _resolve(self, _host: str, _port: int) -> list[str]:
        return self.addresses

    def publish(self, *jwks: Any) -> None:
        self.peer.say(json.dumps({"keys": jwks}).encode())

    def add(self, path: str = "/keys.json", **members: Any) -> Any:
        holder = Holder(members.pop("scope", self.ring.scope), members.pop("deployer_id", "shop"), **members)
        return self.run(self.key_sets.add(holder, self.peer.url(path), self.ring.cause()))

    def refresh(self, after_ms: int = REFRESH_MS, key_sets: Any = None) -> int:
        self.ring.clock.now_ms += after_ms
        return int(self.run((key_sets or self.key_sets).refresh_due(self.ring.clock.now_ms)))

    def live(self) -> set[str]:
        """Thumbprints of the deployer's live keys."""
        keys = self.run(self.ring.keyring.deployment_keys(self.ring.scope, "shop"))
        return {key.thumbprint for key in keys.live(self.ring.clock.now_ms, "acc_1_shop")}

    def key_set(self) -> Any:
        return self.run(self.ring.store.read(list_key_sets, (self.ring.scope, "shop")))[0]

    def record(self, pair: Any) -> Any:
        records = self.run(self.ring.store.read(list_keys, KeyFilter(scope=self.ring.scope)))
        return next(record for record in reversed(records) if record.thumbprint == pair.thumbprint)

    def register(self, pair: Any) -> Any:
        return self.run(
            register_deployment_key(self.ring.store, Holder(self.ring.scope, "shop"), pair.public_jwk, self.ring.cause())
        )


@pytest.fixture
def published(ring: Any, peer: Any, trust: ssl.SSLContext) -> Iterator[Published]:
    published = Published(ring, peer, trust)
    yield published
    ring.run(published.outbound.close())


def thumbprints(*pairs: Any) -> set[str]:
    return {pair.thumbprint for pair in pairs}


def test_reads_a_set_when_it_is_added(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk, {**PAIRS[1].public_jwk, "kid": "second"})
    added = published.add(integration_ids=("acc_1_shop",))
    assert published.live() == thumbprints(PAIRS[0], PAIRS[1])
    assert [(record.kid, record.integration_ids, record.key_set_id) for record in added.keys] == [
        (PAIRS[0].thumbprint, ("acc_1_shop",), added.key_set.key_set_id),
        ("second", ("acc_1_shop",), added.key_set.key_set_id),
    ]
    assert published.key_set() == added.key_set
    assert published.peer.requests[0].startswith(b"GET /keys.json HTTP/1.1\r\n")
    assert len(published.ring.events("key.created")) == 2


def test_follows_a_set_every_ten_minutes(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk, PAIRS[1].public_jwk)
    published.add()
    published.publish(PAIRS[1].public_jwk, PAIRS[2].public_jwk)
    assert published.refresh(REFRESH_MS - 1) == 0
    assert published.live() == thumbprints(PAIRS[0], PAIRS[1])
    assert published.refresh(1) == 1
    assert published.live() == thumbprints(PAIRS[1], PAIRS[2])
    assert published.record(PAIRS[0]).revoke_reason == "key_set_left"
    assert [row[:3] for row in published.ring.audited("key.revoked")] == [
        ("key_set_left", "key_set", published.record(PAIRS[0]).key_id)
    ]
    assert len(published.ring.events("key.revoked")) == 1


def test_a_reading_that_changes_nothing_empties_no_cache(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk, {"kty": "RSA", "n": "AQAB", "e": "AQAB"})
    published.add()
    version = published.ring.store.config_version
    assert published.refresh() == 1
    assert published.ring.store.config_version == version
    assert published.key_set().checked_ms == published.ring.clock.now_ms


def test_a_key_that_left_may_come_back(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    published.publish()
    published.refresh()
    assert published.live() == set()
    published.publish(PAIRS[0].public_jwk)
    published.refresh()
    assert published.live() == thumbprints(PAIRS[0])


def test_a_key_that_an_owner_ended_does_not_come_back_by_itself(published: Published) -> None:
    published.publish(*(pair.public_jwk for pair in PAIRS))
    published.add()
    ring, now_ms = published.ring, published.ring.clock.now_ms
    revocation = Revocation(ring.scope, published.record(PAIRS[0]).key_id, ring.cause())
    ring.run(ring.store.write(revoke_key, revocation))
    retirement = Retirement(ring.scope, published.record(PAIRS[1]).key_id, now_ms + 5, ring.cause())
    ring.run(ring.store.write(retire_key, retirement))
    assert published.refresh() == 1
    assert published.live() == thumbprints(PAIRS[2])
    published.publish(PAIRS[2].public_jwk)
    published.refresh()
    published.publish(*(pair.public_jwk for pair in PAIRS))
    published.refresh()
    assert published.live() == thumbprints(PAIRS[2])
    assert published.key_set().last_error == "key_not_live key_not_live"


def test_a_key_with_another_name_is_another_key(published: Published) -> None:
    published.publish({**PAIRS[0].public_jwk, "kid": "old"})
    published.add()
    published.publish({**PAIRS[0].public_jwk, "kid": "new"})
    published.refresh()
    keys = published.run(published.ring.keyring.deployment_keys(published.ring.scope, "shop")).live(0, "acc_1_shop")
    assert [key.kids for key in keys] == [{"new", PAIRS[0].thumbprint}]


def test_skips_and_audits_unfit_keys_once(published: Published) -> None:
    published.register(PAIRS[1])
    unfit = [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        generate_pair("ES256").public_jwk,
        "x",
        PAIRS[1].public_jwk,
        PAIRS[0].public_jwk,
    ]
    published.publish(PAIRS[0].public_jwk, *unfit)
    added = published.add()
    codes = ("key_alg_mismatch", "key_exists", "key_exists", "key_malformed", "key_type_unsupported")
    assert [record.thumbprint for record in added.keys] == [PAIRS[0].thumbprint]
    assert added.skipped == codes
    assert added.key_set.last_error == " ".join(codes)
    for _ in range(2):
        assert [row[0] for row in published.ring.audited("key.skipped")] == list(codes)
        published.refresh()
    published.publish(PAIRS[0].public_jwk)
    published.refresh()
    assert published.key_set().last_error is None


def test_takes_ten_keys_from_sets_beside_five_by_hand(published: Published) -> None:
    for _ in range(5):
        published.register(generate_pair())
    pairs = [generate_pair() for _ in range(12)]
    published.publish(*(pair.public_jwk for pair in pairs))
    added = published.add()
    assert (len(added.keys), added.skipped) == (10, ("key_limit_reached",) * 2)
    assert len(published.live()) == 15
    published.publish(*(pair.public_jwk for pair in pairs[3:]))
    published.refresh()
    assert published.live() >= thumbprints(*pairs[3:])


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"{}", "200 OK"), (b"[]", "200 OK"), (b'{"keys":{}}', "200 OK"), (b"<html>", "200 OK"), (b"\xff", "200 OK"),
     (b'{"keys":[],"keys":[]}', "200 OK"), (b'{"keys":[]}', "404 Not Found"), (b'{"keys":[]}', "302 Found"),
     (b'{"keys":["' + b"x" * 65536 + b'"]}', "200 OK"), (b"[" * 9 + b"]" * 9, "200 OK")],
)  # fmt: skip
def test_refuses_to_add_what_is_no_key_set(published: Published, answer: bytes, status: str) -> None:
    published.peer.say(answer, status, f"Location: {published.peer.url('/other')}\r\n")
    with pytest.raises(FailureError, match="key_set_unreadable"):
        published.add()
    assert len(published.peer.requests) == 1
    assert published.ring.rows("SELECT id FROM key_sets") == []


def test_reads_sets_up_to_64_kib(published: Published) -> None:
    body = json.dumps({"keys": [PAIRS[0].public_jwk]}).encode()
    published.peer.say(body + b" " * (65536 - len(body)))
    assert len(published.add().keys) == 1


@pytest.mark.parametrize(
    "uri", ["http://keys.example/k", "https://a:b@keys.example/k", "https://keys.example/k#x", "keys", "https://10.0.0.1/"]
)
def test_refuses_an_address_that_is_none(published: Published, uri: str) -> None:
    holder = Holder(published.ring.scope, "shop")
    with pytest.raises(MalformedError, match="jwks_uri_invalid: jwks_uri"):
        published.run(published.key_sets.add(holder, uri, published.ring.cause()))


def test_refuses_a_private_address_on_save_and_on_each_reading(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.addresses = ["10.0.0.1"]
    with pytest.raises(MalformedError, match="endpoint_address_forbidden: jwks_uri"):
        published.add()
    published.addresses = ["127.0.0.1"]
    published.add()
    published.addresses = ["127.0.0.1", "10.0.0.1"]
    published.refresh()
    assert published.key_set().last_error == "address_forbidden"
    assert len(published.peer.requests) == 1


def test_refuses_a_redirect_on_a_later_reading(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    published.peer.say(b"", "301 Moved", f"Location: {published.peer.url('/other')}\r\n")
    published.refresh()
    assert (published.key_set().last_error, len(published.peer.requests)) == ("redirect_refused", 2)


def test_the_last_set_holds_24_hours(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    read_ms = published.ring.clock.now_ms
    published.peer.say(b"", "500 Oops")
    assert published.refresh() == 1
    assert published.refresh() == 1
    assert [row[0] for row in published.ring.audited("key_set.unreadable")] == ["key_set_unreadable"]
    published.ring.clock.now_ms = read_ms + KEY_SET_HOLD_MS - 1
    assert published.live() == thumbprints(PAIRS[0])
    published.ring.clock.now_ms += 1
    assert published.live() == set()
    assert published.record(PAIRS[0]).state(published.ring.clock.now_ms) == "retired"

    published.publish(PAIRS[0].public_jwk)
    assert published.refresh() == 1
    assert published.live() == thumbprints(PAIRS[0])


def test_a_key_that_left_while_the_set_was_unreadable_does_not_stand_up_again(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    published.peer.say(b"", "500 Oops")
    published.refresh(KEY_SET_HOLD_MS)
    published.publish(PAIRS[1].public_jwk)
    published.refresh()
    assert published.live() == thumbprints(PAIRS[1])
    assert published.record(PAIRS[0]).state(published.ring.clock.now_ms) == "revoked"


def test_another_node_hears_when_a_set_begins_to_fail(published: Published, database_url: str) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    store, other = published.ring.other_node(database_url)
    assert len(published.run(other.deployment_keys(published.ring.scope, "shop")).live(0, "acc_1_shop")) == 1
    version = store.config_version
    published.peer.say(b"", "500 Oops")
    published.refresh()

    async def heard() -> None:
        async with asyncio.timeout(1):
            while store.config_version == version:  # noqa: ASYNC110 - as a cache would see it
                await asyncio.sleep(0.01)

    published.run(heard())
    later_ms = published.ring.clock.now_ms + KEY_SET_HOLD_MS
    assert published.run(other.deployment_keys(published.ring.scope, "shop")).live(later_ms, "acc_1_shop") == ()


def test_an_unknown_kid_reads_the_set_at_most_once_a_minute(published: Published) -> None:
    def ask(after_ms: int, deployer_id: str = "shop") -> bool:
        published.ring.clock.now_ms += after_ms
        asked = published.key_sets.refresh_for_kid(published.ring.scope, deployer_id, published.ring.clock.now_ms)
        return bool(published.run(asked))

    published.publish(PAIRS[0].public_jwk)
    published.add()
    published.publish(PAIRS[1].public_jwk)
    assert ask(UNKNOWN_KID_MS - 1) is False
    assert ask(UNKNOWN_KID_MS) is True
    assert published.live() == thumbprints(PAIRS[1])
    assert ask(0) is False
    assert ask(UNKNOWN_KID_MS - 1) is False
    assert ask(1, deployer_id="bank") is False
    assert ask(0) is True


def test_nodes_share_the_reading(published: Published, database_url: str) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    store, _ = published.ring.other_node(database_url)
    other = KeySets(store, published.outbound)
    published.ring.clock.now_ms += REFRESH_MS

    async def both() -> list[int]:
        now_ms = published.ring.clock.now_ms
        return await asyncio.gather(published.key_sets.refresh_due(now_ms), other.refresh_due(now_ms))

    assert sorted(published.run(both())) == [0, 1]
    assert len(published.peer.requests) == 2


def test_the_lease_of_a_node_that_died_ends(published: Published) -> None:
    async def die() -> None:
        task = asyncio.create_task(published.key_sets.refresh_due(published.ring.clock.now_ms))
        while len(published.peer.requests) == 1:  # noqa: ASYNC110 - the peer is on the same loop
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    published.publish(PAIRS[0].public_jwk)
    published.add()
    published.peer.answer = None
    published.ring.clock.now_ms += REFRESH_MS
    published.run(die())
    published.publish(PAIRS[1].public_jwk)
    assert published.refresh(29_999) == 0
    assert published.refresh(1) == 1
    assert published.live() == thumbprints(PAIRS[1])


def test_a_published_private_key_is_burnt(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    published.add()
    elsewhere = published.run(
        register_deployment_key(
            published.ring.store, Holder(published.ring.scope, "bank"), PAIRS[0].public_jwk, published.ring.cause()
        )
    )
    published.publish(PAIRS[0].private_jwk)
    published.refresh()
    assert published.live() == set()
    assert {published.record(PAIRS[0]).revoke_reason, elsewhere.revoke_reason} == {"secret_exposed", None}
    told = [json.loads(row[0]) for row in published.ring.events("key.leaked")]
    assert [event["source"] for event in told] == ["key_set"] * 2
    assert {elsewhere.key_id} < {event["key_id"] for event in told}
    published.publish(PAIRS[0].public_jwk)
    published.refresh()
    assert (published.live(), published.key_set().last_error) == (set(), "key_denied")
    with pytest.raises(MalformedError, match="key_denied"):
        published.register(PAIRS[0])


def test_a_removed_set_takes_its_keys_along(published: Published) -> None:
    published.publish(PAIRS[0].public_jwk)
    added = published.add()
    remove = published.key_sets.remove
    for scope in (Scope("acc_2", "live"), Scope("acc_1", "sandbox")):
        with pytest.raises(NotFoundError, match="key_not_found"):
            published.run(remove(scope, added.key_set.key_set_id, published.ring.cause()))
    published.run(remove(published.ring.scope, added.key_set.key_set_id, published.ring.cause()))
    assert published.live() == set()
    assert published.refresh() == 0
    with pytest.raises(NotFoundError, match="key_not_found"):
        published.run(remove(published.ring.scope, added.key_set.key_set_id, published.ring.cause()))
    published.add()
    assert published.live() == thumbprints(PAIRS[0])


def test_a_deployer_has_each_address_once_and_five_in_all(published: Published) -> None:
    published.publish()
    published.add()
    with pytest.raises(ConflictError, match="key_exists"):
        published.add()
    for number in range(4):
        published.add(f"/{number}")
    with pytest.raises(ConflictError, match="key_limit_reached"):
        published.add("/one-more")
    published.add(deployer_id="bank")


def test_refuses_a_set_of_nobody(published: Published) -> None:
    published.publish()
    with pytest.raises(NotFoundError, match="deployer_not_found"):
        published.add(deployer_id="nobody")
    with pytest.raises(NotFoundError, match="integration_not_found"):
        published.add(integration_ids=("acc_2_shop",))
    with pytest.raises(MalformedError, match="field_invalid: alg"):
        published.add(alg="RS256")


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["EC", "P-521", "sig", "AQ", "Ed25519", "OKP"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kty", "crv", "x", "y", "d", "use", "key_ops", "alg", "kid", "keys"]), inner, max_size=6
        )
    ),
    max_leaves=20,
)


@given(st.lists(_JSON, max_size=3) | _JSON)
def test_reads_any_json_as_a_set_or_not_at_all(keys: Any) -> None:
    for body in (json.dumps({"keys": keys}), json.dumps(keys)):
        try:
            reading = read_key_set(body.encode(), Holder(Scope("a", "live"), "shop"), "kst_1", 0)
        except AccreditError as error:
            code = error.code
        else:
            code = "" if isinstance(reading.candidates, tuple) else "?"
        assert code in ("", "key_set_unreadable")
