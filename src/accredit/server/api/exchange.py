"""`POST /v1/exchange`: the application's backend turns a frame's code into who embeds it, for whom (protocol-embed.md section 9)."""

import msgspec

from accredit.errors import NotFoundError
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.api.session_answers import SessionAnswer, answer_session
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.sessions.redeeming import redeem_code


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """code: the 43 base64url characters that the frame's address carried."""

    code: str


@operation("POST", "/v1/exchange", answer=SessionAnswer, codes=("code_unknown",), limited=True)
async def exchange_code(call: Call, body: Exchange) -> Reply:
    """Redeem a code.

    It is good once, within 60 seconds of the admission. A key that may not redeem it does not burn it.
    """
    node, api_key = call.node, call.api_key
    try:
        session = await redeem_code(
            node.store, node.sealer, body.code, api_key.scope, api_key.integration_ids, now_ms=call.now_ms
        )
    except NotFoundError as error:
        await node.store.write(record_entries, _refusal(call, error))
        raise
    return json_reply(call.request_id, await answer_session(node, session, call.now_ms))


def _refusal(call: Call, error: NotFoundError) -> AuditEntry:
    """A code that does not hold may be one that somebody else redeemed before: the owner can find it."""
    return AuditEntry(
        at_ms=call.now_ms,
        kind="exchange.refused",
        account_id=call.scope.account_id,
        environment=call.scope.environment,
        code=error.code,
        actor=call.api_key.key_id,
        request_id=call.request_id,
    )


OPERATIONS = (exchange_code,)
