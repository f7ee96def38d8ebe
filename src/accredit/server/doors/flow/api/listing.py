"""The query of a list of sessions (protocol-flow.md section 9)."""

from dataclasses import dataclass

from accredit.errors import MalformedError
from accredit.reference import read_customer_reference
from accredit.server.api.cursors import ListBinding, read_cursor
from accredit.server.doors.flow.api.calls import FlowCall
from accredit.server.integrations.flow import is_template_id
from accredit.server.sessions.flow.listing import NEWEST, FlowSearch
from accredit.server.sessions.flow.record import customer_hash
from accredit.server.sessions.flow.statuses import FLOW_WORDS, FlowWord

_DEFAULT, _MOST, _MOST_TEXT = 20, 100, 255
_NAMES = ("template_id", "customer_reference", "status", "tag", "limit", "cursor")


@dataclass(frozen=True, slots=True)
class AskedPage:
    """Which sessions, and which page of them. before: the id of the session that the page begins behind."""

    search: FlowSearch
    binding: ListBinding
    before: str
    limit: int


async def read_page(call: FlowCall) -> AskedPage:
    """Read the query; an empty parameter is absent.

    Raises MalformedError `parameter_invalid`, `cursor_invalid` for a cursor of another list, account or filter.
    """
    given = {name: text for name, text in call.read_query(*_NAMES).items() if text}
    reference, hashed = given.get("customer_reference"), None
    if reference is not None:
        _check_reference(reference)
        await call.node.sealer.ready(call.scope)
        hashed = customer_hash(call.node.sealer, call.scope, reference)
    if not is_template_id(given.get("template_id", "any")):
        raise MalformedError("parameter_invalid", "template_id")
    if len(given.get("tag", "")) > _MOST_TEXT:
        raise MalformedError("parameter_invalid", "tag")
    search = FlowSearch(call.scope, call.now_ms, given.get("template_id"), hashed, _status(given), given.get("tag"))
    named = (given.get("template_id"), None if hashed is None else hashed.hex(), given.get("status"), given.get("tag"))
    binding = ListBinding("flow_sessions", call.scope, named)
    before = read_cursor(call.node.sealer, binding, given.get("cursor"), beginning=NEWEST)
    return AskedPage(search, binding, before, _limit(given))


def _check_reference(reference: str) -> None:
    try:
        read_customer_reference(reference)
    except MalformedError as error:
        raise MalformedError("parameter_invalid", "customer_reference") from error


def _status(given: dict[str, str]) -> FlowWord | None:
    text = given.get("status")
    found = next((word for word in FLOW_WORDS if word == text), None)
    if text is not None and found is None:
        raise MalformedError("parameter_invalid", "status")
    return found


def _limit(given: dict[str, str]) -> int:
    text = given.get("limit")
    if text is None:
        return _DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= _MOST):
        raise MalformedError("parameter_invalid", "limit")
    return int(text)
