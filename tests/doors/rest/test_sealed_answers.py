"""Answers that only the caller can read, and who made them (protocol-rest.md sections 8, 9 and 15)."""

import json

import pytest

import accredit
from accredit.encoding import b64url_decode
from accredit.sealing import Exchange, verify_response, verify_response_detached

from ...rest_backend import AUTO, visit
from .test_create import faults

SHAPES = {
    "rsa": {"alg": "RSA-OAEP"},
    "rsa-256": {"alg": "RSA-OAEP-256"},
    "p256": {"alg": "ECDH-ES", "crv": "P-256"},
    "p384": {"alg": "ECDH-ES", "crv": "P-384"},
    "p521": {"alg": "ECDH-ES+A256KW", "crv": "P-521"},
    "x25519": {"alg": "ECDH-ES", "crv": "X25519"},
}


def header_of(answer):
    return json.loads(b64url_decode(answer.text.split(".")[0]))


def signer(backend, session_id, **changed):
    given = {"audience": backend.owner.owner_id, "session_id": session_id, "now": backend.server.clock.now, **changed}
    jwks = backend.server.http.get("/.well-known/jwks.json").json()
    return accredit.Signer(jwks=jwks, issuer=f"{backend.server.url}/auth/open", **given)


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_and_every_content_encryption(start_server, sqlite_url, shape, enc):
    from ...rest_backend import make_backend

    backend = make_backend(start_server(sqlite_url).owner(environment="sandbox"))
    key = backend.key(**{"kid": "ours", **SHAPES[shape]})
    protection = {} if enc == "A128CBC-HS256" else {"responseProtection": {"enc": enc}}
    answer = backend.post(backend.body(encryptionPublicKey=key, **protection))
    assert answer.headers["content-type"] == "application/jose"
    header = header_of(answer)
    assert (header["alg"], header["enc"], header["kid"], header["typ"]) == (key["alg"], enc, "ours", "JWT")
    assert set(header) == {"alg", "enc", "kid", "typ", *(["epk"] if key["kty"] != "RSA" else [])}
    assert backend.read(answer)["messageTransportProperties"] == {"messageLevelEncryption": "jwe", "requireHsmSigning": False}
    assert answer.headers["x-encryption-key-thumbprint"] == accredit.parse_encryption_key(key).thumbprint


def test_create_get_and_cancel_are_sealed_and_errors_are_not(backend):
    made = backend.create(encryptionPublicKey=backend.key(kid=None))
    read, cancelled = backend.send("GET", f"/{made['id']}"), backend.send("POST", f"/{made['id']}/cancel")
    assert {each.headers["content-type"] for each in (read, cancelled)} == {"application/jose"}
    assert "kid" not in header_of(read)
    assert backend.read(read) == made
    gone = backend.send("POST", f"/{made['id']}/redact")
    assert gone.headers["content-type"] == "application/json"
    refused = backend.send("GET", f"/{made['id']}")
    assert (refused.status_code, refused.headers["content-type"]) == (410, "application/problem+json")


def test_while_open_answers_are_sealed_anew_and_afterwards_they_are_the_same_octets(backend, clock):
    """Scenario 3, on one node."""
    made = backend.create(encryptionPublicKey=backend.key(), allowedProviders=["nbid"], **AUTO)
    before = [backend.send("GET", f"/{made['id']}").content for _ in range(2)]
    assert before[0] != before[1]
    visit(made)
    clock.advance(1)
    after = [backend.send("GET", f"/{made['id']}").content for _ in range(2)]
    assert after[0] == after[1]
    ((kept,),) = backend.server.rows("SELECT answer FROM sessions")
    assert bytes(kept) == after[0]


def test_without_a_key_the_answer_lies_under_the_data_key(backend):
    made = backend.create(allowedProviders=["nbid"], **AUTO)
    visit(made)
    read = [backend.send("GET", f"/{made['id']}").content for _ in range(2)]
    assert read[0] == read[1]
    ((kept,),) = backend.server.rows("SELECT answer FROM sessions")
    assert b"17838549969" in read[0]
    assert b"17838549969" not in bytes(kept)
    assert backend.server.rows("SELECT sealed FROM sessions") == [(None,)]


@pytest.mark.parametrize("pad_to", [256, 512, 1024])
def test_padding_hides_the_length(backend, pad_to):
    key = backend.key()
    for tag in ("a", "a" * 100):
        answer = backend.post(
            backend.body(encryptionPublicKey=key, tags=[tag], responseProtection={"padTo": pad_to, "enc": "A128GCM"})
        )
        assert len(b64url_decode(answer.text.split(".")[3])) % pad_to == 0


