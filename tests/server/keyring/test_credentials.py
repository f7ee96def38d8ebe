"""API credentials: three records over each secret, how many live, what may be brought along, and how a secret ends."""

import asyncio
import json
import re
from typing import Any

import pytest

from accredit.errors import ConflictError, MalformedError, NotFoundError, Refused
from accredit.keys import secret_hash
from accredit.reference import sign_reference, verify_reference
from accredit.server.keyring.changes import Cause, Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.credentials import (
    MadeSecret,
    NewSecret,
    add_secret,
    create_credential,
    list_credentials,
)
from accredit.server.keyring.reference_keys import MAX_REFERENCE_KEYS
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.written_secrets import written_hash

SANDBOX = Scope("acc_1", "sandbox")
KEY_ID = "live_key_" + "0f" * 16
# As somebody's password manager made it: visible ASCII of no form at all.
BROUGHT = "live_secret_" + "7e57" * 16
ODD = "Correct-Horse-Battery-Staple-And-More!"


def create(ring: Any, **members: Any) -> MadeSecret:
    return ring.run(create_credential(ring.store, ring.sealer, NewSecret(**{"scope": ring.scope, **members}), ring.cause()))


def add(ring: Any, api_key_id: str, **members: Any) -> MadeSecret:
    wanted = NewSecret(**{"scope": ring.scope, "api_key_id": api_key_id, **members})
    return ring.run(add_secret(ring.store, ring.sealer, wanted, ring.cause()))


def revoke(ring: Any, made: MadeSecret, purpose: str = "api", **members: Any) -> None:
    ring.run(ring.store.write(revoke_key, Revocation(ring.scope, id_of(made, purpose), ring.cause(), **members)))


def id_of(made: MadeSecret, purpose: str) -> str:
    return next(record.key_id for record in made.records if record.purpose == purpose)


def api_texts(ring: Any, api_key_id: str, keyring: Any = None) -> list[str]:
    found = ring.run((keyring or ring.keyring).api_credential(api_key_id, ring.clock.now_ms))
    return [] if found is None else [secret.text for secret in found.secrets]


def webhook_texts(ring: Any, api_key_id: str, scope: Scope | None = None) -> list[str]:
    found = ring.run(ring.keyring.webhook_secrets(scope or ring.scope, api_key_id, ring.clock.now_ms))
    return [secret.text for secret in found]


def reference_ids(ring: Any) -> list[str]:
    return [held.record_id for held in ring.run(ring.keyring.reference_keys(ring.scope, ring.clock.now_ms))]


def test_a_secret_is_three_keys_over_one_text(ring: Any) -> None:
    made = create(ring, label="backend")
    assert re.fullmatch("live_key_[0-9a-f]{32}", made.api_key_id)
    assert re.fullmatch("live_secret_[0-9a-f]{64}", made.secret_text or "")
    assert [record.purpose for record in made.records] == ["api", "reference", "webhook"]
    assert api_texts(ring, made.api_key_id) == webhook_texts(ring, made.api_key_id) == [made.secret_text]
    (held,) = ring.run(ring.keyring.reference_keys(ring.scope, 0))
    assert (held.record_id, held.key.key_id) == (id_of(made, "reference"), made.api_key_id)
    signature = sign_reference(held.key, "user-1")
    verified = verify_reference("user-1", signature, [held.key])
    assert (verified.key_id, verified.key_index) == (made.api_key_id, 0)
    assert [json.loads(data)["purposes"] for (data,) in ring.events("key.created")] == [["api", "reference", "webhook"]]
    assert len(ring.audited("key.created")) == 3


def test_a_secret_lies_sealed_under_a_hash_that_only_the_server_can_compute(ring: Any) -> None:
    made = create(ring)
    kept = ring.rows("SELECT secret, secret_hash, label, kid FROM keys")
    assert str(made.secret_text) not in str(kept) + str(ring.rows("SELECT detail FROM audit")) + repr(made)
    digest = secret_hash(str(made.secret_text))
    assert {row[1] for row in kept} == {written_hash(ring.sealer, digest)}
    assert digest not in {row[1] for row in kept}


