"""Fixtures for sealed answers: a key of every kind, and a pen that seals under whatever header it is given."""

import json
import secrets
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_encode
from accredit.sealing.agreement import make_content_key
from accredit.sealing.algorithms import CONTENT_ENCRYPTIONS
from accredit.sealing.content import encrypt_content

SHAPES: dict[str, dict[str, Any]] = {
    "rsa": {"alg": "RSA-OAEP"},
    "rsa-256": {"alg": "RSA-OAEP-256"},
    "p256": {"alg": "ECDH-ES", "crv": "P-256"},
    "p384": {"alg": "ECDH-ES", "crv": "P-384"},
    "p521": {"alg": "ECDH-ES", "crv": "P-521"},
    "x25519": {"alg": "ECDH-ES", "crv": "X25519"},
    "p256-kw": {"alg": "ECDH-ES+A256KW", "crv": "P-256"},
    "x25519-kw": {"alg": "ECDH-ES+A256KW", "crv": "X25519"},
}
Forge = Callable[..., str]


class Pair:
    """A key pair as both sides hold it."""

    def __init__(self, made: accredit.GeneratedKey) -> None:
        self.made = made
        self.sealing = accredit.parse_encryption_key(made.public_jwk)
        self.opening = accredit.parse_decryption_key(made.private_jwk)


@cache
def pair_of(shape: str, kid: str | None = None) -> Pair:
    return Pair(accredit.generate_encryption_key(**SHAPES[shape], kid=kid))


@pytest.fixture(scope="session")
def pair() -> Callable[..., Pair]:
    """A pair of a shape, always the same one."""
    return pair_of


@pytest.fixture(params=SHAPES)
def each_pair(request: pytest.FixtureRequest) -> Pair:
    return pair_of(request.param)


@pytest.fixture(scope="session")
def forge() -> Forge:
    """A JWE that is soundly made in all but what the test asks for: header members replaced, or left out where they are None."""

    def write(
        pair: Pair, plaintext: Any = b"{}", enc: str = "A128CBC-HS256", raw_header: bytes | None = None, **changes: Any
    ) -> str:
        row, made = CONTENT_ENCRYPTIONS[enc], make_content_key(pair.sealing, enc)
        header = {"alg": pair.sealing.alg, "enc": enc, "typ": "JWT", "epk": made.epk, **changes}
        header = {name: value for name, value in header.items() if value is not None}
        octets = plaintext if isinstance(plaintext, bytes) else json.dumps(plaintext).encode()
        aad = b64url_encode(raw_header or json.dumps(header).encode())
        content = encrypt_content(row, made.cek, secrets.token_bytes(row.iv_bytes), octets, aad.encode())
        return ".".join([aad, *map(b64url_encode, (made.encrypted_key, content.iv, content.ciphertext, content.tag))])

    return write
