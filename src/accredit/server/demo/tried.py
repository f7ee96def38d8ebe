"""What a page tries by itself while it is made, and how it shows what came of that."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios.scenario import Outcome

Desk = TypeVar("Desk")
_CODE = re.compile(r"[a-z]+(_[a-z]+)+")


@dataclass(frozen=True, slots=True)
class Shown:
    """One outcome as the page shows it. label: what was tried. meaning: what to make of it."""

    outcome: Outcome
    label: str = ""
    meaning: str = ""

    @property
    def state(self) -> str:
        """How the page colours it: what was refused is told by a code, words that `_` joins."""
        answer = self.outcome.answer
        return "refused" if _CODE.fullmatch(answer) or answer.endswith("failed") else "admitted"


@dataclass(frozen=True, slots=True)
class Tried(Generic[Desk]):
    """What the page tries by itself. tries: for each outcome what was done, and what to make of the outcome."""

    attack: Callable[[Demo, Desk], Awaitable[tuple[Outcome, ...]]]
    tries: tuple[tuple[str, str], ...]

    async def shown(self, demo: Demo, desk: Desk) -> tuple[Shown, ...]:
        """Try it."""
        outcomes = await self.attack(demo, desk)
        return tuple(Shown(outcome, *texts) for outcome, texts in zip(outcomes, self.tries, strict=True))
