"""What a service is sent: the step's own fields and nothing else of the person, signed anew for each try."""

from collections.abc import Sequence

from accredit import __version__
from accredit.encoding import Json, compact_json
from accredit.sealing import parse_encryption_key
from accredit.server.outbound import OutboundRequest
from accredit.server.steps.callouts.answers import MAX_ANSWER_BYTES
from accredit.server.steps.services import StepService
from accredit.server.steps.step import Asked
from accredit.server.times import wire_time
from accredit.webhooks import WebhookSigningKey, seal_event, sign_webhook

EVENT_TYPE = "flow.step.requested"


def callback_url(public_url: str, callout_id: str) -> str:
    """Where the service posts what it answers later."""
    return f"{public_url}/flow/callouts/{callout_id}"


def request_body(asked: Asked, fields: Sequence[str], callout_id: str, public_url: str) -> bytes:
    """The body before it is sealed, the same on each try."""
    body: dict[str, Json] = {
        "type": EVENT_TYPE,
        "id": callout_id,
        "session_id": asked.session_id,
        "template": {"id": asked.integration_id, "version": asked.version},
        "environment": asked.scope.environment,
        "step": asked.step,
        "attempt": asked.attempt,
        "input": asked.user.only(frozenset(fields)).as_json(),
        "callback_url": callback_url(public_url, callout_id),
        "return_url": asked.return_url,
        "deadline": wire_time(asked.expires_ms),
    }
    return compact_json(body)


def sealed_for(service: StepService, body: bytes) -> bytes:
    """The octets that are sent: the body, or where the service has a key the JWE that only it opens."""
    jwk = service.members.encryption_public_key
    return body if jwk is None else seal_event(body, parse_encryption_key(jwk))


def write_request(
    service: StepService,
    callout_id: str,
    octets: bytes,
    secrets: Sequence[str],
    private_keys: Sequence[WebhookSigningKey],
    now_ms: int,
) -> OutboundRequest:
    """One try. octets: from `sealed_for`. secrets: that count now, newest first. private_keys: the account's, newest first."""
    sealed = service.members.encryption_public_key is not None
    signed = sign_webhook(octets, event_id=callout_id, secrets=secrets, private_keys=private_keys, now=now_ms // 1000)
    return OutboundRequest(
        service.members.url,
        method="POST",
        headers={
            "Content-Type": "application/jose" if sealed else "application/json",
            "Accept": "application/json",
            "User-Agent": f"Accredit-Webhooks/{__version__}",
            **signed,
        },
        body=octets,
        plain=service.scope.environment == "sandbox",
        timeout_s=service.members.timeout_s,
        max_body_bytes=MAX_ANSWER_BYTES,
    )
