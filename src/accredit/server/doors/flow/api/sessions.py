"""The calls below `/flow_sessions`: what each asks for, what is done, and what it is answered with (protocol-flow.md section 9)."""

from collections.abc import Awaitable
from dataclasses import replace

from accredit.errors import MalformedError, NotFoundError
from accredit.server import telemetry
from accredit.server.api.cursors import cut_page
from accredit.server.doors.flow.api.calls import FlowCall, FlowReply
from accredit.server.doors.flow.api.listing import read_page
from accredit.server.doors.flow.api.replies import REPLAYED, find_session, list_reply, replayed_reply, session_reply
from accredit.server.gate.flow.bodies import parse_create, parse_customer, parse_decision, parse_retry
from accredit.server.integrations.integration import FlowIntegration
from accredit.server.sessions.flow.claims import Replayed, ReplayedError
from accredit.server.sessions.flow.creating import Creation, create_by_api
from accredit.server.sessions.flow.ending import cancel_flow, review_flow
from accredit.server.sessions.flow.listing import NEWEST, FlowSearch, find_flow_sessions
from accredit.server.sessions.flow.record import FlowSession, customer_hash
from accredit.server.sessions.flow.redacting import redact_customer, redact_flow
from accredit.server.sessions.flow.retrying import Retry, retry
from accredit.server.sessions.flow.sharing import rotate_link
from accredit.server.sessions.flow.statuses import flow_word
from accredit.server.sessions.flow.stepping import advance
from accredit.server.sessions.watching import Sighting
from accredit.server.streams import StatusStream, has_heard_the_end, read_last_event_id

_MOST_OF_CUSTOMER = 1000
_TRUTH = {"true": True, "false": False}


async def create_session(call: FlowCall) -> FlowReply:
    """Answer one create."""
    idempotent = _TRUTH.get(call.read_query("idempotent").get("idempotent", "false"))
    if idempotent is None:
        raise MalformedError("parameter_invalid", "idempotent")
    wanted = parse_create(call.read_object())
    template = await _find_template(call, wanted.template_id)
    creation = Creation(template, wanted, idempotent, call.caller.record_id, call.request_id)
    made = await create_by_api(call.node, creation, call.claim)
    if isinstance(made, Replayed):
        return await replayed_reply(call, made)
    if made.existed:
        return session_reply(call, made.session)
    telemetry.sessions_opened("flow", "signed").inc()
    return session_reply(call, await advance(call.node, made.session) if wanted.headless else made.session, 201)


async def retry_session(call: FlowCall) -> FlowReply:
    """Answer one retry."""
    wanted = parse_retry(call.read_object())
    template = await _find_template(call, wanted.template_id)
    made = await retry(call.node, Retry(template, wanted, call.caller.record_id, call.request_id, call.cause), call.claim)
    return await replayed_reply(call, made) if isinstance(made, Replayed) else session_reply(call, made, 201)


async def read_session(call: FlowCall) -> FlowReply:
    """Answer one read."""
    return session_reply(call, await _named_session(call))


async def watch_session(call: FlowCall) -> FlowReply:
    """Tell of the session's status, in the door's words, until it has ended; its sequence counts what happens to its steps too."""
    session = await _named_session(call)
    last = read_last_event_id(" ".join(call.fields.get("last-event-id", [])).encode())
    if has_heard_the_end(Sighting(session.session_id, session.status, session.sequence), last):
        return FlowReply(204, b"")
    stream = StatusStream(call.node.watches, session.session_id, call.caller.key_id, flow_word, last)
    return FlowReply(200, b"", stream=stream)


async def cancel_session(call: FlowCall) -> FlowReply:
    """Answer one cancel; the body, if there is one, says nothing."""
    return await _changed(call, cancel_flow(call.node, await _named_session(call), call.cause, call.claim))


async def redact_session(call: FlowCall) -> FlowReply:
    """Answer one redaction."""
    return await _changed(call, redact_flow(call.node, await _named_session(call), call.cause, call.claim))


async def rotate_key(call: FlowCall) -> FlowReply:
    """Answer one new link."""
    return await _changed(call, rotate_link(call.node, await _named_session(call), call.cause, call.claim))


async def review_session(call: FlowCall) -> FlowReply:
    """Answer one decision of a reviewer."""
    decision = parse_decision(call.read_object())
    return await _changed(call, review_flow(call.node, await _named_session(call), decision, call.cause, call.claim))


async def erase_customer(call: FlowCall) -> FlowReply:
    """Answer one redaction of all that there is of a customer."""
    reference = parse_customer(call.read_object())
    erased = await redact_customer(call.node, call.scope, reference, call.cause, call.claim)
    return await erased_again(call, erased) if isinstance(erased, Replayed) else list_reply(call, erased)


async def erased_again(call: FlowCall, _: Replayed) -> FlowReply:
    """The same call once more: what there is of the customer now, which it leaves as it is."""
    await call.node.sealer.ready(call.scope)
    hashed = customer_hash(call.node.sealer, call.scope, parse_customer(call.read_object()))
    wanted = (FlowSearch(call.scope, call.now_ms, customer_hash=hashed), NEWEST, _MOST_OF_CUSTOMER)
    found = await call.node.store.read(find_flow_sessions, wanted)
    return replace(list_reply(call, found), extra=[REPLAYED])


async def list_sessions(call: FlowCall) -> FlowReply:
    """Answer one page of the list."""
    asked = await read_page(call)
    rows = await call.node.store.read(find_flow_sessions, (asked.search, asked.before, asked.limit + 1))
    if rows:
        await call.node.sealer.ready(call.scope)
    shown, following = cut_page(call.node.sealer, asked.binding, rows, asked.limit, lambda each: each.session_id)
    return list_reply(call, shown, following)


async def _changed(call: FlowCall, change: Awaitable[FlowSession]) -> FlowReply:
    """The session after a change; of a request that was answered before, as that one."""
    try:
        return session_reply(call, await change)
    except ReplayedError as error:
        return await replayed_reply(call, error.replayed)


async def _named_session(call: FlowCall) -> FlowSession:
    return await find_session(call, str(call.asgi["path_params"]["session_id"]))


async def _find_template(call: FlowCall, template_id: str) -> FlowIntegration:
    """A template of the caller's account and environment that is switched on. Raises NotFoundError `template_not_found`."""
    template = await call.node.catalog.find_flow(template_id)
    if template is None or template.scope != call.scope or not template.enabled:
        call.found["reason"] = "unknown" if template is None else "foreign" if template.scope != call.scope else "disabled"
        raise NotFoundError("template_not_found", "template_id")
    return template
