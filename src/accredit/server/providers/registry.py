"""From a record to a provider that can be asked, and what of a request only a provider can judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accredit.server.providers.provider import Provider
from accredit.server.providers.records import ProviderRecord

if TYPE_CHECKING:
    from accredit.server.node import Node


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """A member of a create request that a provider does not take: for `invalidParams`, always with the code `value`."""

    name: str
    reason: str


async def open_provider(node: "Node", record: ProviderRecord) -> Provider:
    """A provider that is ready to be asked."""
    raise NotImplementedError


def check_parameters(
    offered: Sequence[ProviderRecord], parameters: Mapping[str, str], prefilled: Mapping[str, str]
) -> tuple[ParameterFault, ...]:
    """What the offered providers do not take of `additionalParameters` and `prefilledInput` (protocol-rest.md section 12)."""
    raise NotImplementedError


def forced_status(offered: Sequence[ProviderRecord], parameters: Mapping[str, str]) -> int | None:
    """The HTTP status that create must answer with because `sandbox_http` says so: 429, 500, 503, or None."""
    raise NotImplementedError


def find_session_id(state: str) -> str | None:
    """The session that the `state` at a callback address belongs to; unchecked, `come_back` judges the whole of it."""
    raise NotImplementedError
