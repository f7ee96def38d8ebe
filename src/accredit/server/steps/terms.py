"""`accept_tos`: the person accepts the owner's terms. Recorded: the template's version, the language they were read in, and when."""

from collections.abc import Mapping

from accredit.encoding import Json
from accredit.server.steps.step import Ask, Asked, Done, Next, StepOutcome
from accredit.server.times import wire_time


class AcceptTerms:
    """The step; declining leaves it as it is."""

    async def start(self, asked: Asked) -> Next:
        """Show the terms."""
        return _ask(asked)

    async def submit(self, asked: Asked, form: Mapping[str, str]) -> Next:
        """Accepted, or not."""
        return Done(accepted(asked)) if form.get("accept") == "1" else _ask(asked)

    async def poll(self, asked: Asked) -> Next:
        """Show them again."""
        return _ask(asked)


def accepted(asked: Asked) -> StepOutcome:
    """What is recorded."""
    detail: dict[str, Json] = {"version": asked.version, "language": asked.language, "accepted_at": wire_time(asked.now_ms)}
    return StepOutcome("success", detail)


def _ask(asked: Asked) -> Ask:
    return Ask("accept_tos", {"version": asked.version})
