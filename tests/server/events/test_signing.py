"""What signs an attempt, and what verifies it: rotations, standbys, other accounts, other endpoints."""

import re
from dataclasses import replace

import msgspec
import pytest

import accredit
from accredit.errors import ConflictError
from accredit.server.events.records import Attempt
from accredit.server.keyring.changes import Revocation, revoke_key
from accredit.server.keyring.credentials import NewSecret, add_secret

from .conftest import DAY_MS, LIVE, OTHER

BODY = b'{"id":"evt_1","endpoint_id":"whksub_1"}'
FLOW_BODY = b'{"id":"whkevt_1"}'


def verifies(signed, now, **by):
    """Whether a receiver with these secrets or keys accepts the request."""
    try:
        accredit.verify_webhook(BODY, signed.headers, now=now, **by)
    except accredit.Refused:
        return False
    return True


def key_of(signed, endpoint, secrets, now):
    """Which of the secrets signed `Authorization`."""
    keys = {re.search('keyId="([^"]*)"', signed.headers["Authorization"])[1]: secrets}
    target = "/accredit?shop=1"
    accredit.verify_flow_webhook(FLOW_BODY, signed.headers, target=target, keys=keys, now=now)
    for name, text in enumerate(secrets):
        try:
            accredit.verify_flow_webhook(FLOW_BODY, signed.headers, target=target, keys={next(iter(keys)): [text]}, now=now)
        except accredit.Refused:
            continue
        return name
    raise AssertionError


def answered(signed, status, number=1):
    """The attempt that went out so, and came back with that status."""
    return Attempt("dlv_1", number, 0, 5, status, None, None, signed.key_ids, signed.authorization_key_id, None)


def test_secret_and_account_key_each_verify(desk):
    made = desk.create()
    signed = desk.sign(made.endpoint, BODY, number=3)
    ring = desk.run(desk.webhook_keys.ring(LIVE, desk.clock.now_ms))
    [key] = ring.published(desk.clock.now_ms)
    assert verifies(signed, desk.clock.now, secrets=[made.secret])
    assert verifies(signed, desk.clock.now, public_keys=[key.private.public_text])
    assert verifies(signed, desk.clock.now, public_keys=[key.public_jwk])
    assert [item[: item.index(",")] for item in signed.headers["webhook-signature"].split(" ")] == ["v1", "v1a"]
    named = {name: signed.headers[name] for name in ("webhook-id", "content-type", "accept", "accredit-attempt", "user-agent")}
    assert named == {
        "webhook-id": "evt_1",
        "content-type": "application/json",
        "accept": "application/json",
        "accredit-attempt": "3/10",
        "user-agent": f"Accredit-Webhooks/{accredit.__version__}",
    }


def test_nothing_verifies_at_another_endpoint_or_for_another_account(desk):
    made, second, foreign = desk.create(), desk.create(), desk.create(OTHER)
    rings = {scope: desk.run(desk.webhook_keys.ring(scope, desk.clock.now_ms)).keys for scope in (LIVE, OTHER)}
    signed = desk.sign(made.endpoint, BODY)
    for secret in (second.secret, foreign.secret):
        assert not verifies(signed, desk.clock.now, secrets=[secret])
    assert verifies(desk.sign(second.endpoint, BODY), desk.clock.now, public_keys=[rings[LIVE][0].public_jwk])
    assert not verifies(signed, desk.clock.now, public_keys=[rings[OTHER][0].public_jwk])


def test_a_later_attempt_is_signed_anew_under_the_same_id(desk):
    made = desk.create(kind="flow", signing="endpoint")
    first = desk.sign(made.endpoint, FLOW_BODY, event_id="whkevt_1")
    desk.clock.now_ms += 22 * 3_600_000
    later = desk.sign(made.endpoint, FLOW_BODY, event_id="whkevt_1")
    assert later.headers["webhook-id"] == first.headers["webhook-id"]
    for name in ("webhook-timestamp", "Date", "webhook-signature", "Authorization"):
        assert later.headers[name] != first.headers[name]
    assert later.headers["Digest"] == first.headers["Digest"]
    assert accredit.verify_webhook(FLOW_BODY, later.headers, secrets=[made.secret], now=desk.clock.now).id == "whkevt_1"
    assert key_of(later, made.endpoint, [made.secret], desk.clock.now) == 0


def test_an_api_key_signs_as_clients_of_the_original_expect(desk):
    credential = desk.credential()
    made = desk.create(kind="flow")
    signed = desk.sign(made.endpoint, FLOW_BODY, event_id="whkevt_1")
    assert signed.headers["Authorization"].startswith(
        f'Signature keyId="{credential.api_key_id}",algorithm="hmac-sha256",headers="(request-target) date digest",signature="'
    )
    assert signed.headers["Cognito-Version"] == "2020-08-14"
    assert key_of(signed, made.endpoint, [credential.secret_text], desk.clock.now) == 0
    assert signed.authorization_key_id in {record.key_id for record in credential.records}


def test_while_it_rotates_both_secrets_sign_and_then_the_new_one_alone(desk):
    made = desk.create()
    fresh = desk.rotate(made.endpoint, 3600)
    signed = desk.sign(made.endpoint, BODY)
    assert [item[:3] for item in signed.headers["webhook-signature"].split(" ")] == ["v1,", "v1,", "v1a"]
    assert all(verifies(signed, desk.clock.now, secrets=[text]) for text in (made.secret, fresh))
    newest = accredit.sign_webhook(BODY, event_id="evt_1", secrets=[fresh], now=desk.clock.now)["webhook-signature"]
    assert signed.headers["webhook-signature"].startswith(newest)
    desk.clock.now_ms += 3_600_000
    signed = desk.sign(made.endpoint, BODY)
    assert verifies(signed, desk.clock.now, secrets=[fresh])
    assert not verifies(signed, desk.clock.now, secrets=[made.secret])


