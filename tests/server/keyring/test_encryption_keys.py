"""Which key an answer is sealed to: registered keys, key sets read from a real HTTPS server, and keys that a request brings."""

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from accredit.errors import ConflictError, MalformedError
from accredit.keys import GeneratedKey
from accredit.sealing import ENCRYPTION_ALGORITHMS, EncryptionKey, EncryptionKeyError, generate_encryption_key
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.app import open_node
from accredit.server.integrations.integration import RestIntegration, prepare_rest
from accredit.server.integrations.rest import RestPolicy
from accredit.server.keyring.changes import Cause, Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.encryption_key_sets import REFRESH_MS, UNKNOWN_KEY_MS
from accredit.server.keyring.encryption_keys import check_inline_key, find_encryption_key, is_key_live
from accredit.server.keyring.encryption_records import NewEncryptionKey, register_encryption_key
from accredit.server.keyring.encryption_ring import EncryptionRing
from accredit.server.keyring.records import KEY_SET_HOLD_MS, KeyRecord
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.outbound import Allowed, Outbound
from accredit.server.settings import Settings

from .conftest import Clock

SCOPE = Scope("acc_1", "live")
PAIRS = [generate_encryption_key("ECDH-ES") for _ in range(3)]
HOUR_MS = 3_600_000


class Keys:
    """A node, somebody else's server with a key set, and what the tests ask of both."""

    def __init__(self, run: Any, node: Node, peer: Any, clock: Clock) -> None:
        self.run, self.node, self.peer, self.clock = run, node, peer, clock

    def cause(self) -> Cause:
        return Cause(self.clock.now_ms, actor="tester", request_id="req_1")

    def register(self, pair: GeneratedKey, key_id: str | None = None, **members: Any) -> KeyRecord:
        wanted = NewEncryptionKey(SCOPE, pair.public_jwk, key_id, **members)
        record: KeyRecord = self.run(register_encryption_key(self.node.store, wanted, self.cause()))
        return record

    def revoke(self, record: KeyRecord) -> None:
        self.run(self.node.store.write(revoke_key, Revocation(SCOPE, record.key_id, self.cause())))

    def retire(self, record: KeyRecord, until_ms: int) -> None:
        self.run(self.node.store.write(retire_key, Retirement(SCOPE, record.key_id, until_ms, self.cause())))

    def policy(self, **members: Any) -> RestIntegration:
        return prepare_rest(RestPolicy(**members), integration_id="int_1", scope=SCOPE, version=1)

    @property
    def uri(self) -> str:
        return str(self.peer.url("/keys.json"))

    def find(self, name: str, **policy: Any) -> EncryptionKey:
        found: EncryptionKey = self.run(find_encryption_key(self.node, SCOPE, self.policy(**policy), name, self.clock.now_ms))
        return found

    def find_published(self, name: str) -> str:
        return self.find(name, encryption_jwks_uri=self.uri).thumbprint

    def inline(self, jwk: object, *, registered_only: bool = False, **members: Any) -> EncryptionKey:
        given = {"allowed_alg": ENCRYPTION_ALGORITHMS, "cause": self.cause(), **members}
        checked: EncryptionKey = self.run(check_inline_key(self.node, SCOPE, jwk, registered_only=registered_only, **given))
        return checked

    def is_live(self, pair: GeneratedKey, key_id: str | None, jwks_uri: str | None = None) -> bool:
        asked = is_key_live(self.node, SCOPE, key_id, pair.thumbprint, jwks_uri=jwks_uri, now_ms=self.clock.now_ms)
        return bool(self.run(asked))

    def publish(self, *jwks: Any) -> None:
        self.peer.say(json.dumps({"keys": jwks}).encode())

    def audited(self, kind: str) -> list[Any]:
        sql = "SELECT code FROM audit WHERE kind = ? ORDER BY seq"
        return [row[0] for row in self.run(self.node.store.read(lambda tx, _: tx.rows(sql, (kind,)), None))]


