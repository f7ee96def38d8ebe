"""Reading a provider record as an owner writes it: one type for each kind, and errors that name the member.

The members of a kind stand beside those that every provider has. Secrets are members that are written and never read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.integrations.parsing import member_at_fault
from accredit.server.providers.callout.settings import CalloutSettings
from accredit.server.providers.oidc.settings import FtnSettings, GenericSettings
from accredit.server.providers.records import FLOWS, LOAS, Flow, Loa, Rule, StoredMembers
from accredit.server.themes.logo import MAX_TEXT, parse_logo

AttributeName: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
ProviderId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,30}\Z")]

_PROVIDER_ID = re.compile(r"[a-z0-9-]{1,30}")


class CommonMembers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every provider has.

    display_name: by default the id. logo: PNG, JPEG, WebP or SVG as a `data:` URL. loa: the highest that it reaches.
    requires_encryption: by default for the id `ftn` alone.
    """

    display_name: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,60}\Z")] | None = None
    logo: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | None = None
    enabled: bool = True
    flows: Annotated[tuple[Flow, ...], msgspec.Meta(min_length=1, max_length=3)] | None = None
    loa: Loa | None = None
    requires_encryption: bool | None = None
    mapping: Annotated[dict[AttributeName, Rule], msgspec.Meta(max_length=100)] = {}
    required_attributes: Annotated[tuple[AttributeName, ...], msgspec.Meta(max_length=100)] = ()


class NoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a kind that needs nothing more."""


@dataclass(frozen=True, slots=True)
class KindRules:
    """What is particular to a kind, or to a profile of one.

    flows: what it can do. chosen, loa: what counts unless the owner says otherwise. secret: the one member that is kept sealed.
    """

    kind: str
    settings: type[msgspec.Struct]
    flows: tuple[Flow, ...]
    chosen: tuple[Flow, ...]
    loas: tuple[Loa, ...]
    loa: Loa
    secret: str | None = None
    profile: str | None = None


_IN_A_PAGE: tuple[Flow, ...] = ("redirect", "embedded")
KINDS = (
    KindRules("sandbox", NoSettings, FLOWS, FLOWS, LOAS, "high"),
    KindRules("oidc", GenericSettings, _IN_A_PAGE, ("redirect",), LOAS, "low", secret="client_secret", profile="generic"),
    KindRules("oidc", FtnSettings, ("redirect",), ("redirect",), ("substantial", "high"), "high", profile="ftn"),
    KindRules("email_otp", NoSettings, _IN_A_PAGE, _IN_A_PAGE, ("low",), "low"),
    KindRules("callout", CalloutSettings, FLOWS, ("redirect",), LOAS, "low", secret="secret"),
)
KIND_NAMES = tuple(dict.fromkeys(rules.kind for rules in KINDS))
_COMMON = frozenset(field.name for field in msgspec.structs.fields(CommonMembers))


@dataclass(frozen=True, slots=True)
class Parsed:
    """A record as it is to be stored, and its secrets by member."""

    stored: StoredMembers
    secrets: Mapping[str, str] = field(repr=False)


def check_provider_id(provider_id: str) -> None:
    """Raises MalformedError `field_invalid`."""
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise MalformedError("field_invalid", "provider_id")


def find_rules(members: Mapping[str, Json], environment: str) -> KindRules:
    """The rules of the kind and profile that the members name.

    Raises MalformedError: `field_missing`, `field_invalid`; `provider_kind_unsupported` for `wallet`, and for `sandbox` in live.
    """
    kind = members.get("kind")
    if kind is None:
        raise MalformedError("field_missing", "kind")
    if kind == "wallet" or (kind == "sandbox" and environment != "sandbox"):
        raise MalformedError("provider_kind_unsupported", "kind")
    of_kind = [rules for rules in KINDS if rules.kind == kind]
    if not of_kind:
        raise MalformedError("field_invalid", "kind")
    if of_kind[0].profile is None:
        return of_kind[0]
    profile = members.get("profile", of_kind[0].profile)
    fitting = [rules for rules in of_kind if rules.profile == profile]
    if not fitting:
        raise MalformedError("field_invalid", "profile")
    return fitting[0]


def parse_members(provider_id: str, members: Mapping[str, Json], secrets: Mapping[str, str], environment: str) -> Parsed:
    """Check what an owner writes, `kind` and the secret among it. secrets: those that are there already; null takes one away.

    Raises MalformedError with the member: `field_missing`, `field_invalid`, `provider_kind_unsupported`.
    """
    rules = find_rules(members, environment)
    kept = _read_secret(rules, members, secrets)
    common = _convert({name: value for name, value in members.items() if name in _COMMON}, CommonMembers)
    own = {name: value for name, value in members.items() if name not in _COMMON | {"kind", rules.secret}}
    settings = _convert(own, rules.settings)
    flows = tuple(flow for flow in FLOWS if flow in (rules.chosen if common.flows is None else common.flows))
    loa = rules.loa if common.loa is None else common.loa
    _check_flows(rules, flows, settings)
    if common.logo is not None:
        parse_logo(common.logo)
    if loa not in rules.loas:
        raise MalformedError("field_invalid", "loa")
    for name, rule in common.mapping.items():
        if (rule.claim is None) == (rule.const is None):
            raise MalformedError("field_invalid", f"mapping.{name}")
    requires = provider_id == "ftn" if common.requires_encryption is None else common.requires_encryption
    stored = StoredMembers(
        kind=rules.kind,  # type: ignore[arg-type]
        display_name=common.display_name or provider_id,
        flows=flows,
        loa=loa,
        logo=common.logo,
        enabled=common.enabled,
        requires_encryption=requires,
        mapping=common.mapping,
        required_attributes=tuple(dict.fromkeys(common.required_attributes)),
        settings=msgspec.to_builtins(settings),
    )
    return Parsed(stored, kept)


def _check_flows(rules: KindRules, flows: tuple[Flow, ...], settings: msgspec.Struct) -> None:
    embeddable = not isinstance(settings, GenericSettings) or settings.embeddable
    if not set(flows) <= set(rules.flows) or ("embedded" in flows and not embeddable):
        raise MalformedError("field_invalid", "flows")


def _read_secret(rules: KindRules, members: Mapping[str, Json], present: Mapping[str, str]) -> dict[str, str]:
    secrets = dict(present)
    if rules.secret is not None and rules.secret in members:
        value = members[rules.secret]
        if value is None:
            secrets.pop(rules.secret, None)
        elif isinstance(value, str) and 1 <= len(value) <= 1024 and value.isprintable():
            secrets[rules.secret] = value
        else:
            raise MalformedError("field_invalid", rules.secret)
    return secrets


def _convert(members: dict[str, Json], wanted: type[Any]) -> Any:
    try:
        return msgspec.convert(members, wanted)
    except msgspec.ValidationError as error:
        missing = str(error).startswith("Object missing required field")
        raise MalformedError("field_missing" if missing else "field_invalid", member_at_fault(error)) from error


def present_members(stored: StoredMembers) -> dict[str, Json]:
    """The members of a record as an owner would write them, without secrets."""
    members = msgspec.to_builtins(stored)
    settings = members.pop("settings")
    return {**members, **settings}
