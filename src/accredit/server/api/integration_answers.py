"""Integrations as the API writes them, and the types of each door's bodies for the OpenAPI document.

The members of a policy stand beside those of the integration, so that each door has its own types; they are made from its policy.
"""

from typing import Annotated, Any, Literal, Union

import msgspec

from accredit.deployment import Demand
from accredit.server.api.bodies import Label
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.parsing import POLICIES, other_spellings
from accredit.server.integrations.policy import Id
from accredit.server.times import wire_time

_SHOWN = [
    *(("integration_id", str), ("owner_id", str), ("name", str), ("version", int)),
    *(("created_at", str), ("updated_at", str)),
]
# At the rest door API clients stand where a deployer stands elsewhere, at the flow door publishable keys.
_DEPLOYED = ("embed", "boot")
_MINTED = Annotated[Id | None, msgspec.Meta(description="Made here by default; it is never given again.")]
# Members that are written and not kept: they set several others.
_SPELLINGS: dict[str, list[tuple[str, Any, Any]]] = {
    "embed": [("token_profile", Demand | None, None)],
    "boot": [],
    "rest": [],
    "flow": [("require_signed_requests", bool | None, None)],
}
# Members that are read beside those that are kept.
_READ: dict[str, list[tuple[str, Any]]] = {"flow": [("require_signed_requests", bool)]}
_NAME = ("name", Label | None, None)


def _struct(kind: str, door: str, members: list[Any], **config: Any) -> Any:
    documentation = {"__doc__": f"{POLICIES[door].__doc__}"}
    return msgspec.defstruct(
        f"{kind}{door.title()}Integration" if kind else f"{door.title()}Integration",
        members,
        bases=(POLICIES[door],),
        namespace=documentation,
        frozen=True,
        kw_only=True,
        **config,
    )


ANSWERS = {
    door: _struct(
        "",
        door,
        [*_SHOWN, *([("deployer_id", str)] if door in _DEPLOYED else []), *_READ.get(door, ())],
        tag_field="door",
        tag=door,
    )
    for door in POLICIES
}
INTEGRATION_CHANGES = tuple(
    _struct("Changed", door, [_NAME, *_SPELLINGS[door]], forbid_unknown_fields=True) for door in POLICIES
)
NEW_INTEGRATIONS = tuple(
    _struct(
        "New",
        door,
        [
            ("integration_id", _MINTED, None),
            ("door", Literal[door], "embed") if door == "embed" else ("door", Literal[door]),
            *([("deployer_id", Id)] if door in _DEPLOYED else []),
            *(_NAME, *_SPELLINGS[door]),
        ],
        forbid_unknown_fields=True,
    )
    for door in POLICIES
)
ANY_INTEGRATION: Any = Union[tuple(ANSWERS.values())]  # noqa: UP007 - made of as many as there are doors


def answer_integration(record: IntegrationRecord) -> Any:
    """An integration with the present version of its policy."""
    whose = {} if record.deployer_id is None else {"deployer_id": record.deployer_id}
    return ANSWERS[record.door](
        integration_id=record.integration_id,
        owner_id=record.owner_id,
        name=record.name,
        version=record.version,
        created_at=wire_time(record.created_ms),
        updated_at=wire_time(record.updated_ms),
        **whose,
        **other_spellings(record.policy),
        **msgspec.structs.asdict(record.policy),
    )
