"""One attempt to get in, as the audit record and the counters see it, at whichever door.

What was refused is written down with its precise code before the caller hears of it; the caller hears the outer code only.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from accredit.errors import AccreditError, FailureError, MalformedError, Refused
from accredit.server import telemetry
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.leak_response import Sighting, answer_exposed
from accredit.server.limits import TooManyRefusals, TooManyRequests, network_of
from accredit.server.node import Node
from accredit.server.refusals import Refusal


class Addressed(Protocol):
    """The integration that an attempt is for, at whichever door."""

    @property
    def integration_id(self) -> str: ...

    @property
    def scope(self) -> Scope: ...

    @property
    def debug_until_ms(self) -> int: ...


@dataclass(slots=True)
class Attempt:
    """Filled in as the door learns more. origin, channel: where a refusal page tells of itself; None until they are known.

    asked: who asks was read from the request. as_problem: who asks reads JSON and shows no page. renewal: a fetch for a frame that
    is there.
    """

    door: str
    request_id: str
    address: str
    now_ms: int
    origin: str | None = None
    channel: str | None = None
    integration: Addressed | None = None
    asked: bool = False
    as_problem: bool = False
    renewal: bool = False


async def refuse_exposed(node: Node, attempt: Attempt, texts: Collection[str]) -> None:
    """Revoke what must never be sent by a browser, wherever in a request it stands. Raises Refused `secret_exposed`."""
    seen = Sighting("browser", Cause(attempt.now_ms, request_id=attempt.request_id))
    # A secret that is nobody's here, as in somebody else's configuration, is no reason to refuse.
    if await answer_exposed(node, texts, seen):
        raise Refused("secret_exposed")


async def refuse_exposed_body(node: Node, attempt: Attempt, sent: Mapping[bytes, bytes], body: bytes) -> None:
    """The same for a body of JSON that a page sends; a backend's is let be. sent: the headers. Raises as `refuse_exposed`."""
    if b"origin" in sent and body:
        text = body.decode("utf-8", "replace")
        await refuse_exposed(node, attempt, [text, *text.split('"')])


async def refuse(node: Node, attempt: Attempt, error: AccreditError, *, told: Collection[str] = ()) -> Refusal:
    """Write the refusal down and return what may be told of it. told: codes that are told as they are."""
    reason = _reason(attempt, error)
    if isinstance(error, TooManyRefusals):
        telemetry.refusals(attempt.door, error.code).inc()
        return Refusal(error.status, error.code, attempt.request_id, retry_after_s=error.retry_after_s)
    if isinstance(error, FailureError):
        telemetry.log.error("failed", extra={"fields": {"request_id": attempt.request_id, "code": error.code}})
        return Refusal(error.status, error.code, attempt.request_id)
    node.refusal_limit.count(attempt.address, attempt.now_ms)
    telemetry.refusals(attempt.door, error.code).inc()
    await node.store.write(record_entries, _entry(node, attempt, error))
    if isinstance(error, MalformedError) or error.code in told:
        wait_s = error.retry_after_s if isinstance(error, TooManyRequests) else None
        return Refusal(error.status, error.code, attempt.request_id, error.member, reason, wait_s)
    return Refusal(403, "admission_refused", attempt.request_id, reason=reason)


async def record_refusal(node: Node, address: str, entry: AuditEntry) -> None:
    """Write a refused call down, unless this address fills the record with them. entry: without the address."""
    try:
        node.refusal_limit.check(address, entry.at_ms)
    except TooManyRefusals:
        return
    node.refusal_limit.count(address, entry.at_ms)
    await node.store.write(record_entries, msgspec.structs.replace(entry, address_hash=_address_hash(node, address)))


def _address_hash(node: Node, address: str) -> bytes:
    return node.sealer.server_mac("address", network_of(address).encode())[:16]


def _reason(attempt: Attempt, error: AccreditError) -> str | None:
    """The audit code, while the integration's owner has debugging switched on."""
    integration = attempt.integration
    return error.code if integration is not None and attempt.now_ms < integration.debug_until_ms else None


def _entry(node: Node, attempt: Attempt, error: AccreditError) -> AuditEntry:
    integration = attempt.integration
    return AuditEntry(
        at_ms=attempt.now_ms,
        kind=f"{attempt.door}.refused",
        account_id="" if integration is None else integration.scope.account_id,
        environment="" if integration is None else integration.scope.environment,
        code=error.code,
        integration_id=None if integration is None else integration.integration_id,
        request_id=attempt.request_id,
        address_hash=_address_hash(node, attempt.address),
        detail={} if error.member is None else {"member": error.member},
    )
