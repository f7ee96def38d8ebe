"""The versions of an integration: each publish keeps its policy, so that it can be seen what held when, and what changed."""

from dataclasses import dataclass
from typing import cast

import msgspec

from accredit.encoding import Json
from accredit.errors import NotFoundError
from accredit.server.store import Transaction


@dataclass(frozen=True, slots=True)
class IntegrationVersion:
    """policy: as it was written then. changed: the members in which it differs from the version before."""

    version: int
    published_ms: int
    policy: dict[str, Json]
    changed: tuple[str, ...]


def list_versions(tx: Transaction, integration_id: str) -> list[IntegrationVersion]:
    """Query: all versions, oldest first; of a deleted integration too. Raises NotFoundError `integration_not_found`."""
    rows = tx.rows(
        "SELECT version, published_ms, policy FROM integration_versions WHERE integration_id = ? ORDER BY version",
        (integration_id,),
    )
    if not rows:
        raise NotFoundError("integration_not_found")
    versions: list[IntegrationVersion] = []
    previous: dict[str, Json] = {}
    for version, published_ms, text in rows:
        policy = cast("dict[str, Json]", msgspec.json.decode(text))
        changed = tuple(name for name in policy if versions and policy[name] != previous.get(name))
        versions.append(IntegrationVersion(version, published_ms, policy, changed))
        previous = policy
    return versions
