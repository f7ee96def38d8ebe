"""Attempts: asking the provider that was chosen, and doing what it says comes next (protocol-rest.md sections 9 to 12).

    advanced = await start_attempt(node, session, "nbid")        # a new attempt; whatever comes of an earlier one is late
    advanced.redirect                                            # where the browser goes, None: it stays with us
    advanced.session                                             # as it is stored, ended or not

Nothing here holds a transaction while it waits for a provider: the step is kept, or the session ended, only if the attempt is still
the latest one and the session open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.server.audit import AuditEntry, record_entries
from accredit.server.node import Node
from accredit.server.providers.provider import Asked, Dropped, Finished, Provider, Redirect, State, Step
from accredit.server.providers.records import ProviderRecord
from accredit.server.providers.registry import open_provider
from accredit.server.sessions.rest.changing import choose_provider, keep_step
from accredit.server.sessions.rest.finishing import fail, finish
from accredit.server.sessions.rest.judging import find_provider
from accredit.server.sessions.rest.record import Open, RestSession, load_open


@dataclass(frozen=True, slots=True)
class Advanced:
    """What came of asking. redirect: where the browser is sent. dropped: what came was no answer to the latest attempt."""

    session: RestSession
    redirect: str | None = field(default=None, repr=False)
    dropped: bool = False


async def start_attempt(node: Node, session: RestSession, provider_id: str) -> Advanced:
    """Begin at a provider. Raises ConflictError `session_not_active`; FailureError `service_unavailable`, `sealed_damaged`."""
    session = await choose_provider(node, session, provider_id)
    opened = await _open(node, session)
    if opened is None:
        return Advanced(await fail(node, session, "provider_unavailable"))
    return await _take(node, session, await opened.provider.start(opened.asked))


async def submit_form(node: Node, session: RestSession, form: Mapping[str, str]) -> Advanced:
    """The person posted the form of the provider's screen. Raises as `start_attempt`."""
    opened = await _open(node, session)
    if opened is None:
        return Advanced(await fail(node, session, "provider_unavailable"))
    return await _take(node, session, await opened.provider.submit(opened.asked, opened.state, form))


async def come_back(node: Node, session: RestSession, provider_ref: str, query: Mapping[str, str]) -> Advanced:
    """The browser came to the callback address of that provider. Raises as `start_attempt`."""
    opened = await _open(node, session)
    if opened is None or opened.record.ref != provider_ref:
        return await _drop(node, session, "provider_mismatch")
    return await _take(node, session, await opened.provider.come_back(opened.asked, opened.state, query))


async def ask_provider(node: Node, session: RestSession) -> Advanced:
    """Whether anything happened since, where there is nothing for the person to do. Raises as `start_attempt`."""
    opened = await _open(node, session)
    if opened is None:
        return Advanced(await fail(node, session, "provider_unavailable"))
    return await _take(node, session, await opened.provider.poll(opened.asked, opened.state))


@dataclass(frozen=True, slots=True)
class _Opened:
    provider: Provider
    record: ProviderRecord
    asked: Asked
    state: State = field(repr=False)


async def _open(node: Node, session: RestSession) -> _Opened | None:
    """The provider of the latest attempt, ready to be asked; None if it was removed or switched off meanwhile."""
    record = await find_provider(node, session)
    if record is None:
        return None
    part = load_open(node.sealer, session)
    state = {} if part.step is None else part.step.state
    return _Opened(await open_provider(node, record), record, _asked(node, session, part, record), state)


def _asked(node: Node, session: RestSession, part: Open, record: ProviderRecord) -> Asked:
    control = session.control
    return Asked(
        session_id=session.session_id,
        scope=session.scope,
        attempt_id=session.attempt_id or "",
        provider=record,
        flow=control.flow,
        language=part.language or control.language or "en",
        requested_loa=control.requested_loa,
        requested_attributes=control.requested_attributes,
        prefilled=part.prefilled,
        parameters=part.parameters,
        callback_address=f"{node.settings.public_url}/auth/callback/{record.ref}",
        now_ms=node.clock(),
    )


async def _take(node: Node, session: RestSession, step: Step) -> Advanced:
    if isinstance(step, Finished):
        return Advanced(await finish(node, session, step.outcome, attempt_id=session.attempt_id))
    if isinstance(step, Dropped):
        return await _drop(node, session, step.audit)
    kept = await keep_step(node, session, step, attempt_id=session.attempt_id)
    return Advanced(kept, step.url if isinstance(step, Redirect) else None)


async def _drop(node: Node, session: RestSession, reason: str) -> Advanced:
    """What came changes nothing, and only the audit record says so."""
    entry = AuditEntry(
        at_ms=node.clock(),
        kind="rest.late_answer",
        account_id=session.account_id,
        environment=session.environment,
        code="late_answer",
        integration_id=session.integration_id,
        session_id=session.session_id,
        detail={"reason": reason},
    )
    await node.store.write(record_entries, entry)
    return Advanced(session, dropped=True)
