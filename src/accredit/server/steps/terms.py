"""`accept_tos`: the person accepts the owner's terms. Recorded: the template's version, the language they were read in, and when."""

from collections.abc import Mapping

from accredit.encoding import Json
from accredit.server.steps.step import Ask, Asked, Done, Next, StepOutcome
from accredit.server.times import wire_time


class AcceptTerms:
    """The step; declining leaves it as it is. url: where the terms can be read, None if the owner does not say."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    async def start(self, asked: Asked) -> Next:
        """Show the terms."""
        return self._ask(asked)

    async def submit(self, asked: Asked, form: Mapping[str, str]) -> Next:
        """Accepted, or not."""
        return Done(accepted(asked)) if form.get("accept") == "1" else self._ask(asked)

    async def poll(self, asked: Asked) -> Next:
        """Show them again."""
        return self._ask(asked)

    def _ask(self, asked: Asked) -> Ask:
        return Ask("accept_tos", {"version": asked.version, "url": self._url})


def accepted(asked: Asked) -> StepOutcome:
    """What is recorded."""
    detail: dict[str, Json] = {"version": asked.version, "language": asked.language, "accepted_at": wire_time(asked.now_ms)}
    return StepOutcome("success", detail)
