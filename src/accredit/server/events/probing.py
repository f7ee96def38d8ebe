"""Test requests and probes: what an endpoint makes of a genuine request, and of forged ones (protocol-webhooks.md section 6).

Neither is a delivery: nothing is tried again, and what comes of it says nothing about how the endpoint does. No probe tells a secret:
wrong signatures are random, and the one that is stale is of a sample.

    tested = await send_sample(node, endpoint, "session.success")
    probe = await probe_endpoint(node, endpoint)
    probe.passed
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from accredit.errors import ConflictError
from accredit.keys import generate_deployment_key
from accredit.server.events.attempting import Prepared, send_once
from accredit.server.events.bodies import body_of, event_id_of
from accredit.server.events.records import Endpoint
from accredit.server.events.samples import sample_for
from accredit.server.events.signing import Signer, headers_of
from accredit.server.events.verdicts import Verdict
from accredit.server.keyring.flow_keys import LiveSecret
from accredit.server.keyring.webhook_keys import AccountKey
from accredit.server.node import Node
from accredit.server.store import Transaction, one_by_one
from accredit.server.times import wire_time
from accredit.webhooks import generate_webhook_secret, parse_webhook_signing_key

KEPT_MS = 30 * 86_400_000
_STALE_MS = 3_600_000
_SIGNED_BY = ("webhook-signature", "authorization")

ProbeName = Literal["genuine", "unsigned", "wrong_key", "body_swapped", "stale"]
ProbeOutcome = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test request. outcome: `succeeded`, or a code of the attempt log."""

    outcome: str
    status: int | None
    duration_ms: int
    response_excerpt: str | None


class ProbeResult(msgspec.Struct, frozen=True):
    """What came of one request of a probe. error: a code of the attempt log, None where it was answered with 2xx."""

    probe: ProbeName
    outcome: ProbeOutcome
    status: int | None
    error: str | None


class Probe(msgspec.Struct, frozen=True):
    """A probe as it is kept. at: when. passed: whether every request was answered as it must be."""

    at: str
    passed: bool
    results: list[ProbeResult]


async def send_sample(node: Node, endpoint: Endpoint, name: str | None = None) -> Tested:
    """Send one sample now. name: of its type, in the words of the endpoint's kind.

    Raises MalformedError `event_type_unknown`; ConflictError `endpoint_disabled`, and `key_not_live` where the API key of an endpoint
    has no live secret.
    """
    if not endpoint.enabled:
        raise ConflictError("endpoint_disabled")
    now_ms = node.clock()
    sample = sample_for(endpoint, name, now_ms)
    signer = await _find_signer(node, endpoint, now_ms)
    body = body_of(endpoint, sample.event, sample.facts)
    sent = await send_once(node, endpoint, _sign(endpoint, signer, now_ms, body))
    return Tested(sent.verdict.error or "succeeded", sent.verdict.status, sent.duration_ms, sent.excerpt)


async def probe_endpoint(node: Node, endpoint: Endpoint) -> Probe:
    """Send five requests, one after another, of which four are forged; what came of them is kept for 30 days.

    Raises ConflictError `key_not_live` where the API key of an endpoint has no live secret.
    """
    results = [await _try(node, endpoint, name, forge) for name, forge in _FORGED.items()]
    probe = Probe(wire_time(node.clock()), all(each.outcome == "passed" for each in results), results)
    await node.store.write(_keep, (endpoint.endpoint_id, msgspec.json.encode(probe).decode()))
    return probe


def read_probe(endpoint: Endpoint, now_ms: int) -> Probe | None:
    """The last probe of an endpoint, None if there was none within 30 days."""
    if endpoint.probe is None:
        return None
    probe = msgspec.json.decode(endpoint.probe, type=Probe)
    # Times are written in one way, so that their order is that of their texts.
    return probe if probe.at > wire_time(now_ms - KEPT_MS) else None


@one_by_one
def _keep(tx: Transaction, item: tuple[str, str]) -> None:
    endpoint_id, probe = item
    tx.execute("UPDATE webhook_endpoints SET probe = ? WHERE id = ?", (probe, endpoint_id))


async def _try(node: Node, endpoint: Endpoint, name: ProbeName, forge: "_Forge") -> ProbeResult:
    now_ms = node.clock()
    signer = await _find_signer(node, endpoint, now_ms)
    sent = await send_once(node, endpoint, forge(endpoint, signer, now_ms))
    return ProbeResult(name, _judge(name, sent.verdict), sent.verdict.status, sent.verdict.error)


def _judge(name: ProbeName, verdict: Verdict) -> ProbeOutcome:
    """A genuine request must be accepted, and a forged one refused as the sender's fault; other failures tell nothing."""
    refused = verdict.status is not None and 400 <= verdict.status < 500
    if not verdict.succeeded and not refused:
        return "unknown"
    return "passed" if verdict.succeeded == (name == "genuine") else "failed"


async def _find_signer(node: Node, endpoint: Endpoint, now_ms: int) -> Signer:
    signer = await node.signers.find(endpoint, now_ms)
    if not signer.may_sign_for(endpoint):
        raise ConflictError("key_not_live", "api_key_id")
    return signer


def _sign(endpoint: Endpoint, signer: Signer, now_ms: int, body: bytes) -> Prepared:
    event_id = event_id_of(endpoint, sample_for(endpoint, None, now_ms).event)
    return Prepared(headers_of(endpoint, signer, event_id, body, now_ms=now_ms).headers, body)


def _body(endpoint: Endpoint, happened_ms: int) -> bytes:
    sample = sample_for(endpoint, None, happened_ms)
    return body_of(endpoint, sample.event, sample.facts)


def _genuine(endpoint: Endpoint, signer: Signer, now_ms: int) -> Prepared:
    return _sign(endpoint, signer, now_ms, _body(endpoint, now_ms))


def _unsigned(endpoint: Endpoint, signer: Signer, now_ms: int) -> Prepared:
    genuine = _genuine(endpoint, signer, now_ms)
    return Prepared({name: text for name, text in genuine.headers.items() if name.lower() not in _SIGNED_BY}, genuine.body)


def _wrong_key(endpoint: Endpoint, signer: Signer, now_ms: int) -> Prepared:
    secret = LiveSecret("", generate_webhook_secret())
    private = parse_webhook_signing_key(generate_deployment_key("EdDSA").private_jwk)
    stranger = Signer((secret,), (AccountKey("", {}, private, now_ms, None),), (secret,), signer.key_id)
    return _sign(endpoint, stranger, now_ms, _body(endpoint, now_ms))


def _body_swapped(endpoint: Endpoint, signer: Signer, now_ms: int) -> Prepared:
    # Another moment is another body; the digest stays that of the first.
    return Prepared(_genuine(endpoint, signer, now_ms).headers, _body(endpoint, now_ms - _STALE_MS))


def _stale(endpoint: Endpoint, signer: Signer, now_ms: int) -> Prepared:
    return _sign(endpoint, signer, now_ms - _STALE_MS, _body(endpoint, now_ms - _STALE_MS))


_Forge = Callable[[Endpoint, Signer, int], Prepared]
_FORGED: dict[ProbeName, _Forge] = {
    "genuine": _genuine,
    "unsigned": _unsigned,
    "wrong_key": _wrong_key,
    "body_swapped": _body_swapped,
    "stale": _stale,
}
