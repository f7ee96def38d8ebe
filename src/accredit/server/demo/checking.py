"""Playing all scenarios over HTTP and holding what came of each against what should."""

import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import aiohttp

from accredit.errors import AccreditError
from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios.scenario import Outcome, Scenario


@dataclass(frozen=True, slots=True)
class Finding:
    """How a scenario ended, beside how it should have."""

    scenario: Scenario
    seen: tuple[Outcome, ...]
    took_ms: int

    @property
    def held(self) -> bool:
        """Whether there was no surprise."""
        return self.seen == self.scenario.expected


async def check(demo: Demo, scenarios: Iterable[Scenario]) -> AsyncIterator[Finding]:
    """Play the scenarios one after the other."""
    for scenario in scenarios:
        begun = time.perf_counter()
        seen = await _play(demo, scenario)
        yield Finding(scenario, seen, round((time.perf_counter() - begun) * 1000))


async def _play(demo: Demo, scenario: Scenario) -> tuple[Outcome, ...]:
    try:
        return await scenario.play(demo)
    except AccreditError as error:
        return (Outcome("stopped", error.code),)
    # A page or an answer that is not of the form that the scenario reads is a surprise like any other.
    except (aiohttp.ClientError, LookupError, ValueError) as error:
        return (Outcome("stopped", type(error).__name__),)
