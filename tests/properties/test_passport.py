"""Encrypted passports: what is sealed opens, nothing else does, and every failure to open is a refusal."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS

NOW = 1_700_000_000
ALGORITHMS = st.sampled_from(PASSPORT_ALGORITHMS)
ENCRYPTIONS = st.sampled_from(PASSPORT_ENCRYPTIONS)
EACH_ALGORITHM = pytest.mark.parametrize("alg", PASSPORT_ALGORITHMS)
PASSPORTS = st.dictionaries(
    st.text(st.sampled_from("aZ09_.-"), min_size=1, max_size=64).filter(lambda name: name != "__proto__"),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False),
    max_size=6,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@cache
def made(alg: str, enc: str) -> tuple[dict[str, Any], accredit.PassportKey]:
    """The JWK that seals, and the key that opens."""
    generated = accredit.generate_passport_key(alg, enc)
    return generated.public_jwk or generated.private_jwk, accredit.parse_passport_key(
        generated.private_jwk, alg, enc, key_id="k1"
    )


@cache
def sealed(alg: str, enc: str = "A128GCM") -> str:
    return accredit.seal_passport({"card": "4111"}, made(alg, enc)[0], alg=alg, enc=enc)


def open_with(compact: str, alg: str, enc: str = "A128GCM", uid: str | None = "u") -> accredit.OpenedPassport:
    return accredit.open_passport(compact, [made(alg, enc)[1]], integration_id="i", uid=uid, now=NOW)


def refused(compact: str, alg: str, enc: str = "A128GCM") -> bool:
    try:
        open_with(compact, alg, enc)
    except accredit.Refused:
        return True
    return False


@given(ALGORITHMS, ENCRYPTIONS, PASSPORTS, st.booleans())
def test_what_is_sealed_is_opened(alg: str, enc: str, passport: dict[str, Any], bound: bool) -> None:
    envelope: dict[str, Any] = {"now": NOW, "integration_id": "i", "uid": "u"} if bound else {}
    compact = accredit.seal_passport(passport, made(alg, enc)[0], alg=alg, enc=enc, **envelope)
    assert json.dumps(open_with(compact, alg, enc).passport) == json.dumps(passport)
    if bound:
        with pytest.raises(accredit.Refused, match="passport_binding_mismatch"):
            open_with(compact, alg, enc, uid="victim")


@EACH_ALGORITHM
@settings(max_examples=250)
@given(st.data())
def test_each_single_bit_counts(alg: str, data: st.DataObject) -> None:
    octets = bytearray(sealed(alg).encode())
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert refused(octets.decode("latin-1"), alg)


@pytest.mark.parametrize("alg", ["A128KW", "dir", "A128GCMKW"])
def test_each_single_bit_counts_one_after_the_other(alg: str) -> None:
    octets = sealed(alg).encode()
    assert not refused(octets.decode(), alg)
    for position in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[position] ^= 1 << bit
            assert refused(flipped.decode("latin-1"), alg), (position, bit)


SECOND_SPELLINGS = ["", "=", "==", " ", "\n", "\r\n", "\x00", "+", "/", ".", "A", "é", "\u200b", "Ａ"]


@given(ALGORITHMS, st.data())
def test_no_second_spelling_is_opened(alg: str, data: st.DataObject) -> None:
    compact = sealed(alg)
    ends = [position + step for position, letter in enumerate(f"{compact}.") if letter == "." for step in (0, 1)]
    position = data.draw(st.sampled_from(ends) | st.integers(0, len(compact)))
    spelling, removed = data.draw(st.sampled_from(SECOND_SPELLINGS)), data.draw(st.integers(0, 2))
    respelt = compact[:position] + spelling + compact[position + removed :]
    assert refused(respelt, alg) is (respelt != compact)


@given(ALGORITHMS, st.text() | st.text(st.sampled_from("eyJAQ0_-.="), max_size=60))
def test_any_text_is_refused(alg: str, text: str) -> None:
    assert refused(text, alg)


SEGMENTS = st.binary(max_size=40) | st.binary(min_size=12, max_size=12) | st.binary(min_size=16, max_size=24)


@settings(max_examples=300)
@given(ALGORITHMS, ENCRYPTIONS, SEGMENTS, SEGMENTS, SEGMENTS, SEGMENTS)
def test_any_segments_are_refused(alg: str, enc: str, wrapped: bytes, iv: bytes, ciphertext: bytes, tag: bytes) -> None:
    """A sound header, and anything behind it: what reaches the primitives must not leave them as an error of theirs."""
    header = sealed(alg, enc).split(".")[0]
    for segments in ((wrapped, iv, ciphertext, tag), (wrapped, iv[:12].ljust(12), ciphertext, tag[:16].ljust(16))):
        assert refused(".".join([header, *map(b64url_encode, segments)]), alg, enc)


COORDINATES = st.one_of(
    st.binary(min_size=32, max_size=32).map(b64url_encode),
    st.sampled_from(
        [b64url_encode(bytes(32)), b64url_encode(b"\xff" * 32), b64url_encode(bytes(66)), "", "A", "A=", "=" * 4, "é"]
    ),
    st.binary(max_size=70).map(b64url_encode),
    VALUES,
)
EPKS = (
    st.fixed_dictionaries(
        {},
        optional={
            "kty": st.sampled_from(["EC", "OKP", "RSA", "oct"]) | VALUES,
            "crv": st.sampled_from(["P-256", "P-384", "P-521", "X25519", "secp256k1", "Ed25519"]) | VALUES,
            "x": COORDINATES,
            "y": COORDINATES,
            "d": COORDINATES,
            "use": st.sampled_from(["enc", "sig"]) | VALUES,
            "key_ops": VALUES,
            "alg": VALUES,
            "kid": VALUES,
            "x5c": VALUES,
            "k": COORDINATES,
            "n": COORDINATES,
            "e": COORDINATES,
        },
    )
    | VALUES
    | st.fixed_dictionaries({"kty": st.just("EC"), "crv": st.just("P-256"), "x": COORDINATES, "y": COORDINATES})
)


@settings(max_examples=500)
@given(st.sampled_from(["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]), EPKS)
def test_any_ephemeral_key_is_refused(alg: str, epk: Any) -> None:
    parts = sealed(alg).split(".")
    header = json.loads(b64url_decode(parts[0])) | {"epk": epk}
    assert refused(".".join([b64url_encode(json.dumps(header).encode()), *parts[1:]]), alg)


HEADER_NAMES = st.sampled_from(
    ["alg", "enc", "kid", "cty", "epk", "iv", "tag", "apu", "apv", "zip", "crit", "typ", "p2s", "p2c", "jwk", "x5c", "b64"]
)


@settings(max_examples=300)
@given(
    ALGORITHMS, st.dictionaries(HEADER_NAMES, VALUES | ALGORITHMS | ENCRYPTIONS, max_size=3), st.sets(HEADER_NAMES, max_size=2)
)
def test_any_header_is_refused(alg: str, change: dict[str, Any], lost: set[str]) -> None:
    """All of it is authenticated: a header that was changed at all opens nothing."""
    parts = sealed(alg).split(".")
    header = json.loads(b64url_decode(parts[0]))
    changed = {name: value for name, value in (header | change).items() if name not in lost}
    if changed != header:
        assert refused(".".join([b64url_encode(json.dumps(changed).encode()), *parts[1:]]), alg)


ENVELOPES = st.fixed_dictionaries(
    {
        "passport": PASSPORTS | VALUES,
        "integration_id": st.just("i") | VALUES,
        "uid": st.just("u") | VALUES,
        "iat": st.integers(NOW - 400, NOW + 60) | VALUES,
        "exp": st.integers(NOW - 60, NOW + 400) | VALUES,
    }
)


@settings(max_examples=400)
@given(st.binary(max_size=30) | (PASSPORTS | VALUES | ENVELOPES).map(lambda value: json.dumps(value).encode()), st.booleans())
def test_whatever_is_inside_is_a_passport_or_refused(plaintext: bytes, bound: bool) -> None:
    """A sender with a sound key writes anything into it."""
    jwk, key = made("A128KW", "A128GCM")
    header = {"alg": "A128KW", "enc": "A128GCM"} | ({"cty": "accredit-passport+json"} if bound else {})
    compact = jwe.encrypt_compact(header, plaintext, key.key, algorithms=["A128KW", "A128GCM"])
    try:
        opened = open_with(compact, "A128KW")
    except accredit.Refused:
        return
    parsed = json.loads(plaintext)
    assert opened.passport == (parsed["passport"] if bound else parsed)
    if bound:
        assert (parsed["integration_id"], parsed["uid"]) == ("i", "u")
        assert parsed["iat"] <= NOW + 30 < parsed["exp"] + 60
    assert jwk["kty"] == "oct"
