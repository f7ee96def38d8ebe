"""A scenario: somebody tries something, and it ends in a way that is known before. The same at every door."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, Protocol

from accredit.server.demo.demo import Demo

Group = Literal["works", "attack", "mistake", "page", "backend"]
Site = Literal["bank", "utility", "copycat", "rental", "exchange"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scenario: what stands above all of them, and above one."""

    heading: str
    single: str


GROUPS: dict[Group, Kind] = {
    "works": Kind("It works", "It works"),
    "attack": Kind("Attacks", "Attack"),
    "mistake": Kind("Mistakes", "Mistake"),
    "page": Kind("Difficult pages", "Difficult page"),
    "backend": Kind("Between backends", "Between backends"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try ended. answer: what the one who tried hears. reason: the audit code, which only the owner sees.

    who: the user that the application's backend was told of.
    """

    answer: str
    reason: str | None = None
    who: str | None = None

    def __str__(self) -> str:
        detail = self.reason or self.who
        return self.answer if detail is None else f"{self.answer} ({detail})"


class Play(Protocol):
    """Does a scenario over HTTP, and tells how each try ended."""

    def __call__(self, demo: Demo) -> Awaitable[tuple[Outcome, ...]]: ...


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. deed: who does what. lesson: why it ends so. expected: one outcome for each try.

    site: where the audience finds it; None is for the check only.
    """

    scenario_id: str
    door: str
    group: Group
    title: str
    deed: str
    lesson: str
    expected: tuple[Outcome, ...]
    play: Play
    site: Site | None = None
