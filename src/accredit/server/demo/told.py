"""What the parties of a page did, one thing after the other, for the audience."""

from dataclasses import dataclass
from typing import Literal

Party = Literal["rental", "exchange", "accredit", "person"]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened. party: who did it. refused: it was not granted."""

    party: Party
    title: str
    what: str
    facts: tuple[str, ...] = ()
    refused: bool = False
