"""Who sends call-outs: one worker in each process, over rows that are claimed with a lease.

It is woken by the commit that brings a new row, and looks every second for what other nodes left. A node that dies in the middle of a
try leaves the row to whoever claims it when the lease ends: the service is then asked again, under the same `webhook-id`.
"""

import asyncio
from collections import Counter

from accredit.errors import AccreditError
from accredit.server import telemetry
from accredit.server.node import Node
from accredit.server.sessions.flow.reading import load_any
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.steps.callouts.answers import Pending, Unanswered
from accredit.server.steps.callouts.ending import answer_callout
from accredit.server.steps.callouts.records import (
    TOPIC,
    Callout,
    Claiming,
    Failure,
    Promise,
    claim_callouts,
    close_callout,
    note_failure,
    note_promise,
    seal_part,
)
from accredit.server.steps.callouts.sending import Sending, next_try_ms
from accredit.server.steps.step import StepOutcome

_LOOK_EVERY_S = 1.0
# At once on one node, and of these for one service, so that one that hangs leaves room for the others.
_UNDER_WAY, _OF_ONE_SERVICE = 64, 16
# The longest time-out of a service and what the server itself may need.
_LEASE_MS = (30 + 30) * 1000


class CalloutDispatcher:
    """The worker of one process."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sending = Sending(node.steps.services, node.webhook_keys, node.keyring, node.outbound, node.sealer)
        self._wake = asyncio.Event()
        self._by_service: Counter[str] = Counter()
        node.store.on_commit(TOPIC, self._wake.set)

    async def run(self) -> None:
        """Send what is due, for ever. Cancelled, it leaves what is under way to its leases."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    await self._round(group)
                except AccreditError as error:
                    telemetry.log.warning("background_failed", extra={"fields": {"code": error.code}})
                # The edge of the process for background work.
                except Exception:  # noqa: BLE001
                    telemetry.log.exception("background_failed")
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _round(self, group: asyncio.TaskGroup) -> None:
        """Claim what there is room for, and begin it."""
        room = _UNDER_WAY - self._by_service.total()
        if room <= 0:
            return
        full = [service_id for service_id, count in self._by_service.items() if count >= _OF_ONE_SERVICE]
        claiming = Claiming(self._node.clock(), min(room, _OF_ONE_SERVICE), full, _LEASE_MS)
        claimed = await self._node.store.write(claim_callouts, claiming)
        for callout in claimed:
            self._by_service[callout.service_id] += 1
            group.create_task(self._try(callout))
        if len(claimed) == claiming.limit:
            # There may be more of them.
            self._wake.set()

    async def _try(self, callout: Callout) -> None:
        try:
            await self._attempt(callout)
        except AccreditError as error:
            telemetry.log.warning("callout_failed", extra={"fields": {"callout_id": callout.callout_id, "code": error.code}})
        # The edge of the process for background work: the lease ends, and it is tried again.
        except Exception:  # noqa: BLE001
            telemetry.log.exception("callout_failed")
        finally:
            self._by_service[callout.service_id] -= 1
            # What is added takes nothing but the services that have none under way any more.
            self._by_service += Counter()
            self._wake.set()

    async def _attempt(self, callout: Callout) -> None:
        node = self._node
        session = await load_any(node, callout.session_id)
        if session is None or not _waits(session, callout, node.clock()):
            await node.store.write(close_callout, (callout.callout_id, node.clock()))
            return
        said = await self._sending.send(callout, node.clock())
        telemetry.callout_tries(_outcome_of(said)).inc()
        unanswered = said.reason if isinstance(said, Unanswered) else None
        node.observations.note_step(session.integration_id, callout.step, unanswered, node.clock())
        if isinstance(said, Pending):
            await self._promise(callout, said)
        elif isinstance(said, Unanswered):
            await self._go_without(callout, session, said)
        else:
            await answer_callout(node, session, callout, said)

    async def _promise(self, callout: Callout, said: Pending) -> None:
        sealed = None
        if said.continue_url is not None:
            octets = said.continue_url.encode("ascii")
            sealed = seal_part(self._node.sealer, callout.scope, callout.callout_id, "continue_url", octets)
        await self._node.store.write(note_promise, Promise(callout.callout_id, sealed))

    async def _go_without(self, callout: Callout, session: FlowSession, said: Unanswered) -> None:
        again_ms = next_try_ms(callout, self._node.clock()) if said.again else None
        if again_ms is None:
            await answer_callout(self._node, session, callout, StepOutcome("error", reason=said.reason))
        else:
            await self._node.store.write(note_failure, Failure(callout, again_ms))


def _outcome_of(said: StepOutcome | Pending | Unanswered) -> str:
    if isinstance(said, Pending):
        return "pending"
    return said.reason if isinstance(said, Unanswered) else said.status


def _waits(session: FlowSession, callout: Callout, now_ms: int) -> bool:
    """Whether the step still waits for this call-out."""
    if not callout.is_open(now_ms) or not session.is_active(now_ms) or session.active_step != callout.step:
        return False
    return session.steps[callout.step].attempt == callout.attempt
