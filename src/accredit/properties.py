"""The properties of an embedding: what was signed, what came beside it, and which of the two counts.

protocol-embed.md sections 1, 4 and 5. A signed value wins over a direct one; a direct value that ought to be signed and is not
is refused, because a captured anonymous token must not gain a user.
"""

import re
from dataclasses import dataclass

from accredit.encoding import Json
from accredit.errors import Refused
from accredit.passport import Passport, check_values

_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_MAX_WARNINGS = 20
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
# Members of a payload that mean something; others are dropped with a warning.
SIGNED_MEMBERS = frozenset(
    [
        "deployer_id",
        "integration_id",
        "owner_id",
        "view_id",
        "uid",
        "data_passport",
        "encrypted_passport",
        "initial_loading_asset",
        "iat",
        "exp",
        "jti",
        "aud",
        "origins",
    ]
)


@dataclass(frozen=True, slots=True)
class DirectProperties:
    """What the page passed beside the token, or without one. data_passport: parsed and of the right form, or None."""

    deployer_id: str | None = None
    integration_id: str | None = None
    owner_id: str | None = None
    view_id: str | None = None
    uid: str | None = None
    data_passport: dict[str, Json] | None = None
    encrypted_passport: str | None = None


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties that count. view_signed: the view was named inside the token."""

    deployer_id: str
    integration_id: str
    owner_id: str
    uid: str | None
    view_id: str | None
    view_signed: bool
    data_passport: Passport
    encrypted_passport: str | None
    warnings: tuple[str, ...]


NO_DIRECT_PROPERTIES = DirectProperties()


def is_id(value: Json) -> bool:
    """Whether the value is an id on the wire: 1..128 of `A-Z a-z 0-9 _ . -`, so never a colon."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def check_uid(uid: Json) -> str:
    """A user id of 1..256 code points, no controls, not in the range that the server mints. Raises Refused: `uid_invalid`."""
    if not isinstance(uid, str) or not 1 <= len(uid) <= 256 or _CONTROLS.search(uid) or uid.startswith("anon_"):
        raise Refused("uid_invalid", "uid")
    return uid


def merge_signed(payload: dict[str, Json], direct: DirectProperties, *, strict: bool = False) -> Properties:
    """The properties of a verified payload, with direct values beside it.

    Raises Refused: `location_in_signed_payload`, `nested_signed_deployment`, `missing_required_property`,
    `unsigned_value_refused`, `direct_conflict` (only when strict), `uid_invalid`, and those of `check_values`.
    """
    if "location" in payload:
        raise Refused("location_in_signed_payload", "location")
    if "signed_deployment" in payload:
        raise Refused("nested_signed_deployment", "signed_deployment")
    warnings = _find_unknown(payload)
    owner_id = _signed_or_direct(payload, "owner_id", direct.owner_id, warnings, strict=strict)
    if owner_id is None:
        raise Refused("missing_required_property", "owner_id")
    view_id = _signed_or_direct(payload, "view_id", direct.view_id, warnings, strict=strict)
    if direct is not NO_DIRECT_PROPERTIES:
        _check_direct(payload, direct, warnings, strict=strict)
    uid, passport, encrypted = payload.get("uid"), payload.get("data_passport"), payload.get("encrypted_passport")
    if encrypted is not None and not isinstance(encrypted, str):
        raise Refused("jwe_malformed", "encrypted_passport")
    return Properties(
        deployer_id=str(payload["deployer_id"]),
        integration_id=str(payload["integration_id"]),
        owner_id=owner_id,
        uid=None if uid is None else check_uid(uid),
        view_id=view_id,
        view_signed=payload.get("view_id") is not None,
        data_passport={} if passport is None else check_values(passport),
        encrypted_passport=encrypted,
        warnings=tuple(warnings),
    )


def _check_direct(payload: dict[str, Json], direct: DirectProperties, warnings: list[str], *, strict: bool) -> None:
    """Hold what came beside the token against what was signed."""
    for name in ("deployer_id", "integration_id"):
        _compare(name, payload[name], getattr(direct, name), warnings, strict=strict)
    for name in ("uid", "data_passport", "encrypted_passport"):
        beside = getattr(direct, name)
        # `{}` is absence: the original's snippet may carry an empty passport.
        if beside and payload.get(name) is None:
            raise Refused("unsigned_value_refused", name)
        _compare(name, payload.get(name), beside or None, warnings, strict=strict)


def take_direct(direct: DirectProperties) -> Properties:
    """The properties of a page without a token.

    Raises Refused: `missing_required_property`, `uid_invalid`, and those of `check_values`.
    """
    if direct.deployer_id is None or direct.integration_id is None or direct.owner_id is None:
        raise Refused("missing_required_property")
    return Properties(
        deployer_id=direct.deployer_id,
        integration_id=direct.integration_id,
        owner_id=direct.owner_id,
        uid=None if direct.uid is None else check_uid(direct.uid),
        view_id=direct.view_id,
        view_signed=False,
        data_passport=check_values(direct.data_passport or {}),
        encrypted_passport=direct.encrypted_passport,
        warnings=(),
    )


def _find_unknown(payload: dict[str, Json]) -> list[str]:
    """A warning for each member that means nothing, few enough to be kept and shown; odd names are not repeated."""
    unknown = [name for name in payload if name not in SIGNED_MEMBERS]
    return [f"member_dropped:{name}" if _ID.fullmatch(name) else "member_dropped" for name in unknown[:_MAX_WARNINGS]]


def _signed_or_direct(
    payload: dict[str, Json], name: str, beside: str | None, warnings: list[str], *, strict: bool
) -> str | None:
    signed = payload.get(name)
    if signed is None:
        return beside
    if not is_id(signed):
        raise Refused("missing_required_property" if name == "owner_id" else "view_unknown", name)
    _compare(name, signed, beside, warnings, strict=strict)
    return str(signed)


def _compare(name: str, signed: Json, beside: Json, warnings: list[str], *, strict: bool) -> None:
    if beside is None or _is_same(signed, beside):
        return
    if strict:
        raise Refused("direct_conflict", name)
    warnings.append(f"direct_ignored:{name}")


def _is_same(one: Json, other: Json) -> bool:
    """Equality of JSON values: 1 and 1.0 are one number, but true is none, as Python would have it."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    return one == other and isinstance(one, bool) is isinstance(other, bool)
