"""The rental's visits: one for each time that somebody presses "Identify yourself", from the session to the answer.

A browser that comes back proves nothing. So the rental remembers, under a cookie of its own, which session it opened for which
browser, shows Accredit the session nonce that the browser brings, and believes what the answer says and nothing else.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from accredit.errors import SealedError
from accredit.server.demo.rest.backend import Flow, RentalDesk
from accredit.server.demo.scenarios.callers import ask, told_by
from accredit.server.demo.scenarios.scenario import Outcome

_VISITS = 1000


@dataclass
class Visit:
    """One browser's way through a session. session: as the latest answer had it. sealed: that answer as it came."""

    scenario_id: str
    flow: Flow
    nonce: str
    desk: RentalDesk = field(repr=False)
    session: dict[str, Any] = field(default_factory=dict, repr=False)
    sealed: str = field(default="", repr=False)

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return str(self.session["id"])

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self.session["status"] not in ("CREATED", "WAITING_FOR_USER")

    async def begin(self, own_origin: str) -> None:
        """Open the session."""
        members: dict[str, Any] = {}
        if self.flow == "embedded":
            members = {"callbackUrls": None, "embeddedParentDomains": [own_origin]}
        elif self.flow == "headless":
            # The sandbox answers for the person's phone, a second after it was asked.
            parameters = {"sandbox_after": "1", "sandbox_person": "se-1"}
            members = {"callbackUrls": None, "allowedProviders": ["sbid"], "additionalParameters": parameters}
        self.session = await ask(self.desk, self.nonce, self.flow, **members)

    async def look(self, session_nonce: str | None = None) -> Outcome:
        """Read the session. session_nonce: what the browser brought; without a browser, what the last answer told us."""
        if self.flow == "headless":
            session_nonce = self.session.get("sessionNonce")
        heard = await self.desk.read(self.session_id, session_nonce)
        if heard.status != 200:
            return Outcome(heard.code)
        try:
            self.session = await self.desk.open_signed(heard.body, self.nonce, self.session_id)
        except SealedError as error:
            return Outcome(error.code)
        self.sealed = heard.body
        return told_by(self.session)


class Visits:
    """Which browser has which visit, by the rental's own cookie."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()

    def add(self, visit: Visit) -> str:
        """Keep a visit; the value of its cookie."""
        cookie = secrets.token_urlsafe(24)
        self._visits[cookie] = visit
        if len(self._visits) > _VISITS:
            self._visits.popitem(last=False)
        return cookie

    def find(self, cookie: str | None) -> Visit | None:
        """The visit of a browser."""
        return self._visits.get(cookie or "")
