"""The query of a list of sessions (protocol-rest.md section 15)."""

import re
from dataclasses import dataclass
from datetime import datetime

from accredit.errors import MalformedError
from accredit.server.api.cursors import ListBinding, read_cursor
from accredit.server.doors.rest.calls import RestCall
from accredit.server.gate.rest import Fault, FaultyRequestError, fault
from accredit.server.sessions.listing import NEWEST
from accredit.server.sessions.rest.listing import RestSearch
from accredit.server.sessions.rest.statuses import WIRE, read_wire_status
from accredit.server.times import epoch_ms

_DEFAULT, _MOST = 20, 100
_MOST_TEXT = {"provider": 30, "tag": 100, "externalReference": 255}
_PROVIDER = re.compile(r"[a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class AskedPage:
    """Which sessions, and which page of them. before: the id of the session that the page begins behind."""

    search: RestSearch
    binding: ListBinding
    before: str
    limit: int


def read_page(call: RestCall) -> AskedPage:
    """Read the query. Raises FaultyRequestError with every fault; a cursor of another list, account or filter is one."""
    reading = _Reading(call.query, [])
    limit, status = reading.limit(), reading.text("status")
    statuses = () if status is None else read_wire_status(status)
    if status is not None and not statuses:
        reading.fault("status", f"This parameter must be one of: {', '.join(dict.fromkeys(WIRE.values()))}.")
    texts = {name: reading.text(name, most=most) for name, most in _MOST_TEXT.items()}
    if not _PROVIDER.fullmatch(texts["provider"] or ""):
        reading.faults.append(fault("provider", "format"))
    search = RestSearch(
        scope=call.scope,
        now_ms=call.now_ms,
        statuses=statuses,
        provider=texts["provider"],
        tag=texts["tag"],
        external_reference=texts["externalReference"],
        from_ms=reading.time("createdFrom"),
        to_ms=reading.time("createdTo"),
    )
    times = (None if each is None else str(each) for each in (search.from_ms, search.to_ms))
    binding = ListBinding("rest_sessions", call.scope, (status, *texts.values(), *times))
    try:
        before = read_cursor(call.node.sealer, binding, reading.text("cursor"), beginning=NEWEST)
    except MalformedError:
        reading.fault("cursor", "The cursor does not belong to this list.")
        before = NEWEST
    if reading.faults:
        raise FaultyRequestError(reading.faults)
    return AskedPage(search, binding, before, limit)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The parameters as they are read. query: by name in lower case."""

    query: dict[str, str]
    faults: list[Fault]

    def fault(self, name: str, reason: str) -> None:
        self.faults.append(fault(name, "value", reason))

    def text(self, name: str, *, most: int = 512) -> str | None:
        """A text; an empty one is absent."""
        text = self.query.get(name.lower()) or None
        if text is not None and len(text) > most:
            self.faults.append(fault(name, "length"))
        return text

    def limit(self) -> int:
        text = self.text("limit")
        if text is None:
            return _DEFAULT
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= _MOST):
            self.fault("limit", f"This parameter must be a number from 1 to {_MOST}.")
            return _DEFAULT
        return int(text)

    def time(self, name: str) -> int | None:
        """A time with an offset, in milliseconds; a plus sign that came as a space is one."""
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.faults.append(fault(name, "format", "This parameter must be a time of RFC 3339 with an offset."))
            return None
        return epoch_ms(moment)
