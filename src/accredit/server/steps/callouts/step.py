"""A step that a service of the owner decides: it begins with a row, and whoever sends rows does the rest."""

from collections.abc import Sequence
from functools import partial

from accredit.server.ids import new_id
from accredit.server.keyring.sealing import Sealer
from accredit.server.steps.callouts.records import Callout, find_callout, insert_callout, open_part, seal_part
from accredit.server.steps.callouts.request import request_body
from accredit.server.steps.fields import AskedFirst
from accredit.server.steps.step import Asked, Done, Next, StepOutcome, Wait
from accredit.server.store import Store


class CalloutStep(AskedFirst):
    """Asks for the fields that are missing, then the service. service_id: None where the template names none."""

    def __init__(self, store: Store, sealer: Sealer, public_url: str, service_id: str | None, fields: Sequence[str]) -> None:
        super().__init__(fields, self._call, self._look)
        self._store = store
        self._sealer = sealer
        self._public_url = public_url
        self._service_id = service_id
        self._named = tuple(fields)

    async def _call(self, asked: Asked) -> Next:
        if self._service_id is None:
            return Done(StepOutcome("error", reason="service_missing"))
        callout_id = new_id("cal_")
        body = request_body(asked, self._named, callout_id, self._public_url)
        await self._sealer.ready(asked.scope)
        callout = Callout(
            callout_id=callout_id,
            scope=asked.scope,
            session_id=asked.session_id,
            step=asked.step,
            attempt=asked.attempt,
            service_id=self._service_id,
            checks=tuple(name for name in self._named if name in asked.user.known()),
            body=seal_part(self._sealer, asked.scope, callout_id, "body", body),
            continue_url=None,
            tries=0,
            due_ms=asked.now_ms,
            expires_ms=asked.expires_ms,
        )
        # With the state that waits for it, or not at all: no call-out is lost, and none is made for a step that is not waiting.
        return Wait({"callout": callout_id}, write=partial(insert_callout, callout=callout))

    async def _look(self, asked: Asked) -> Next:
        """What the service said so far; its answer itself goes to the session."""
        callout = await self._store.read(find_callout, str(asked.state.get("callout")))
        await self._sealer.ready(asked.scope)
        address = None if callout is None else open_part(self._sealer, callout, "continue_url")
        return Wait(asked.state, continue_url=None if address is None else address.decode())