@pytest.fixture
def keys(run: Any, database_url: str, peer: Any, trust: Any) -> Iterator[Keys]:
    clock, stack = Clock(), AsyncExitStack()
    root_key = base64.b64encode(bytes(range(32))).decode()
    settings = Settings(database_url=database_url, public_url="https://accredit.example", root_key=root_key)

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    outbound = Outbound(Allowed.parse(["127.0.0.1"]), resolve=resolve, ssl_context=trust)
    node = run(stack.enter_async_context(open_node(settings, clock=clock)))
    node = replace(node, encryption_ring=EncryptionRing(node.store, outbound))
    run(create_account(node.store, NewAccount(account_id=SCOPE.account_id), Cause(clock.now_ms)))
    yield Keys(run, node, peer, clock)
    run(outbound.close())
    run(stack.aclose())


def refused(code: str) -> Any:
    return pytest.raises(EncryptionKeyError, match=code)


def named(pair: GeneratedKey, kid: str) -> dict[str, Any]:
    return {**pair.public_jwk, "kid": kid}


def test_a_key_is_found_by_its_key_id_which_the_answer_names(keys: Keys) -> None:
    record = keys.register(PAIRS[0], "k1")
    found = keys.find("k1")
    assert (found.thumbprint, found.kid, found.public_jwk["kid"]) == (PAIRS[0].thumbprint, "k1", "k1")
    keys.register(PAIRS[1])
    assert keys.find(PAIRS[1].thumbprint).kid == PAIRS[1].thumbprint
    for name in ("k2", record.key_id, PAIRS[0].thumbprint, ""):
        with refused("key_not_registered"):
            keys.find(name)


def test_current_is_the_active_key_whose_time_came_last(keys: Keys) -> None:
    with refused("key_not_registered"):
        keys.find("current")
    now_ms = keys.clock.now_ms
    keys.register(PAIRS[0], "first")
    keys.register(PAIRS[1], "spring", not_before_ms=now_ms + HOUR_MS, not_after_ms=now_ms + 3 * HOUR_MS)
    assert keys.find("current").kid == "first"
    assert keys.find("spring").kid == "spring"
    keys.clock.now_ms += HOUR_MS
    assert keys.find("current").kid == "spring"
    third = keys.register(PAIRS[2], "third", not_before_ms=keys.clock.now_ms)
    assert keys.find("current").kid == "third"
    keys.retire(third, keys.clock.now_ms + HOUR_MS)
    assert (keys.find("current").kid, keys.find("third").kid) == ("spring", "third")
    keys.clock.now_ms += 2 * HOUR_MS
    assert keys.find("current").kid == "first"
    for name in ("spring", "third"):
        with refused("key_not_registered"):
            keys.find(name)


def test_the_policy_may_narrow_what_a_named_key_may_be(keys: Keys) -> None:
    keys.register(PAIRS[0], "k1")
    with refused("key_type_not_allowed"):
        keys.find("k1", allowed_alg=("RSA-OAEP",))
    assert keys.find("k1", allowed_alg=("ECDH-ES",)).alg == "ECDH-ES"


def test_a_key_that_a_request_brings(keys: Keys) -> None:
    assert keys.inline(PAIRS[0].public_jwk).kid is None
    assert keys.inline(named(PAIRS[0], "mine")).kid == "mine"
    with refused("key_not_registered"):
        keys.inline(PAIRS[0].public_jwk, registered_only=True)
    record = keys.register(PAIRS[0])
    assert keys.inline(PAIRS[0].public_jwk, registered_only=True).kid is None
    with refused("key_type_not_allowed: alg"):
        keys.inline(PAIRS[0].public_jwk, allowed_alg=("RSA-OAEP",))
    keys.revoke(record)
    for registered_only in (False, True):
        with refused("key_denied"):
            keys.inline(PAIRS[0].public_jwk, registered_only=registered_only)


def test_a_private_half_that_a_request_brings_is_refused_for_good(keys: Keys) -> None:
    keys.register(PAIRS[0], "k1")
    with refused("key_private_part: d"):
        keys.inline(PAIRS[0].private_jwk)
    for check in (lambda: keys.inline(PAIRS[0].public_jwk), lambda: keys.find("k1"), lambda: keys.register(PAIRS[0])):
        with pytest.raises(MalformedError, match=r"key_denied|key_not_registered"):
            check()
    assert keys.audited("key.denied") == ["key_private_part"]
    # A made-up private member burns what the caller says is its key, and the pair that it truly has.
    with refused("key_private_part"):
        keys.inline({**PAIRS[1].public_jwk, "d": PAIRS[2].private_jwk["d"]})
    for pair in PAIRS[1:]:
        with refused("key_denied"):
            keys.inline(pair.public_jwk)


