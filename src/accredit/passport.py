"""Data passports: what a deployer sends along about its user, in plain or encrypted.

protocol-embed.md section 8; RFC 7516. A passport is a flat object of strings, numbers and booleans. An encrypted one is opened
with a key whose *record* decides the algorithms; its keys are server-only: they reach a backend, never a browser.

    opened = open_passport(compact_jwe, keys, integration_id="i", uid="user-1", now=1700000000)
    opened.passport          # {"card_number": "4111..."}
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from accredit.encoding import DuplicateMemberError, Json, JsonError, b64url_decode, compact_json, parse_json
from accredit.errors import Refused

Passport = Mapping[str, str | int | float | bool]

_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLACEHOLDER = re.compile(r"\{\{[A-Z0-9_-]+\}\}")
_RESERVED_KEYS = frozenset(("__proto__", "constructor", "prototype"))
_MAX_KEYS, _MAX_BYTES, _MAX_STRING, _MAX_INTEGER = 100, 32 * 1024, 4096, 2**53 - 1


@dataclass(frozen=True, slots=True)
class PassportKeyRule:
    """One declared key of an integration's passport schema."""

    name: str
    type: Literal["any", "string", "number", "boolean"] = "any"
    required: bool = False
    encrypted_only: bool = False


@dataclass(frozen=True, slots=True)
class PassportRules:
    """How an integration reads passports. schema: None lets every key pass. strict: undeclared keys are refused."""

    schema: tuple[PassportKeyRule, ...] | None = None
    strict: bool = False
    envelope: Literal["off", "warn", "require"] = "off"


@dataclass(frozen=True, slots=True)
class PassportKey:
    """A key that opens encrypted passports; alg and enc are the record's, and a header must agree."""

    key_id: str
    alg: str
    enc: str
    key: OctKey | ECKey | RSAKey


@dataclass(frozen=True, slots=True)
class OpenedPassport:
    """What an encrypted passport held. key_id: the key that opened it."""

    passport: Passport
    key_id: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedPassport:
    """A passport that its integration's rules admit: the merged values, and which of them are for a backend only."""

    values: Passport = field(default_factory=dict)
    server_only: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_values(passport: Json) -> Passport:
    """Check form and size of one passport, whatever its schema.

    Raises Refused: `passport_value_type`, `passport_key_invalid`, `passport_too_large`.
    """
    if not isinstance(passport, dict):
        raise Refused("passport_value_type", "data_passport")
    checked: dict[str, str | int | float | bool] = {}
    for name, value in passport.items():
        if not _KEY.fullmatch(name) or name in _RESERVED_KEYS:
            raise Refused("passport_key_invalid")
        checked[name] = _check_value(name, value)
    if len(checked) > _MAX_KEYS or len(compact_json(passport)) > _MAX_BYTES:
        raise Refused("passport_too_large", "data_passport")
    return checked


def _check_value(name: str, value: Json) -> str | int | float | bool:
    if isinstance(value, str):
        if len(value) > _MAX_STRING:
            raise Refused("passport_too_large", name)
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value) and (isinstance(value, float) or abs(value) <= _MAX_INTEGER):
        return value
    raise Refused("passport_value_type", name)


def check_passport(plain: Passport, opened: Passport, rules: PassportRules) -> CheckedPassport:
    """Merge a plain and an opened encrypted passport (the encrypted value wins) and hold them against the rules.

    Raises Refused: `passport_placeholder_left`, `passport_encrypted_only`, `passport_key_undeclared`, `passport_value_type`,
    `passport_key_missing`, `passport_too_large`. Warnings are `{code}:{key}`; they hold names of keys, never values.
    """
    schema = None if rules.schema is None else {rule.name: rule for rule in rules.schema}
    warnings: list[str] = []
    values = _kept(plain, schema, rules.strict, warnings, encrypted=False)
    secret = _kept(opened, schema, rules.strict, warnings, encrypted=True)
    values.update(secret)
    if len(values) > _MAX_KEYS:
        raise Refused("passport_too_large", "data_passport")
    for rule in rules.schema or ():
        if rule.required and rule.name not in values:
            raise Refused("passport_key_missing", rule.name)
    return CheckedPassport(values, tuple(secret), tuple(warnings))


def _kept(
    passport: Passport, schema: Mapping[str, PassportKeyRule] | None, strict: bool, warnings: list[str], *, encrypted: bool
) -> dict[str, str | int | float | bool]:
    """The values that may stay; what is dropped leaves a warning."""
    kept: dict[str, str | int | float | bool] = {}
    for name, value in passport.items():
        rule = None if schema is None else schema.get(name)
        if isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
            # The snippet puts placeholders at encrypted-only keys too, where only the encrypted value counts.
            if rule is not None and rule.required and (encrypted or not rule.encrypted_only):
                raise Refused("passport_placeholder_left", name)
            warnings.append(f"passport_placeholder_left:{name}")
        elif rule is None and schema is not None:
            if strict:
                raise Refused("passport_key_undeclared", name)
            warnings.append(f"passport_key_undeclared:{name}")
        else:
            if rule is not None:
                _check_rule(rule, value, encrypted=encrypted)
            kept[name] = value
    return kept


def _check_rule(rule: PassportKeyRule, value: str | int | float | bool, *, encrypted: bool) -> None:
    if rule.encrypted_only and not encrypted:
        raise Refused("passport_encrypted_only", rule.name)
    # A boolean is an int to Python, but no number here.
    actual = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    if rule.type not in ("any", actual):
        raise Refused("passport_value_type", rule.name)


