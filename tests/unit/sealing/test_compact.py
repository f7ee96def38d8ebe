"""Reading the compact form: what is soundly encrypted is still refused where its header or its shape is not that of the profile."""

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.sealing import ENCRYPTIONS
from accredit.sealing.agreement import make_content_key
from accredit.sealing.algorithms import KEY_ALGORITHMS
from accredit.sealing.compact import UnopenedError, open_octets

SHAPES = ("rsa", "p256", "p256-kw", "x25519")
P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1


def step_of(pair: Any, body: str, **arguments: Any) -> str:
    given: dict[str, Any] = {"enc": ENCRYPTIONS, "max_bytes": 99_999, **arguments}
    with pytest.raises(UnopenedError) as error:
        open_octets(body, [pair.opening], **given)
    return error.value.step


def opened(pair: Any, body: str) -> bytes:
    return open_octets(body, [pair.opening], enc=ENCRYPTIONS, max_bytes=99_999).plaintext


@pytest.mark.parametrize("shape", SHAPES)
def test_the_forger_s_pen_writes_what_opens(pair: Callable[..., Any], forge: Any, shape: str) -> None:
    """A check of the tests below: but for what each of them changes, everything would open."""
    for enc in ENCRYPTIONS:
        assert opened(pair(shape), forge(pair(shape), b"{}", enc)) == b"{}"
    assert opened(pair(shape), forge(pair(shape), typ=None)) == b"{}"
    assert opened(pair(shape), forge(pair(shape), cty="anything")) == b"{}"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "change",
    [
        {"zip": "DEF"},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://elsewhere.example/keys"},
        {"x5u": "https://elsewhere.example/x"},
        {"x5c": ["AAAA"]},
        {"x5t": "AAAA"},
        {"p2s": "AAAA", "p2c": 1},
        {"iv": "AAAA", "tag": "AAAA"},
        {"iss": "someone"},
        {"typ": "JWE"},
        {"typ": "jwt"},
        {"typ": "at+jwt"},
        {"typ": ""},
        {"typ": 1},
        {"typ": ["JWT"]},
        {"kid": 1},
        {"kid": ["a"]},
        {"cty": 1},
        {"cty": {}},
        {"apu": 1},
        {"apv": ["AA"]},
    ],
)
def test_refuses_a_header_with_more_or_other_members(
    pair: Callable[..., Any], forge: Any, shape: str, change: dict[str, Any]
) -> None:
    assert step_of(pair(shape), forge(pair(shape), **change)) == "header"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "alg",
    [
        *("RSA1_5", "RSA-OAEP-384", "RSA-OAEP-512", "dir", "A128KW", "A256KW", "A256GCMKW", "PBES2-HS256+A128KW"),
        *("ECDH-ES+A128KW", "ECDH-ES+A192KW", "HPKE-0", "none", "", "rsa-oaep", " RSA-OAEP", None, 1, ["RSA-OAEP"], {}),
    ],
)
def test_refuses_other_algorithms_by_name(pair: Callable[..., Any], forge: Any, shape: str, alg: Any) -> None:
    assert step_of(pair(shape), forge(pair(shape), alg=alg)) == "header"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("enc", ["A192CBC-HS384", "A192GCM", "XC20P", "a128gcm", "", None, 1, ["A128GCM"]])
def test_refuses_other_encryptions_by_name(pair: Callable[..., Any], forge: Any, shape: str, enc: Any) -> None:
    body = forge(pair(shape), raw_header=json.dumps({"alg": pair(shape).sealing.alg, "enc": enc}).encode())
    assert step_of(pair(shape), body) == "header"


@pytest.mark.parametrize(
    ("shape", "alg"),
    [("rsa", "RSA-OAEP-256"), ("rsa", "ECDH-ES"), ("p256", "ECDH-ES+A256KW"), ("p256-kw", "ECDH-ES"), ("x25519", "RSA-OAEP")],
)
def test_a_key_has_one_algorithm(pair: Callable[..., Any], forge: Any, shape: str, alg: str) -> None:
    assert step_of(pair(shape), forge(pair(shape), alg=alg)) in ("key", "header")


