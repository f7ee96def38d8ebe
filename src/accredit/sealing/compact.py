"""The compact form of what is sealed: five parts, one profile, written and read.

RFC 7516 sections 3.1, 5.1 and 5.2; protocol-rest.md sections 8 and 16. Reading is strict before it is cryptographic: canonical
base64url, no second spelling, no header member outside the profile, exact lengths.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from accredit.encoding import Json, b64url_decode, b64url_encode, compact_json, parse_json
from accredit.errors import MalformedError
from accredit.keys import read_members
from accredit.sealing.agreement import Parties, make_content_key, recover_content_key
from accredit.sealing.algorithms import (
    CONTENT_ENCRYPTIONS,
    CURVES,
    KEY_ALGORITHMS,
    WRAPPING_OVERHEAD_BYTES,
    ContentEncryption,
)
from accredit.sealing.content import Encrypted, decrypt_content, encrypt_content
from accredit.sealing.keys import EncryptionKey, public_point
from accredit.sealing.private_keys import DecryptionKey

Step = Literal["form", "header", "key", "decryption"]

_MAX_HEADER_BYTES, _MAX_KEYS = 4 * 1024, 5
_MEMBERS = frozenset(("alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv"))
_AGREEMENT_MEMBERS = frozenset(("epk", "apu", "apv"))
_TYPE = "JWT"


def seal_octets(plaintext: bytes, key: EncryptionKey, enc: str, *, cty: str | None = None) -> bytes:
    """A compact JWE of these octets. Raises MalformedError: `field_invalid` (no such enc)."""
    if enc not in CONTENT_ENCRYPTIONS:
        raise MalformedError("field_invalid", "enc")
    row, made = CONTENT_ENCRYPTIONS[enc], make_content_key(key, enc)
    optional = (("kid", key.kid), ("typ", _TYPE), ("cty", cty), ("epk", made.epk))
    header = {"alg": key.alg, "enc": enc} | {name: value for name, value in optional if value is not None}
    aad = b64url_encode(compact_json(header)).encode("ascii")
    content = encrypt_content(row, made.cek, secrets.token_bytes(row.iv_bytes), plaintext, aad)
    parts = (made.encrypted_key, content.iv, content.ciphertext, content.tag)
    return b".".join((aad, *(b64url_encode(part).encode("ascii") for part in parts)))


class UnopenedError(Exception):
    """What was sealed does not open. step: where, for an audit record; never for whoever sent it."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step: Step = step


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed, and under which header."""

    plaintext: bytes
    header: dict[str, Json]


@dataclass(frozen=True, slots=True)
class _Sealed:
    header: dict[str, Json]
    aad: bytes
    encrypted_key: bytes
    content: Encrypted


def open_octets(
    body: str | bytes,
    keys: Sequence[DecryptionKey],
    *,
    enc: Collection[str],
    max_bytes: int,
    kid_required: bool = False,
    more: frozenset[str] = frozenset(),
) -> Opened:
    """Open a compact JWE with one of the keys: steps 1 to 6 of protocol-rest.md section 16.

    enc: the content encryptions that are taken. max_bytes: of the body. kid_required: a header without `kid` opens nothing, and one
    with it only with a key of that name. more: further members that the header may have, for the caller to judge. Raises
    UnopenedError, and nothing else, whatever the body is.
    """
    sealed = _read_form(body, max_bytes)  # (1)
    row = _check_header(sealed, enc, more)  # (2), (3)
    for key in _find_keys(sealed, keys, kid_required):  # (4)
        try:
            epk = _read_epk(sealed.header.get("epk"), key)  # (5)
            parties = Parties(*(b64url_decode(str(sealed.header.get(name, ""))) for name in ("apu", "apv")))
            cek = recover_content_key(key, str(sealed.header["enc"]), sealed.encrypted_key, epk, parties)  # (6)
            return Opened(decrypt_content(row, cek, sealed.content, sealed.aad), sealed.header)
        except ValueError:
            continue
    raise UnopenedError("decryption")


def _read_form(body: str | bytes, max_bytes: int) -> _Sealed:
    if len(body) > max_bytes:
        raise UnopenedError("form")
    try:
        parts = (body if isinstance(body, str) else body.decode("ascii")).split(".")
        header_octets, encrypted_key, iv, ciphertext, tag = map(b64url_decode, parts)
    except ValueError as error:
        raise UnopenedError("form") from error
    if len(header_octets) > _MAX_HEADER_BYTES:
        raise UnopenedError("header")
    try:
        header = parse_json(header_octets, max_depth=2)
    except ValueError as error:
        raise UnopenedError("header") from error
    if not isinstance(header, dict):
        raise UnopenedError("header")
    return _Sealed(header, parts[0].encode("ascii"), encrypted_key, Encrypted(iv, ciphertext, tag))


def _check_header(sealed: _Sealed, allowed_enc: Collection[str], more: frozenset[str]) -> ContentEncryption:
    header = sealed.header
    alg, enc = header.get("alg"), header.get("enc")
    texts = all(isinstance(header[name], str) for name in header.keys() - {"epk"} - more)
    if not header.keys() <= _MEMBERS | more or not texts or header.get("typ", _TYPE) != _TYPE:
        raise UnopenedError("header")
    if alg not in KEY_ALGORITHMS or enc not in CONTENT_ENCRYPTIONS or enc not in allowed_enc:
        raise UnopenedError("header")
    # Stricter than RFC 7516 section 4: what another algorithm would read has no place beside this one.
    if KEY_ALGORITHMS[str(alg)].oaep is not None and not _AGREEMENT_MEMBERS.isdisjoint(header):
        raise UnopenedError("header")
    row, content = CONTENT_ENCRYPTIONS[str(enc)], sealed.content
    whole_blocks = row.mac is None or (content.ciphertext and len(content.ciphertext) % 16 == 0)
    if (len(content.iv), len(content.tag)) != (row.iv_bytes, row.tag_bytes) or not whole_blocks:
        raise UnopenedError("form")
    return row


def _find_keys(sealed: _Sealed, keys: Sequence[DecryptionKey], kid_required: bool) -> list[DecryptionKey]:
    """The keys that the header may mean and that the encrypted key's length fits."""
    alg, kid = sealed.header["alg"], sealed.header.get("kid")
    candidates = [key for key in keys if key.alg == alg]
    if kid is not None or kid_required:
        named = [key for key in candidates if kid is not None and key.kid == kid]
        # Who gave its key a name in the request alone has none in its own copy.
        candidates = named or [key for key in candidates if key.kid is None and not kid_required]
    found = [key for key in candidates[:_MAX_KEYS] if len(sealed.encrypted_key) == _encrypted_key_bytes(key, sealed)]
    if not found:
        raise UnopenedError("key")
    return found


