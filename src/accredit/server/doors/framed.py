"""What the doors share that answer into a frame (protocol-embed.md sections 3, 4 and 9).

Parse, ask the gate, open a session, render. The answer follows the durable commit. Every refusal goes to the audit record with its
precise code; outside, what was refused from the integration on looks alike, but for the codes that a door tells.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from accredit.encoding import compact_json
from accredit.errors import AccreditError, MalformedError, Refused
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import Attempt, refuse
from accredit.server.framing import Asker, OriginWanted, issue_ticket, origin_of, read_asker
from accredit.server.gate import Admission
from accredit.server.hosted.pages import Page, Welcome, hosted_page, origin_wanted_page, refusal_page
from accredit.server.integrations.integration import Door
from accredit.server.node import Node
from accredit.server.problems import problem
from accredit.server.refusals import Refusal
from accredit.server.sessions.codes import LIFETIME_MS
from accredit.server.sessions.opening import OpenedSession, Visitor, open_session
from accredit.server.sessions.renewal import Renewal, find_renewed
from accredit.server.times import wire_time


class FramedAsk(Protocol):
    """A parsed request. dropped: warnings about names of fields that mean nothing here."""

    @property
    def dropped(self) -> tuple[str, ...]: ...

    @property
    def locale(self) -> str | None: ...


Ask = TypeVar("Ask", bound=FramedAsk)
Verdict = TypeVar("Verdict")


class FramedDoor(ABC, Generic[Ask, Verdict]):
    """An address whose answers stand in a frame, as a plain ASGI application: it is the hot path.

    told: the codes of refusals that the caller hears as they are; of all others it hears that it was not admitted.
    """

    told: frozenset[str] = frozenset()

    def __init__(self, node: Node, door: Door) -> None:
        self._node = node
        self._door = door

    @abstractmethod
    async def _parse(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Ask:
        """Step 1: shape and size."""

    @abstractmethod
    async def _admit(self, ask: Ask, attempt: Attempt) -> Verdict:
        """Steps 2 to 6."""

    @abstractmethod
    async def _go_on(self, ask: Ask, admission: Verdict, attempt: Attempt) -> Page:
        """Steps 7 and 8, and the answer."""

    def _reads_problems(self, scope: HttpScope) -> bool:
        """Whether who asks shows no page, as far as that is known before the body is."""
        return False

    def _tell(self, refusal: Refusal) -> Refusal:
        """The refusal as this door tells it."""
        return refusal

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        attempt = Attempt(self._door, scope["request_id"], scope["address"], self._node.clock())
        attempt.renewal = scope["path"].endswith("/renew")
        try:
            if scope["method"] != "POST":
                raise MalformedError("method_not_allowed")
            self._node.refusal_limit.check(attempt.address, attempt.now_ms)
            page = await self._visit(scope, receive, attempt)
        except OriginWanted as wanted:
            page = self._ask_for_origin(attempt, wanted.fields)
        except AccreditError as error:
            if not attempt.asked:
                attempt.origin = origin_of(dict(scope["headers"]))
            attempt.as_problem |= attempt.renewal or self._reads_problems(scope)
            page = await self._refuse(attempt, error)
        await send_answer(send, page.status, page.headers, page.body)

    async def _visit(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Page:
        ask = await self._parse(scope, receive, attempt)
        return await self._go_on(ask, await self._admit(ask, attempt), attempt)

    def _read_asker(self, sent: Mapping[bytes, bytes], fields: Mapping[str, str], attempt: Attempt) -> Asker:
        """Who asks; from now on the attempt knows too."""
        settings = self._node.settings
        asker = read_asker(
            sent,
            fields,
            sealer=self._node.sealer,
            public_url=settings.public_url,
            public_origin=settings.public_origin,
            now_ms=attempt.now_ms,
            renewal=attempt.renewal,
        )
        attempt.origin, attempt.channel, attempt.asked = asker.visit.origin, asker.channel, True
        return asker

    async def _refuse(self, attempt: Attempt, error: AccreditError) -> Page:
        refusal = self._tell(await refuse(self._node, attempt, error, told=self.told))
        if attempt.as_problem:
            told = error if refusal.code == error.code else Refused(refusal.code)
            body = problem(told, attempt.request_id, self._node.settings.public_url, reason=refusal.reason)
            lines = _renewal_headers(attempt) if attempt.renewal else headers.api(attempt.request_id)
            page = Page(refusal.status, [headers.PROBLEM, *lines, *_retry_after(refusal)], body)
        else:
            page = refusal_page(refusal, door=self._door, channel=attempt.channel, origin=attempt.origin)
        # RFC 9110 section 15.5.6: a 405 says which methods there are.
        extra = [(b"allow", b"POST")] if error.code == "method_not_allowed" else []
        return Page(page.status, [*page.headers, *extra], page.body)

    def _ask_for_origin(self, attempt: Attempt, fields: Mapping[str, str]) -> Page:
        """The page's `Referrer-Policy` stripped its origin: our own page hears it from the browser."""
        channel = fields["channel"]
        return origin_wanted_page(
            fields,
            action=f"{self._node.settings.public_path}/{self._door}",
            door=self._door,
            ticket=issue_ticket(self._node.sealer, channel, attempt.now_ms),
            channel=channel,
            request_id=attempt.request_id,
        )