def test_the_two_paddings_are_never_exchanged(pair: Callable[..., Any]) -> None:
    """One RSA key that is used under both names opens only what was sealed under its own."""
    jwk = pair("rsa").made.private_jwk
    as_sha256 = accredit.parse_decryption_key(jwk | {"alg": "RSA-OAEP-256"})
    body = accredit.seal_response(b"{}", pair("rsa").sealing)
    with pytest.raises(accredit.SealedError):
        accredit.open_sealed(body, [as_sha256])


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"alg":"ECDH-ES","alg":"ECDH-ES","enc":"A128GCM"}',
        b'{"alg":"ECDH-ES","enc":"A128GCM","epk":{"x":"","x":""}}',
        b'{"alg":"ECDH-ES","enc":"A128GCM","epk":{"x":{"y":1}}}',
        b'{"alg":"ECDH-ES","enc":"A128GCM","kid":"\\ud800"}',
        b'{"alg":"ECDH-ES","enc":"A128GCM","kid":"' + b"k" * 4096 + b'"}',
        b"{}",
    ],
)
def test_refuses_a_header_that_is_no_strict_object(pair: Callable[..., Any], forge: Any, header: bytes) -> None:
    _, rest = forge(pair("p256")).split(".", 1)
    assert step_of(pair("p256"), f"{b64url_encode(header)}.{rest}") == "header"


def test_a_header_has_four_kibibytes(pair: Callable[..., Any], forge: Any) -> None:
    header = {"alg": "RSA-OAEP", "enc": "A128GCM", "kid": ""}
    room = 4096 - len(json.dumps(header))
    fits, exceeds = (json.dumps(header | {"kid": "k" * count}).encode() for count in (room, room + 1))
    assert opened(pair("rsa"), forge(pair("rsa"), enc="A128GCM", raw_header=fits)) == b"{}"
    assert step_of(pair("rsa"), forge(pair("rsa"), enc="A128GCM", raw_header=exceeds)) == "header"


def spell(body: str, index: int, octets: bytes) -> str:
    parts = body.split(".")
    parts[index] = b64url_encode(octets)
    return ".".join(parts)


