"""The exchange's webhooks: what arrives at its two addresses is verified first, and what is not genuine does nothing.

A real receiver keeps the ids in its database for seven days, and asks Accredit for the session before it acts.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import accredit
from accredit.errors import AccreditError
from accredit.server.demo.flow.keys import ExchangeKeys

_KEPT, _IDS = 300, 5000


@dataclass(frozen=True, slots=True)
class Hook:
    """A request as it arrived. number: counts from 1. code: why it was refused, None if it is genuine. again: known already."""

    number: int
    kind: str
    code: str | None
    type: str = ""
    session_id: str = ""
    status: str = ""
    step: str | None = None
    again: bool = False


class Mailbox:
    """What arrived of late. keys: what the exchange verifies with. clock: milliseconds UTC."""

    def __init__(self, keys: ExchangeKeys, clock: Callable[[], int]) -> None:
        self._secret = accredit.WebhookSecret.from_text(keys.hook)
        self._keys = {keys.sandbox.key_id: [keys.sandbox.secret]}
        self._clock = clock
        self._hooks: deque[Hook] = deque(maxlen=_KEPT)
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.count = 0

    def since(self, number: int) -> list[dict[str, Any]]:
        """What arrived after that one, oldest first."""
        return [asdict(each) for each in self._hooks if each.number > number]

    async def receive(self, request: Request) -> Response:
        """An address of the exchange."""
        kind = request.path_params["kind"]
        try:
            event = self._verify(kind, await request.body(), request)
        except AccreditError as error:
            self._keep(kind, error.code)
            return Response(error.code, 401, media_type="text/plain")
        payload: dict[str, Any] = event.payload or {}
        again = (kind, event.id) in self._seen
        self._seen[kind, event.id] = None
        if len(self._seen) > _IDS:
            self._seen.popitem(last=False)
        data = payload["data"]
        told = {"session_id": data.get("id") or "", "status": data.get("status") or "", "step": data.get("step")}
        self._keep(kind, None, type=payload.get("type") or payload["event"], again=again, **told)
        return Response(status_code=204)

    def _verify(self, kind: str, body: bytes, request: Request) -> accredit.VerifiedEvent:
        """Raises what verification raises."""
        now = self._clock() // 1000
        if kind == "accredit":
            return accredit.verify_webhook(body, request.headers.items(), secrets=[self._secret], now=now)
        target = request.url.path
        return accredit.verify_flow_webhook(body, request.headers.items(), target=target, keys=self._keys, now=now)

    def _keep(self, kind: str, code: str | None, **told: Any) -> None:
        self.count += 1
        self._hooks.append(Hook(self.count, kind, code, **told))