def test_authorization_is_signed_by_the_secret_that_was_answered_last(desk):
    made = desk.create(kind="flow", signing="endpoint")
    both = [made.secret, desk.rotate(made.endpoint, 3600)]
    endpoint = made.endpoint
    first = desk.sign(endpoint, FLOW_BODY)
    assert key_of(first, endpoint, both, desk.clock.now) == 0
    for status, expected in ((401, 1), (400, 1), (403, 1), (500, 0), (None, 0)):
        following = desk.sign(endpoint, FLOW_BODY, last=answered(first, status))
        assert key_of(following, endpoint, both, desk.clock.now) == expected
    second = desk.sign(endpoint, FLOW_BODY, last=answered(first, 401))
    # Who refuses that too is asked with the first again; who accepts it has the new secret.
    assert key_of(desk.sign(endpoint, FLOW_BODY, last=answered(second, 401)), endpoint, both, desk.clock.now) == 0
    moved = msgspec.structs.replace(endpoint, answered_key_id=second.authorization_key_id)
    assert key_of(desk.sign(moved, FLOW_BODY), endpoint, both, desk.clock.now) == 1
    desk.clock.now_ms += 3_600_000
    stale = msgspec.structs.replace(endpoint, answered_key_id=first.authorization_key_id)
    assert key_of(desk.sign(stale, FLOW_BODY), endpoint, both, desk.clock.now) == 1


def test_a_standby_signs_when_the_first_secret_is_revoked(desk):
    credential = desk.credential()
    standby = desk.run(add_secret(desk.store, desk.sealer, NewSecret(LIVE, api_key_id=credential.api_key_id), desk.cause()))
    made = desk.create(kind="flow")
    texts = [credential.secret_text, standby.secret_text]
    assert key_of(desk.sign(made.endpoint, FLOW_BODY), made.endpoint, texts, desk.clock.now) == 0
    revocation = Revocation(LIVE, credential.records[0].key_id, desk.cause(), whole_secret=True)
    desk.run(desk.store.write(revoke_key, revocation))
    assert key_of(desk.sign(made.endpoint, FLOW_BODY), made.endpoint, texts, desk.clock.now) == 1


def test_an_endpoint_whose_secret_was_revoked_gets_another(desk):
    made = desk.create()
    [(key_id,)] = desk.rows("SELECT id FROM keys WHERE endpoint_id = ?", made.endpoint.endpoint_id)
    desk.run(desk.store.write(revoke_key, Revocation(LIVE, key_id, desk.cause())))
    signed = desk.sign(made.endpoint, BODY)
    assert not verifies(signed, desk.clock.now, secrets=[made.secret])
    assert len(signed.headers["webhook-signature"].split(" ")) == 2
    assert desk.sign(made.endpoint, BODY) == signed


def test_an_account_key_is_published_a_day_before_it_signs(desk):
    desk.create()
    began_ms = desk.clock.now_ms
    fresh = desk.run(desk.webhook_keys.rotate(LIVE, desk.cause()))
    [first] = [key.key_id for key in desk.run(desk.webhook_keys.ring(LIVE, began_ms)).keys if key.key_id != fresh]

    def ids(days):
        """Who signs and who is published so many days after the rotation began."""
        desk.clock.now_ms = began_ms + int(days * DAY_MS)
        ring = desk.run(desk.webhook_keys.ring(LIVE, desk.clock.now_ms))
        published = [jwk["kid"] for jwk in desk.run(desk.webhook_keys.published(desk.clock.now_ms))]
        assert published == [key.key_id for key in ring.published(desk.clock.now_ms)]
        return [key.key_id for key in ring.signing(desk.clock.now_ms)], published

    both = [first, fresh]
    assert ids(0) == ids(0.99) == ([first], both)
    assert ids(1) == ids(7.99) == ([fresh, first], both)
    assert ids(8) == ids(14.99) == ([fresh], both)
    assert ids(15) == ([fresh], [fresh])


def test_one_rotation_of_account_keys_at_a_time(desk):
    desk.create()
    desk.run(desk.webhook_keys.rotate(LIVE, desk.cause()))
    with pytest.raises(ConflictError, match="rotation_under_way"):
        desk.run(desk.webhook_keys.rotate(LIVE, desk.cause()))
    desk.clock.now_ms += 15 * DAY_MS
    desk.run(desk.webhook_keys.rotate(LIVE, desk.cause()))


def test_two_nodes_that_need_the_first_account_key_make_one(desk, run, second_store):
    second = replace(desk, webhook_keys=type(desk.webhook_keys)(second_store, desk.sealer, desk.clock))
    rings = [each.run(each.webhook_keys.ring(LIVE, desk.clock.now_ms)) for each in (desk, second)]
    assert rings[0].keys[0].key_id == rings[1].keys[0].key_id
    assert desk.rows("SELECT COUNT(*) FROM keys WHERE alg = 'EdDSA'")[0][0] == 1


def test_no_secret_is_stored_as_it_is(desk):
    made = desk.create()
    stored = str(desk.rows("SELECT * FROM keys")) + str(desk.rows("SELECT * FROM webhook_endpoints"))
    assert made.secret.removeprefix("whsec_") not in stored
    assert made.secret not in repr(made)
