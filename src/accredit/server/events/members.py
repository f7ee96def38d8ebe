"""What an owner may say of a webhook endpoint, and its limits (protocol-webhooks.md section 1).

wanted = parse_members("accredit", {"url": "https://shop.example/hooks", "event_types": ["session.*"]})
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.events.event_types import ALL_FLOW_NAMES, ALL_OF_SESSIONS, WANTED_NAMES
from accredit.server.events.records import EndpointKind, EndpointMembers, Payload, Signing
from accredit.server.integrations.integration import Door
from accredit.server.integrations.parsing import member_at_fault
from accredit.server.integrations.policy import Id
from accredit.server.outbound.addresses import MAX_URL

_MAX_LISTED, _MAX_TAG = 50, 64
_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*\Z"

Url: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_URL)]
EventTypes: TypeAlias = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=_MAX_LISTED)]
Doors: TypeAlias = Annotated[tuple[Door, ...], msgspec.Meta(max_length=_MAX_LISTED)]
Integrations: TypeAlias = Annotated[tuple[Id, ...], msgspec.Meta(max_length=_MAX_LISTED)]
Tag: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_TAG, pattern=_NO_CONTROLS)]
Tags: TypeAlias = Annotated[tuple[Tag, ...], msgspec.Meta(max_length=_MAX_LISTED)]
PublicJwk: TypeAlias = Annotated[dict[str, Any], msgspec.Meta(description="A public JWK that bodies are sealed to.")]
TimeoutSeconds: TypeAlias = Annotated[int, msgspec.Meta(ge=5, le=30)]
Concurrency: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=32)]
Description: TypeAlias = Annotated[str, msgspec.Meta(max_length=200, pattern=_NO_CONTROLS)]


class WantedMembers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """event_types: types, `session.*` or `*`; of kind `flow` the names of its three events. doors, integrations, tags: empty for all.

    payload, encryption_public_key: of kind `accredit`; full payloads need a key. signing, api_key_id: of kind `flow`; whose key signs
    `Authorization`, by default the oldest API key.
    """

    url: Url
    event_types: EventTypes | None = None
    doors: Doors = ()
    integrations: Integrations = ()
    tags: Tags = ()
    payload: Payload = "thin"
    encryption_public_key: PublicJwk | None = None
    signing: Signing | None = None
    api_key_id: str | None = None
    timeout_s: TimeoutSeconds = 15
    concurrency: Concurrency = 4
    description: Description = ""


class NewEndpoint(WantedMembers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """kind: for good. `flow`: events of flow sessions, as the original writes them."""

    kind: EndpointKind = "accredit"


def parse_kind(members: Mapping[str, Json]) -> EndpointKind:
    """The kind that a new endpoint is to have. Raises MalformedError `validation_failed`."""
    kind = members.get("kind", "accredit")
    if kind not in ("accredit", "flow"):
        raise MalformedError("validation_failed", "kind")
    return "flow" if kind == "flow" else "accredit"


def parse_members(kind: EndpointKind, members: Mapping[str, Json]) -> WantedMembers:
    """Check what an owner writes, all of it but `kind`.

    Raises MalformedError with the member: `event_type_unknown`, `encryption_key_required`, `validation_failed`.
    """
    try:
        wanted = msgspec.convert(dict(members), WantedMembers)
    except msgspec.ValidationError as error:
        raise MalformedError("validation_failed", member_at_fault(error)) from error
    if kind == "flow":
        return _parse_flow(wanted)
    for name in ("signing", "api_key_id"):
        if getattr(wanted, name) is not None:
            raise MalformedError("validation_failed", name)
    if wanted.payload == "full" and wanted.encryption_public_key is None:
        raise MalformedError("encryption_key_required", "encryption_public_key")
    return _with_types(wanted, (ALL_OF_SESSIONS,), WANTED_NAMES)


def _parse_flow(wanted: WantedMembers) -> WantedMembers:
    signing: Literal["api_key", "endpoint"] = wanted.signing or "api_key"
    faults = {
        "payload": wanted.payload != "thin",
        "encryption_public_key": wanted.encryption_public_key is not None,
        "api_key_id": signing == "endpoint" and wanted.api_key_id is not None,
    }
    for name, at_fault in faults.items():
        if at_fault:
            raise MalformedError("validation_failed", name)
    return _with_types(msgspec.structs.replace(wanted, signing=signing), ALL_FLOW_NAMES, frozenset(ALL_FLOW_NAMES))


def _with_types(wanted: WantedMembers, by_default: tuple[str, ...], known: frozenset[str]) -> WantedMembers:
    event_types = by_default if wanted.event_types is None else tuple(dict.fromkeys(wanted.event_types))
    if not known.issuperset(event_types):
        raise MalformedError("event_type_unknown", "event_types")
    return msgspec.structs.replace(wanted, event_types=event_types)


def stored_members(wanted: WantedMembers) -> EndpointMembers:
    """The members as the row keeps them. They were parsed."""
    members = msgspec.structs.asdict(wanted)
    key = members.pop("encryption_public_key")
    return EndpointMembers(**members, encryption_key=None if key is None else msgspec.json.encode(key).decode())


def present_members(stored: EndpointMembers) -> dict[str, Any]:
    """The members as an owner would write them."""
    members = msgspec.structs.asdict(stored)
    key = members.pop("encryption_key")
    return {**members, "encryption_public_key": None if key is None else msgspec.json.decode(key)}
