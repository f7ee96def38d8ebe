"""Simulators: every step of a sandbox offline, decided by what the person or the API says (protocol-flow.md section 7).

    code 123456                       right, all others wrong; nothing is sent
    e-mail ...+bounce@, phone ...0000 cannot be delivered to
    family name Gergich               kyc_check fails, no_data
    family name Review                screening awaits review
    Fail-, Slow-, Error-<step>        the step fails, takes five seconds, cannot be reached
    simulate.steps of the API         what it says; simulate.run: without a person

Everybody else succeeds, and whatever is compared matches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accredit.encoding import Json
from accredit.server.steps.fields import AskedFirst
from accredit.server.steps.step import Asked, Done, Ending, Next, StepKind, StepOutcome, Wait
from accredit.server.steps.terms import accepted

SLOW_MS = 5_000
_READY = "ready_ms"
_ENDINGS: Mapping[str, Ending] = {"Fail-": "failed", "Error-": "error"}
_NAMED: Mapping[tuple[str, str], Ending] = {("Gergich", "kyc_check"): "failed", ("Review", "screening"): "pending_review"}
# The member of `user` that a step proves.
_PROVED = {"verify_email": ("email",), "verify_sms": ("phone",)}
_COMPARED = ("name", "phone", "date_of_birth", "id_number", "address")


class SimulatedStep:
    """A step that is built in, with a simulator in the place of what it would call: the person is asked all the same."""

    def __init__(self, inner: StepKind) -> None:
        self._inner = inner

    async def start(self, asked: Asked) -> Next:
        """Decide it, or ask the person; sooner or later."""
        waiting = _wait(asked)
        return await self._begin(asked) if waiting is None else waiting

    async def submit(self, asked: Asked, form: Mapping[str, str]) -> Next:
        """As the step itself."""
        return await self.poll(asked) if _READY in asked.state else await self._inner.submit(asked, form)

    async def poll(self, asked: Asked) -> Next:
        """As the step itself, once it has begun."""
        if _READY not in asked.state:
            return await self._inner.poll(asked)
        return _wait(asked) or await self._begin(replace(asked, state={}))

    async def _begin(self, asked: Asked) -> Next:
        ending = find_ending(asked)
        if ending is None and asked.headless:
            ending = "success"
        if ending is None:
            return await self._inner.start(asked)
        if ending == "success" and asked.step == "accept_tos":
            return Done(accepted(asked))
        checked = _PROVED.get(asked.step, ()) if ending == "success" else ()
        return Done(StepOutcome(ending, checked=checked, reason="simulated"))


class SimulatedService(AskedFirst):
    """A service of nobody: asks for the fields that are missing, then answers."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(fields, self._answer, self._answer)
        self._named = tuple(fields)

    async def _answer(self, asked: Asked) -> Next:
        waiting = _wait(asked)
        if waiting is not None:
            return waiting
        ending = find_ending(asked) or "success"
        known = asked.user.known()
        checked = tuple(name for name in self._named if name in known) if ending == "success" else ()
        return Done(StepOutcome(ending, _detail(asked, ending), checked, "simulated"))


def find_ending(asked: Asked) -> Ending | None:
    """What the API or the family name says of the step; None if neither says anything."""
    if asked.forced is not None:
        return asked.forced
    family = _family(asked)
    for prefix, ending in _ENDINGS.items():
        if family == f"{prefix}{asked.step}":
            return ending
    return _NAMED.get((family, asked.step))


def _wait(asked: Asked) -> Wait | None:
    """Of a step that takes its time: that it is not over yet."""
    slow = _family(asked) == f"Slow-{asked.step}"
    ready_ms = asked.state.get(_READY, asked.now_ms + SLOW_MS if slow else 0)
    return Wait({_READY: ready_ms}, ready_ms) if isinstance(ready_ms, int) and asked.now_ms < ready_ms else None


def _family(asked: Asked) -> str:
    return "" if asked.user.name is None else asked.user.name.last


def _detail(asked: Asked, ending: Ending) -> Mapping[str, Json] | None:
    """What a service would say: known members match, or of those nobody has data; the others were not given."""
    if ending == "error":
        return None
    if asked.step == "screening":
        return {"screening_id": f"scr_simulated_{asked.session_id.rpartition('_')[2]}"}
    if asked.step != "kyc_check":
        return {}
    found = "match" if ending == "success" else "no_data"
    known = asked.user.known()
    detail: dict[str, Json] = {name: {"summary": found if name in known else "no_input"} for name in _COMPARED}
    return detail
