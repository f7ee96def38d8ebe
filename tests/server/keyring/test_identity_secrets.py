"""Identity secrets: whose they are, how many live, which count, and what stays of those that have ended."""

import base64
import json
from typing import Any

import pytest

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.keyring.changes import Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.identity_secrets import (
    MAX_SECRETS,
    MadeIdentitySecret,
    SecretHolder,
    identity_hash,
    import_identity_secret,
    issue_identity_secret,
)
from accredit.server.keyring.records import KeyRecord, find_key
from accredit.server.keyring.scope import Scope

INTEGRATION, OTHER = "acc_1_shop_boot", "acc_1_bank_boot"
TEXT = base64.b64encode(bytes(range(32))).decode()


def issue(ring: Any, integration_id: str | None = None, **members: Any) -> MadeIdentitySecret:
    holder = SecretHolder(**{"scope": ring.scope, "deployer_id": "shop", "integration_id": integration_id, **members})
    return ring.run(issue_identity_secret(ring.store, ring.sealer, holder, ring.cause()))


def bring(ring: Any, text: str, integration_id: str | None = None, **members: Any) -> KeyRecord:
    holder = SecretHolder(**{"scope": ring.scope, "deployer_id": "shop", "integration_id": integration_id, **members})
    return ring.run(import_identity_secret(ring.store, ring.sealer, holder, text, ring.cause()))


def revoke(ring: Any, record: KeyRecord, reason: str = "revoked") -> None:
    ring.run(ring.store.write(revoke_key, Revocation(record.scope, record.key_id, ring.cause(), reason)))


def retire(ring: Any, record: KeyRecord, until_ms: int) -> None:
    ring.run(ring.store.write(retire_key, Retirement(record.scope, record.key_id, until_ms, ring.cause())))


def held(ring: Any, integration_id: str = INTEGRATION, keyring: Any = None) -> Any:
    return ring.run((keyring or ring.keyring).identity_secrets(ring.scope, "shop", integration_id))


def live_ids(ring: Any, integration_id: str = INTEGRATION, keyring: Any = None) -> list[str]:
    return [secret.key_id for secret in held(ring, integration_id, keyring).live(ring.clock.now_ms)]


def old_ids(ring: Any) -> list[str]:
    return [secret.key_id for secret in held(ring).old(ring.clock.now_ms)]


def test_an_issued_secret_counts_at_once(ring: Any) -> None:
    assert live_ids(ring) == []
    made = issue(ring, label="backend")
    (secret,) = held(ring).live(ring.clock.now_ms)
    assert (secret.key_id, base64.b64encode(secret.octets).decode()) == (made.record.key_id, made.secret_text)
    assert (len(made.secret_text), made.record.purpose, made.record.label) == (44, "identity", "backend")
    assert made.secret_text not in repr(made)


def test_keeps_a_secret_sealed_and_under_a_hash_that_only_the_server_can_compute(ring: Any) -> None:
    made = bring(ring, TEXT)
    ((secret, hash_),) = ring.rows("SELECT secret, secret_hash FROM keys")
    assert bytes(range(32)) not in secret
    assert ring.sealer.open(ring.scope, secret, row=made.key_id, column="keys.secret") == bytes(range(32))
    assert hash_ == identity_hash(ring.sealer, bytes(range(32))) == ring.sealer.server_mac("identity_secret", bytes(range(32)))


@pytest.mark.parametrize("size", [16, 17, 24, 64])
def test_takes_over_a_secret_of_16_to_64_octets(ring: Any, size: int) -> None:
    made = bring(ring, base64.b64encode(b"s" * size).decode())
    (secret,) = held(ring).live(ring.clock.now_ms)
    assert (secret.octets, secret.key_id) == (b"s" * size, made.key_id)


@pytest.mark.parametrize(
    "text",
    ["", TEXT[:-1], f" {TEXT}", f"{TEXT}\n", TEXT.replace("=", ""), TEXT[:-2] + "9=", "AAECAw==", "A" * 92, "\ud800", "é" * 44],
)
def test_refuses_what_lenient_decoders_would_take_for_another_key(ring: Any, text: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        bring(ring, text)
    assert (refusal.value.code, refusal.value.member) == ("secret_malformed", "secret")
    assert ring.rows("SELECT id FROM keys") == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"deployer_id": "nobody"}, "deployer_not_found"),
        ({"scope": Scope("acc_1", "sandbox")}, "deployer_not_found"),
        ({"integration_id": "nothing"}, "integration_not_found"),
        ({"integration_id": "acc_1_shop"}, "integration_not_found"),
        ({"integration_id": OTHER}, "integration_not_found"),
        ({"integration_id": "acc_2_shop_boot"}, "integration_not_found"),
    ],
)
def test_is_for_a_deployer_or_its_own_integration_at_the_boot_door(ring: Any, members: dict[str, Any], code: str) -> None:
    with pytest.raises(NotFoundError, match=code):
        issue(ring, **members)
    assert ring.rows("SELECT id FROM keys") == []


