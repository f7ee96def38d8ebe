"""The boot door: `POST /boot` and `POST /boot/renew`: its body, its signature and its answers.

protocol-boot.md sections 3 to 6.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError, Refused
from accredit.identity import BootBody, IdentitySecret, PeekedIdentity, peek_identity, read_boot_body
from accredit.identity.spellings import Body
from accredit.server import headers, tracing
from accredit.server.asgi import HttpScope, Receive
from accredit.server.attempts import Attempt, refuse_exposed
from accredit.server.boot_reports import BootReport, report_boot
from accredit.server.doors.framed import EmbeddingDoor, location_of, redirect_to
from accredit.server.forms import check_media_type, parse_pairs, read_body
from accredit.server.framing import ask_origin
from accredit.server.gate import Admission, IdentityProof, Visit, admit_identity
from accredit.server.hosted.debug_page import debug_page
from accredit.server.hosted.pages import Page
from accredit.server.integrations.boot import BootRules
from accredit.server.integrations.integration import Door, Integration
from accredit.server.node import Node
from accredit.server.sessions.codes import LIFETIME_MS
from accredit.server.sessions.hosted_links import hosted_link
from accredit.server.sessions.opening import OpenedSession, Visitor
from accredit.server.times import wire_time

DOOR: Door = "boot"
MAX_BODY_BYTES, MAX_DEPTH = 64 * 1024, 6
# Somebody reads the report before the application is opened.
_REPORTED_CODE_MS = 10 * 60 * 1000
_FORM, _JSON = b"application/x-www-form-urlencoded", b"application/json"
_FRAME_NAMES = ("channel", "parent_origin", "origin_ticket")


class Ask(msgspec.Struct, frozen=True):
    """A parsed request. as_json: it was posted as JSON. dropped: none beyond what the gate tells of."""

    proof: IdentityProof
    visit: Visit
    as_json: bool
    dropped: tuple[str, ...] = ()

    @property
    def boot(self) -> BootBody:
        """What was posted."""
        return self.proof.boot

    @property
    def locale(self) -> str | None:
        """The language that the page asks for."""
        return self.boot.locale


class BootAnswer(msgspec.Struct, frozen=True):
    """An admission as JSON. url: where the frame or window goes next. code_expires_at: null where `url` carries no code."""

    session_id: str
    url: str
    code_expires_at: str | None
    expires_at: str
    trust: str
    debug: BootReport | msgspec.UnsetType = msgspec.UNSET


class BootDoor(EmbeddingDoor[Ask]):
    """`POST /boot` and `POST /boot/renew`."""

    def __init__(self, node: Node) -> None:
        super().__init__(node, DOOR)

    def _reads_problems(self, scope: HttpScope) -> bool:
        sent = dict(scope["headers"])
        return _posts_json(sent) and not _shows_pages(sent)

    async def _parse(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Ask:
        sent = dict(scope["headers"])
        as_json = _posts_json(sent)
        octets = await read_body(receive, MAX_BODY_BYTES)
        check_media_type(sent.get(b"content-type", b""), _JSON if as_json else _FORM)
        body = _parse_object(octets) if as_json else parse_pairs(octets)
        named = {name: value for name, value in _members(body) if isinstance(value, str)}
        attempt.as_problem = named.get("response_mode") == "json"
        try:
            asker = self._read_asker(sent, {name: named[name] for name in _FRAME_NAMES if name in named}, attempt)
        finally:
            # Whatever else is wrong: what was sent is no secret any more.
            await refuse_exposed(self._node, attempt, _texts(body))
        # A name that comes twice would come once from our page: it is refused below.
        if not as_json and len(named) == len(body):
            ask_origin(asker, named)
        boot = read_boot_body(body)
        return Ask(IdentityProof(boot, _peek(boot.signature)), asker.visit, as_json)

    async def _admit(self, ask: Ask, attempt: Attempt) -> Admission:
        node = self._node
        attempt.integration = integration = await node.catalog.find(DOOR, ask.boot.cp_deployment_id)
        secrets = await self._find_secrets(integration, attempt.now_ms)
        try:
            with tracing.span("gate", door=DOOR):
                admission = admit_identity(ask.proof, integration, secrets, ask.visit, attempt.now_ms)
        except Refused:
            await self._refuse_secret_as_mac(ask.boot, attempt)
            raise
        if admission.proof_key_id is not None:
            node.keyring.note_use(admission.proof_key_id, attempt.now_ms)
        else:
            await self._refuse_secret_as_mac(ask.boot, attempt)
        return admission

    async def _refuse_secret_as_mac(self, boot: BootBody, attempt: Attempt) -> None:
        """Look at a signature that did not hold part by part: some send the secret itself where its MAC belongs.

        After every refusal, so that time tells nothing. Raises Refused `secret_exposed`.
        """
        if boot.signature is not None:
            await refuse_exposed(self._node, attempt, boot.signature.split(":"))

    async def _find_secrets(self, integration: Integration | None, now_ms: int) -> Sequence[IdentitySecret]:
        if integration is None:
            return ()
        held = await self._node.keyring.identity_secrets(integration.scope, integration.deployer_id, integration.integration_id)
        return held.live(now_ms)

    async def _go_on(self, ask: Ask, admission: Admission, attempt: Attempt) -> Page:
        rules = admission.integration.rules
        assert isinstance(rules, BootRules)
        report = None
        if rules.level_at(attempt.now_ms) == "SECURE_IDENTITY_DEBUG":
            report = await report_boot(self._node, ask.proof, admission, ask.visit, attempt.request_id, attempt.now_ms)
        json_only = ask.boot.response_mode == "json"
        code_lifetime_ms = LIFETIME_MS if report is None or json_only else _REPORTED_CODE_MS
        address = admission.integration.address_of(admission.view_id)
        visitor = Visitor(attempt.request_id, attempt.channel, ask.locale, warnings=ask.dropped)
        opened = await self._open(admission, attempt, visitor, with_code=address is not None, code_lifetime_ms=code_lifetime_ms)
        url = self._find_url(address, opened)
        if json_only:
            answer = _answer(admission, attempt, opened, url, report)
            return Page(200, [headers.JSON, *headers.api(attempt.request_id)], answer)
        if report is not None:
            return debug_page(report, url, admission.integration.origins.frame_ancestors, attempt.channel, attempt.origin)
        if address is None:
            return self._hosted_page(admission, opened, attempt)
        if not ask.as_json:
            return redirect_to(url, admission, attempt, [])
        return redirect_to(url, admission, attempt, [headers.JSON], _answer(admission, attempt, opened, url, None))

    def _find_url(self, address: str | None, opened: OpenedSession) -> str:
        if address is None or opened.code is None:
            return hosted_link(self._node.sealer, self._node.settings.public_url, opened.session_id)
        return location_of(address, opened.code)


def _answer(admission: Admission, attempt: Attempt, opened: OpenedSession, url: str, report: BootReport | None) -> bytes:
    answer = BootAnswer(
        session_id=opened.session_id,
        url=url,
        code_expires_at=None if opened.code is None else wire_time(opened.expires_ms),
        expires_at=wire_time(attempt.now_ms + admission.integration.lifetime_ms),
        trust=admission.trust,
        debug=msgspec.UNSET if report is None else report,
    )
    return msgspec.json.encode(answer)


def _posts_json(sent: Mapping[bytes, bytes]) -> bool:
    return sent.get(b"content-type", b"").partition(b";")[0].strip().lower() == _JSON


def _shows_pages(sent: Mapping[bytes, bytes]) -> bool:
    """Whether who posted JSON shows what comes back: the oldest apps load their request in a web view."""
    return b"text/html" in sent.get(b"accept", b"").lower() or sent.get(b"sec-fetch-dest") in (b"document", b"iframe")


def _parse_object(octets: bytes) -> dict[str, Json]:
    try:
        body = parse_json(octets, max_depth=MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    if not isinstance(body, dict):
        raise MalformedError("request_malformed")
    return body


def _members(body: Body) -> Iterator[tuple[str, Json]]:
    return iter(body.items() if isinstance(body, Mapping) else body)


def _texts(body: Body) -> list[str]:
    """Every text in a body, names too: a secret is found wherever it stands."""
    return list(_walk(body) if isinstance(body, Mapping) else chain.from_iterable(body))


def _walk(value: Json | Mapping[str, Json]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def _peek(signature: str | None) -> PeekedIdentity | Refused | None:
    """The signature, or why it has no form: what that means is for the integration's level to say."""
    if signature is None:
        return None
    try:
        return peek_identity(signature)
    except Refused as refused:
        return refused
