"""Sealed answers: what is sealed opens, each bit counts, no second spelling opens, and nothing but our errors comes out."""

import json
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import accredit
from accredit.encoding import JsonError, b64url_decode, b64url_encode, parse_json
from accredit.sealing import ENCRYPTION_ALGORITHMS, ENCRYPTIONS, sign_compact
from accredit.sealing.compact import open_octets, seal_octets

NOW = 1_800_000_000
SHAPES: dict[str, dict[str, Any]] = {
    "RSA-OAEP": {"alg": "RSA-OAEP"},
    "RSA-OAEP-256": {"alg": "RSA-OAEP-256"},
    "P-256": {"alg": "ECDH-ES"},
    "P-521": {"alg": "ECDH-ES", "crv": "P-521"},
    "X25519": {"alg": "ECDH-ES", "crv": "X25519"},
    "P-256 wrapped": {"alg": "ECDH-ES+A256KW"},
}
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)
ENC = st.sampled_from(ENCRYPTIONS)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), VALUES, max_size=4)


@cache
def sealing(shape: str, kid: str | None = None) -> accredit.EncryptionKey:
    return accredit.parse_encryption_key(generated(shape, kid).public_jwk)


@cache
def opening(shape: str, kid: str | None = None) -> accredit.DecryptionKey:
    return accredit.parse_decryption_key(generated(shape, kid).private_jwk)


@cache
def generated(shape: str, kid: str | None) -> accredit.GeneratedKey:
    return accredit.generate_encryption_key(**SHAPES[shape], kid=kid)


@cache
def sealed(shape: str, enc: str = "A128CBC-HS256") -> str:
    return accredit.seal_response(b'{"id":"s-1"}', sealing(shape), enc=enc).decode()


def refused(body: str | bytes, shape: str, **arguments: Any) -> bool:
    """Whether it is refused, always in the same words; any other exception fails the test."""
    try:
        accredit.open_sealed(body, [opening(shape)], **arguments)
    except accredit.SealedError as refusal:
        return str(refusal) == "sealed_invalid"
    return False


@EACH_SHAPE
@settings(max_examples=60)
@given(ENC, OBJECTS, st.sampled_from([0, 256, 512, 1024]), st.booleans())
def test_what_is_sealed_is_opened(shape: str, enc: str, answer: dict[str, Any], pad_to: int, escaped: bool) -> None:
    octets = json.dumps(answer, ensure_ascii=escaped).encode()
    body = accredit.seal_response(octets, sealing(shape), enc=enc, pad_to=pad_to)
    assert json.dumps(accredit.open_sealed(body, [opening(shape)])) == json.dumps(answer)


@EACH_SHAPE
@settings(max_examples=200)
@given(ENC, st.data())
def test_each_single_bit_counts(shape: str, enc: str, data: st.DataObject) -> None:
    octets = bytearray(sealed(shape, enc).encode())
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert refused(bytes(octets), shape)


@pytest.mark.parametrize("enc", ENCRYPTIONS)
def test_each_single_bit_counts_one_after_the_other(enc: str) -> None:
    octets = sealed("X25519", enc).encode()
    assert not refused(octets, "X25519")
    for position in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[position] ^= 1 << bit
            assert refused(bytes(flipped), "X25519"), (position, bit)


SECOND_SPELLINGS = ["", "=", "==", " ", "\n", "\r\n", "\x00", "+", "/", ".", "A", "é", "\u200b", "Ａ"]


@EACH_SHAPE
@given(st.data())
def test_no_second_spelling_is_opened(shape: str, data: st.DataObject) -> None:
    body = sealed(shape)
    ends = [position + step for position, letter in enumerate(f"{body}.") if letter == "." for step in (0, 1)]
    position = data.draw(st.sampled_from(ends) | st.integers(0, len(body)))
    spelling, removed = data.draw(st.sampled_from(SECOND_SPELLINGS)), data.draw(st.integers(0, 2))
    respelt = body[:position] + spelling + body[position + removed :]
    assert refused(respelt, shape) is (respelt != body)


@EACH_SHAPE
@given(st.text() | st.binary() | st.text(st.sampled_from("eyJAQ0_-.="), max_size=60))
def test_any_text_is_refused(shape: str, text: str | bytes) -> None:
    assert refused(text, shape)
    request = opening(shape, "request")
    with pytest.raises(accredit.EncryptedRequestError):
        accredit.open_request(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), [request])


