"""What the person's browser makes of an attempt: it begins one, posts a provider's form, or comes back from there.

    advanced = await start_attempt(node, session, "nbid")        # a new attempt; whatever comes of an earlier one is late
    advanced.redirect                                            # where the browser goes, None: it stays with us
    advanced.session                                             # as it is stored, ended or not

Nothing here holds a transaction while it waits for a provider: the step is kept, or the session ended, only if the attempt is still
the latest one and the session open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.server.node import Node
from accredit.server.providers.provider import Asked, Provider, Redirect, State, Step
from accredit.server.providers.registry import open_provider
from accredit.server.sessions.rest.asking import asked_for, carry_out
from accredit.server.sessions.rest.changing import choose_provider
from accredit.server.sessions.rest.finishing import drop_late, fail
from accredit.server.sessions.rest.judging import find_provider
from accredit.server.sessions.rest.record import RestSession, load_open


@dataclass(frozen=True, slots=True)
class Advanced:
    """What came of asking. redirect: where the browser is sent."""

    session: RestSession
    redirect: str | None = field(default=None, repr=False)


async def start_attempt(node: Node, session: RestSession, provider_id: str) -> Advanced:
    """Begin at a provider. Raises ConflictError `session_not_active`; FailureError `service_unavailable`, `sealed_damaged`."""
    session = await choose_provider(node, session, provider_id)
    opened = await _open(node, session)
    if opened is None:
        return await _removed(node, session)
    return await _advance(node, session, await opened.provider.start(opened.asked))


async def submit_form(node: Node, session: RestSession, form: Mapping[str, str]) -> Advanced:
    """The person posted the form of the provider's screen. Raises as `start_attempt`."""
    opened = await _open(node, session)
    if opened is None:
        return await _removed(node, session)
    return await _advance(node, session, await opened.provider.submit(opened.asked, opened.state, form))


async def look_again(node: Node, session: RestSession, *, stay: bool) -> Advanced:
    """Whether anything happened since, where there is nothing for the person to do. Raises as `start_attempt`.

    stay: a wish of the provider to send the browser away counts for nothing, as nobody pressed anything.
    """
    opened = await _open(node, session)
    if opened is None:
        return await _removed(node, session)
    step = await opened.provider.poll(opened.asked, opened.state)
    return Advanced(session) if stay and isinstance(step, Redirect) else await _advance(node, session, step)


async def come_back(node: Node, session: RestSession, provider_ref: str, query: Mapping[str, str]) -> Advanced:
    """The browser came to the callback address of that provider. Raises as `start_attempt`."""
    opened = await _open(node, session)
    if opened is None or opened.asked.provider.ref != provider_ref:
        return Advanced(await drop_late(node, session, "provider_mismatch"))
    return await _advance(node, session, await opened.provider.come_back(opened.asked, opened.state, query))


@dataclass(frozen=True, slots=True)
class _Opened:
    provider: Provider
    asked: Asked
    state: State = field(repr=False)


async def _open(node: Node, session: RestSession) -> _Opened | None:
    """The provider of the latest attempt, ready to be asked; None if it was removed or switched off meanwhile."""
    record = await find_provider(node, session)
    if record is None or session.attempt_id is None:
        return None
    step = load_open(node.sealer, session).step
    return _Opened(await open_provider(node, record), asked_for(node, session, record), {} if step is None else step.state)


async def _removed(node: Node, session: RestSession) -> Advanced:
    return Advanced(await fail(node, session, "provider_unavailable"))


async def _advance(node: Node, session: RestSession, step: Step) -> Advanced:
    return Advanced(await carry_out(node, session, step), step.url if isinstance(step, Redirect) else None)
