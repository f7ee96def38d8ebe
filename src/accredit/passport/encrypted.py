"""Encrypted passports: compact JWE, sealed by the deployer's server, opened by the owner's Accredit.

RFC 7516, RFC 7518 sections 4 and 5; protocol-embed.md section 8. The strict profile stands before the JOSE library: canonical
base64url, exact header members, the algorithms of the key record, exact lengths. Any failure to open is one and the same
(RFC 7516 section 11.5).

The envelope is ours: it binds a passport to one integration, one user and a time, so that it cannot be lent to another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from accredit.encoding import Json, JsonError, b64url_decode, compact_json, parse_json
from accredit.errors import MalformedError, Refused
from accredit.keys import read_members
from accredit.passport.keys import (
    ALGORITHMS,
    CURVE_BYTES,
    PASSPORT_ALGORITHMS,
    PASSPORT_ENCRYPTIONS,
    PassportKey,
    parse_passport_key,
)
from accredit.passport.values import Passport, check_values

_MAX_BYTES = 64 * 1024
_ENVELOPE_TYPE = "accredit-passport+json"
_ENVELOPE_MEMBERS = frozenset(("passport", "integration_id", "uid", "iat", "exp"))
_LEEWAY_S, _LIFETIME_S = 30, 300
_IV_BYTES, _TAG_BYTES = 12, 16


@dataclass(frozen=True, slots=True)
class OpenedPassport:
    """What an encrypted passport held. key_id: the key that opened it."""

    passport: Passport
    key_id: str
    warnings: tuple[str, ...] = ()


def open_passport(
    compact: str,
    keys: Sequence[PassportKey],
    *,
    integration_id: str,
    uid: str | None,
    now: int,
    envelope: Literal["off", "warn", "require"] = "off",
) -> OpenedPassport:
    """Open an `encrypted_passport` and return what it holds.

    compact: five-part JWE, at most 64 KiB of ASCII. keys: the integration's live passport keys. integration_id, uid: whom the
    passport is opened for, which its envelope must name; uid is None if the visit is anonymous. now: Unix seconds; an envelope's
    times have 30 s of leeway. envelope: `require` refuses a passport without one, `warn` tells of it; one that is there is always
    checked.

    Steps (protocol-embed.md section 8): (1) form, (2) header, (3) key of the record, (4) decryption, (5) envelope, (6) values.
    Raises Refused: `jwe_malformed`, `jwe_header_not_allowed`, `jwe_alg_not_allowed`, `jwe_key_missing`, `jwe_decrypt_failed`,
    `passport_malformed`, `passport_binding_mismatch`, `passport_expired`, `passport_envelope_missing`, and those of
    `check_values`.
    """
    header, _segments = peek_passport(compact)  # (1), (2)
    key, plaintext = _decrypt(compact, header, keys)  # (3), (4)
    try:
        parsed = parse_json(plaintext, max_depth=3)
    except JsonError as error:
        raise Refused("passport_malformed") from error
    if not isinstance(parsed, dict):
        raise Refused("passport_malformed")
    passport: object = parsed
    warnings: tuple[str, ...] = ()
    if header.get("cty") == _ENVELOPE_TYPE:  # (5)
        passport = _unwrap(parsed, integration_id, uid, now)
    elif envelope == "require":
        raise Refused("passport_envelope_missing")
    elif envelope == "warn":
        warnings = ("passport_envelope_missing",)
    return OpenedPassport(check_values(passport), key.key_id, warnings)  # (6)


def peek_passport(compact: str) -> tuple[dict[str, Json], list[bytes]]:
    """The unchecked header and the decoded segments of a compact JWE of canonical form.

    Raises Refused: `jwe_malformed`, `jwe_header_not_allowed`, `jwe_alg_not_allowed`.
    """
    parts = compact.split(".")
    if len(parts) != 5 or len(compact) > _MAX_BYTES:
        raise Refused("jwe_malformed")
    try:
        segments = [b64url_decode(part) for part in parts]
        header = parse_json(segments[0], max_depth=3)
    except ValueError as error:
        raise Refused("jwe_malformed") from error
    if not isinstance(header, dict) or len(segments[2]) != _IV_BYTES or len(segments[4]) != _TAG_BYTES:
        raise Refused("jwe_malformed")
    alg, enc = header.get("alg"), header.get("enc")
    if not isinstance(alg, str) or alg not in ALGORITHMS or enc not in PASSPORT_ENCRYPTIONS:
        raise Refused("jwe_alg_not_allowed")
    row = ALGORITHMS[alg]
    if not row.header <= header.keys() or not header.keys() - row.header <= {"alg", "enc", "kid", "cty"}:
        raise Refused("jwe_header_not_allowed")
    if bool(segments[1]) is not row.encrypted_key or not _has_fit_members(header):
        raise Refused("jwe_malformed")
    return header, segments


def _has_fit_members(header: Mapping[str, Json]) -> bool:
    """Whether the header's members have their types and lengths; those that the algorithm does not have were refused before."""
    epk = header.get("epk", {})
    try:
        # RFC 7518 sections 4.7.1.1 and 4.7.1.2.
        read_members(header, {name: size for name, size in (("iv", _IV_BYTES), ("tag", _TAG_BYTES)) if name in header})
    except MalformedError:
        return False
    return isinstance(epk, dict) and all(isinstance(header[name], str) for name in ("kid", "cty") if name in header)


