"""The dispatcher: the part of a node that delivers, in the background, what it and the other nodes wrote into the outbox.

It is woken after each commit of its own node that wrote deliveries, and looks each second for what other nodes wrote or what has
come due (protocol-webhooks.md section 9). What it claims it begins at once, so that nothing that was claimed waits; outcomes are
written in groups, and a slot is free again when its outcome is durable.

    dispatcher = Dispatcher(node)
    task = asyncio.create_task(dispatcher.run())
    await dispatcher.close()        # lets attempts end for a while, gives back the rest
"""

import asyncio
from contextlib import suppress

from accredit.errors import AccreditError
from accredit.server import telemetry
from accredit.server.events.attempting import attempt_delivery
from accredit.server.events.claiming import Claim, Claimed, claim_deliveries, find_waiting, release_all, release_deliveries
from accredit.server.events.counting import count_outcome
from accredit.server.events.disabling import disable_unsigned, disabled_notice
from accredit.server.events.fairness import share_slots
from accredit.server.events.outbox import DELIVERIES
from accredit.server.events.recording import Outcome, Recorded, record_outcomes
from accredit.server.events.records import Endpoint
from accredit.server.keyring.changes import Cause
from accredit.server.node import Node

_LOOK_EVERY_S, _LOOK_AGAIN_S, _WRITE_AGAIN_S = 1.0, 0.02, 0.5
# How long a server that stops waits for attempts under way.
_END_WITHIN_S = 5.0
_ACTOR = "delivery"


class Dispatcher:
    """Delivers for one node. Belongs to the event loop on which it runs."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._under_way: dict[asyncio.Task[None], Claimed] = {}
        self._woken = asyncio.Event()
        self._served_last = ""

    async def run(self) -> None:
        """Deliver until cancelled; a round that fails is told of, and the next one comes all the same."""
        self._node.store.on_commit(DELIVERIES, self._woken.set)
        await self._start()
        while True:
            try:
                begun = await self._begin_due()
            except AccreditError as error:
                telemetry.log.warning("delivery_failed", extra={"fields": {"code": error.code}})
                begun = 0
            # The edge of the process for background work.
            except Exception:  # noqa: BLE001
                telemetry.log.exception("delivery_failed")
                begun = 0
            if not begun:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), _LOOK_EVERY_S)

    async def deliver_due(self) -> None:
        """Deliver what is due now, and what comes due meanwhile; done when nothing is due and nothing under way.

        Raises FailureError `service_unavailable`.
        """
        while await self._begin_due() or self._under_way:
            if self._under_way:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Let attempts under way end, a few seconds at most; others may claim the rest at once."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_END_WITHIN_S)
        left = dict(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            with suppress(AccreditError):
                await self._node.store.write(release_deliveries, tuple(left.values()))

    async def _start(self) -> None:
        with suppress(AccreditError):
            await self._node.store.write(release_all, None)

    async def _begin_due(self) -> int:
        """Claim what is due and there is room for, and begin to attempt it; how much that was."""
        self._woken.clear()
        now_ms = self._node.clock()
        waiting = await self._node.store.read(find_waiting, now_ms)
        shares = share_slots(waiting, in_flight=len(self._under_way), served_last=self._served_last)
        if not shares:
            return 0
        self._served_last = next(reversed(shares))
        claimed = await self._node.store.write(claim_deliveries, Claim(shares, now_ms))
        for each in claimed:
            task = asyncio.create_task(self._deliver(each))
            self._under_way[task] = each
            task.add_done_callback(self._finish)
        telemetry.DELIVERIES_UNDER_WAY.set(len(self._under_way))
        if not claimed:
            # Another node was faster, or held a row for a moment.
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._woken.set)
        return len(claimed)

    def _finish(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        telemetry.DELIVERIES_UNDER_WAY.set(len(self._under_way))
        self._woken.set()

    async def _deliver(self, claimed: Claimed) -> None:
        """Attempt one delivery and write down what came of it.

        What fails on our side is attempted again when its lease ends; soon, where it was the database that was away.
        """
        fields = {"delivery_id": claimed.delivery.delivery_id}
        try:
            signer = await self._node.signers.find(claimed.endpoint, self._node.clock())
            if not signer.may_sign_for(claimed.endpoint):
                await self._disable_unsigned(claimed.endpoint)
                return
            recorded = await self._record(await attempt_delivery(self._node, claimed, signer))
            if recorded.disabled is not None:
                self._node.notices.send_soon(disabled_notice(recorded.disabled))
        except AccreditError as error:
            telemetry.log.warning("delivery_failed", extra={"fields": {**fields, "code": error.code}})
            if error.code == "service_unavailable":
                await self._give_back(claimed)
        # The edge of the process for background work.
        except Exception:  # noqa: BLE001
            telemetry.log.exception("delivery_failed", extra={"fields": fields})

    async def _give_back(self, claimed: Claimed) -> None:
        await asyncio.sleep(_WRITE_AGAIN_S)
        with suppress(AccreditError):
            await self._node.store.write(release_deliveries, (claimed,))

    async def _record(self, outcome: Outcome) -> Recorded:
        """Write an outcome, again and again while the lease lasts: what was sent is sent twice only if it must be."""
        while True:
            try:
                recorded = await self._node.store.write(record_outcomes, outcome)
            except AccreditError:
                if self._node.clock() >= (outcome.claimed.delivery.lease_until_ms or 0):
                    raise
                await asyncio.sleep(_WRITE_AGAIN_S)
            else:
                count_outcome(outcome, recorded)
                return recorded

    async def _disable_unsigned(self, endpoint: Endpoint) -> None:
        cause = Cause(self._node.clock(), actor=_ACTOR)
        disabled = await self._node.store.write(disable_unsigned, (endpoint.endpoint_id, cause))
        if disabled is not None:
            self._node.notices.send_soon(disabled_notice(disabled))