def _encrypted_key_bytes(key: DecryptionKey, sealed: _Sealed) -> int:
    if isinstance(key.parsed, rsa.RSAPrivateKey):
        return key.parsed.key_size // 8
    cek_bytes = CONTENT_ENCRYPTIONS[str(sealed.header["enc"])].cek_bytes
    return cek_bytes + WRAPPING_OVERHEAD_BYTES if KEY_ALGORITHMS[key.alg].wraps else 0


def _read_epk(epk: Json, key: DecryptionKey) -> ec.EllipticCurvePublicKey | x25519.X25519PublicKey | None:
    """The ephemeral key: a public point of the key's curve, and no other member (RFC 7518 section 4.6.1.1). Raises ValueError."""
    if key.crv is None:
        return None
    row = CURVES[key.crv]
    if (
        not isinstance(epk, Mapping)
        or epk.keys() != {"kty", "crv", *row.coordinates}
        or (epk["kty"], epk["crv"]) != (row.kty, key.crv)
    ):
        raise ValueError("not of the curve")
    try:
        texts = read_members(epk, dict.fromkeys(row.coordinates, row.coordinate_bytes))
    except MalformedError as error:
        raise ValueError("not of the curve") from error
    return public_point(key.crv, [b64url_decode(text) for text in texts.values()])