SEGMENTS = st.binary(max_size=40) | st.sampled_from([bytes(12), bytes(16), bytes(32), bytes(40), bytes(256), b"\xff" * 256])


@EACH_SHAPE
@settings(max_examples=120)
@given(ENC, SEGMENTS, SEGMENTS, SEGMENTS, SEGMENTS)
def test_any_segments_are_refused(shape: str, enc: str, wrapped: bytes, iv: bytes, ciphertext: bytes, tag: bytes) -> None:
    """A sound header, and anything behind it: what reaches the primitives must not leave them as an error of theirs."""
    header, key, sound_iv, sound_text, sound_tag = sealed(shape, enc).split(".")
    segments = list(map(b64url_encode, (wrapped, iv, ciphertext, tag)))
    sound = [key, sound_iv, sound_text, sound_tag]
    for kept in ((), (0,), (1, 3), (0, 1, 3), (0, 1, 2)):
        mixed = [sound[index] if index in kept else segments[index] for index in range(4)]
        assert refused(".".join([header, *mixed]), shape) is (mixed != sound)


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
            "use": VALUES,
            "key_ops": VALUES,
            "kid": VALUES,
            "x5c": VALUES,
            "k": COORDINATES,
        },
    )
    | VALUES
    | st.fixed_dictionaries({"kty": st.just("EC"), "crv": st.just("P-256"), "x": COORDINATES, "y": COORDINATES})
    | st.fixed_dictionaries({"kty": st.just("OKP"), "crv": st.just("X25519"), "x": COORDINATES})
)


@settings(max_examples=400)
@given(st.sampled_from(["P-256", "P-521", "X25519", "P-256 wrapped"]), EPKS)
def test_any_ephemeral_key_is_refused(shape: str, epk: Any) -> None:
    parts = sealed(shape).split(".")
    header = json.loads(b64url_decode(parts[0])) | {"epk": epk}
    assert refused(".".join([b64url_encode(json.dumps(header).encode()), *parts[1:]]), shape)


HEADER_NAMES = st.sampled_from(
    ["alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", "iv", "tag", "zip", "crit", "p2s", "p2c", "jwk", "x5c", "b64"]
)


@EACH_SHAPE
@settings(max_examples=150)
@given(
    st.dictionaries(HEADER_NAMES, VALUES | st.sampled_from([*ENCRYPTION_ALGORITHMS, *ENCRYPTIONS, "JWT"]), max_size=3),
    st.sets(HEADER_NAMES, max_size=2),
)
def test_any_header_is_refused(shape: str, change: dict[str, Any], lost: set[str]) -> None:
    """All of it is authenticated: a header that was changed at all opens nothing."""
    parts = sealed(shape).split(".")
    header = json.loads(b64url_decode(parts[0]))
    changed = {name: value for name, value in (header | change).items() if name not in lost}
    if changed != header:
        assert refused(".".join([b64url_encode(json.dumps(changed).encode()), *parts[1:]]), shape)


@settings(max_examples=300)
@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_inside_is_an_object_or_refused(plaintext: bytes) -> None:
    """Anybody who has the public key writes anything into it."""
    body = accredit.seal_response(plaintext, sealing("X25519"))
    try:
        found = accredit.open_sealed(body, [opening("X25519")])
    except accredit.SealedError:
        try:
            assert not isinstance(parse_json(plaintext, max_depth=16), dict)
        except JsonError:
            return
        return
    assert found == json.loads(plaintext)


@cache
def server() -> accredit.GeneratedKey:
    return accredit.generate_server_key()


def signer(**changes: Any) -> accredit.Signer:
    given_: dict[str, Any] = {"issuer": "i", "audience": "a", "session_id": "s-1", "now": NOW, **changes}
    return accredit.Signer({"keys": [server().public_jwk]}, **given_)


CLAIMS = st.fixed_dictionaries(
    {
        "iss": st.just("i") | VALUES,
        "aud": st.just("a") | VALUES,
        "sid": st.just("s-1") | VALUES,
        "iat": st.integers(NOW - 400, NOW + 120) | VALUES,
        "exp": st.integers(NOW - 120, NOW + 400) | VALUES,
        "session": st.just({"id": "s-1"}) | OBJECTS | VALUES,
    },
    optional={"nonce": st.just("n") | VALUES, "jti": VALUES},
)


