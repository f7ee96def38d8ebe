"""What takes a code to an address: the mail server, the owner's SMS gateway, and in sandbox a simulator that sends nothing."""

from accredit.encoding import Json, compact_json
from accredit.errors import FailureError, MalformedError
from accredit.server.checklist.observations import Observations
from accredit.server.ids import new_id
from accredit.server.mail import Mailer, MailError
from accredit.server.otp.codes import SANDBOX_CODE
from accredit.server.otp.texts import write_letter, write_message
from accredit.server.outbound import Outbound, OutboundRequest
from accredit.server.steps.addresses import Carrier, UndeliveredError
from accredit.server.steps.gateways import Gateways, SmsGateway, fill_body
from accredit.server.steps.step import Asked

_GATEWAY_S = 15
# What a gateway says of a number that it cannot reach; all else is a fault of the gateway or of its settings.
_REFUSED = (400, 404, 422)


class MailCarrier:
    """Letters."""

    fixed_code: str | None = None

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    async def send(self, asked: Asked, address: str, code: str) -> None:
        """Send the letter, in the language of the page."""
        try:
            await self._mailer.send(write_letter(address, code, asked.language))
        except MailError as error:
            fault = {"mail_refused": "refused", "mail_not_configured": "missing"}.get(error.reason, "down")
            raise UndeliveredError(error.reason, fault) from error  # type: ignore[arg-type]


class SmsCarrier:
    """Text messages, by the HTTP gateway of the account and environment."""

    fixed_code: str | None = None

    def __init__(self, gateways: Gateways, outbound: Outbound) -> None:
        self._gateways = gateways
        self._outbound = outbound

    async def send(self, asked: Asked, address: str, code: str) -> None:
        """Ask the gateway; any 2xx is its word that the message is under way."""
        gateway = await self._gateways.find(asked.scope)
        if gateway is None:
            raise UndeliveredError("sms_not_configured", "missing")
        body = fill_body(dict(gateway.body), {"to": address, "text": write_message(code, asked.language), "id": new_id("sms_")})
        status = await self._post(gateway, body, plain=asked.scope.environment == "sandbox")
        if not 200 <= status < 300:
            refused = status in _REFUSED
            raise UndeliveredError("sms_refused" if refused else f"status_{status}", "refused" if refused else "down")

    async def _post(self, gateway: SmsGateway, body: Json, *, plain: bool) -> int:
        request = OutboundRequest(
            gateway.url,
            method="POST",
            headers={"Content-Type": "application/json", **gateway.headers},
            body=compact_json(body),
            plain=plain,
            timeout_s=_GATEWAY_S,
        )
        try:
            return (await self._outbound.send(request)).status
        except (FailureError, MalformedError) as error:
            raise UndeliveredError(error.code, "down") from error


class WatchedCarrier:
    """Another carrier, of which is noted whether it does what it is there for."""

    def __init__(self, carrier: Carrier, observations: Observations) -> None:
        self.fixed_code = carrier.fixed_code
        self._carrier = carrier
        self._observations = observations

    async def send(self, asked: Asked, address: str, code: str) -> None:
        """Send it. An address that takes nothing says nothing of the carrier."""
        try:
            await self._carrier.send(asked, address, code)
        except UndeliveredError as error:
            if error.fault != "refused":
                self._observations.note_step(asked.integration_id, asked.step, error.reason, asked.now_ms)
            raise
        self._observations.note_step(asked.integration_id, asked.step, None, asked.now_ms)


class SimulatedCarrier:
    """Sends nothing; the code is always the same."""

    fixed_code: str | None = SANDBOX_CODE

    async def send(self, asked: Asked, address: str, code: str) -> None:
        """Nothing, unless the address is one that nothing can be delivered to."""
        local, at, _ = address.rpartition("@")
        if local.endswith("+bounce") if at else address.endswith("0000"):
            raise UndeliveredError("simulated_bounce", "refused")
