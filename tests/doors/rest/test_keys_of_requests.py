"""The key that a request brings or names, from the outside (protocol-rest.md sections 6 and 15)."""

import json
from pathlib import Path

import pytest

import accredit

from ...rest_backend import AUTO, visit

SAMPLE = json.loads((Path(__file__).parents[2] / "vectors" / "rest.json").read_text())["keys"]["sample"]["private"]
PUBLISHED = {"use": "enc", "alg": "RSA-OAEP", "kty": "RSA", "n": SAMPLE["n"], "e": SAMPLE["e"]}


def fault_of(answer):
    """Status and code, and the first of the faults."""
    told = answer.json()
    (fault,) = told["invalidParams"]
    return answer.status_code, told["code"], fault["name"], fault["code"]


def refused(name, code):
    return (400, "invalid_request_parameter", name, code)


def post(backend, **members):
    return backend.post(backend.body(**members))


def dump(server):
    """Everything that the database holds, as one text."""
    tables = ("keys", "denied_keys", "audit", "events", "sessions", "rest_sessions", "api_clients", "integrations")
    return repr([server.rows(f"SELECT * FROM {table}") for table in tables])


@pytest.mark.parametrize("shape", [{"alg": "RSA-OAEP"}, {"alg": "ECDH-ES"}, {"alg": "ECDH-ES", "crv": "X25519"}], ids=str)
def test_a_private_key_is_refused_kept_nowhere_and_its_public_half_from_then_on(backend, make_backend, shape):
    """Acceptance 5."""
    made = accredit.generate_encryption_key(**shape)
    answer = post(backend, encryptionPublicKey=made.private_jwk)
    assert fault_of(answer) == refused("encryptionPublicKey.d", "key_private_part")
    everywhere = answer.text + dump(backend.server)
    assert [name for name in ("d", "p", "q", "dp", "dq", "qi") if made.private_jwk.get(name, "\0") in everywhere] == []
    assert fault_of(post(backend, encryptionPublicKey=made.public_jwk)) == refused("encryptionPublicKey", "key_denied")
    (entry,) = backend.owner.call("GET", "/v1/audit?kind=key.denied")["entries"]
    assert (entry["actor"], entry["detail"]["thumbprints"]) == (backend.client_id, [made.thumbprint])
    # Another account has its own list.
    assert post(make_backend(), encryptionPublicKey=made.public_jwk).status_code == 200


def test_a_private_key_is_burnt_whatever_else_is_wrong(backend):
    made = accredit.generate_encryption_key("ECDH-ES")
    assert post(backend, flow="sideways", encryptionPublicKey=made.private_jwk).json()["invalidParams"][0]["name"] == "flow"
    assert fault_of(post(backend, encryptionPublicKey=made.public_jwk)) == refused("encryptionPublicKey", "key_denied")


def test_a_symmetric_key_is_no_public_one(backend):
    answer = post(backend, encryptionPublicKey={"kty": "oct", "k": "c2VjcmV0LXNlY3JldA", "alg": "A128KW", "use": "enc"})
    assert fault_of(answer) == refused("encryptionPublicKey.k", "key_private_part")
    assert "c2VjcmV0LXNlY3JldA" not in answer.text + dump(backend.server)


def test_the_misprint_and_the_published_key(backend, make_backend):
    """Acceptance 6."""
    wrong = {**accredit.generate_encryption_key("ECDH-ES", crv="P-384").public_jwk, "crv": "P-348"}
    answer = post(backend, encryptionPublicKey=wrong)
    assert fault_of(answer) == refused("encryptionPublicKey.crv", "key_type_not_allowed")
    assert "P-384" in answer.json()["invalidParams"][0]["reason"]
    assert post(backend, encryptionPublicKey=PUBLISHED).status_code == 200
    live = make_backend(environment="live")
    assert fault_of(post(live, encryptionPublicKey=PUBLISHED)) == refused("encryptionPublicKey", "key_denied")


def test_a_key_is_named_by_its_id_or_as_the_current_one(backend, clock):
    pairs = [accredit.generate_encryption_key("ECDH-ES", kid=f"2027-0{month}") for month in (1, 2)]
    for pair, since in zip(pairs, ("2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"), strict=True):
        backend.keys.append(accredit.parse_decryption_key(pair.private_jwk))
        body = {"public_jwk": pair.public_jwk, "key_id": pair.public_jwk["kid"], "not_before": since}
        backend.owner.call("POST", "/v1/encryption_keys", 201, body)
    for name, used in (("2027-02", 1), ("current", 0)):
        answer = post(backend, encryptionKeyId=name)
        assert answer.headers["x-encryption-key-thumbprint"] == pairs[used].thumbprint
        assert backend.read(answer)["messageTransportProperties"]["messageLevelEncryption"] == "jwe"
    clock.advance(20 * 86_400)
    assert post(backend, encryptionKeyId="current").headers["x-encryption-key-thumbprint"] == pairs[1].thumbprint
    for name in ("2027-03", pairs[0].thumbprint):
        assert fault_of(post(backend, encryptionKeyId=name)) == refused("encryptionKeyId", "key_not_registered")
    both = post(backend, encryptionKeyId="current", encryptionPublicKey=pairs[0].public_jwk)
    assert both.json()["invalidParams"][0]["code"] == "conflict"


def test_a_policy_may_take_registered_keys_only(make_backend):
    backend = make_backend(inline_keys="registered_only", allowed_alg=["ECDH-ES"])
    public = backend.key()
    assert fault_of(post(backend, encryptionPublicKey=public)) == refused("encryptionPublicKey", "key_not_registered")
    backend.owner.call("POST", "/v1/encryption_keys", 201, {"public_jwk": public, "key_id": "k"})
    assert post(backend, encryptionPublicKey=public).status_code == 200
    backend.owner.call("POST", "/v1/encryption_keys/k/revoke")
    assert fault_of(post(backend, encryptionPublicKey=public)) == refused("encryptionPublicKey", "key_denied")
    rsa = accredit.generate_encryption_key("RSA-OAEP").public_jwk
    backend.owner.call("POST", "/v1/encryption_keys", 201, {"public_jwk": rsa, "key_id": "rsa"})
    assert fault_of(post(backend, encryptionKeyId="rsa")) == refused("encryptionKeyId", "key_type_not_allowed")


def test_a_key_whose_private_half_came_to_light_meanwhile_is_told_nothing(backend):
    """Sealed to it still, so that the caller learns why."""
    made = accredit.generate_encryption_key("ECDH-ES")
    backend.keys.append(accredit.parse_decryption_key(made.private_jwk))
    started = backend.create(encryptionPublicKey=made.public_jwk, allowedProviders=["nbid"], **AUTO)
    post(backend, encryptionPublicKey=made.private_jwk)
    visit(started)
    told = backend.get(started["id"])
    assert (told["status"], told["statusDetail"]) == ("ERROR", "encryption_key_revoked")
    assert "subject" not in told
    assert "environment" not in told


def test_an_account_sees_its_own_keys_only(backend, make_backend):
    stranger = make_backend()
    body = {"public_jwk": accredit.generate_encryption_key("ECDH-ES").public_jwk, "key_id": "k"}
    stranger.owner.call("POST", "/v1/encryption_keys", 201, body)
    assert fault_of(post(backend, encryptionKeyId="k")) == refused("encryptionKeyId", "key_not_registered")
