"""The embed door: `POST /embed` and `POST /embed/renew` : its fields, its tokens and keys.

protocol-embed.md sections 3, 4, 7 and 9.
"""

import msgspec

from accredit.deployment import PeekedDeployment, peek_deployment
from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError, Refused
from accredit.keys import DeploymentKey
from accredit.passport import PassportKey
from accredit.properties import NO_DIRECT_PROPERTIES, DirectProperties, is_id
from accredit.server import tracing
from accredit.server.asgi import HttpScope, Receive
from accredit.server.attempts import Attempt, refuse_exposed
from accredit.server.doors.framed import EmbeddingDoor, location_of, redirect_to
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.framing import ask_origin
from accredit.server.gate import Admission, DeploymentProof, LiveKeys, Visit, admit_deployment
from accredit.server.hosted.pages import Page
from accredit.server.integrations.integration import Door, Integration
from accredit.server.node import Node
from accredit.server.sessions.opening import Visitor

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
    # The application of a deployment learns no locale.
    locale: None = None


class EmbedDoor(EmbeddingDoor[Ask]):
    """`POST /embed` and `POST /embed/renew`."""

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
        node, proof = self._node, ask.proof
        attempt.integration = integration = await node.catalog.find(DOOR, proof.integration_id)
        keys = await self._find_keys(integration, proof, attempt.now_ms)
        try:
            with tracing.span("gate", door=DOOR):
                admission = admit_deployment(proof, integration, keys, ask.visit, attempt.now_ms)
        except Refused as refused:
            if refused.code != "jws_key_unknown" or not await self._read_key_sets(integration, attempt.now_ms):
                raise
            keys = await self._find_keys(integration, proof, attempt.now_ms)
            with tracing.span("gate", door=DOOR):
                admission = admit_deployment(proof, integration, keys, ask.visit, attempt.now_ms)
        if admission.proof_key_id is not None and proof.token is not None:
            node.keyring.note_use(admission.proof_key_id, attempt.now_ms)
            if proof.verified_by is None:
                node.remembered.remember(ask.fields["signed_deployment"], proof.token, admission.proof_key_id)
        return admission

    async def _read_key_sets(self, integration: Integration | None, now_ms: int) -> bool:
        """Whether a deployer's key set may know more by now: a key that was just published must not wait for the next round."""
        assert integration is not None
        return await self._node.key_sets.refresh_for_kid(integration.scope, integration.deployer_id, now_ms)

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

    async def _go_on(self, ask: Ask, admission: Admission, attempt: Attempt) -> Page:
        address = admission.integration.address_of(admission.view_id)
        visitor = Visitor(attempt.request_id, attempt.channel, warnings=ask.dropped)
        opened = await self._open(admission, attempt, visitor, with_code=address is not None)
        if address is None or opened.code is None:
            return self._hosted_page(admission, opened, attempt)
        return redirect_to(location_of(address, opened.code), admission, attempt, [])


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