# How each key algorithm looks on the wire: header members besides alg, enc, kid, cty, and whether there is an encrypted key.
_ALGORITHMS: Mapping[str, tuple[frozenset[str], bool]] = {
    "dir": (frozenset(), False),
    "A128KW": (frozenset(), True),
    "A128GCMKW": (frozenset(("iv", "tag")), True),
    "ECDH-ES": (frozenset(("epk",)), False),
    "ECDH-ES+A128KW": (frozenset(("epk",)), True),
    "ECDH-ES+A256KW": (frozenset(("epk",)), True),
    "RSA-OAEP-256": (frozenset(), True),
}
PUBLIC_KEY_ALGORITHMS = frozenset(("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", "RSA-OAEP-256"))
PASSPORT_ALGORITHMS = tuple(_ALGORITHMS)
PASSPORT_ENCRYPTIONS = ("A128GCM", "A256GCM")
_ENVELOPE_TYPE = "accredit-passport+json"


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

    compact: five-part JWE, at most 64 KiB of ASCII. keys: the integration's live passport keys. now: Unix seconds; an
    envelope's `exp` has 30 s of leeway. uid: the user of the admission, None if anonymous.

    Steps (protocol-embed.md section 8): (1) form, (2) header, (3) key of the record, (4) decryption, (5) envelope, (6) values.
    Raises Refused: `jwe_malformed`, `jwe_header_not_allowed`, `jwe_alg_not_allowed`, `jwe_key_missing`, `jwe_decrypt_failed`,
    `passport_malformed`, `passport_binding_mismatch`, `passport_expired`, `passport_envelope_missing`, and those of
    `check_values`.
    """
    header, segments = peek_passport(compact)  # (1), (2)
    key, plaintext = _decrypt(compact, header, segments, keys)  # (3), (4)
    try:
        parsed = parse_json(plaintext, max_depth=3)
    except JsonError as error:
        raise Refused("passport_malformed") from error
    if not isinstance(parsed, dict):
        raise Refused("passport_malformed")
    warnings: tuple[str, ...] = ()
    if header.get("cty") == _ENVELOPE_TYPE:  # (5)
        parsed = _unwrap(parsed, integration_id, uid, now)
    elif envelope == "require":
        raise Refused("passport_envelope_missing")
    elif envelope == "warn":
        warnings = ("passport_envelope_missing",)
    return OpenedPassport(check_values(parsed), key.key_id, warnings)  # (6)


def peek_passport(compact: str) -> tuple[dict[str, Json], list[bytes]]:
    """The unchecked header and the decoded segments of a compact JWE of canonical form."""
    parts = compact.split(".")
    try:
        if len(parts) != 5 or len(compact) > 64 * 1024:
            raise Refused("jwe_malformed")
        segments = [b64url_decode(part) for part in parts]
        header = parse_json(segments[0], max_depth=2)
    except (DuplicateMemberError, ValueError) as error:
        raise Refused("jwe_malformed") from error
    if not isinstance(header, dict) or len(segments[2]) != 12 or len(segments[4]) != 16:
        raise Refused("jwe_malformed")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _ALGORITHMS or header.get("enc") not in PASSPORT_ENCRYPTIONS:
        raise Refused("jwe_alg_not_allowed")
    members, has_encrypted_key = _ALGORITHMS[alg]
    if not members <= header.keys() or not header.keys() - members <= {"alg", "enc", "kid", "cty"}:
        raise Refused("jwe_header_not_allowed")
    if not all(isinstance(header[name], str) for name in ("kid", "cty", "iv", "tag") if name in header):
        raise Refused("jwe_malformed")
    if bool(segments[1]) is not has_encrypted_key:
        raise Refused("jwe_malformed")
    return header, segments


def _decrypt(
    compact: str, header: dict[str, Json], segments: list[bytes], keys: Sequence[PassportKey]
) -> tuple[PassportKey, bytes]:
    kid = header.get("kid")
    candidates = [key for key in keys if kid is None or key.key_id == kid]
    if not candidates:
        raise Refused("jwe_key_missing")
    candidates = [key for key in candidates if (key.alg, key.enc) == (header["alg"], header["enc"])]
    if not candidates:
        raise Refused("jwe_alg_not_allowed")
    for key in candidates:
        try:
            opened = jwe.decrypt_compact(
                compact, key.key, algorithms=[key.alg, key.enc], registry=_REGISTRIES[key.alg, key.enc]
            )
        # The JOSE library lets errors of the primitives through (an `epk` off the curve is a ValueError); to the caller any
        # failure to open is one and the same (RFC 7516 section 11.5).
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, AssertionError):
            continue
        if opened.plaintext is not None:
            return key, opened.plaintext
    raise Refused("jwe_decrypt_failed")


class _Registry(jwe.JWERegistry):
    # Our own bound comes first: 64 KiB for the whole token; RSA-4096 has encrypted keys of 512 octets.
    max_ciphertext_length = 64 * 1024


_REGISTRIES = {(alg, enc): _Registry(algorithms=[alg, enc]) for alg in PASSPORT_ALGORITHMS for enc in PASSPORT_ENCRYPTIONS}


def _unwrap(envelope: dict[str, Json], integration_id: str, uid: str | None, now: int) -> Json:
    """The passport inside an envelope that is bound to this integration, this user and this time."""
    issued, expires = envelope.get("iat"), envelope.get("exp")
    if (
        envelope.keys() != {"passport", "integration_id", "uid", "iat", "exp"}
        or not isinstance(envelope["passport"], dict)
        or not all(isinstance(time, int) and not isinstance(time, bool) for time in (issued, expires))
    ):
        raise Refused("passport_malformed")
    if (envelope["integration_id"], envelope["uid"]) != (integration_id, uid):
        raise Refused("passport_binding_mismatch")
    assert isinstance(issued, int)
    assert isinstance(expires, int)
    if expires <= now - 30 or issued > now + 30:
        raise Refused("passport_expired")
    return envelope["passport"]
