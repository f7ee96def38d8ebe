"""Asking the chosen provider, and carrying out what it says comes next (protocol-rest.md sections 10 to 12).

Headless sessions are asked for by the API: the provider starts after the commit that created the session, and is asked again by a
GET, once a second at most, whoever polls.
"""

import asyncio
from contextlib import suppress

from accredit.errors import ConflictError
from accredit.server.node import Node
from accredit.server.providers.provider import Asked, Dropped, Ended, Finished, State, Step
from accredit.server.providers.records import ProviderRecord
from accredit.server.providers.registry import open_provider
from accredit.server.sessions.rest.changing import choose_provider, keep_step
from accredit.server.sessions.rest.creating import START_WITHIN_MS
from accredit.server.sessions.rest.finishing import drop_late, finish
from accredit.server.sessions.rest.judging import find_provider
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import RestSession, load_open
from accredit.server.store import Transaction, one_by_one

START_TIMEOUT_S = 5.0
_ASK_EVERY_MS = 1000
_LANGUAGE = "en"


def asked_for(node: Node, session: RestSession, record: ProviderRecord, *, language: str | None = None) -> Asked:
    """What the present attempt is for. language: of the page, if there is one."""
    control, part = session.control, load_open(node.sealer, session)
    assert session.attempt_id is not None
    return Asked(
        session_id=session.session_id,
        scope=session.scope,
        attempt_id=session.attempt_id,
        provider=record,
        flow=control.flow,
        language=language or part.language or control.language or _LANGUAGE,
        requested_loa=control.requested_loa,
        requested_attributes=control.requested_attributes,
        prefilled=part.prefilled,
        parameters=part.parameters,
        callback_address=f"{node.settings.public_url}/auth/callback/{record.ref}",
        now_ms=node.clock(),
    )


async def carry_out(node: Node, session: RestSession, step: Step) -> RestSession:
    """Keep a step of the present attempt, or end the session by it; the session as it stands then.

    Raises ConflictError `session_not_active` where the session ended or began another attempt meanwhile.
    """
    if isinstance(step, Finished):
        return await finish(node, session, step.outcome, attempt_id=session.attempt_id)
    if isinstance(step, Dropped):
        return await drop_late(node, session, step.audit)
    return await keep_step(node, session, step, attempt_id=session.attempt_id)


async def start_headless(node: Node, session: RestSession) -> RestSession:
    """Start the one provider of a session; what cannot start within 5 s ends the session, which is given as it stands then."""
    (provider_id,) = session.control.offered
    try:
        chosen = await choose_provider(node, session, provider_id, start_ms=node.clock() + START_WITHIN_MS)
    except ConflictError:
        # Cancelled, or past its time, since it was read.
        return await find_any(node, session.session_id) or session
    step: Step = Finished(Ended("error", "provider_unavailable", "start_timeout"))
    with suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT_S):
            step = await _ask(node, chosen, None)
    return await _carry_out_headless(node, chosen, step)


async def ask_again(node: Node, session: RestSession) -> RestSession:
    """Ask the provider of a waiting headless session whether anything happened, if it is time and nobody else asks."""
    now_ms = node.clock()
    if session.ask_ms is None or now_ms < session.ask_ms:
        return session
    part = load_open(node.sealer, session)
    wait_ms = START_WITHIN_MS if part.step is None else _ASK_EVERY_MS
    if not await node.store.write(_claim, (session.session_id, now_ms, wait_ms)):
        return await find_any(node, session.session_id) or session
    if part.step is None:
        return await start_headless(node, session)
    return await _carry_out_headless(node, session, await _ask(node, session, part.step.state))


async def _carry_out_headless(node: Node, session: RestSession, step: Step) -> RestSession:
    try:
        return await carry_out(node, session, step)
    except ConflictError:
        # Cancelled, or past its time, while the provider was asked: everybody reads that end.
        return await find_any(node, session.session_id) or session


async def _ask(node: Node, session: RestSession, state: State | None) -> Step:
    """What the provider says: of a new attempt, or of one that has a state. One that was switched off meanwhile says nothing more."""
    record = await find_provider(node, session)
    if record is None:
        return Finished(Ended("error", "provider_unavailable", "provider_removed"))
    provider, asked = await open_provider(node, record), asked_for(node, session, record)
    return await (provider.start(asked) if state is None else provider.poll(asked, state))


@one_by_one
def _claim(tx: Transaction, item: tuple[str, int, int]) -> bool:
    """Change: of all who poll at once, and on all nodes, one asks the provider; the next may after that wait."""
    session_id, now_ms, wait_ms = item
    return bool(
        tx.execute(
            "UPDATE rest_sessions SET ask_ms = ? WHERE session_id = ? AND ask_ms <= ?",
            (now_ms + wait_ms, session_id, now_ms),
        )
    )
