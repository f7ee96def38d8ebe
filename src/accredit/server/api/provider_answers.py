"""Providers as the API writes them, and the types of each kind's bodies for the OpenAPI document.

The members of a kind stand beside those that every provider has; secrets are written and never read.
"""

from typing import Annotated, Any, Literal, TypeAlias, Union

import msgspec

from accredit.server.providers.keys import PHASE_MS, Phase, ProviderKey, Role
from accredit.server.providers.members import KIND_NAMES, KINDS, CommonMembers, KindRules, ProviderId
from accredit.server.providers.oidc.federation import callback_of, entity_id_of
from accredit.server.providers.records import Flow, Loa, ProviderRecord, Rule
from accredit.server.times import wire_time

Secret: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1024, description="Kept sealed, never shown.")]


class ProviderKeyAnswer(msgspec.Struct, frozen=True):
    """A key of ours as the client of a provider. movable_at: from when `rotate` moves it on, null for one that stays."""

    key_id: str
    role: Role
    phase: Phase
    published: bool
    public_jwk: dict[str, Any]
    since: str
    movable_at: str | None


class ProviderKeyList(msgspec.Struct, frozen=True):
    """Oldest first."""

    keys: list[ProviderKeyAnswer]


def answer_key(key: ProviderKey) -> ProviderKeyAnswer:
    """A key without what signs or opens."""
    movable = None if key.phase == "normal" else wire_time(key.phase_ms + PHASE_MS)
    return ProviderKeyAnswer(key.key_id, key.role, key.phase, key.published, key.public_jwk, wire_time(key.phase_ms), movable)


# Every member present: the order is that of the document.
_SHOWN: list[tuple[str, Any]] = [
    *(("provider_id", str), ("display_name", str), ("logo", str | None), ("enabled", bool)),
    *(("flows", tuple[Flow, ...]), ("loa", Loa), ("requires_encryption", bool), ("mapping", dict[str, Rule])),
    *(("required_attributes", tuple[str, ...]), ("secrets_set", list[str]), ("callback_address", str)),
    *(("jwks_address", str | None), ("entity_statement_address", str | None), ("created_at", str), ("updated_at", str)),
]


def _title(words: str) -> str:
    return "".join(word.title() for word in words.split("_"))


def _fields_of(struct: type[msgspec.Struct], *, optional: bool) -> list[Any]:
    """The fields of a struct; optional: none has to be there."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(struct):
        required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
        if optional:
            fields.append((field.name, field.type | msgspec.UnsetType, msgspec.UNSET))
        elif required:
            fields.append((field.name, field.type))
        elif field.default is not msgspec.NODEFAULT:
            fields.append((field.name, field.type, field.default))
        else:
            fields.append((field.name, field.type, msgspec.field(default_factory=field.default_factory)))
    return fields


def _body(prefix: str, rules: KindRules, own: list[Any], *, optional: bool) -> Any:
    secret = [] if rules.secret is None else [(rules.secret, Secret | None, None)]
    documentation = {"__doc__": f"{rules.settings.__doc__}"}
    members = [*own, *_fields_of(CommonMembers, optional=optional), *_fields_of(rules.settings, optional=optional), *secret]
    return msgspec.defstruct(
        f"{prefix}{_title(f'{rules.profile or str()}_{rules.kind}')}Provider",
        members,
        namespace=documentation,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


NEW_PROVIDERS = tuple(
    _body("New", rules, [("provider_id", ProviderId), ("kind", Literal[rules.kind])], optional=False) for rules in KINDS
)
PROVIDER_CHANGES = tuple(_body("Changed", rules, [], optional=True) for rules in KINDS)


def _answer_type(kind: str) -> Any:
    """A kind as it is answered; a member that one profile alone has is absent in the other."""
    own: dict[str, Any] = {}
    profiles = [rules.settings for rules in KINDS if rules.kind == kind]
    for name, wanted, *_ in (field for settings in profiles for field in _fields_of(settings, optional=False)):
        own[name] = own[name] | wanted if name in own else wanted
    members = [(name, wanted | msgspec.UnsetType, msgspec.UNSET) for name, wanted in own.items()]
    documentation = {"__doc__": " ".join(f"{settings.__doc__}" for settings in profiles)}
    name = f"{_title(kind)}Provider"
    return msgspec.defstruct(
        name, [*_SHOWN, *members], namespace=documentation, frozen=True, kw_only=True, tag_field="kind", tag=kind
    )


_ANSWERS = {kind: _answer_type(kind) for kind in KIND_NAMES}
_SETTINGS = {(rules.kind, rules.profile): rules for rules in KINDS}
ANY_PROVIDER: Any = Union[tuple(_ANSWERS.values())]  # noqa: UP007 - made of as many as there are kinds


def answer_provider(record: ProviderRecord, public_url: str, *, secret_set: bool) -> Any:
    """A provider as its owner sees it, with the addresses that the other side is to be told."""
    rules = _SETTINGS[record.kind, record.profile]
    ours = entity_id_of(public_url, record)
    return _ANSWERS[record.kind](
        provider_id=record.provider_id,
        display_name=record.display_name,
        logo=record.logo,
        enabled=record.enabled,
        flows=record.flows,
        loa=record.loa,
        requires_encryption=record.requires_encryption,
        mapping=record.mapping,
        required_attributes=record.required_attributes,
        secrets_set=[rules.secret] if rules.secret is not None and secret_set else [],
        callback_address=callback_of(public_url, record),
        jwks_address=f"{ours}/jwks" if record.kind == "oidc" else None,
        entity_statement_address=f"{ours}/entity-statement" if record.profile == "ftn" else None,
        created_at=wire_time(record.created_ms),
        updated_at=wire_time(record.updated_ms),
        **msgspec.structs.asdict(msgspec.convert(record.settings, rules.settings)),
    )
