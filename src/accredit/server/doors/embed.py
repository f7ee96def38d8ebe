"""The embed door: `POST /embed` and `POST /embed/renew` (protocol-embed.md sections 3, 4, 7 and 9).

Parse, ask the gate, open a session, render. The answer follows the durable commit. Every refusal goes to the audit record with its
precise code; outside, all that was refused from the integration on looks alike.
"""

from collections.abc import Mapping

import msgspec

from accredit.deployment import PeekedDeployment, peek_deployment
from accredit.encoding import Json, JsonError, compact_json, parse_json
from accredit.errors import AccreditError, MalformedError, Refused
from accredit.keys import DeploymentKey
from accredit.passport import PassportKey
from accredit.properties import NO_DIRECT_PROPERTIES, DirectProperties, is_id
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import Attempt, refuse, refuse_exposed
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.framing import OriginWanted, issue_ticket, read_asker
from accredit.server.gate import Admission, DeploymentProof, LiveKeys, Visit, admit_deployment
from accredit.server.hosted.pages import Page, Welcome, hosted_page, origin_wanted_page, refusal_page
from accredit.server.integrations.integration import Door, Integration
from accredit.server.node import Node
from accredit.server.problems import problem
from accredit.server.sessions.opening import OpenedSession, Visitor, open_session
from accredit.server.sessions.renewal import Renewal, find_renewed
from accredit.server.times import wire_time

DOOR: Door = "embed"
MAX_BODY_BYTES = 128 * 1024
_LIMITS = {"signed_deployment": 64 * 1024, "encrypted_passport": 64 * 1024, "data_passport": 32 * 1024, "sdk": 32}
_IDS = ("deployer_id", "integration_id", "owner_id", "view_id")
_DIRECT = frozenset((*_IDS, "uid", "data_passport", "encrypted_passport"))
_FIELDS = frozenset((*_DIRECT, *_LIMITS, "channel", "parent_origin", "origin_ticket"))


class Ask(msgspec.Struct, frozen=True):
    """A parsed request: the fields of the form, who asks, and what was shown. dropped: names of fields that mean nothing here."""

    fields: dict[str, str]
    visit: Visit
    proof: DeploymentProof
    dropped: tuple[str, ...]