def test_a_nested_answer_says_who_made_it_for_whom(backend, clock):
    """Scenario 9."""
    protection = {"mode": "jws+jwe", "nonce": "n-1"}
    made = backend.post(
        backend.body(encryptionPublicKey=backend.key(), responseProtection=protection, allowedProviders=["nbid"], **AUTO)
    )
    with pytest.raises(accredit.SealedError):
        backend.read(made)
    assert header_of(made)["cty"] == "JWT"
    session_id = backend.server.rows("SELECT id FROM sessions")[0][0]
    session = accredit.open_sealed(made.text, backend.keys, signer=signer(backend, session_id, nonce="n-1"))
    assert session["messageTransportProperties"]["messageLevelEncryption"] == "jws+jwe"
    visit(session)
    clock.advance(86400 * 6)
    read = backend.send("GET", f"/{session_id}").text
    done = accredit.open_sealed(read, backend.keys, signer=signer(backend, session_id, nonce="n-1"))
    assert done["subject"]["firstName"] == "Åse Synnøve"
    for changed in (
        {"nonce": "n-2"},
        {"audience": "acc_9"},
        {"session_id": backend.create()["id"]},
        {"now": clock.now + 86400 * 2},
    ):
        with pytest.raises(accredit.SealedError):
            accredit.open_sealed(
                read, backend.keys, signer=signer(backend, **{"session_id": session_id, "nonce": "n-1", **changed})
            )
    plain = accredit.seal_response(json.dumps(done).encode(), accredit.parse_encryption_key(backend.key()))
    assert accredit.open_sealed(plain, backend.keys)["id"] == session_id
    with pytest.raises(accredit.SealedError):
        accredit.open_sealed(plain, backend.keys, signer=signer(backend, session_id, nonce="n-1"))


def test_a_policy_that_asks_for_nested_answers_gets_them(make_backend):
    backend = make_backend(protection="jws+jwe", response_enc="A256GCM", pad_to=512)
    assert faults(backend.post(backend.body()), "encryption_required") == [("encryptionPublicKey", "required")]
    for alg in ("ES256", "PS256", "RS256"):
        answer = backend.post(backend.body(encryptionPublicKey=backend.key(), responseProtection={"signingAlg": alg}))
        session_id = backend.server.rows("SELECT MAX(id) FROM sessions")[0][0]
        assert (header_of(answer)["enc"], header_of(answer)["cty"]) == ("A256GCM", "JWT")
        assert accredit.open_sealed(answer.text, backend.keys, signer=signer(backend, session_id))["id"] == session_id


def test_a_key_that_was_revoked_meanwhile_gets_nothing_of_the_person(backend):
    jwk = backend.key()
    registered = backend.owner.call("POST", "/v1/encryption_keys", 201, {"key_id": "enc-1", "public_jwk": jwk})
    named = backend.read(backend.post(backend.body(encryptionKeyId="enc-1", allowedProviders=["nbid"], **AUTO)))
    inline = backend.create(encryptionPublicKey=jwk, allowedProviders=["nbid"], **AUTO)
    backend.owner.call("POST", f"/v1/encryption_keys/{registered['key_id']}/revoke")
    for made in (named, inline):
        assert visit(made).headers["location"] == made["callbackUrls"]["error"]
        session = backend.get(made["id"])
        assert (session["status"], session["statusDetail"]) == ("ERROR", "encryption_key_revoked")
        assert not {"subject", "environment"} & session.keys()


def exchange_of(answer):
    return Exchange("GET", str(answer.request.url), 200, answer.headers["content-type"])


def test_a_signature_beside_the_body(make_backend):
    backend = make_backend(response_signature="rfc9421")
    made, now = backend.create(), backend.server.clock.now
    jwks = backend.server.http.get("/.well-known/jwks.json").json()
    for path in (f"/{made['id']}?accountId={backend.owner.owner_id}", "?limit=5"):
        answer = backend.send("GET", path)
        verify_response(answer.headers, answer.content, exchange_of(answer), jwks, now=now)
        with pytest.raises(accredit.Refused):
            verify_response(answer.headers, answer.content + b" ", exchange_of(answer), jwks, now=now)


def test_a_detached_signature_beside_the_body(make_backend):
    backend = make_backend(response_signature="jws")
    made, now = backend.create(encryptionPublicKey=backend.key()), backend.server.clock.now
    jwks = backend.server.http.get("/.well-known/jwks.json").json()
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/redact")):
        answer = backend.send(method, f"/{made['id']}{path}")
        detached = answer.headers["accredit-response-jws"]
        verify_response_detached(detached, answer.content, jwks, session_id=made["id"], now=now)
        with pytest.raises(accredit.Refused):
            verify_response_detached(detached, answer.content, jwks, session_id="other", now=now)
    assert "accredit-response-jws" not in backend.send("GET").headers


def test_nothing_is_signed_unless_the_policy_says_so(backend):
    answer = backend.send("GET", f"/{backend.create()['id']}")
    assert not {"signature", "content-digest", "accredit-response-jws"} & set(answer.headers)