def test_two_live_for_a_deployer_and_two_for_each_integration(ring: Any) -> None:
    first = issue(ring)
    for integration_id in (None, INTEGRATION, INTEGRATION):
        issue(ring, integration_id)
    for integration_id in (None, INTEGRATION):
        with pytest.raises(ConflictError, match="key_limit_reached"):
            issue(ring, integration_id)
    revoke(ring, first.record)
    issue(ring)
    assert ring.rows("SELECT COUNT(*) FROM keys WHERE revoked_ms IS NULL") == [(2 * MAX_SECRETS,)]


def test_a_secret_that_retires_makes_room_when_it_has_ended(ring: Any) -> None:
    first = issue(ring)
    issue(ring)
    retire(ring, first.record, ring.clock.now_ms + 1000)
    with pytest.raises(ConflictError, match="key_limit_reached"):
        issue(ring)
    ring.clock.now_ms += 1000
    issue(ring)


def test_a_holder_has_a_secret_once(ring: Any) -> None:
    record = bring(ring, TEXT)
    with pytest.raises(ConflictError, match="key_exists"):
        bring(ring, TEXT)
    bring(ring, TEXT, INTEGRATION)
    revoke(ring, record)
    assert bring(ring, TEXT).key_id != record.key_id


def test_two_accounts_bring_the_same_secret_and_neither_learns_of_it(ring: Any) -> None:
    other = Scope("acc_2", "live")
    ours, theirs = bring(ring, TEXT), bring(ring, TEXT, scope=other)
    revoke(ring, theirs, "secret_exposed")
    assert live_ids(ring) == [ours.key_id]
    retire(ring, ours, ring.clock.now_ms)
    bring(ring, TEXT)


def test_a_secret_that_the_account_lost_is_never_taken_back(ring: Any) -> None:
    revoke(ring, bring(ring, TEXT), "secret_exposed")
    for members in ({}, {"integration_id": INTEGRATION}, {"deployer_id": "bank"}):
        with pytest.raises(MalformedError, match="key_denied"):
            bring(ring, TEXT, **members)


def test_an_integration_goes_by_its_own_secrets_and_without_one_by_its_deployers(ring: Any) -> None:
    shared = issue(ring)
    assert live_ids(ring) == [shared.record.key_id]
    own = issue(ring, INTEGRATION)
    assert live_ids(ring) == [own.record.key_id]
    assert live_ids(ring, "another") == [shared.record.key_id]
    revoke(ring, own.record)
    assert live_ids(ring) == [shared.record.key_id]


def test_both_live_secrets_count_until_one_retires(ring: Any) -> None:
    first, second, until = issue(ring), issue(ring), ring.clock.now_ms + 1000
    retire(ring, first.record, until)
    for now_ms, expected in ((until - 1, [first, second]), (until, [second])):
        ring.clock.now_ms = now_ms
        assert live_ids(ring) == [made.record.key_id for made in expected]


def test_an_own_secret_that_ends_by_the_clock_gives_way_to_the_deployers(ring: Any) -> None:
    shared, own = issue(ring), issue(ring, INTEGRATION)
    retire(ring, own.record, ring.clock.now_ms + 1000)
    assert live_ids(ring) == [own.record.key_id]
    ring.clock.now_ms += 1000
    assert live_ids(ring) == [shared.record.key_id]


def test_secrets_count_in_their_own_scope_and_deployer_only(ring: Any) -> None:
    issue(ring)
    for scope, deployer_id in ((Scope("acc_2", "live"), "shop"), (Scope("acc_1", "sandbox"), "shop"), (ring.scope, "bank")):
        found = ring.run(ring.keyring.identity_secrets(scope, deployer_id, INTEGRATION))
        assert (found.live(ring.clock.now_ms), found.old(ring.clock.now_ms)) == ((), ())


def test_a_revoked_secret_stops_on_another_node_within_a_second(ring: Any, database_url: str) -> None:
    made = issue(ring)
    _, other = ring.other_node(database_url)
    assert live_ids(ring, keyring=other) == [made.record.key_id]
    revoke(ring, made.record)
    assert live_ids(ring) == []
    assert ring.wait_until(lambda: live_ids(ring, keyring=other) == []) < 1


def test_tells_of_a_few_that_have_ended_the_newest_first(ring: Any) -> None:
    ended = []
    for number in range(6):
        ring.clock.now_ms += 1
        made = issue(ring, INTEGRATION if number % 2 else None)
        ended.append(made.record.key_id)
        if number < 5:
            revoke(ring, made.record)
    issue(ring, deployer_id="bank")
    assert old_ids(ring) == ended[4:0:-1]
    last = ring.run(ring.store.read(find_key, (ring.scope, ended[5])))
    retire(ring, last, ring.clock.now_ms + 1000)
    assert (live_ids(ring), old_ids(ring)) == ([ended[5]], ended[4:0:-1])
    ring.clock.now_ms += 1000
    assert (live_ids(ring), old_ids(ring)) == ([], ended[:1:-1])


def test_adding_one_is_told_of_without_the_secret(ring: Any) -> None:
    made = issue(ring, INTEGRATION)
    assert [json.loads(row[0]) for row in ring.events("key.created")] == [
        {"key_id": made.record.key_id, "purposes": ["identity"]}
    ]
    ((code, actor, key_id, detail),) = ring.audited("key.created")
    assert (code, actor, key_id, json.loads(detail)) == (None, "tester", made.record.key_id, {"purpose": "identity"})
