"""How a content key reaches the holder of a private key: RSA-OAEP, ECDH-ES, and ECDH-ES with A256KW.

RFC 7518 sections 4.3 and 4.6 to 4.8, RFC 8037 section 3.2. Sealing makes a fresh ephemeral key each time. Opening never tells whether
it was the content key or the content that did not fit (RFC 7516 section 11.5).
"""

import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accredit.encoding import b64url_encode
from accredit.sealing.algorithms import CONTENT_ENCRYPTIONS, CURVES, KEY_ALGORITHMS, WRAPPING_KEY_BYTES
from accredit.sealing.keys import EncryptionKey
from accredit.sealing.private_keys import DecryptionKey


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A content key, and how it travels: encrypted_key is empty and epk is there where it was agreed upon."""

    cek: bytes
    encrypted_key: bytes
    epk: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """The agreement's PartyUInfo and PartyVInfo, decoded; we never send them."""

    apu: bytes = b""
    apv: bytes = b""


def make_content_key(key: EncryptionKey, enc: str) -> ContentKey:
    """A fresh content key for the holder of this key."""
    row, size = KEY_ALGORITHMS[key.alg], CONTENT_ENCRYPTIONS[enc].cek_bytes
    public = key.parsed
    if isinstance(public, rsa.RSAPublicKey):
        assert row.oaep is not None
        cek = secrets.token_bytes(size)
        return ContentKey(cek, public.encrypt(cek, row.oaep))
    epk, shared = _agree_with(public, str(key.public_jwk["crv"]))
    if not row.wraps:
        return ContentKey(_derive(shared, enc, size, Parties()), b"", epk)
    cek = secrets.token_bytes(size)
    return ContentKey(cek, aes_key_wrap(_derive(shared, key.alg, WRAPPING_KEY_BYTES, Parties()), cek), epk)


def _agree_with(public: ec.EllipticCurvePublicKey | x25519.X25519PublicKey, crv: str) -> tuple[dict[str, str], bytes]:
    """A fresh ephemeral public key as a JWK, and the shared secret."""
    if isinstance(public, x25519.X25519PublicKey):
        once = x25519.X25519PrivateKey.generate()
        epk = {"kty": "OKP", "crv": crv, "x": b64url_encode(once.public_key().public_bytes_raw())}
        return epk, once.exchange(public)
    ephemeral = ec.generate_private_key(public.curve)
    # SEC 1 section 2.3.3: one octet, then the two coordinates in full length.
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    half = 1 + CURVES[crv].coordinate_bytes
    epk = {"kty": "EC", "crv": crv, "x": b64url_encode(point[1:half]), "y": b64url_encode(point[half:])}
    return epk, ephemeral.exchange(ec.ECDH(), public)


def recover_content_key(
    key: DecryptionKey,
    enc: str,
    encrypted_key: bytes,
    epk: ec.EllipticCurvePublicKey | x25519.X25519PublicKey | None,
    parties: Parties,
) -> bytes:
    """The content key; a random one where it cannot be had, so that opening goes on and fails in the same place.

    epk: of the key's curve, None for RSA. Raises ValueError where two points have no shared secret, which their sender knows.
    """
    row, size = KEY_ALGORITHMS[key.alg], CONTENT_ENCRYPTIONS[enc].cek_bytes
    instead, private = secrets.token_bytes(size), key.parsed
    if isinstance(private, rsa.RSAPrivateKey):
        assert row.oaep is not None
        try:
            cek = private.decrypt(encrypted_key, row.oaep)
        except ValueError:
            return instead
        return cek if len(cek) == size else instead
    shared = _exchange(private, epk)
    if not row.wraps:
        return _derive(shared, enc, size, parties)
    try:
        return aes_key_unwrap(_derive(shared, key.alg, WRAPPING_KEY_BYTES, parties), encrypted_key)
    except InvalidUnwrap:
        return instead


def _exchange(
    private: ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey,
    epk: ec.EllipticCurvePublicKey | x25519.X25519PublicKey | None,
) -> bytes:
    if isinstance(private, ec.EllipticCurvePrivateKey):
        assert isinstance(epk, ec.EllipticCurvePublicKey)
        return private.exchange(ec.ECDH(), epk)
    assert isinstance(epk, x25519.X25519PublicKey)
    return private.exchange(epk)


def _derive(shared: bytes, algorithm: str, size: int, parties: Parties) -> bytes:
    """RFC 7518 section 4.6.2. algorithm: `enc` where the derived key is the content key, else `alg`."""
    fields = (algorithm.encode("ascii"), parties.apu, parties.apv)
    info = b"".join(len(field).to_bytes(4) + field for field in fields) + (8 * size).to_bytes(4)
    return ConcatKDFHash(hashes.SHA256(), size, info).derive(shared)
