"""What the demo shows and `accredit demo --check` holds: each door has a module with a list of its scenarios."""

from accredit.server.demo.scenarios.boot import SCENARIOS as BOOT
from accredit.server.demo.scenarios.embed import SCENARIOS as EMBED
from accredit.server.demo.scenarios.flow import SCENARIOS as FLOW
from accredit.server.demo.scenarios.rest import SCENARIOS as REST
from accredit.server.demo.scenarios.scenario import Outcome, Scenario

SCENARIOS: tuple[Scenario, ...] = (*EMBED, *BOOT, *REST, *FLOW)

__all__ = ["SCENARIOS", "Outcome", "Scenario"]
