"""`POST /flow`: the modal frame that a page opens for its user (protocol-flow.md section 5).

Its fields, the keys that its signature is held against, and the page that it is answered with. Steps 7 and 8 are of the transaction
that opens the session.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from accredit.encoding import Json
from accredit.errors import CODES, MalformedError
from accredit.reference import peek_reference
from accredit.server import telemetry, tracing
from accredit.server.asgi import HttpScope, Receive
from accredit.server.attempts import Attempt, refuse_exposed
from accredit.server.doors.flow.showing import Viewer, show
from accredit.server.doors.framed import FramedDoor
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.framing import ask_origin
from accredit.server.gate import Visit
from accredit.server.gate.flow import FlowAdmission, ReferenceProof, admit_reference
from accredit.server.hosted.flow.pages import frame_page
from accredit.server.hosted.pages import Page
from accredit.server.hosted.wording import choose_language
from accredit.server.integrations.integration import Door
from accredit.server.keyring.flow_keys import HeldReference
from accredit.server.node import Node
from accredit.server.refusals import Refusal
from accredit.server.sessions.flow.opening import FlowVisitor, OpenedFlow, open_by_page
from accredit.server.sessions.flow.stepping import arrive, look_again

DOOR: Door = "flow"
MAX_BODY_BYTES = 16 * 1024
# What a caller hears as it is; all else that the gate refuses is one `admission_refused` (section 11).
TOLD = frozenset({
    *("origin_missing", "origin_not_allowed", "not_framed"),
    *("signature_required", "signature_malformed", "signature_version", "customer_reference_mismatch", "unsigned_value_refused"),
    *("token_claims_invalid", "token_not_yet_valid", "token_expired", "token_lifetime", "token_template_mismatch"),
    *("token_origin_mismatch", "token_session_mismatch", "token_replayed"),
    *("unsigned_session_limit_reached", "secret_exposed", "rate_limited"),
})  # fmt: skip
_TEMPLATE = re.compile(r"[A-Za-z0-9_]{1,64}")
_LIMITS = {"sdk": 32, "publishableKey": 128}
# Tags of languages, and the names that operating systems have for them.
_LOCALE = re.compile(r"[A-Za-z0-9_.@-]{0,35}")


class Ask(msgspec.Struct, frozen=True):
    """A parsed request. language: what its browser is set to."""

    publishable_key: str
    template_id: str
    proof: ReferenceProof
    visit: Visit
    locale: str | None
    accept_language: str
    dropped: tuple[str, ...] = ()


class Admitted(msgspec.Struct, frozen=True):
    """The gate's verdict, with the key record that vouched; None without a signature."""

    admission: FlowAdmission
    key_id: str | None


class FlowDoor(FramedDoor[Ask, Admitted]):
    """`POST /flow`."""

    told = TOLD

    def __init__(self, node: Node) -> None:
        super().__init__(node, DOOR)

    async def _parse(self, scope: HttpScope, receive: Receive, attempt: Attempt) -> Ask:
        sent = dict(scope["headers"])
        body = await read_body(receive, MAX_BODY_BYTES)
        check_media_type(sent.get(b"content-type", b""), b"application/x-www-form-urlencoded")
        fields = parse_form(body)
        try:
            asker = self._read_asker(sent, fields, attempt)
        finally:
            # Whatever else is wrong: what was sent is no secret any more.
            await refuse_exposed(self._node, attempt, fields.values())
        ask_origin(asker, fields)
        return _read_ask(fields, asker.visit, sent.get(b"accept-language", b"").decode("latin-1"))

    async def _admit(self, ask: Ask, attempt: Attempt) -> Admitted:
        node, now_ms = self._node, attempt.now_ms
        key = await node.keyring.publishable_key(ask.publishable_key, now_ms)
        integration = await node.catalog.find_flow(ask.template_id)
        attempt.integration = integration
        held: Sequence[HeldReference] = ()
        if key is not None and ask.proof.signature is not None:
            held = await node.keyring.reference_keys(key.scope, now_ms)
        scope, keys = None if key is None else key.scope, [each.key for each in held]
        with tracing.span("gate", door=DOOR):
            admission = admit_reference(ask.proof, scope, integration, keys, ask.visit, now_ms)
        if key is not None:
            node.keyring.note_use(key.record_id, now_ms)
        key_id = None if admission.key_index is None else held[admission.key_index].record_id
        if key_id is not None:
            node.keyring.note_use(key_id, now_ms)
        return Admitted(admission, key_id)

    async def _go_on(self, ask: Ask, admission: Admitted, attempt: Attempt) -> Page:
        visitor = FlowVisitor(attempt.request_id, attempt.address, admission.key_id, ask.locale)
        opened = await open_by_page(self._node, admission.admission, visitor)
        if not opened.resumed:
            telemetry.sessions_opened(DOOR, opened.session.proof_kind).inc()
        return await self._page(ask, admission.admission, attempt, opened)

    async def _page(self, ask: Ask, admission: FlowAdmission, attempt: Attempt, opened: OpenedFlow) -> Page:
        node, path = self._node, self._node.settings.public_path
        language = choose_language((ask.locale, opened.session.locale), ask.accept_language)
        session = await arrive(node, opened.session, attempt.address, language.code)
        if opened.resumed:
            session = await look_again(node, session)
        ancestors = admission.integration.origins.frame_ancestors
        shown = await show(node, session, Viewer(attempt.request_id, language, in_frame=True, ancestors=ancestors))
        first: dict[str, Json] = {**shown.told, "token": opened.token, "opening": "resumed" if opened.resumed else "created"}
        script: dict[str, Json] = {
            "paths": {"state": f"{path}/flow/frame/state", "submit": f"{path}/flow/frame/submit"},
            "kept": None,
            "peer": {"origin": attempt.origin, "channel": attempt.channel, "door": DOOR},
            "look": False,
            "first": first,
        }
        return frame_page(shown.around, shown.screen, script=script, sdk=f"{path}/sdk/accredit.js", now_ms=shown.now_ms)

    def _tell(self, refusal: Refusal) -> Refusal:
        # Section 11: a signature of no form is told as a mistake of the page.
        status = 400 if refusal.code == "signature_malformed" else refusal.status
        return replace(refusal, status=status, message=CODES[refusal.code].title)


def _read_ask(fields: dict[str, str], visit: Visit, accept_language: str) -> Ask:
    """The fields, each of the right form.

    Raises MalformedError `field_missing`, `field_invalid`; Refused `signature_malformed`, and as a token that has no form.
    """
    for name, limit in _LIMITS.items():
        if len(fields.get(name, "")) > limit:
            raise MalformedError("field_invalid", name)
    if not _LOCALE.fullmatch(fields.get("locale", "")):
        raise MalformedError("field_invalid", "locale")
    signature = fields.get("signature")
    proof = ReferenceProof(
        customer_reference=fields.get("customerReference"),
        signature=None if signature is None else peek_reference(signature),
        email=fields.get("email") or None,
    )
    key, template_id = _read_ids(fields)
    return Ask(key, template_id, proof, visit, fields.get("locale") or None, accept_language)


def _read_ids(fields: dict[str, str]) -> tuple[str, str]:
    """The publishable key and the template's id. Raises MalformedError `field_missing`, `field_invalid`."""
    for name in ("publishableKey", "templateId"):
        if not fields.get(name):
            raise MalformedError("field_missing", name)
    if not _TEMPLATE.fullmatch(fields["templateId"]):
        raise MalformedError("field_invalid", "templateId")
    return fields["publishableKey"], fields["templateId"]
