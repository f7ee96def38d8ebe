"""Where a secret was found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """path: of the file; empty for a message of git. line: from 1. shown: what may be seen of it. commit: that brought it in."""

    path: str
    line: int
    shown: str
    commit: str | None = None
