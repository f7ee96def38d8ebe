"""Keys: whatever stands in a JWK, it is a key of its record or an error of the tree."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.keys import (
    SIGNATURE_ALGORITHMS,
    generate_secret,
    has_secret_form,
    parse_signing_key,
    public_thumbprint,
    secret_hash,
    verify_signature,
)
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@cache
def sound_keys() -> list[dict[str, Any]]:
    made = [accredit.generate_deployment_key(alg).private_jwk for alg in SIGNATURE_ALGORITHMS for _ in range(2)]
    made += [accredit.generate_passport_key(alg).private_jwk for alg in ("A128KW", "ECDH-ES", "RSA-OAEP-256")]
    return made


def octets_of(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(b64url_encode)


@st.composite
def jwks(draw: st.DrawFn) -> dict[str, Any]:
    """A sound key with some members swapped, lost or made up."""
    jwk = dict(draw(st.sampled_from(sound_keys())))
    other = draw(st.sampled_from(sound_keys()))
    names = st.sampled_from(
        ["kty", "crv", "x", "y", "d", "k", "n", "e", "p", "q", "dp", "dq", "qi", "oth", "alg", "use", "key_ops", "kid"]
    )
    for name in draw(st.lists(names, max_size=4)):
        values = (
            VALUES
            | octets_of(66)
            | octets_of(32)
            | octets_of(16)
            | octets_of(256)
            | st.sampled_from(["EC", "OKP", "P-256", "sig"])
        )
        if draw(st.booleans()):
            jwk.pop(name, None)
        elif name in other and draw(st.booleans()):
            jwk[name] = other[name]
        else:
            jwk[name] = draw(values)
    return jwk


@settings(max_examples=400)
@given(jwks() | VALUES, st.sampled_from([*SIGNATURE_ALGORITHMS, "none", ""]))
def test_any_value_is_a_deployment_key_or_malformed(jwk: Any, alg: str) -> None:
    for candidate in (jwk, without_private_half(jwk)):
        try:
            key = accredit.parse_deployment_key(candidate, alg)
        except accredit.MalformedError:
            continue
        assert key.alg == alg
        assert "d" not in candidate
        assert key.thumbprint == public_thumbprint(candidate)


def without_private_half(jwk: Any) -> Any:
    keep = {"kty", "crv", "x", "y", "alg"}
    return {name: value for name, value in jwk.items() if name in keep} if isinstance(jwk, dict) else jwk


@settings(max_examples=300)
@given(jwks() | VALUES, st.sampled_from([None, "ES512", "ES256"]))
def test_any_value_is_a_signing_key_or_malformed(jwk: Any, alg: str | None) -> None:
    try:
        found, _ = parse_signing_key(jwk, alg)
    except accredit.MalformedError:
        return
    assert alg in (None, found)
    # What signs verifies under its own public half.
    token = accredit.sign_deployment({"deployer_id": "d", "integration_id": "i", "owner_id": "o"}, jwk)
    key = accredit.parse_deployment_key({name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk}, found)
    accredit.verify_deployment(token, [key], now=0)


@settings(max_examples=300)
@given(
    jwks() | VALUES,
    st.sampled_from([*PASSPORT_ALGORITHMS, "RSA1_5"]),
    st.sampled_from([*PASSPORT_ENCRYPTIONS, "A128CBC-HS256"]),
)
def test_any_value_is_a_passport_key_or_malformed(jwk: Any, alg: str, enc: str) -> None:
    try:
        key = accredit.parse_passport_key(jwk, alg, enc)
    except accredit.MalformedError:
        return
    assert (key.alg, key.enc) == (alg, enc)
    # Whatever is accepted can be sealed with.
    accredit.seal_passport({"a": 1}, jwk, alg=alg, enc=enc)


@given(VALUES)
def test_any_object_has_a_thumbprint_or_none(value: Any) -> None:
    if isinstance(value, dict):
        public_thumbprint(value)


@given(st.sampled_from(sorted(SIGNATURE_ALGORITHMS)), st.binary(max_size=140), st.binary(max_size=20))
def test_random_octets_are_no_signature(alg: str, signature: bytes, signing_input: bytes) -> None:
    size = SIGNATURE_ALGORITHMS[alg].signature_bytes
    for octets in (signature, signature[:size].ljust(size, b"\x01")):
        with pytest.raises(accredit.Refused, match="jws_signature_invalid"):
            verify_signature(a_key(alg), signing_input, octets)


@cache
def a_key(alg: str) -> accredit.DeploymentKey:
    return accredit.parse_deployment_key(accredit.generate_deployment_key(alg).public_jwk, alg)


@given(st.binary(min_size=32, max_size=32))
def test_any_32_octets_are_a_point_of_ed25519_or_refused(octets: bytes) -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(octets)}
    try:
        key = accredit.parse_deployment_key(jwk, "EdDSA")
    except accredit.MalformedError:
        return
    assert b64url_decode(str(key.parsed.as_dict()["x"])) == octets


@given(st.binary(min_size=32, max_size=32))
def test_every_made_ed25519_key_is_a_point(seed: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    accredit.parse_deployment_key({"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(public)}, "EdDSA")


@given(st.text() | st.text(max_size=60).map(lambda text: f"accredit_live_{text}"))
def test_no_text_by_chance_has_the_form_of_a_secret(text: str) -> None:
    assert not has_secret_form(text)
    assert len(secret_hash(text)) == 32


@given(st.sampled_from(["live", "sandbox"]), st.sampled_from(["api", "reference"]), st.data())
def test_no_secret_survives_a_slip(environment: str, purpose: str, data: st.DataObject) -> None:
    secret = generate_secret(environment, purpose)
    position = data.draw(st.integers(0, len(secret) - 1))
    slip = data.draw(st.characters().filter(lambda character: character != secret[position]))
    assert has_secret_form(secret)
    assert not has_secret_form(secret[:position] + slip + secret[position + 1 :])