class EmbedDoor:
    """Both addresses of the door, as one plain ASGI application: it is the hot path."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        renewal = scope["path"].endswith("/renew")
        attempt = Attempt(DOOR, scope["request_id"], scope["address"], self._node.clock())
        try:
            if scope["method"] != "POST":
                raise MalformedError("method_not_allowed")
            self._node.refusal_limit.check(attempt.address, attempt.now_ms)
            page = await (self._renew if renewal else self._embed)(scope, receive, attempt)
        except OriginWanted as wanted:
            page = self._ask_for_origin(attempt, wanted.fields)
        except AccreditError as error:
            page = await self._refuse(attempt, error, renewal=renewal)
        await send_answer(send, page.status, page.headers, page.body)

    async def _embed(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Page:
        ask = await self._parse(scope, receive, attempt)
        admission = await self._admit(ask, attempt)
        address = admission.integration.address_of(admission.view_id)
        visitor = Visitor(attempt.request_id, attempt.channel, warnings=ask.dropped)
        opened = await self._open(admission, attempt, visitor, with_code=address is not None)
        if address is None or opened.code is None:
            script = f"{self._node.settings.public_path}/sdk/accredit.js"
            return hosted_page(_welcome(admission, opened, attempt), script=script)
        joint = "&" if "?" in address else "?"
        location = f"{address}{joint}code={opened.code}".encode("ascii")
        lines = headers.framed(attempt.request_id, admission.integration.origins.frame_ancestors)
        return Page(303, [(b"location", location), *lines], b"")

    async def _renew(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Page:
        """A new admission through the whole gate for a frame that lives already (section 3)."""
        ask = await self._parse(scope, receive, attempt, renewal=True)
        admission = await self._admit(ask, attempt)
        renewal = Renewal(admission, attempt.channel, attempt.now_ms)
        renewed, anonymous_id = await find_renewed(self._node.store, self._node.sealer, renewal)
        visitor = Visitor(attempt.request_id, attempt.channel, renews=renewed, anonymous_id=anonymous_id, warnings=ask.dropped)
        opened = await self._open(admission, attempt, visitor, with_code=True)
        expires_ms = attempt.now_ms + admission.integration.lifetime_ms
        body = compact_json({"code": opened.code, "expires_at": wire_time(expires_ms)})
        return Page(200, [headers.JSON, *_renewal_headers(attempt)], body)

    async def _parse(self, scope: HttpScope, receive: Receive, attempt: Attempt, *, renewal: bool = False) -> Ask:
        """Step 1: shape and size."""
        node, sent = self._node, dict(scope["headers"])
        body = await read_body(receive, MAX_BODY_BYTES)
        check_media_type(sent.get(b"content-type", b""), b"application/x-www-form-urlencoded")
        fields = parse_form(body)
        asker = read_asker(
            sent,
            fields,
            attempt.address,
            sealer=node.sealer,
            public_url=node.settings.public_url,
            public_origin=node.settings.public_origin,
            now_ms=attempt.now_ms,
            renewal=renewal,
        )
        attempt.origin, attempt.channel = asker.visit.origin, asker.channel
        await refuse_exposed(node, attempt, fields)
        direct = _read_direct(fields)
        token, verified_by = self._peek(fields.get("signed_deployment"))
        if token is None:
            _require_ids(direct)
        dropped = tuple(f"field_dropped:{name}" for name in fields.keys() - _FIELDS if is_id(name))
        return Ask(fields, asker.visit, DeploymentProof(token, direct, verified_by), dropped)

    def _peek(self, token: str | None) -> tuple[PeekedDeployment | None, str | None]:
        if not token:
            return None, None
        return self._node.remembered.find(token) or (peek_deployment(token), None)

    async def _admit(self, ask: Ask, attempt: Attempt) -> Admission:
        """Steps 2 to 6."""
        node, proof = self._node, ask.proof
        attempt.integration = await node.catalog.find(DOOR, proof.integration_id)
        keys = await self._find_keys(attempt.integration, proof, attempt.now_ms)
        try:
            admission = admit_deployment(proof, attempt.integration, keys, ask.visit, attempt.now_ms)
        except Refused as refused:
            if refused.code != "jws_key_unknown" or not await self._read_key_sets(attempt):
                raise
            keys = await self._find_keys(attempt.integration, proof, attempt.now_ms)
            admission = admit_deployment(proof, attempt.integration, keys, ask.visit, attempt.now_ms)
        if admission.proof_key_id is not None and proof.token is not None:
            node.keyring.note_use(admission.proof_key_id, attempt.now_ms)
            if proof.verified_by is None:
                node.remembered.remember(ask.fields["signed_deployment"], proof.token, admission.proof_key_id)
        return admission

    async def _read_key_sets(self, attempt: Attempt) -> bool:
        """Whether a deployer's key set may know more by now: a key that was just published must not wait for the next round."""
        integration = attempt.integration
        assert integration is not None
        return await self._node.key_sets.refresh_for_kid(integration.scope, integration.deployer_id, attempt.now_ms)

    async def _find_keys(self, integration: Integration | None, proof: DeploymentProof, now_ms: int) -> LiveKeys:
        """The live keys that this proof can be held against; none are looked up for what is not there."""
        if integration is None:
            return LiveKeys()
        node, scope, integration_id = self._node, integration.scope, integration.integration_id
        deployment: tuple[DeploymentKey, ...] = ()
        passport: tuple[PassportKey, ...] = ()
        if proof.token is not None:
            held = await node.keyring.deployment_keys(scope, integration.deployer_id)
            deployment = held.live(now_ms, integration_id)
        if proof.direct.encrypted_passport or (proof.token is not None and proof.token.payload.get("encrypted_passport")):
            passport = (await node.keyring.passport_keys(scope, integration_id)).live(now_ms, integration_id)
        return LiveKeys(deployment, passport)

    async def _open(self, admission: Admission, attempt: Attempt, visitor: Visitor, *, with_code: bool) -> OpenedSession:
        """Steps 7 and 8."""
        node = self._node
        opened = await open_session(node.store, node.sealer, admission, visitor, now_ms=attempt.now_ms, with_code=with_code)
        telemetry.sessions_opened(DOOR, admission.trust).inc()
        for warning in admission.warnings + visitor.warnings:
            telemetry.warnings(DOOR, warning.partition(":")[0]).inc()
        return opened

    async def _refuse(self, attempt: Attempt, error: AccreditError, *, renewal: bool) -> Page:
        refusal = await refuse(self._node, attempt, error)
        if not renewal:
            return refusal_page(refusal, door=DOOR, channel=attempt.channel, origin=attempt.origin)
        outer = MalformedError if isinstance(error, MalformedError) else type(error)
        told = outer(refusal.code, refusal.member) if refusal.code == error.code else Refused(refusal.code)
        body = problem(told, attempt.request_id, self._node.settings.public_url, reason=refusal.reason)
        lines = [headers.PROBLEM, *_renewal_headers(attempt)]
        if refusal.retry_after_s is not None:
            lines.append((b"retry-after", str(refusal.retry_after_s).encode("ascii")))
        return Page(refusal.status, lines, body)

    def _ask_for_origin(self, attempt: Attempt, fields: Mapping[str, str]) -> Page:
        """The page's `Referrer-Policy` stripped its origin: our own page hears it from the browser."""
        channel = fields["channel"]
        return origin_wanted_page(
            fields,
            action=f"{self._node.settings.public_path}/embed",
            door=DOOR,
            ticket=issue_ticket(self._node.sealer, channel, attempt.now_ms),
            channel=channel,
            request_id=attempt.request_id,
        )