def test_what_has_no_public_half_burns_nothing(keys: Keys) -> None:
    for jwk in ({"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "d": "AQAB"}, {"d": 1}, {"kty": ["EC"], "priv": {}}):
        with refused("key_private_part"):
            keys.inline(jwk)
    assert keys.audited("key.denied") == []


def test_whether_a_session_may_still_be_answered(keys: Keys) -> None:
    record = keys.register(PAIRS[0], "k1", not_after_ms=keys.clock.now_ms + HOUR_MS)
    assert keys.is_live(PAIRS[0], "k1")
    keys.clock.now_ms += 2 * HOUR_MS
    assert keys.is_live(PAIRS[0], "k1")
    keys.revoke(record)
    assert not keys.is_live(PAIRS[0], "k1")
    assert not keys.is_live(PAIRS[0], None)
    keys.register(PAIRS[0], "k2")
    assert keys.is_live(PAIRS[0], "k1")
    assert keys.is_live(PAIRS[1], None)
    with refused("key_private_part"):
        keys.inline(PAIRS[1].private_jwk)
    assert not keys.is_live(PAIRS[1], None)


def test_another_node_hears_of_a_revocation(keys: Keys, database_url: str, run: Any) -> None:
    record = keys.register(PAIRS[0], "k1")

    async def hear() -> bool:
        async with open_node(keys.node.settings, clock=keys.clock, exclusive=False) as other:
            assert (await find_encryption_key(other, SCOPE, keys.policy(), "k1", keys.clock.now_ms)).kid == "k1"
            await keys.node.store.write(revoke_key, Revocation(SCOPE, record.key_id, keys.cause()))
            async with asyncio.timeout(2):
                while await is_key_live(other, SCOPE, "k1", PAIRS[0].thumbprint, jwks_uri=None, now_ms=keys.clock.now_ms):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            return True

    assert run(hear())


def test_keys_of_a_set_are_named_by_their_kid(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "2027-01"), PAIRS[1].public_jwk, named(PAIRS[1], "2027-01"), named(PAIRS[2], "2027-02"))
    assert keys.find_published("2027-01") == PAIRS[0].thumbprint
    assert keys.find_published("2027-02") == PAIRS[2].thumbprint
    assert len(keys.peer.requests) == 1
    assert keys.audited("key.skipped") == ["key_exists", "key_malformed"]
    with refused("key_not_registered"):
        keys.find_published("current")
    with refused("key_not_registered"):
        keys.find("2027-01")
    # A registered key of that name comes first.
    keys.register(PAIRS[1], "2027-01")
    assert keys.find_published("2027-01") == PAIRS[1].thumbprint


def test_keys_of_a_set_count_as_registered(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "k1"))
    assert keys.inline(PAIRS[0].public_jwk, registered_only=True, jwks_uri=keys.uri).kid is None
    keys.publish(named(PAIRS[1], "k2"))
    with refused("key_not_registered"):
        keys.inline(PAIRS[1].public_jwk, registered_only=True, jwks_uri=keys.uri)
    keys.clock.now_ms += UNKNOWN_KEY_MS
    assert keys.inline(PAIRS[1].public_jwk, registered_only=True, jwks_uri=keys.uri).alg == "ECDH-ES"


def test_an_unknown_name_reads_the_set_at_most_once_a_minute(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "k1"))
    keys.find_published("k1")
    keys.publish(named(PAIRS[0], "k1"), named(PAIRS[1], "k2"))
    for _ in range(3):
        with refused("key_not_registered"):
            keys.find_published("k2")
    keys.clock.now_ms += UNKNOWN_KEY_MS - 1
    with refused("key_not_registered"):
        keys.find_published("k2")
    keys.clock.now_ms += 1
    assert keys.find_published("k2") == PAIRS[1].thumbprint
    assert len(keys.peer.requests) == 2


