"""The values of a passport: their form, and the rules that an integration holds them against.

protocol-embed.md section 8. Warnings and errors hold names of keys, never values.

    rules = PassportRules(schema=(PassportKeyRule("first_name", "string", required=True),))
    check_passport(check_values({"first_name": "Ada"}), {}, rules).values          # {"first_name": "Ada"}
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from accredit.encoding import compact_json
from accredit.errors import Refused

Value: TypeAlias = str | int | float | bool
Passport: TypeAlias = Mapping[str, Value]

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
class CheckedPassport:
    """A passport that its integration's rules admit: the merged values, and which of them are for a backend only."""

    values: Passport = field(default_factory=dict)
    server_only: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_values(passport: object) -> Passport:
    """Check form and size of one passport, whatever its schema.

    Raises Refused: `passport_value_type`, `passport_key_invalid`, `passport_too_large`.
    """
    if not isinstance(passport, dict):
        raise Refused("passport_value_type", "data_passport")
    checked: dict[str, Value] = {}
    for name, value in passport.items():
        if not isinstance(name, str) or not _KEY.fullmatch(name) or name in _RESERVED_KEYS:
            raise Refused("passport_key_invalid", "data_passport")
        checked[name] = _check_value(name, value)
    if len(checked) > _MAX_KEYS or _is_too_large(checked):
        raise Refused("passport_too_large", "data_passport")
    return checked


def _is_too_large(values: Passport) -> bool:
    """Whether the values are over the limit as compact JSON. Raises Refused `passport_value_type` for a lone surrogate."""
    try:
        octets = sum(len(name) + (len(value.encode()) if isinstance(value, str) else 32) for name, value in values.items())
    except UnicodeEncodeError as error:
        # No JSON text that was parsed can hold one.
        raise Refused("passport_value_type", "data_passport") from error
    # JSON writes an octet as six at the most: a small passport is known to be small without being written.
    return 6 * octets + 6 * len(values) > _MAX_BYTES and len(compact_json(dict(values))) > _MAX_BYTES


def _check_value(name: str, value: object) -> Value:
    if isinstance(value, str):
        if len(value) > _MAX_STRING:
            raise Refused("passport_too_large", name)
        return value
    # A boolean is an int to Python; it passes here as what it is.
    if isinstance(value, int) and abs(value) <= _MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
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
) -> dict[str, Value]:
    """The values that may stay; what is dropped leaves a warning."""
    kept: dict[str, Value] = {}
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


def _check_rule(rule: PassportKeyRule, value: Value, *, encrypted: bool) -> None:
    if rule.encrypted_only and not encrypted:
        raise Refused("passport_encrypted_only", rule.name)
    # A boolean is an int to Python, but no number here.
    actual = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    if rule.type not in ("any", actual):
        raise Refused("passport_value_type", rule.name)
