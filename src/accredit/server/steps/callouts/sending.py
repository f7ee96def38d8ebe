"""One try of a call-out: sign, send, judge what comes back (protocol-webhooks.md sections 5, 7 and 8).

After a time-out, a connection that fails, 429 and 5xx it is tried again after 2, 10, 60 and 300 seconds, each times 0.9 to 1.1.
"""

from dataclasses import dataclass

from accredit.errors import FailureError, MalformedError
from accredit.server.events.schedule import spread_wait
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.webhook_keys import WebhookKeys
from accredit.server.outbound import Outbound, OutboundRequest
from accredit.server.steps.callouts.answers import Pending, Unanswered, read_answer
from accredit.server.steps.callouts.records import Callout, open_part
from accredit.server.steps.callouts.request import sealed_for, write_request
from accredit.server.steps.services import Services, StepService
from accredit.server.steps.step import StepOutcome

WAITS_MS = (2_000, 10_000, 60_000, 300_000)
# Whoever redirects has another address; all else that fails on the way may work the next time.
_FOR_GOOD = ("redirect_refused",)


@dataclass(frozen=True, slots=True)
class Sending:
    """What one try stands on."""

    services: Services
    webhook_keys: WebhookKeys
    keyring: Keyring
    outbound: Outbound
    sealer: Sealer

    async def send(self, callout: Callout, now_ms: int) -> StepOutcome | Pending | Unanswered:
        """Make one try. Raises FailureError where our own store or keys fail: then it was none."""
        service = await self.services.find(callout.scope, callout.service_id)
        await self.sealer.ready(callout.scope)
        body = open_part(self.sealer, callout, "body")
        if service is None or body is None:
            return Unanswered("service_removed", again=False)
        plain = callout.scope.environment == "sandbox"
        try:
            request = await self._write(service, callout, body, now_ms)
        except MalformedError as error:
            return Unanswered(error.code, again=False)
        if request is None:
            return Unanswered("service_removed", again=False)
        try:
            answer = await self.outbound.send(request)
        except FailureError as error:
            return Unanswered(error.code, again=error.code not in _FOR_GOOD)
        except MalformedError as error:
            return Unanswered(error.code, again=False)
        return read_answer(answer, callout.checks, plain=plain)

    async def _write(self, service: StepService, callout: Callout, body: bytes, now_ms: int) -> OutboundRequest | None:
        secrets = await self.webhook_keys.endpoint_secrets(service.scope, service.service_id, now_ms)
        if not secrets:  # It was removed just now.
            return None
        ring = await self.webhook_keys.ring(service.scope, now_ms)
        octets = sealed_for(service, body)
        signing = ring.signing(now_ms)
        for key_id in (*(each.record_id for each in secrets), *(key.key_id for key in signing)):
            self.keyring.note_use(key_id, now_ms)
        newest_first = [each.text for each in reversed(secrets)]
        return write_request(service, callout.callout_id, octets, newest_first, [key.private for key in signing], now_ms)


def next_try_ms(callout: Callout, failed_at_ms: int) -> int | None:
    """When a call-out whose try has failed is tried again; None: it was the last."""
    if callout.tries >= len(WAITS_MS):
        return None
    return failed_at_ms + spread_wait(WAITS_MS[callout.tries], callout.callout_id, callout.tries + 2)
