"""Our keys as the client of a provider: made when they are needed, and exchanged in phases of a day."""

import pytest

from accredit.errors import NotFoundError
from accredit.sealing.compact import open_octets, seal_octets
from accredit.sealing.keys import parse_encryption_key
from accredit.server.providers import changing
from accredit.server.providers.keys import PHASE_MS, list_keys

from .conftest import LIVE

EID = {"kind": "oidc", "issuer": "https://id.example.invalid", "client_id": "accredit", "signing_alg": "ES256"}
SECRET, ASSERTION = {"client_secret": "x"}, {"client_auth": "private_key_jwt"}


def roles(desk, record):
    return [(key.role, key.phase) for key in desk.run(desk.store.read(list_keys, record.ref))]


def rotate(desk, provider_id="eid"):
    keys = desk.run(changing.rotate_provider(desk.parts, LIVE, provider_id, desk.cause()))
    return {(key.role, key.phase): key for key in keys}


def published(desk, record):
    return {jwk["kid"]: jwk["use"] for jwk in desk.run(desk.providers.keys_of(record)).published}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (SECRET, []),
        (ASSERTION, ["sig"]),
        ({**SECRET, "request_object": True}, ["sig"]),
        ({**SECRET, "id_token_encryption": "required"}, ["enc"]),
        ({**SECRET, "userinfo": "encrypted"}, ["enc"]),
        ({**ASSERTION, "id_token_encryption": "required"}, ["sig", "enc"]),
    ],
)
def test_a_provider_has_the_keys_that_it_needs(desk, members, expected):
    record = desk.create("eid", LIVE, **EID, **members)
    assert roles(desk, record) == [(role, "normal") for role in expected]
    held = desk.run(desk.providers.keys_of(record))
    assert (held.signing is not None, bool(held.opening)) == ("sig" in expected, "enc" in expected)


def test_a_key_that_a_change_needs_is_made_and_the_others_stay(desk):
    record = desk.create("eid", LIVE, **EID, **ASSERTION)
    before = published(desk, record)
    changed = desk.change("eid", LIVE, id_token_encryption="required")
    assert roles(desk, record) == [("sig", "normal"), ("enc", "normal")]
    assert before.items() < published(desk, changed).items()


def test_private_halves_are_sealed_and_told_of(desk):
    record = desk.create("eid", LIVE, **EID, **ASSERTION)
    ((secret,),) = desk.rows("SELECT secret FROM provider_keys WHERE provider_ref = ?", record.ref)
    assert b'"d"' not in secret
    assert desk.audited("key.created") == [{"provider_id": "eid", "purpose": "provider", "role": "sig"}]
    assert desk.rows("SELECT COUNT(*) FROM events WHERE type = 'key.created'")[0][0] == 1
    assert "d" not in desk.run(desk.store.read(list_keys, record.ref))[0].public_jwk


def test_an_exchange_takes_three_steps_a_day_apart(desk):
    """Whatever a provider remembers for a day, signatures verify and what it encrypts opens."""
    record = desk.create("eid", LIVE, **EID, **ASSERTION, id_token_encryption="required")
    first = published(desk, record)
    old_sig, old_enc = first
    assert first == {old_sig: "sig", old_enc: "enc"}

    keys = rotate(desk)  # A key that signs is published before it is used, one that opens is not.
    new_sig, new_enc = keys["sig", "warm_up"].kid, keys["enc", "warm_up"].kid
    assert published(desk, record) == {old_sig: "sig", new_sig: "sig", old_enc: "enc"}
    assert signing(desk, record) == old_sig
    assert opens(desk, record, old_enc, new_enc)

    desk.now_ms += PHASE_MS - 1
    assert rotate(desk).keys() == keys.keys()  # Not due yet.

    desk.now_ms += 1
    rotate(desk)
    assert published(desk, record) == {old_sig: "sig", new_sig: "sig", new_enc: "enc"}
    assert signing(desk, record) == new_sig
    assert opens(desk, record, old_enc, new_enc)

    desk.now_ms += PHASE_MS - 1
    rotate(desk)
    assert opens(desk, record, old_enc, new_enc)
    desk.now_ms += 1
    rotate(desk)
    assert published(desk, record) == {new_sig: "sig", new_enc: "enc"}
    assert roles(desk, record) == [("sig", "normal"), ("enc", "normal")]
    assert [detail["role"] for detail in desk.audited("key.retiring")] == ["sig", "enc"]
    assert [detail["role"] for detail in desk.audited("key.revoked")] == ["sig", "enc"]


def signing(desk, record):
    return desk.run(desk.providers.keys_of(record)).signing.kid


def opens(desk, record, *kids):
    """Whether what is encrypted to each of these keys opens, with either padding."""
    by_kid = {key.kid: key.public_jwk for key in desk.run(desk.store.read(list_keys, record.ref))}
    held = desk.run(desk.providers.keys_of(record)).opening
    for kid in kids:
        for alg in ("RSA-OAEP", "RSA-OAEP-256"):
            sealed = seal_octets(b"x", parse_encryption_key({**by_kid[kid], "alg": alg}), "A128GCM")
            assert open_octets(sealed, held, enc=("A128GCM",), max_bytes=4096, kid_required=True).plaintext == b"x"
    return True


def test_the_key_of_the_entity_is_not_exchanged(desk):
    with pytest.raises(NotFoundError, match="provider_not_found"):
        rotate(desk)


def test_a_provider_without_keys_has_nothing_to_exchange(desk):
    desk.create("mail", LIVE, kind="email_otp")
    assert rotate(desk, "mail") == {}
