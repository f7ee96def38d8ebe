"""The keys of one holder in memory: those that live at a time, and count for an integration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class HeldKey(Generic[Parsed]):
    """A parsed key with what limits it. ends_ms: None if nothing is set. integration_ids: where it counts, None means all."""

    key: Parsed
    ends_ms: int | None
    integration_ids: frozenset[str] | None


class HeldKeys(Generic[Parsed]):
    """The keys of one holder that are not revoked."""

    def __init__(self, keys: Sequence[HeldKey[Parsed]]) -> None:
        self._keys = tuple(keys)
        limited = any(held.ends_ms is not None or held.integration_ids is not None for held in keys)
        self._unlimited = None if limited else tuple(held.key for held in keys)

    def live(self, now_ms: int, integration_id: str = "") -> tuple[Parsed, ...]:
        """Those that live at that time and count for that integration; without one those that are limited to none."""
        if self._unlimited is not None:
            return self._unlimited
        return tuple(
            held.key
            for held in self._keys
            if (held.ends_ms is None or now_ms < held.ends_ms)
            and (held.integration_ids is None or integration_id in held.integration_ids)
        )