@settings(max_examples=400)
@given(
    st.binary(max_size=30)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | CLAIMS.map(lambda value: json.dumps(value).encode())
)
def test_whatever_is_signed_holds_for_its_reader_or_is_refused(payload: bytes) -> None:
    """The server's own key, and claims of any kind: only those that name this reader, session and time hold."""
    inner = sign_compact(payload, accredit.parse_server_key(server().private_jwk), typ="accredit-session+jwt")
    body = seal_octets(inner.encode(), sealing("X25519"), "A128GCM", cty="JWT")
    try:
        session = accredit.open_sealed(body, [opening("X25519")], signer=signer())
    except accredit.SealedError:
        return
    claims = json.loads(payload)
    assert (claims["iss"], claims["aud"], claims["sid"], claims["session"]) == ("i", "a", "s-1", session)
    assert session["id"] == "s-1"
    assert "nonce" not in claims
    assert claims["iat"] <= NOW + 60
    assert claims["exp"] + 60 > NOW


@cache
def nested() -> str:
    signature = accredit.AnswerSignature(
        accredit.parse_server_key(server().private_jwk), "i", "a", "c", "s-1", NOW, NOW + 60, "1"
    )
    body = accredit.seal_response(b'{"id":"s-1"}', sealing("X25519", "k"), signature=signature)
    assert accredit.open_sealed(body, [opening("X25519", "k")], signer=signer()) == {"id": "s-1"}
    return open_octets(body, [opening("X25519", "k")], enc=ENCRYPTIONS, max_bytes=9999).plaintext.decode()


@settings(max_examples=300)
@given(st.data())
def test_each_single_bit_of_a_nested_signature_counts(data: st.DataObject) -> None:
    """The attacker has the public key: the envelope is sound, and only the signature inside stands against a change."""
    octets = bytearray(nested().encode())
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    body = seal_octets(bytes(octets), sealing("X25519"), "A128GCM", cty="JWT")
    assert refused(body, "X25519", signer=signer())


MEMBERS = st.sampled_from(
    ["kty", "crv", "x", "y", "d", "k", "n", "e", "p", "q", "dp", "dq", "qi", "oth", "alg", "use", "key_ops", "kid", "priv"]
)


@st.composite
def jwks(draw: st.DrawFn) -> dict[str, Any]:
    """A sound key with some members swapped, lost or made up."""
    shapes = st.sampled_from(list(SHAPES))
    jwk, other = (dict(generated(draw(shapes), None).private_jwk) for _ in range(2))
    if draw(st.booleans()):
        jwk = {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
    for name in draw(st.lists(MEMBERS, max_size=3)):
        if draw(st.booleans()):
            jwk.pop(name, None)
        else:
            jwk[name] = other[name] if name in other and draw(st.booleans()) else draw(COORDINATES | VALUES)
    return jwk


@settings(max_examples=400)
@given(jwks() | VALUES)
def test_whatever_stands_in_a_jwk_it_is_a_key_or_an_error_of_the_tree(jwk: Any) -> None:
    with suppress(accredit.EncryptionKeyError):
        key = accredit.parse_encryption_key(jwk)
        assert accredit.parse_encryption_key(key.public_jwk).thumbprint == key.thumbprint
        assert accredit.seal_response(b"{}", key).count(b".") == 4
    for parse in (accredit.parse_decryption_key, accredit.parse_server_key):
        with suppress(accredit.MalformedError):
            parse(jwk)


HEADER_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["accredit=:AAAA:", "sha-256=:AAAA:", 'accredit=("@status");created=1;keyid="k"', "..", "e30..e30"]
)


@given(HEADER_TEXTS, HEADER_TEXTS, HEADER_TEXTS)
def test_any_signature_of_a_response_is_refused(digest: str, given_input: str, signature: str) -> None:
    headers = {"Content-Digest": digest, "Signature-Input": given_input, "Signature": signature}
    document = {"keys": [server().public_jwk]}
    with pytest.raises(accredit.Refused, match="response_signature_invalid"):
        accredit.verify_response(headers, b"{}", accredit.Exchange("GET", "https://a", 200, "t"), document, now=NOW)
    with pytest.raises(accredit.Refused, match="response_signature_invalid"):
        accredit.verify_response_detached(signature, b"{}", document, session_id="s-1", now=NOW)