def test_an_api_secret_is_no_api_key(ring: Any) -> None:
    """The owner's API is not opened by what signs requests of the flow door."""
    made = create(ring)
    with pytest.raises(Refused, match="invalid_token"):
        ring.run(ring.keyring.authenticate(str(made.secret_text), ring.clock.now_ms))


def test_each_of_the_three_ends_by_itself(ring: Any) -> None:
    made = create(ring)
    revoke(ring, made, "reference")
    assert reference_ids(ring) == []
    assert api_texts(ring, made.api_key_id) == webhook_texts(ring, made.api_key_id) == [made.secret_text]
    revoke(ring, made, "api")
    assert api_texts(ring, made.api_key_id) == []
    assert webhook_texts(ring, made.api_key_id) == [made.secret_text]


def test_the_whole_secret_ends_at_once_and_the_standby_takes_over(ring: Any) -> None:
    made = create(ring)
    ring.clock.now_ms += 1
    standby = add(ring, made.api_key_id, label="standby")
    assert webhook_texts(ring, made.api_key_id) == [made.secret_text, standby.secret_text]
    revoke(ring, made, "webhook", whole_secret=True)
    assert webhook_texts(ring, made.api_key_id) == api_texts(ring, made.api_key_id) == [standby.secret_text]
    assert reference_ids(ring) == [id_of(standby, "reference")]
    (event,) = [json.loads(data) for (data,) in ring.events("key.revoked")]
    assert (event["key_id"], sorted(event["purposes"])) == (id_of(made, "webhook"), ["api", "reference", "webhook"])
    revoke(ring, made, "webhook", whole_secret=True)
    assert len(ring.events("key.revoked")) == 1


def test_the_whole_secret_retires_at_its_time(ring: Any) -> None:
    made = create(ring)
    until = ring.clock.now_ms + 1000
    retirement = Retirement(ring.scope, id_of(made, "api"), until, ring.cause(), whole_secret=True)
    ring.run(ring.store.write(retire_key, retirement))
    assert api_texts(ring, made.api_key_id) == [made.secret_text]
    ring.clock.now_ms = until
    assert (api_texts(ring, made.api_key_id), webhook_texts(ring, made.api_key_id), reference_ids(ring)) == ([], [], [])
    (event,) = [json.loads(data) for (data,) in ring.events("key.retiring")]
    assert len(event["purposes"]) == 3


def test_three_secrets_live_for_one_key_id(ring: Any) -> None:
    made = create(ring)
    for _ in range(2):
        add(ring, made.api_key_id)
    with pytest.raises(ConflictError, match="key_limit_reached"):
        add(ring, made.api_key_id)
    revoke(ring, made, whole_secret=True)
    add(ring, made.api_key_id)


def test_eight_keys_of_references_live_in_an_environment(ring: Any) -> None:
    made = [create(ring) for _ in range(MAX_REFERENCE_KEYS)]
    with pytest.raises(ConflictError, match="key_limit_reached"):
        create(ring)
    assert len(reference_ids(ring)) == MAX_REFERENCE_KEYS
    create(ring, scope=SANDBOX)
    revoke(ring, made[0], "reference")
    create(ring)


@pytest.mark.parametrize("text", [BROUGHT, ODD], ids=["of_the_form", "of_no_form"])
def test_takes_over_a_secret_with_its_key_id(ring: Any, text: str) -> None:
    made = create(ring, api_key_id=KEY_ID, brought=text)
    assert (made.api_key_id, made.secret_text) == (KEY_ID, None)
    assert api_texts(ring, KEY_ID) == webhook_texts(ring, KEY_ID) == [text]
    assert text not in repr(NewSecret(ring.scope, brought=text))
    assert webhook_texts(ring, KEY_ID, Scope("acc_2", "live")) == []


