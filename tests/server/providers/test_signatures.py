"""Other parties' signatures: what keys are taken, and that nothing else verifies."""

import json
from typing import Any

import jwcrypto.jwk
import jwcrypto.jws
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.encoding import b64url_decode, b64url_encode
from accredit.server.providers.oidc.signatures import ALGORITHMS, AnswerError, peek_jws, read_jwks, verify_jws

CLAIMS = {"sub": "1", "iss": "https://id.example"}
MADE = {
    "RS256": {"kty": "RSA", "size": 2048},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES384": {"kty": "EC", "crv": "P-384"},
    "ES512": {"kty": "EC", "crv": "P-521"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
}
KEYS = {alg: jwcrypto.jwk.JWK.generate(**made, kid=f"k-{alg}") for alg, made in MADE.items()}
KEYS["PS256"] = KEYS["RS256"]


def sign(alg: str, header: dict[str, Any] | None = None, key: Any = None) -> str:
    key = key or KEYS[alg]
    token = jwcrypto.jws.JWS(json.dumps(CLAIMS))
    token.add_signature(key, alg, json.dumps({"alg": alg, "kid": key.get("kid"), **(header or {})}), None)
    return str(token.serialize(compact=True))


def jwks(*keys: Any, **members: Any) -> dict[str, Any]:
    return {"keys": [{**key.export_public(as_dict=True), **members} for key in keys]}


def verify(compact: str, keys: Any, **rules: Any) -> dict[str, Any]:
    return verify_jws(peek_jws(compact), read_jwks(keys), **rules)


def refusal(compact: str, keys: Any, **rules: Any) -> str:
    with pytest.raises(AnswerError) as error:
        verify(compact, keys, **rules)
    return error.value.audit


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_verifies_what_another_library_signed(alg):
    assert verify(sign(alg), jwks(KEYS[alg])) == CLAIMS
    assert verify(sign(alg), jwks(KEYS[alg], alg=alg, use="sig", key_ops=["verify"]), kid_required=True) == CLAIMS


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_changed_octet_does_not_verify(alg):
    head, payload, signature = sign(alg).split(".")
    changed = b64url_encode(b64url_decode(payload).replace(b'"1"', b'"2"'))
    assert refusal(f"{head}.{changed}.{signature}", jwks(KEYS[alg])) == "signature_invalid"
    octets = bytearray(b64url_decode(signature))
    for forged in (bytes(octets[:-1]), bytes(octets) + b"\0", bytes(len(octets)), b""):
        assert refusal(f"{head}.{payload}.{b64url_encode(forged)}", jwks(KEYS[alg])) == "signature_invalid"


def unsigned(**header: Any) -> str:
    parts = (json.dumps(header), json.dumps(CLAIMS))
    return ".".join(b64url_encode(part.encode()) for part in parts) + "."


def test_never_none_and_never_symmetric():
    public = json.dumps(KEYS["RS256"].export_public(as_dict=True))
    secret = jwcrypto.jwk.JWK(kty="oct", k=b64url_encode(public.encode()), kid="k-RS256")
    assert refusal(unsigned(alg="none"), jwks(KEYS["RS256"])) == "signature_alg_not_allowed"
    assert refusal(unsigned(alg="NONE", kid="k-RS256"), jwks(KEYS["RS256"])) == "signature_alg_not_allowed"
    assert refusal(sign("HS256", key=secret), jwks(KEYS["RS256"])) == "signature_alg_not_allowed"
    assert refusal(sign("HS256", key=secret), {"keys": [secret.export(as_dict=True)]}) == "signature_alg_not_allowed"


def test_a_key_verifies_its_own_algorithm_only():
    assert refusal(sign("PS256"), jwks(KEYS["RS256"], alg="RS256")) == "signature_key_unknown"
    assert refusal(sign("RS256"), jwks(KEYS["RS256"]), algs=("PS256", "ES256")) == "signature_alg_not_allowed"


@pytest.mark.parametrize(
    "members",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "RSA-OAEP"}, {"kid": 7}, {"d": "AAAA"}, {"n": "AQAB"}, {"e": "A="}],
)
def test_a_key_of_another_use_or_form_is_none(members):
    assert refusal(sign("RS256"), jwks(KEYS["RS256"], **members)) == "signature_key_unknown"


def test_a_short_rsa_key_is_none():
    short = jwcrypto.jwk.JWK.generate(kty="RSA", size=1024, kid="k-RS256")
    assert refusal(sign("RS256", key=short), jwks(short)) == "signature_key_unknown"


def test_which_key_a_header_means():
    other = jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256", kid="other")
    both = jwks(KEYS["ES256"], other)
    assert verify(sign("ES256"), both) == CLAIMS
    assert refusal(sign("ES256", {"kid": "unheard-of"}), both) == "signature_key_unknown"
    anonymous = sign("ES256").split(".")
    nameless = jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256")
    token = jwcrypto.jws.JWS(json.dumps(CLAIMS))
    token.add_signature(nameless, "ES256", json.dumps({"alg": "ES256"}), None)
    compact = str(token.serialize(compact=True))
    assert verify(compact, jwks(nameless)) == CLAIMS
    assert refusal(compact, jwks(nameless), kid_required=True) == "signature_key_unknown"
    assert refusal(compact, jwks(nameless, other)) == "signature_key_unknown"
    assert refusal(".".join(anonymous), jwks(KEYS["ES256"], KEYS["ES256"])) == "signature_key_unknown"


@pytest.mark.parametrize("member", ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"])
def test_a_header_brings_no_key_along(member):
    header = {"alg": "ES256", "kid": "k-ES256", member: ["exp"] if member == "crit" else "x"}
    parts = [b64url_encode(json.dumps(part).encode()) for part in (header, CLAIMS)]
    assert refusal(".".join((*parts, "AAAA")), jwks(KEYS["ES256"])) == "jws_header_not_allowed"


def test_a_header_may_name_a_certificate_which_means_nothing():
    assert verify(sign("ES256", {"x5t": "abc", "typ": "JWT"}), jwks(KEYS["ES256"])) == CLAIMS


@pytest.mark.parametrize("body", [None, [], {}, {"keys": {}}, {"keys": None}, "x"])
def test_what_is_no_key_set(body):
    with pytest.raises(ValueError, match="not a key set"):
        read_jwks(body)


def test_reads_what_it_can_of_a_key_set():
    (good,) = jwks(KEYS["ES256"])["keys"]
    odd = [
        None,
        7,
        {},
        {"kty": "RSA"},
        {"kty": "oct", "k": "AAAA"},
        {**good, "y": good["x"]},
        {**good, "crv": "P-384"},
        {**good, "x": 1},
    ]
    assert [key.kid for key in read_jwks({"keys": [*odd, good]})] == ["k-ES256"]


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}", fullmatch=True))
def test_whatever_is_sent_ends_in_an_answer_error(text):
    with pytest.raises(AnswerError):
        verify(text, jwks(KEYS["ES256"]))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_stands_in_a_payload_is_an_object_or_refused(value):
    key = KEYS["EdDSA"]
    token = jwcrypto.jws.JWS(json.dumps(value))
    token.add_signature(key, "EdDSA", json.dumps({"alg": "EdDSA", "kid": "k-EdDSA"}), None)
    compact = str(token.serialize(compact=True))
    if isinstance(value, dict):
        assert verify(compact, jwks(key)) == value
    else:
        assert refusal(compact, jwks(key)) == "token_malformed"
