"""The ring as doors use it: what is live where and when, who calls with an API key, and when keys were last used."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import JWKRegistry

from accredit.deployment import peek_deployment, sign_deployment, verify_deployment
from accredit.errors import Refused
from accredit.keys import generate_secret, secret_hash
from accredit.passport import PASSPORT_ALGORITHMS, open_passport
from accredit.server.keyring.api_keys import add_api_key, create_api_key
from accredit.server.keyring.changes import Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.deployment_keys import Holder, generate_deployment_key
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.passport_keys import PassportHolder, create_passport_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.remembered import MAX_REMEMBERED_BYTES, Bounded, RememberedTokens, Versioned
from accredit.server.keyring.scope import Scope

from .conftest import CountedReads

INTEGRATION = "acc_1_shop"


def token_of(private_jwk: Any) -> str:
    return sign_deployment({"deployer_id": "shop", "integration_id": INTEGRATION, "owner_id": "acc_1"}, private_jwk)


def live_ids(ring: Any, keyring: Any = None, integration_id: str = INTEGRATION) -> list[str]:
    keys = ring.run((keyring or ring.keyring).deployment_keys(ring.scope, "shop"))
    return [key.key_id for key in keys.live(ring.clock.now_ms, integration_id)]


def make(ring: Any, **members: Any) -> Any:
    return ring.run(generate_deployment_key(ring.store, Holder(ring.scope, "shop", **members), ring.cause()))


@pytest.mark.parametrize("alg", ["ES512", "ES256", "EdDSA"])
def test_verifies_a_token_with_a_key_made_here(ring: Any, alg: str) -> None:
    made = make(ring, alg=alg)
    keys = ring.run(ring.keyring.deployment_keys(ring.scope, "shop")).live(ring.clock.now_ms, INTEGRATION)
    assert verify_deployment(token_of(made.private_jwk), keys, now=0).key_id == made.record.key_id


def test_a_key_counts_for_its_own_scope_deployer_and_integrations_only(ring: Any) -> None:
    make(ring, integration_ids=(INTEGRATION,))
    assert len(live_ids(ring)) == 1
    assert live_ids(ring, integration_id="acc_1_bank") == []
    for scope, deployer_id in ((Scope("acc_2", "live"), "shop"), (Scope("acc_1", "sandbox"), "shop"), (ring.scope, "bank")):
        assert ring.run(ring.keyring.deployment_keys(scope, deployer_id)).live(ring.clock.now_ms, INTEGRATION) == ()


def test_a_new_key_counts_at_once(ring: Any) -> None:
    assert live_ids(ring) == []
    made = make(ring)
    assert live_ids(ring) == [made.record.key_id]


def test_a_retiring_key_stops_at_its_time(ring: Any) -> None:
    made, until = make(ring), ring.clock.now_ms + 1000
    ring.run(ring.store.write(retire_key, Retirement(ring.scope, made.record.key_id, until, ring.cause())))
    ring.clock.now_ms = until - 1
    assert live_ids(ring) == [made.record.key_id]
    ring.clock.now_ms = until
    assert live_ids(ring) == []


def test_a_revoked_key_stops_on_another_node_within_a_second(ring: Any, database_url: str) -> None:
    made = make(ring)
    api = ring.run(create_api_key(ring.store, ring.scope, "backend", ring.cause()))
    _, other = ring.other_node(database_url)
    assert live_ids(ring, other) == [made.record.key_id]
    assert ring.run(other.authenticate(api.secret_text, 0)).key_id == api.record.key_id

    for key_id in (made.record.key_id, api.record.key_id):
        ring.run(ring.store.write(revoke_key, Revocation(ring.scope, key_id, ring.cause())))
    assert live_ids(ring) == []
    assert ring.wait_until(lambda: live_ids(ring, other) == []) < 1
    with pytest.raises(Refused, match="invalid_token"):
        ring.run(other.authenticate(api.secret_text, 0))


def test_an_api_key_opens_its_own_scope(ring: Any) -> None:
    made = ring.run(create_api_key(ring.store, Scope("acc_2", "sandbox"), "backend", ring.cause()))
    assert made.secret_text.startswith("accredit_sandbox_api_")
    for _ in range(2):
        found = ring.run(ring.keyring.authenticate(made.secret_text, ring.clock.now_ms))
        assert (found.key_id, found.scope) == (made.record.key_id, Scope("acc_2", "sandbox"))
    assert made.secret_text not in repr(made)


def test_an_api_key_that_was_asked_for_before_it_was_there_works(ring: Any) -> None:
    text = generate_secret("live", "api")
    with pytest.raises(Refused, match="invalid_token"):
        ring.run(ring.keyring.authenticate(text, 0))
    record = KeyRecord(key_id="key_1", scope=ring.scope, purpose="api", label="", created_ms=0, secret_hash=secret_hash(text))
    ring.run(ring.store.write(add_api_key, (record, ring.cause())))
    assert ring.run(ring.keyring.authenticate(text, 0)).key_id == "key_1"


def test_refuses_all_other_api_keys_alike(ring: Any) -> None:
    revoked = ring.run(create_api_key(ring.store, ring.scope, "revoked", ring.cause()))
    retired = ring.run(create_api_key(ring.store, ring.scope, "retired", ring.cause()))
    ring.run(ring.store.write(revoke_key, Revocation(ring.scope, revoked.record.key_id, ring.cause())))
    now_ms = ring.clock.now_ms
    ring.run(ring.store.write(retire_key, Retirement(ring.scope, retired.record.key_id, now_ms, ring.cause())))
    texts = [revoked.secret_text, retired.secret_text, generate_secret("live", "api"), "", "\ud800", "accredit_live_api_x"]
    for text in texts * 2:
        with pytest.raises(Refused) as refusal:
            ring.run(ring.keyring.authenticate(text, now_ms))
        assert (str(refusal.value), refusal.value.member) == ("invalid_token", None)


def test_looks_an_api_key_up_once(ring: Any) -> None:
    known = ring.run(create_api_key(ring.store, ring.scope, "backend", ring.cause())).secret_text
    store: Any = CountedReads(ring.store)
    keyring = Keyring(store, ring.sealer, ring.clock)
    for text, reads in ((known, 1), (generate_secret("live", "api"), 2), ("accredit_live_api_no_check", 2)):
        for _ in range(3):
            with suppress(Refused):
                ring.run(keyring.authenticate(text, 0))
        assert store.reads == reads


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
@pytest.mark.parametrize("alg", PASSPORT_ALGORITHMS)
def test_opens_a_passport_that_was_sealed_with_the_shown_key(ring: Any, alg: str, enc: str) -> None:
    made = ring.run(
        create_passport_key(ring.store, ring.sealer, PassportHolder(ring.scope, INTEGRATION, alg, enc), ring.cause())
    )
    assert ("d" in made.jwk, made.jwk["kid"]) == (False, made.record.key_id)
    header = {"alg": alg, "enc": enc, "kid": made.jwk["kid"]}
    members = {name: made.jwk[name] for name in made.jwk if name not in ("alg", "use")}
    sealed = jwe.encrypt_compact(header, b'{"card":"4111"}', JWKRegistry.import_key(members), algorithms=[alg, enc])
    keys = ring.run(ring.keyring.passport_keys(ring.scope, INTEGRATION)).live(ring.clock.now_ms, INTEGRATION)
    assert open_passport(sealed, keys, integration_id=INTEGRATION, uid=None, now=0).passport == {"card": "4111"}


def test_writes_the_last_use_down_at_most_once_a_minute(ring: Any) -> None:
    def last_used() -> Any:
        return ring.rows("SELECT last_used_ms FROM keys WHERE id = ?", made.record.key_id)[0][0]

    made, began = make(ring), ring.clock.now_ms
    ring.run(ring.keyring.flush_uses())
    assert last_used() is None
    for after_ms, expected in ((0, 0), (59_999, 0), (60_000, 60_000), (130_000, 130_000)):
        ring.clock.now_ms = began + after_ms
        ring.keyring.note_use(made.record.key_id, ring.clock.now_ms)
        ring.run(ring.keyring.flush_uses())
        assert last_used() == began + expected


def test_a_use_that_is_not_due_yet_waits_for_its_minute(ring: Any) -> None:
    first, second = make(ring).record.key_id, make(ring).record.key_id
    began = ring.clock.now_ms
    for after_ms, used in ((0, [first]), (30_000, [first, second]), (60_000, [])):
        ring.clock.now_ms = began + after_ms
        for key_id in used:
            ring.keyring.note_use(key_id, ring.clock.now_ms)
        ring.run(ring.keyring.flush_uses())
    assert ring.rows("SELECT last_used_ms FROM keys ORDER BY created_ms, id") == [(began + 30_000,)] * 2


def test_a_later_use_on_another_node_stays(ring: Any, database_url: str) -> None:
    made = make(ring)
    _, other = ring.other_node(database_url)
    for keyring, ms in ((other, 2000), (ring.keyring, 1000)):
        keyring.note_use(made.record.key_id, ms)
        ring.run(keyring.flush_uses())
    assert ring.rows("SELECT last_used_ms FROM keys") == [(2000,)]


def test_remembers_tokens_within_its_bounds(ring: Any) -> None:
    made, tokens = make(ring), RememberedTokens(capacity=2)
    texts = [token_of(made.private_jwk) for _ in range(3)]
    for text in texts:
        tokens.remember(text, peek_deployment(text), "key_1")
    assert [tokens.find(text) is None for text in texts] == [True, False, False]
    peeked, key_id = tokens.find(texts[2]) or pytest.fail("not remembered")
    assert (peeked.deployer_id, key_id) == ("shop", "key_1")
    assert tokens.find("\ud800") is None


def test_does_not_remember_tokens_that_never_come_again_or_are_large(ring: Any) -> None:
    private_jwk, tokens = make(ring).private_jwk, RememberedTokens()
    properties = {"deployer_id": "shop", "integration_id": INTEGRATION, "owner_id": "acc_1"}
    single_use = sign_deployment(properties, private_jwk, now=1)
    large = sign_deployment({**properties, "data_passport": {"a": "x" * MAX_REMEMBERED_BYTES}}, private_jwk)
    for text in (single_use, large):
        tokens.remember(text, peek_deployment(text), "key_1")
        assert tokens.find(text) is None


def test_what_was_used_last_stays() -> None:
    bounded: Bounded[str, int] = Bounded(2)
    bounded.remember("a", 1)
    bounded.remember("b", 2)
    assert bounded.find("a") == 1
    bounded.remember("c", 3)
    assert (bounded.find("a"), bounded.find("b"), bounded.find("c"), len(bounded)) == (1, None, 3, 2)


def test_callers_that_miss_together_load_once(ring: Any) -> None:
    loads = []

    async def load(key: str) -> str:
        loads.append(key)
        await asyncio.sleep(0)
        return key.upper()

    async def ask_together() -> list[str]:
        first = asyncio.create_task(versioned.load("a"))
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(*(versioned.load("a") for _ in range(5)))

    versioned: Versioned[str, str] = Versioned(ring.store, load, 10)
    assert ring.run(ask_together()) == ["A"] * 5
    assert loads == ["a"]


def test_a_change_during_a_load_makes_its_value_an_old_one(ring: Any) -> None:
    values = iter(["before", "after"])

    async def load(key: str) -> str:
        value = next(values)
        if value == "before":
            await create_api_key(ring.store, ring.scope, "meanwhile", ring.cause())
            assert versioned.find("b") is None
        return value

    versioned: Versioned[str, str] = Versioned(ring.store, load, 10)
    assert ring.run(versioned.load("a")) == "before"
    assert ring.run(versioned.load("a")) == "after"
