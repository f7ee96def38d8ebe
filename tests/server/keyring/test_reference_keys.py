"""Keys for customer references alone, and publishable keys."""

import re
from typing import Any

import pytest

from accredit import sign_reference, sign_reference_v2, verify_reference, verify_reference_v2
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.keys import generate_deployment_key, has_secret_form
from accredit.reference import ReferenceSecret
from accredit.server.keyring.changes import Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.publishable_keys import MAX_PUBLISHABLE_KEYS, create_publishable_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.reference_keys import (
    MAX_REFERENCE_KEYS,
    MadeReferenceSecret,
    NewReferenceKey,
    issue_reference_secret,
    register_reference_key,
)
from accredit.server.keyring.scope import Scope

TEMPLATE = "flwtmp_11111111111111"


def issue(ring: Any, scope: Scope | None = None) -> MadeReferenceSecret:
    return ring.run(issue_reference_secret(ring.store, ring.sealer, scope or ring.scope, "pages", ring.cause()))


def register(ring: Any, jwk: Any, alg: str = "ES256") -> KeyRecord:
    return ring.run(register_reference_key(ring.store, NewReferenceKey(ring.scope, jwk, alg), ring.cause()))


def publish(ring: Any, scope: Scope | None = None) -> KeyRecord:
    return ring.run(create_publishable_key(ring.store, scope or ring.scope, "shop", ring.cause()))


def keys(ring: Any) -> list[Any]:
    return [held.key for held in ring.run(ring.keyring.reference_keys(ring.scope, ring.clock.now_ms))]


def verify_token(ring: Any, token: str) -> Any:
    return verify_reference_v2(
        token, keys(ring), environment="live", template_id=TEMPLATE, origin=None, now=ring.clock.now_ms // 1000
    )


def test_an_own_secret_signs_by_both_formulas(ring: Any) -> None:
    made = issue(ring)
    assert made.secret_text.startswith("accredit_live_reference_")
    assert has_secret_form(made.secret_text)
    assert made.secret_text not in repr(made) + str(ring.rows("SELECT secret FROM keys"))
    secret = ReferenceSecret.from_text(made.secret_text, made.record.key_id)
    assert verify_reference("user-1", sign_reference(secret, "user-1"), keys(ring)).key_id == made.record.key_id
    token = sign_reference_v2(secret, "user-1", [TEMPLATE], environment="live", now=ring.clock.now_ms // 1000)
    assert verify_token(ring, token).key_id == made.record.key_id


def test_a_public_key_verifies_tokens_that_name_its_record(ring: Any) -> None:
    now = ring.clock.now_ms // 1000
    for index, alg in enumerate(("ES256", "ES512", "EdDSA")):
        pair = generate_deployment_key(alg)
        record = register(ring, pair.public_jwk, alg)
        private = {**pair.private_jwk, "kid": record.key_id}
        token = sign_reference_v2(private, "user-1", [TEMPLATE], environment="live", now=now)
        verified = verify_token(ring, token)
        assert (verified.key_id, verified.key_index) == (record.key_id, index)


def test_a_private_half_is_refused_for_good(ring: Any) -> None:
    pair = generate_deployment_key("ES256")
    with pytest.raises(MalformedError, match="key_private_member"):
        register(ring, pair.private_jwk)
    with pytest.raises(MalformedError, match="key_denied"):
        register(ring, pair.public_jwk)


def test_a_key_counts_once_and_for_its_algorithm(ring: Any) -> None:
    pair = generate_deployment_key("ES256")
    register(ring, pair.public_jwk)
    with pytest.raises(ConflictError, match="key_exists"):
        register(ring, pair.public_jwk)
    with pytest.raises(MalformedError, match="key_alg_mismatch"):
        register(ring, pair.public_jwk, "ES512")
    with pytest.raises(MalformedError, match="field_invalid: alg"):
        register(ring, pair.public_jwk, "HS256")


def test_eight_live_at_once(ring: Any) -> None:
    made = [issue(ring) for _ in range(MAX_REFERENCE_KEYS)]
    for attempt in (lambda: issue(ring), lambda: register(ring, generate_deployment_key("EdDSA").public_jwk, "EdDSA")):
        with pytest.raises(ConflictError, match="key_limit_reached"):
            attempt()
    ring.run(ring.store.write(revoke_key, Revocation(ring.scope, made[0].record.key_id, ring.cause())))
    issue(ring)
    with pytest.raises(NotFoundError, match="account_not_found"):
        issue(ring, Scope("acc_9", "live"))


def test_a_publishable_key_names_its_account_and_environment(ring: Any) -> None:
    live, sandbox = publish(ring), publish(ring, Scope("acc_2", "sandbox"))
    assert re.fullmatch("live_publishable_key_[0-9a-f]{32}", str(live.kid))
    assert re.fullmatch("sandbox_publishable_key_[0-9a-f]{32}", str(sandbox.kid))
    for record in (live, sandbox):
        found = ring.run(ring.keyring.publishable_key(str(record.kid), ring.clock.now_ms))
        assert (found.record_id, found.scope) == (record.key_id, record.scope)


def test_no_other_text_is_a_publishable_key(ring: Any) -> None:
    for text in ("", "live_publishable_key_" + "0" * 32, "live_publishable_key_", "live_secret_" + "0" * 64):
        assert ring.run(ring.keyring.publishable_key(text, ring.clock.now_ms)) is None


def test_publishable_keys_end_as_all_keys_do(ring: Any) -> None:
    revoked, retired = publish(ring), publish(ring)
    until = ring.clock.now_ms + 1000
    ring.run(ring.store.write(revoke_key, Revocation(ring.scope, revoked.key_id, ring.cause())))
    ring.run(ring.store.write(retire_key, Retirement(ring.scope, retired.key_id, until, ring.cause())))
    find = ring.keyring.publishable_key
    assert ring.run(find(str(revoked.kid), ring.clock.now_ms)) is None
    assert ring.run(find(str(retired.kid), until - 1)) is not None
    assert ring.run(find(str(retired.kid), until)) is None


def test_ten_publishable_keys_live_at_once(ring: Any) -> None:
    for _ in range(MAX_PUBLISHABLE_KEYS):
        publish(ring)
    with pytest.raises(ConflictError, match="key_limit_reached"):
        publish(ring)
    publish(ring, Scope("acc_1", "sandbox"))
