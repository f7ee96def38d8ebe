"""What a service posts to a callback address later: `POST /flow/callouts/{id}` (protocol-webhooks.md section 8)."""

from accredit.errors import ConflictError, Refused
from accredit.httpsig import HeaderFields
from accredit.server import audit
from accredit.server.attempts import record_refusal
from accredit.server.node import Node
from accredit.server.sessions.flow.reading import load_any
from accredit.server.steps.callouts.answers import read_posted
from accredit.server.steps.callouts.ending import answer_callout
from accredit.server.steps.callouts.records import Callout, find_callout
from accredit.webhooks import generate_webhook_secret, verify_webhook_signature

TOLERANCE_S = 300
# Of nobody: what is posted about a call-out that does not exist costs a MAC, too.
_NOBODYS = generate_webhook_secret()


async def take_answer(node: Node, callout_id: str, body: bytes, headers: HeaderFields, address: str) -> None:
    """Take the answer of a service, once. address: of the client.

    (1) A signature of the service, at most 300 seconds off, over this id. (2) The call-out is open. (3) The answer is of its form.
    (4) The step still waits for it: of two answers at once one ends it.

    Raises Refused `webhook_signature_mismatch` for whatever fails in (1); ConflictError `callout_closed`; MalformedError as
    `read_posted`.
    """
    callout = await node.store.read(find_callout, callout_id)
    await _verify(node, callout, callout_id, body, headers, address)  # (1)
    assert callout is not None
    if not callout.is_open(node.clock()):  # (2)
        await node.store.write(audit.record_entries, _entry(node, callout, "flow.late_answer", "callout_closed"))
        raise ConflictError("callout_closed")
    outcome = read_posted(body, callout.checks)  # (3)
    session = await load_any(node, callout.session_id)
    if session is None or not await answer_callout(node, session, callout, outcome):  # (4)
        raise ConflictError("callout_closed")


async def _verify(
    node: Node, callout: Callout | None, callout_id: str, body: bytes, headers: HeaderFields, address: str
) -> None:
    now_ms = node.clock()
    secrets = [_NOBODYS]
    if callout is not None and await node.steps.services.find(callout.scope, callout.service_id) is not None:
        live = await node.webhook_keys.endpoint_secrets(callout.scope, callout.service_id, now_ms)
        secrets = [each.text for each in live] or secrets
    try:
        signed_id = verify_webhook_signature(body, headers, secrets=secrets, now=now_ms // 1000, tolerance_s=TOLERANCE_S)
        if callout is None or signed_id != callout_id:
            raise Refused("webhook_signature_mismatch", "webhook-id")
    except Refused as error:
        if callout is not None:
            await record_refusal(node, address, _entry(node, callout, "flow.callout_refused", error.code))
        raise Refused("webhook_signature_mismatch") from error


def _entry(node: Node, callout: Callout, kind: str, code: str) -> audit.AuditEntry:
    """What the audit record says of an answer that changed nothing."""
    return audit.AuditEntry(
        at_ms=node.clock(),
        kind=kind,
        account_id=callout.scope.account_id,
        environment=callout.scope.environment,
        code=code,
        session_id=callout.session_id,
        detail={"callout_id": callout.callout_id, "step": callout.step},
    )
