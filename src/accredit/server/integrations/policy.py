"""The policy of an integration: what an owner may set, with its defaults and limits, and the form in which the gate reads it.

protocol-embed.md section 1. A policy is written as JSON, checked once when it is written, kept as text with a version, and made
ready for the gate once per version.
"""

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from accredit.deployment import ORIGINAL_POLICY, Demand, TokenPolicy
from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.passport import PassportKeyRule, PassportRules
from accredit.server.origins import parse_entry

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,128}\Z")]
Url = Annotated[str, msgspec.Meta(max_length=2048)]
Trust = Literal["unverified", "origin", "signed"]
MAX_DEBUG_MS = 24 * 3600 * 1000

# Visible ASCII only: the address becomes a `Location` line, and a control in it would end the answer.
_URL = re.compile(
    r"(https://[A-Za-z0-9._:\[\]-]+|http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?)"
    r"(/[!-\"$->@-\[\]-~]*)?(\?[!-\"$-\[\]-~]*)?"
)
_ASPECTS = ("token_key_id", "token_expiry", "token_single_use", "token_audience", "token_origins")


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One view of the application. url: takes the place of `application_url`, same origin. signed_only: only a token names it."""

    id: Id
    url: Url | None = None
    signed_only: bool = False


class SchemaKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One declared key of the data passport."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
    type: Literal["any", "string", "number", "boolean"] = "any"
    required: bool = False
    encrypted_only: bool = False


class FramedPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every integration has whose application stands in a frame of the deployer's page."""

    enabled: bool = True
    application_url: Url | None = None
    views: Annotated[tuple[View, ...], msgspec.Meta(max_length=50)] = ()
    allowed_origins: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()
    session_lifetime_s: Annotated[int, msgspec.Meta(ge=60, le=43200)] = 1800
    user_data_min_trust: Trust = "unverified"
    quota_per_day: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    debug_until: datetime | None = None


class EmbedPolicy(FramedPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of the embed door; the first value of each choice is the default."""

    origin_check: Literal["off", "require"] = "off"
    signed_deployment: Literal["off", "required"] = "off"
    token_key_id: Demand = "off"
    token_expiry: Demand = "off"
    token_single_use: Demand = "off"
    token_audience: Demand = "off"
    token_origins: Demand = "off"
    passport_schema: Annotated[tuple[SchemaKey, ...], msgspec.Meta(max_length=100)] | None = None
    passport_envelope: Demand = "off"
    strict_passport: bool = False
    strict_direct: bool = False

    def token_policy(self) -> TokenPolicy:
        """What the core demands of tokens; the very object of the original where nothing is demanded."""
        demanded = TokenPolicy(
            key_id=self.token_key_id,
            expiry=self.token_expiry,
            single_use=self.token_single_use,
            audience=self.token_audience,
            origins=self.token_origins,
        )
        return ORIGINAL_POLICY if demanded == ORIGINAL_POLICY else demanded

    def passport_rules(self) -> PassportRules:
        """How the core reads passports."""
        declared = self.passport_schema
        schema = None if declared is None else tuple(PassportKeyRule(**msgspec.structs.asdict(key)) for key in declared)
        return PassportRules(schema, self.strict_passport, self.passport_envelope)


POLICIES: dict[str, type[EmbedPolicy]] = {"embed": EmbedPolicy}


def parse_policy(door: str, members: dict[str, Json], *, now_ms: int) -> EmbedPolicy:
    """Check what an owner writes and return the policy in its one spelling.

    members: the policy's JSON members, absent ones at their default; `token_profile` sets the five token aspects.
    Raises MalformedError: `field_invalid` with the member, `origin_entry_invalid`.
    """
    members = dict(members)
    profile = members.pop("token_profile", None)
    if profile is not None:
        members |= dict.fromkeys(_ASPECTS, profile)
    try:
        policy = msgspec.convert(members, POLICIES[door])
    except msgspec.ValidationError as error:
        raise MalformedError("field_invalid", member_at_fault(error)) from error
    policy = msgspec.structs.replace(policy, allowed_origins=tuple(dict.fromkeys(map(parse_entry, policy.allowed_origins))))
    _check_addresses(policy)
    _check_names(policy)
    until = policy.debug_until
    if until is not None and (until.tzinfo is None or until.timestamp() * 1000 > now_ms + MAX_DEBUG_MS):
        raise MalformedError("field_invalid", "debug_until")
    return policy


def member_at_fault(error: msgspec.ValidationError) -> str:
    """The member that a msgspec error names, without any value: `views[0].id` from "... - at `$.views[0].id`"."""
    path = re.search(r"at `(?:key in )?\$\.?([^`]*)`", str(error))
    named = re.search(r"(?:missing required|unknown) field `([^`]*)`", str(error))
    return ".".join(part for part in (path[1] if path else "", named[1] if named else "") if part)[:128]


def _check_addresses(policy: FramedPolicy) -> None:
    origin = _address_origin(policy.application_url, "application_url")
    for index, view in enumerate(policy.views):
        if view.url is not None and (origin is None or _address_origin(view.url, f"views[{index}].url") != origin):
            raise MalformedError("field_invalid", f"views[{index}].url")


def _address_origin(url: str | None, member: str) -> str | None:
    """The origin of an address that a frame may be sent to: https, or http on this machine; no fragment, no `code`."""
    if url is None:
        return None
    match = _URL.fullmatch(url)
    if match is None or not url.isascii() or re.search(r"[?&]code(=|&|$)", match[3] or ""):
        raise MalformedError("field_invalid", member)
    return match[1].lower()


def _check_names(policy: EmbedPolicy) -> None:
    for member, names in (
        ("views", [view.id for view in policy.views]),
        ("passport_schema", [key.name for key in policy.passport_schema or ()]),
    ):
        if len(set(names)) != len(names):
            raise MalformedError("field_invalid", member)