def _decrypt(compact: str, header: Mapping[str, Json], keys: Sequence[PassportKey]) -> tuple[PassportKey, bytes]:
    kid = header.get("kid")
    named = [key for key in keys if kid is None or key.key_id == kid]
    if not named:
        raise Refused("jwe_key_missing")
    candidates = [key for key in named if (key.alg, key.enc) == (header["alg"], header["enc"])]
    if not candidates:
        raise Refused("jwe_alg_not_allowed")
    for key in candidates:
        if isinstance(key.key, ECKey) and not _is_public_point(header["epk"], key.key.curve_name):
            continue
        try:
            opened = jwe.decrypt_compact(compact, key.key, registry=_REGISTRIES[key.alg, key.enc])
        # The JOSE library lets errors of the primitives through: an `epk` off the curve is a ValueError.
        except (JoseError, ValueError):
            continue
        if opened.plaintext is not None:
            return key, opened.plaintext
    raise Refused("jwe_decrypt_failed")


def _is_public_point(epk: Json, curve: str) -> bool:
    """Whether an ephemeral key is what RFC 7518 section 4.6.1.1 asks for, and no more: a public key of the curve.

    The JOSE library would import a private half, files of keys, and whatever else fits its parser.
    """
    if not isinstance(epk, dict) or epk.keys() != {"kty", "crv", "x", "y"} or (epk["kty"], epk["crv"]) != ("EC", curve):
        return False
    try:
        read_members(epk, dict.fromkeys(("x", "y"), CURVE_BYTES[curve]))
    except MalformedError:
        return False
    return True


class _Registry(jwe.JWERegistry):
    # Our own bound comes first: 64 KiB for the whole of it.
    max_protected_header_length = max_encrypted_key_length = max_ciphertext_length = _MAX_BYTES


_REGISTRIES = {(alg, enc): _Registry(algorithms=[alg, enc]) for alg in PASSPORT_ALGORITHMS for enc in PASSPORT_ENCRYPTIONS}


def _unwrap(envelope: Mapping[str, object], integration_id: str, uid: str | None, now: int) -> object:
    """The passport inside an envelope that is bound to this integration, this user and this time."""
    issued, expires = envelope.get("iat"), envelope.get("exp")
    if (
        envelope.keys() != _ENVELOPE_MEMBERS
        or not isinstance(envelope["passport"], dict)
        or not isinstance(issued, int)
        or not isinstance(expires, int)
        or isinstance(issued, bool)
        or isinstance(expires, bool)
    ):
        raise Refused("passport_malformed")
    if (envelope["integration_id"], envelope["uid"]) != (integration_id, uid):
        raise Refused("passport_binding_mismatch")
    if expires <= now - _LEEWAY_S or issued > now + _LEEWAY_S:
        raise Refused("passport_expired")
    return envelope["passport"]


def seal_passport(
    passport: Mapping[str, object],
    key_jwk: Mapping[str, object],
    *,
    alg: str = "A128KW",
    enc: str = "A128GCM",
    kid: str | None = None,
    now: int | None = None,
    integration_id: str | None = None,
    uid: str | None = None,
    lifetime_s: int = _LIFETIME_S,
) -> str:
    """Encrypt a passport on the deployer's server; the page, or better the signed token, passes it as `encrypted_passport`.

    passport: at most 100 keys of 1..64 `A-Z a-z 0-9 _ . -`, values strings of at most 4096 characters, booleans and numbers.
    key_jwk: the integration's passport key: the symmetric one, or the public half. alg, enc: those of the key's record. kid: the
    record's id, needed only where two keys live and saves a try.

    With `now` (Unix seconds) the passport goes into an envelope that binds it to `integration_id`, to `uid` (None: anonymous)
    and to `lifetime_s` seconds; the user must be the one that the token names.

    Raises Refused: `passport_value_type`, `passport_key_invalid`, `passport_too_large`, and for an envelope that no server would
    take `passport_malformed`, `passport_expired`; MalformedError for a key that is none (codes of `parse_passport_key`), and
    `field_missing` for an envelope without `integration_id`.
    """
    key = parse_passport_key(dict(key_jwk), alg, enc)
    plain: dict[str, object] = dict(check_values(dict(passport)))
    header = {"alg": alg, "enc": enc} | ({} if kid is None else {"kid": kid})
    if now is not None:
        if integration_id is None:
            raise MalformedError("field_missing", "integration_id")
        header["cty"] = _ENVELOPE_TYPE
        plain = {"passport": plain, "integration_id": integration_id, "uid": uid, "iat": now, "exp": now + lifetime_s}
        _unwrap(plain, integration_id, uid, now)
    return jwe.encrypt_compact(header, compact_json(plain), key.key, registry=_REGISTRIES[alg, enc])