def _read_direct(fields: dict[str, str]) -> DirectProperties:
    """The direct fields, each of the right form; an empty value counts as absent."""
    for name, value in fields.items():
        limit = _LIMITS.get(name)
        if limit is not None and (len(value) > limit or (name != "data_passport" and not value.isascii())):
            raise MalformedError("field_invalid", name)
        if value and name in _IDS and not is_id(value):
            raise MalformedError("field_invalid", name)
    # An empty uid is no absence: it would merge all users into one.
    if fields.get("uid") == "":
        raise Refused("uid_invalid", "uid")
    if _DIRECT.isdisjoint(fields):
        return NO_DIRECT_PROPERTIES
    return DirectProperties(
        deployer_id=fields.get("deployer_id") or None,
        integration_id=fields.get("integration_id") or None,
        owner_id=fields.get("owner_id") or None,
        view_id=fields.get("view_id") or None,
        uid=fields.get("uid"),
        data_passport=_parse_passport(fields.get("data_passport")),
        encrypted_passport=fields.get("encrypted_passport") or None,
    )


def _parse_passport(text: str | None) -> dict[str, Json] | None:
    if not text:
        return None
    try:
        passport = parse_json(text.encode("utf-8", "surrogatepass"), max_depth=3)
    except JsonError as error:
        raise MalformedError("field_invalid", "data_passport") from error
    if not isinstance(passport, dict):
        raise MalformedError("field_invalid", "data_passport")
    return passport


def _require_ids(direct: DirectProperties) -> None:
    for name in ("deployer_id", "integration_id", "owner_id"):
        if getattr(direct, name) is None:
            raise MalformedError("field_missing", name)


def _welcome(admission: Admission, opened: OpenedSession, attempt: Attempt) -> Welcome:
    integration = admission.integration
    return Welcome(
        request_id=attempt.request_id,
        ancestors=integration.origins.frame_ancestors,
        origin=attempt.origin,
        channel=attempt.channel,
        door=DOOR,
        integration_id=integration.integration_id,
        deployer_id=integration.deployer_id,
        uid=opened.person.uid,
        view_id=admission.view_id,
        trust=admission.trust,
    )


def _renewal_headers(attempt: Attempt) -> headers.Headers:
    """An answer to a fetch of the page that embeds: readable by that origin only, and it holds nothing but a code."""
    lines = [*headers.api(attempt.request_id), (b"vary", b"Origin")]
    if attempt.origin is not None:
        lines.append((b"access-control-allow-origin", attempt.origin.encode("ascii")))
    return lines
