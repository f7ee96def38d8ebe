"""Sealed answers: ours opened by them, theirs by us; and the code that the original prints, run as it stands."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.sealing import ENCRYPTIONS

ORIGINAL = Path(__file__).with_name("python") / "original.py"
SAMPLE = json.loads((Path(__file__).parents[1] / "vectors" / "rest.json").read_text(encoding="utf-8"))["keys"]["sample"][
    "private"
]
SESSION = {"id": "s-1", "status": "SUCCESS", "subject": {"firstName": "Åse", "lastName": 'Ø"\\ 🙂'}}
ANSWER = json.dumps(SESSION, ensure_ascii=False).encode()
SHAPES: dict[str, dict[str, Any]] = {
    "RSA-OAEP 2048": {"alg": "RSA-OAEP"},
    "RSA-OAEP 3072": {"alg": "RSA-OAEP", "size": 3072},
    "RSA-OAEP-256": {"alg": "RSA-OAEP-256"},
    "ECDH-ES P-256": {"alg": "ECDH-ES"},
    "ECDH-ES P-384": {"alg": "ECDH-ES", "crv": "P-384"},
    "ECDH-ES P-521": {"alg": "ECDH-ES", "crv": "P-521"},
    "ECDH-ES X25519": {"alg": "ECDH-ES", "crv": "X25519"},
    "ECDH-ES+A256KW P-256": {"alg": "ECDH-ES+A256KW"},
    "ECDH-ES+A256KW X25519": {"alg": "ECDH-ES+A256KW", "crv": "X25519"},
}
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)
EACH_ENCRYPTION = pytest.mark.parametrize("enc", ENCRYPTIONS)


@cache
def made(shape: str, kid: str | None = None) -> accredit.GeneratedKey:
    return accredit.generate_encryption_key(**SHAPES[shape], kid=kid)


@EACH_ENCRYPTION
@EACH_SHAPE
def test_they_open_what_we_seal(peer: Any, shape: str, enc: str) -> None:
    for kid in (None, "enc-1"):
        pair = made(shape, kid)
        body = accredit.seal_response(ANSWER, accredit.parse_encryption_key(pair.public_jwk), enc=enc, pad_to=256)
        assert json.loads(peer.decrypt(body.decode(), pair.private_jwk, SHAPES[shape]["alg"], enc)) == SESSION


@EACH_ENCRYPTION
@EACH_SHAPE
def test_we_open_what_they_seal(peer: Any, shape: str, enc: str) -> None:
    pair = made(shape, "enc-1")
    key = accredit.parse_decryption_key(pair.private_jwk)
    for more in ({}, {"typ": "JWT"}, {"kid": "enc-1", "typ": "JWT"}):
        compact = peer.encrypt(ANSWER.decode(), {"alg": SHAPES[shape]["alg"], "enc": enc, **more}, pair.public_jwk)
        assert accredit.open_sealed(compact, [key]) == SESSION


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])
def test_we_take_the_keys_that_they_make(peer: Any, alg: str) -> None:
    private = peer.generate(alg, "A128GCM") | {"alg": alg, "use": "enc"}
    public = {name: value for name, value in private.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "key_ops")}
    body = accredit.seal_response(ANSWER, accredit.parse_encryption_key(public))
    assert json.loads(peer.decrypt(body.decode(), private, alg, "A128CBC-HS256")) == SESSION
    assert accredit.open_sealed(body, [accredit.parse_decryption_key(private)]) == SESSION


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_they_open_and_verify_a_nested_answer(peer: Any, alg: str) -> None:
    server, pair = accredit.generate_server_key(alg), made("ECDH-ES P-384")
    signature = accredit.AnswerSignature(
        key=accredit.parse_server_key(server.private_jwk),
        issuer="https://id.example.com/auth/open",
        audience="acc_1",
        client_id="backend",
        session_id="s-1",
        issued=1_800_000_000,
        expires=1_800_001_200,
        jti="1",
        nonce="n-1",
    )
    body = accredit.seal_response(ANSWER, accredit.parse_encryption_key(pair.public_jwk), signature=signature)
    inner = peer.decrypt(body.decode(), pair.private_jwk, "ECDH-ES", "A128CBC-HS256")
    claims = json.loads(peer.verify(inner, server.public_jwk, alg))
    assert (claims["session"], claims["nonce"], claims["aud"]) == (SESSION, "n-1", "acc_1")


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_we_verify_a_nested_answer_of_theirs(peer: Any, alg: str) -> None:
    server, pair = accredit.generate_server_key(alg), made("ECDH-ES P-256")
    claims = {"iss": "i", "aud": "a", "sid": "s-1", "iat": 1_800_000_000, "exp": 1_800_001_200, "session": SESSION}
    header = {"alg": alg, "kid": server.thumbprint, "typ": "accredit-session+jwt"}
    inner = peer.sign(json.dumps(claims), header, server.private_jwk)
    body = peer.encrypt(inner, {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "JWT", "cty": "JWT"}, pair.public_jwk)
    signer = accredit.Signer({"keys": [server.public_jwk]}, "i", "a", "s-1", now=1_800_000_000)
    assert accredit.open_sealed(body, [accredit.parse_decryption_key(pair.private_jwk)], signer=signer) == SESSION


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_jose_verifies_a_detached_signature(node: Callable[..., Any], alg: str) -> None:
    server = accredit.generate_server_key(alg)
    body = b'{"id":"s-1"}'
    detached = accredit.sign_response_detached(
        body, accredit.parse_server_key(server.private_jwk), session_id="s-1", now=1_800_000_000
    )
    header, _, signature = detached.split(".")
    attached = f"{header}.{b64url_encode(body)}.{signature}"
    assert node("verify", compact=attached, jwk=server.public_jwk, alg=alg) == body.decode()


def test_they_refuse_what_we_refuse(peer: Any) -> None:
    """A check of the peers themselves: one that opens everything would prove nothing."""
    one, other = made("ECDH-ES P-256"), accredit.generate_encryption_key("ECDH-ES")
    body = accredit.seal_response(ANSWER, accredit.parse_encryption_key(one.public_jwk)).decode()
    with pytest.raises(Exception, match=r"(?i)decrypt|tag|key|recipient"):
        peer.decrypt(body, other.private_jwk, "ECDH-ES", "A128CBC-HS256")


def as_the_original(body: bytes, private_jwk: dict[str, Any]) -> str:
    """What the original's sample prints."""
    inserted = json.dumps({"jwe_serialized": body.decode(), "jwe_private_key": private_jwk})
    done = subprocess.run(
        [sys.executable, "-X", "utf8", ORIGINAL], input=inserted, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


def sample_public() -> accredit.EncryptionKey:
    """The sample's key as its request has it."""
    return accredit.parse_encryption_key({name: SAMPLE[name] for name in ("alg", "e", "kty", "n", "use")})


def test_the_original_s_code_opens_our_answer() -> None:
    plain = '{"id":"s-1","subject":{"firstName":"Åse","lastName":"Łódź"}}'
    escaped = json.dumps(json.loads(plain), separators=(",", ":")).encode()
    assert escaped.isascii()
    body = accredit.seal_response(escaped, sample_public())
    assert b64url_decode(body.decode().split(".")[0]) == b'{"alg":"RSA-OAEP","enc":"A128CBC-HS256","typ":"JWT"}'
    assert as_the_original(body, SAMPLE) == plain


def test_the_original_s_code_misreads_letters_that_are_not_escaped() -> None:
    """Its fault, and why answers escape them by default: it reads UTF-8 as if each octet were a letter."""
    shown = as_the_original(accredit.seal_response('{"name":"Åse"}'.encode(), sample_public()), SAMPLE)
    assert shown != '{"name":"Åse"}'
    assert shown.encode("latin-1").decode() == '{"name":"Åse"}'


@pytest.mark.parametrize("shape", ["RSA-OAEP 2048", "RSA-OAEP 3072", "ECDH-ES P-256", "ECDH-ES P-384", "ECDH-ES P-521"])
@pytest.mark.parametrize("kid", [None, "enc-1"])
def test_the_original_s_code_opens_each_kind_of_key_that_it_names(shape: str, kid: str | None) -> None:
    pair = made(shape, kid)
    body = accredit.seal_response(b'{"id":"s-1"}', accredit.parse_encryption_key(pair.public_jwk))
    assert as_the_original(body, pair.private_jwk) == '{"id":"s-1"}'