def test_two_accounts_may_bring_along_the_same_secret_and_neither_learns_of_it(ring: Any) -> None:
    other = Scope("acc_2", "live")
    create(ring, brought=BROUGHT)
    create(ring, scope=other, brought=BROUGHT)
    with pytest.raises(ConflictError, match="key_exists: secret"):
        create(ring, brought=BROUGHT)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"brought": "x" * 31}, "secret_malformed: secret"),
        ({"brought": "x" * 129}, "secret_malformed: secret"),
        ({"brought": "x" * 31 + " "}, "secret_malformed: secret"),
        ({"brought": "\u00e9" * 40}, "secret_malformed: secret"),
        ({"brought": "accredit_live_reference_" + "x" * 49}, "secret_malformed: secret"),
        ({"api_key_id": "sandbox_key_" + "0" * 32}, "field_invalid: api_key_id"),
        ({"api_key_id": "live_key_" + "0" * 31}, "field_invalid: api_key_id"),
        ({"api_key_id": "live_key_" + "A" * 32}, "field_invalid: api_key_id"),
    ],
    ids=lambda value: "members" if isinstance(value, dict) else value.split(":")[0],
)
def test_refuses_what_is_no_secret_and_no_key_id(members: dict[str, Any], code: str) -> None:
    """Before anything is read or sealed."""
    nothing: Any = None
    with pytest.raises(MalformedError, match=code):
        asyncio.run(create_credential(nothing, nothing, NewSecret(Scope("acc_1", "live"), **members), Cause(0)))


def test_a_key_id_is_of_one_account(ring: Any) -> None:
    create(ring, api_key_id=KEY_ID)
    for scope in (ring.scope, Scope("acc_2", "live")):
        with pytest.raises(ConflictError, match="key_exists: api_key_id"):
            create(ring, scope=scope, api_key_id=KEY_ID)
    with pytest.raises(NotFoundError, match="key_not_found: api_key_id"):
        add(ring, KEY_ID, scope=Scope("acc_2", "live"))
    with pytest.raises(NotFoundError, match="account_not_found"):
        create(ring, scope=Scope("acc_9", "live"))


def test_what_was_exposed_is_not_brought_back(ring: Any) -> None:
    made = create(ring, brought=BROUGHT)
    revoke(ring, made, reason="secret_exposed", whole_secret=True)
    for scope in (ring.scope, SANDBOX):
        with pytest.raises(MalformedError, match="key_denied: secret"):
            create(ring, scope=scope, brought=BROUGHT)


def test_lists_credentials_with_their_secrets_dead_ones_too(ring: Any) -> None:
    first, other = create(ring), create(ring, scope=SANDBOX)
    ring.clock.now_ms += 1
    second = add(ring, first.api_key_id)
    revoke(ring, first, whole_secret=True)
    (listed,) = ring.run(ring.store.read(list_credentials, ring.scope))
    assert listed.api_key_id == first.api_key_id != other.api_key_id
    assert [[each.key_id for each in secret] for secret in listed.secrets] == [
        [each.key_id for each in made.records] for made in (first, second)
    ]


def test_a_revoked_secret_stops_on_every_node_within_a_second(ring: Any, database_url: str) -> None:
    _, elsewhere = ring.other_node(database_url)
    made = create(ring)
    ring.wait_until(lambda: api_texts(ring, made.api_key_id, elsewhere) != [])
    revoke(ring, made, whole_secret=True)
    assert ring.wait_until(lambda: api_texts(ring, made.api_key_id, elsewhere) == []) < 1


def test_the_last_use_of_each_is_known(ring: Any) -> None:
    made = create(ring)
    ring.keyring.note_use(id_of(made, "reference"), ring.clock.now_ms)
    ring.run(ring.keyring.flush_uses())
    used = dict(ring.rows("SELECT purpose, last_used_ms FROM keys"))
    assert used == {"api": None, "reference": ring.clock.now_ms, "webhook": None}