def test_a_set_is_read_again_when_its_reading_is_ten_minutes_old(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "k1"))
    keys.find_published("k1")
    keys.publish(named(PAIRS[1], "k1"))
    keys.clock.now_ms += REFRESH_MS - 1
    assert keys.find_published("k1") == PAIRS[0].thumbprint
    assert keys.is_live(PAIRS[0], "k1", keys.uri)
    keys.clock.now_ms += 1
    assert not keys.is_live(PAIRS[0], "k1", keys.uri)
    assert keys.find_published("k1") == PAIRS[1].thumbprint
    assert not keys.is_live(PAIRS[1], "k1")


def test_two_requests_at_once_read_a_set_once(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "k1"))
    integration = keys.policy(encryption_jwks_uri=keys.uri)

    async def both() -> list[EncryptionKey]:
        asked = (find_encryption_key(keys.node, SCOPE, integration, "k1", keys.clock.now_ms) for _ in range(5))
        return await asyncio.gather(*asked)

    assert {key.thumbprint for key in keys.run(both())} == {PAIRS[0].thumbprint}
    assert len(keys.peer.requests) == 1


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (b"", "500 Oops", ""),
        (b'{"keys":[]}', "302 Found", "Location: https://keys.example/\r\n"),
        (b"[]", "200 OK", ""),
        (b'{"keys":{}}', "200 OK", ""),
        (b'{"keys":[],"keys":[]}', "200 OK", ""),
        (b'{"keys":["' + b"x" * 65536 + b'"]}', "200 OK", ""),
    ],
)
def test_what_is_no_set_is_audited_once(keys: Keys, body: bytes, status: str, headers: str) -> None:
    keys.peer.say(body, status, headers)
    for _ in range(2):
        with refused("key_not_registered"):
            keys.find_published("k1")
        keys.clock.now_ms += UNKNOWN_KEY_MS
    assert len(keys.peer.requests) == 2
    assert len(keys.audited("key_set.unreadable")) == 1


def test_the_last_reading_holds_24_hours(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "k1"))
    keys.find_published("k1")
    keys.peer.say(b"", "500 Oops")
    keys.clock.now_ms += KEY_SET_HOLD_MS - 1
    assert keys.find_published("k1") == PAIRS[0].thumbprint
    keys.clock.now_ms += 1
    with refused("key_not_registered"):
        keys.find_published("k1")
    assert keys.is_live(PAIRS[0], "k1", keys.uri)
    keys.publish(named(PAIRS[0], "k1"))
    keys.clock.now_ms += UNKNOWN_KEY_MS
    assert keys.find_published("k1") == PAIRS[0].thumbprint


def test_a_private_half_in_a_set_is_burnt(keys: Keys) -> None:
    keys.publish(named(PAIRS[0], "k1"), {**PAIRS[1].private_jwk, "kid": "k2"}, "no key")
    assert keys.find_published("k1") == PAIRS[0].thumbprint
    with refused("key_not_registered"):
        keys.find_published("k2")
    with refused("key_denied"):
        keys.inline(PAIRS[1].public_jwk)
    assert keys.audited("key.skipped") == ["key_malformed", "key_private_part"]
    # A set that names a key which is denied in the account does not bring it back.
    keys.publish(named(PAIRS[1], "k2"))
    keys.clock.now_ms += REFRESH_MS
    with refused("key_not_registered"):
        keys.find_published("k2")


def test_a_set_brings_twenty_keys(keys: Keys) -> None:
    keys.publish(*(named(generate_encryption_key("ECDH-ES"), f"k{number}") for number in range(21)))
    keys.find_published("k19")
    with refused("key_not_registered"):
        keys.find_published("k20")
    assert keys.audited("key.skipped") == ["key_limit_reached"]


def test_two_nodes_register_one_key_of_a_name(keys: Keys) -> None:
    async def both() -> list[Any]:
        wanted = [NewEncryptionKey(SCOPE, pair.public_jwk, "k1") for pair in PAIRS]
        made = (register_encryption_key(keys.node.store, each, keys.cause()) for each in wanted)
        return await asyncio.gather(*made, return_exceptions=True)

    outcomes = keys.run(both())
    assert sum(isinstance(each, KeyRecord) for each in outcomes) == 1
    assert {each.code for each in outcomes if isinstance(each, ConflictError)} == {"key_exists"}