@pytest.mark.parametrize("enc", ENCRYPTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_iv_and_tag_have_their_length_and_no_other(pair: Callable[..., Any], forge: Any, shape: str, enc: str) -> None:
    body = forge(pair(shape), b"{}", enc)
    iv, tag = (b64url_decode(body.split(".")[index]) for index in (2, 4))
    for index, octets in ((2, iv), (4, tag)):
        for other in (b"", octets[:-1], octets[:-4], octets[:8], octets + b"\0", octets * 2):
            assert step_of(pair(shape), spell(body, index, other)) == "form"


@pytest.mark.parametrize("enc", ENCRYPTIONS)
@pytest.mark.parametrize("index", [2, 3, 4])
def test_a_changed_octet_opens_nothing(pair: Callable[..., Any], forge: Any, enc: str, index: int) -> None:
    body = forge(pair("p256"), b"{}", enc)
    octets = b64url_decode(body.split(".")[index])
    for position in (0, len(octets) - 1):
        changed = bytearray(octets)
        changed[position] ^= 1
        assert step_of(pair("p256"), spell(body, index, bytes(changed))) == "decryption"


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256CBC-HS512"])
def test_a_block_cipher_s_text_is_whole_blocks(pair: Callable[..., Any], forge: Any, enc: str) -> None:
    body = forge(pair("p256"), b"{}", enc)
    ciphertext = b64url_decode(body.split(".")[3])
    for other in (b"", ciphertext[:-1], ciphertext + b"\0"):
        assert step_of(pair("p256"), spell(body, 3, other)) == "form"
    assert step_of(pair("p256"), spell(body, 3, ciphertext * 2)) == "decryption"


def test_a_padding_that_is_none_opens_nothing(pair: Callable[..., Any]) -> None:
    """The tag holds, because its writer has the key (RFC 7518 section 5.2.2.1); what is under it is no padding."""
    for padded in (b"x" * 16, bytes(16), b"\x11" * 32, b"{}" + b"\x0e" * 14):
        made = make_content_key(pair("p256").sealing, "A128CBC-HS256")
        aad = b64url_encode(json.dumps({"alg": "ECDH-ES", "enc": "A128CBC-HS256", "epk": made.epk}).encode())
        iv = bytes(16)
        encryptor = Cipher(AES(made.cek[16:]), CBC(iv)).encryptor()
        ciphertext = encryptor.update(padded) + encryptor.finalize()
        octets = aad.encode() + iv + ciphertext + (8 * len(aad)).to_bytes(8)
        tag = hmac.digest(made.cek[:16], octets, "sha256")[:16]
        body = ".".join([aad, "", *map(b64url_encode, (iv, ciphertext, tag))])
        if padded.startswith(b"{}"):
            assert opened(pair("p256"), body) == b"{}"
        else:
            assert step_of(pair("p256"), body) == "decryption"


@pytest.mark.parametrize("shape", SHAPES)
def test_the_encrypted_key_has_its_length_and_no_other(pair: Callable[..., Any], forge: Any, shape: str) -> None:
    body = forge(pair(shape))
    octets = b64url_decode(body.split(".")[1])
    for other in (b"", octets[:-1], octets + b"\0", octets[1:], b"\0" * 40, b"\0" * 256, b"\0" * 255, b"\0" * 512):
        if len(other) != len(octets):
            assert step_of(pair(shape), spell(body, 1, other)) == "key"


@pytest.mark.parametrize("shape", ["rsa", "rsa-256", "p256-kw", "x25519-kw"])
def test_a_content_key_that_does_not_unwrap_fails_where_the_tag_would(pair: Callable[..., Any], forge: Any, shape: str) -> None:
    """RFC 7516 section 11.5: another's octets, zeros, ones beyond the modulus, and a content key of a wrong length are all one."""
    body = forge(pair(shape))
    length = len(b64url_decode(body.split(".")[1]))
    for octets in (bytes(length), b"\xff" * length, b64url_decode(forge(pair(shape)).split(".")[1])):
        assert step_of(pair(shape), spell(body, 1, octets)) == "decryption"


@pytest.mark.parametrize("shape", ["rsa", "rsa-256"])
@pytest.mark.parametrize("size", [0, 1, 16, 31, 33, 64])
def test_a_content_key_of_a_wrong_length_is_none(pair: Callable[..., Any], forge: Any, shape: str, size: int) -> None:
    padding = KEY_ALGORITHMS[pair(shape).sealing.alg].oaep
    encrypted = pair(shape).sealing.parsed.encrypt(bytes(size), padding)
    assert step_of(pair(shape), spell(forge(pair(shape)), 1, encrypted)) == "decryption"


def epk_of(body: str) -> dict[str, Any]:
    return dict(json.loads(b64url_decode(body.split(".")[0]))["epk"])


def point(x: int, y: int, size: int = 32) -> dict[str, str]:
    return {"x": b64url_encode(x.to_bytes(size)), "y": b64url_encode(y.to_bytes(size))}


def invalid_curve_point() -> dict[str, str]:
    """A point of y^2 = x^3 - 3x + b for another b than that of P-256, as an invalid-curve attack sends them."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return point(numbers.x, (numbers.y + 1) % P256)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(invalid_curve_point(), id="off the curve"),
        pytest.param(point(0, 0), id="nowhere"),
        pytest.param(point(P256, P256), id="beyond the field"),
        pytest.param({"crv": "P-384"}, id="named for another curve"),
        pytest.param({"crv": "secp256k1"}, id="of a curve that is not taken"),
        pytest.param({"crv": None}, id="of no curve"),
        pytest.param({"crv": ["P-256"]}, id="of a list of curves"),
        pytest.param({"kty": "OKP"}, id="of another type"),
        pytest.param({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, id="an RSA key"),
        pytest.param({"y": None}, id="half a point"),
        pytest.param({"d": b64url_encode(bytes(32))}, id="with a private half"),
        pytest.param({"kid": "k"}, id="with a name"),
        pytest.param({"alg": "ECDH-ES"}, id="with an algorithm"),
        pytest.param({"x5c": []}, id="with a certificate"),
        pytest.param({"x": 1}, id="a number"),
        pytest.param({"x": ""}, id="empty"),
        pytest.param({"x": b64url_encode(bytes(31))}, id="too short"),
        pytest.param({"x": b64url_encode(bytes(33))}, id="too long"),
        pytest.param({"x": "A" * 43 + "="}, id="padded"),
    ],
)
@pytest.mark.parametrize("shape", ["p256", "p256-kw"])
def test_refuses_an_ephemeral_key_that_is_no_public_point(
    pair: Callable[..., Any], forge: Any, shape: str, change: dict[str, Any]
) -> None:
    changed = {name: value for name, value in (epk_of(forge(pair(shape))) | change).items() if value is not None}
    # What is nested deeper than a key is no header at all.
    assert step_of(pair(shape), forge(pair(shape), epk=changed)) == ("header" if "[" in json.dumps(changed) else "decryption")


@pytest.mark.parametrize("epk", [[], "x", 1, True, {}, None])
@pytest.mark.parametrize("shape", ["p256", "x25519", "p256-kw"])
def test_refuses_what_is_no_ephemeral_key(pair: Callable[..., Any], forge: Any, shape: str, epk: Any) -> None:
    assert step_of(pair(shape), forge(pair(shape), epk=epk)) == "decryption"


def test_a_coordinate_of_the_twist_or_of_low_order(pair: Callable[..., Any], forge: Any) -> None:
    for u in (0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255 - 10, 2**256 - 1):
        epk = {"kty": "OKP", "crv": "X25519", "x": b64url_encode(u.to_bytes(32, "little"))}
        assert step_of(pair("x25519"), forge(pair("x25519"), epk=epk)) == "decryption"
    with_y = epk_of(forge(pair("x25519"))) | {"y": "AA"}
    assert step_of(pair("x25519"), forge(pair("x25519"), epk=with_y)) == "decryption"


@pytest.mark.parametrize("member", ["epk", "apu", "apv"])
def test_what_agreement_needs_has_no_place_beside_rsa(pair: Callable[..., Any], forge: Any, member: str) -> None:
    value = epk_of(forge(pair("p256"))) if member == "epk" else "QQ"
    assert step_of(pair("rsa"), forge(pair("rsa"), **{member: value})) == "header"


@pytest.mark.parametrize("text", ["A", "QQ=", "QR", "Q Q", "+/+/"])
def test_parties_are_canonical_base64url(pair: Callable[..., Any], forge: Any, text: str) -> None:
    for name in ("apu", "apv"):
        assert step_of(pair("p256"), forge(pair("p256"), **{name: text})) == "decryption"


@pytest.mark.parametrize("shape", SHAPES)
def test_no_second_spelling_of_a_part(pair: Callable[..., Any], forge: Any, shape: str) -> None:
    body = forge(pair(shape), enc="A128GCM")
    parts = body.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for index, part in enumerate(parts):
        spare = {2: 16, 3: 4}.get(len(part) % 4, 0)
        respelt = [f"{part}=", f"{part}==", f" {part}", f"{part}\n", part.replace("-", "+").replace("_", "/")]
        respelt += [part[:-1] + alphabet[alphabet.index(part[-1]) + bits] for bits in range(1, spare)]
        for each in respelt:
            if each != part:
                assert step_of(pair(shape), ".".join([*parts[:index], each, *parts[index + 1 :]])) == "form"


def test_only_the_compact_form_is_read(pair: Callable[..., Any], forge: Any) -> None:
    protected, key, iv, ciphertext, tag = forge(pair("rsa")).split(".")
    flattened = {"protected": protected, "encrypted_key": key, "iv": iv, "ciphertext": ciphertext, "tag": tag}
    assert step_of(pair("rsa"), json.dumps(flattened)) == "form"
    for body in (f"{protected}.{key}.{iv}.{ciphertext}", f"{protected}.{key}.{iv}.{ciphertext}.{tag}.", f"..{protected}", ""):
        assert step_of(pair("rsa"), body) == "form"


def test_a_name_may_be_required(pair: Callable[..., Any], forge: Any) -> None:
    named = pair("p256", "k1")
    assert step_of(named, forge(named), kid_required=True) == "key"
    assert step_of(pair("p256"), forge(pair("p256")), kid_required=True) == "key"
    assert step_of(pair("p256"), forge(pair("p256"), kid="k1"), kid_required=True) == "key"
    assert open_octets(forge(named, kid="k1"), [named.opening], enc=ENCRYPTIONS, max_bytes=9999, kid_required=True)


def test_a_reader_may_take_further_members_and_judge_them(pair: Callable[..., Any], forge: Any) -> None:
    body = forge(pair("p256"), iss="someone", aud=["a"])
    found = open_octets(body, [pair("p256").opening], enc=ENCRYPTIONS, max_bytes=9999, more=frozenset(("iss", "aud")))
    assert (found.header["iss"], found.header["aud"], found.plaintext) == ("someone", ["a"], b"{}")
    assert step_of(pair("p256"), body, more=frozenset(("iss",))) == "header"
    assert step_of(pair("p256"), forge(pair("p256"), iss="someone", zip="DEF"), more=frozenset(("iss",))) == "header"
