"""The one answer of a call-out: the step takes it and the row is closed in one transaction, or neither."""

from functools import partial

from accredit.errors import AccreditError, ConflictError
from accredit.server import telemetry
from accredit.server.node import Node
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.sessions.flow.stepping import advance, answer_step
from accredit.server.steps.callouts.records import Callout, close_callout, close_row
from accredit.server.steps.step import StepOutcome


async def answer_callout(node: Node, session: FlowSession, callout: Callout, outcome: StepOutcome) -> bool:
    """Whether the answer was the first, and the session still there for it; one that is late is audited and changes nothing."""
    now_ms = node.clock()
    close = partial(close_row, callout_id=callout.callout_id, now_ms=now_ms)
    try:
        answered = await answer_step(node, session, callout.step, callout.attempt, outcome, close)
    except ConflictError:
        await node.store.write(close_callout, (callout.callout_id, now_ms))
        return False
    try:
        await advance(node, answered)
    except AccreditError as error:
        # The answer is kept; what comes after it begins when somebody looks, or when the sweeper does.
        telemetry.log.warning("step_not_begun", extra={"fields": {"session_id": session.session_id, "code": error.code}})
    return True
