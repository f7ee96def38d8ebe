"""One attempt to deliver: signed now, sent through the guard, judged (protocol-webhooks.md sections 5, 7 and 9.3).

outcome = await attempt_delivery(node, claimed)     # nothing is written here
sent = await send_once(node, endpoint, prepared)    # a test or a probe, of which no delivery tells
"""

import asyncio
from dataclasses import dataclass, field

from accredit.errors import AccreditError
from accredit.server.events.bodies import body_of, event_id_of
from accredit.server.events.claiming import Claimed
from accredit.server.events.excerpts import response_excerpt
from accredit.server.events.flow_facts import load_flow_facts
from accredit.server.events.recording import Outcome
from accredit.server.events.records import Attempt, Endpoint
from accredit.server.events.schedule import attempts_of
from accredit.server.events.signing import Signer, headers_of
from accredit.server.events.verdicts import Verdict, judge_answer, judge_failure
from accredit.server.node import Node
from accredit.server.outbound import Answer, OutboundRequest, Redirected

_EXCERPT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is sent: headers and the octets of the body. key_ids, authorization_key_id: of the key records that signed."""

    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    key_ids: tuple[str, ...] = ()
    authorization_key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending. ended_ms: by the server's clock. duration_ms: measured. address: who answered."""

    verdict: Verdict
    ended_ms: int
    duration_ms: int
    address: str | None
    excerpt: str | None


async def attempt_delivery(node: Node, claimed: Claimed, signer: Signer) -> Outcome:
    """Attempt a delivery that was claimed. The signer may sign for its endpoint.

    Raises FailureError `service_unavailable`, `sealed_damaged`, `root_key_missing`: then nothing was sent.
    """
    at_ms = node.clock()
    prepared = await prepare_delivery(node, claimed, signer, at_ms)
    sent = await send_once(node, claimed.endpoint, prepared)
    return outcome_of(claimed, prepared, sent, at_ms)


async def prepare_delivery(node: Node, claimed: Claimed, signer: Signer, at_ms: int) -> Prepared:
    """What an attempt at that time sends. Raises as `attempt_delivery`."""
    endpoint, event = claimed.endpoint, claimed.event
    body = claimed.delivery.body or body_of(endpoint, event, await load_flow_facts(node, endpoint, event))
    signed = headers_of(
        endpoint,
        signer,
        event_id_of(endpoint, event),
        body,
        now_ms=at_ms,
        number=claimed.number,
        of=attempts_of(endpoint.kind),
        last=claimed.last,
    )
    for key_id in signed.key_ids:
        node.keyring.note_use(key_id, at_ms)
    return Prepared(signed.headers, body, signed.key_ids, signed.authorization_key_id)


def outcome_of(claimed: Claimed, prepared: Prepared, sent: Sent, at_ms: int) -> Outcome:
    """What is written down of an attempt that was made at that time."""
    attempt = Attempt(
        delivery_id=claimed.delivery.delivery_id,
        number=claimed.number,
        at_ms=at_ms,
        duration_ms=sent.duration_ms,
        status=sent.verdict.status,
        error=sent.verdict.error,
        address=sent.address,
        key_ids=prepared.key_ids,
        authorization_key_id=prepared.authorization_key_id,
        excerpt=sent.excerpt,
    )
    return Outcome(claimed, attempt, sent.verdict, sent.ended_ms)


async def send_once(node: Node, endpoint: Endpoint, prepared: Prepared) -> Sent:
    """Send one request to an endpoint, within its `timeout_s`, and judge what comes back."""
    request = OutboundRequest(
        endpoint.members.url,
        method="POST",
        headers=prepared.headers,
        body=prepared.body,
        plain=endpoint.scope.environment == "sandbox",
        timeout_s=endpoint.members.timeout_s,
        max_body_bytes=_EXCERPT_BYTES,
    )
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answer: Answer | None = None
    try:
        answer = await node.outbound.send(request)
    except Redirected as error:
        answer = error.answer
    except AccreditError as error:
        verdict = judge_failure(error.code)
    address = excerpt = None
    if answer is not None:
        verdict = judge_answer(answer.status, answer.headers.get("Retry-After"), node.clock())
        address, excerpt = answer.address, response_excerpt(answer.headers.get("Content-Type"), answer.body)
    return Sent(verdict, node.clock(), round((loop.time() - begun) * 1000), address, excerpt)