class EmbeddingDoor(FramedDoor[Ask, Admission]):
    """Both addresses of a door whose integrations have an application: `/{door}` and `/{door}/renew`."""

    async def _visit(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Page:
        visit = self._renew if attempt.renewal else super()._visit
        return await visit(scope, receive, attempt)

    async def _renew(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Page:
        """A new admission through the whole gate for a frame that lives already (section 3)."""
        ask = await self._parse(scope, receive, attempt)
        admission = await self._admit(ask, attempt)
        renewal = Renewal(admission, attempt.channel, attempt.now_ms)
        renewed, anonymous_id = await find_renewed(self._node.store, self._node.sealer, renewal)
        visitor = Visitor(attempt.request_id, attempt.channel, ask.locale, renewed, anonymous_id, ask.dropped)
        opened = await self._open(admission, attempt, visitor, with_code=True)
        expires_ms = attempt.now_ms + admission.integration.lifetime_ms
        body = compact_json({"code": opened.code, "expires_at": wire_time(expires_ms)})
        return Page(200, [headers.JSON, *_renewal_headers(attempt)], body)

    async def _open(
        self,
        admission: Admission,
        attempt: Attempt,
        visitor: Visitor,
        *,
        with_code: bool,
        code_lifetime_ms: int = LIFETIME_MS,
    ) -> OpenedSession:
        """Steps 7 and 8."""
        node = self._node
        opened = await open_session(
            node.store,
            node.sealer,
            admission,
            visitor,
            now_ms=attempt.now_ms,
            with_code=with_code,
            code_lifetime_ms=code_lifetime_ms,
        )
        telemetry.sessions_opened(self._door, admission.trust).inc()
        for warning in admission.warnings + visitor.warnings:
            telemetry.warnings(self._door, warning.partition(":")[0]).inc()
        return opened

    def _hosted_page(self, admission: Admission, opened: OpenedSession, attempt: Attempt) -> Page:
        """What an admitted frame shows whose integration has no application of its own."""
        integration = admission.integration
        welcome = Welcome(
            request_id=attempt.request_id,
            ancestors=integration.origins.frame_ancestors,
            origin=attempt.origin,
            channel=attempt.channel,
            door=self._door,
            integration_id=integration.integration_id,
            deployer_id=integration.deployer_id,
            uid=opened.person.uid,
            view_id=admission.view_id,
            trust=admission.trust,
        )
        return hosted_page(welcome, script=f"{self._node.settings.public_path}/sdk/accredit.js")


def location_of(address: str, code: str) -> str:
    """Where an admitted frame goes: the application's address with the code behind whatever it asks already."""
    return f"{address}{'&' if '?' in address else '?'}code={code}"


def redirect_to(location: str, admission: Admission, attempt: Attempt, lines: headers.Headers, body: bytes = b"") -> Page:
    """The answer that sends a frame on, to be framed by the listed origins only."""
    framed = headers.framed(attempt.request_id, admission.integration.origins.frame_ancestors)
    return Page(303, [(b"location", location.encode("ascii")), *lines, *framed], body)


def _retry_after(refusal: Refusal) -> headers.Headers:
    return [] if refusal.retry_after_s is None else [(b"retry-after", str(refusal.retry_after_s).encode("ascii"))]


def _renewal_headers(attempt: Attempt) -> headers.Headers:
    """An answer to a fetch of the page that embeds: readable by that origin only, and it holds nothing but a code."""
    lines = [*headers.api(attempt.request_id), (b"vary", b"Origin")]
    if attempt.origin is not None:
        lines.append((b"access-control-allow-origin", attempt.origin.encode("ascii")))
    return lines
