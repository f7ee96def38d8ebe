"""`POST /auth/rest/sessions`: the steps of protocol-rest.md section 5, each with its number."""

from contextlib import suppress
from dataclasses import dataclass

from accredit.encoding import Json
from accredit.errors import FailureError, MalformedError
from accredit.sealing import MAX_REQUEST_BYTES, EncryptedRequestError, EncryptionKey, EncryptionKeyError, open_request
from accredit.server import telemetry, tracing
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.doors.rest.calls import RestCall, RestReply
from accredit.server.doors.rest.replies import session_reply
from accredit.server.forms import read_body
from accredit.server.gate.faults import FaultCode
from accredit.server.gate.rest import (
    Fault,
    FaultyRequestError,
    RestAdmission,
    RestRequest,
    Surroundings,
    admit_request,
    fault,
    find_offers,
    key_fault,
    parse_request,
)
from accredit.server.hosted.wording import find_language
from accredit.server.integrations.integration import RestIntegration
from accredit.server.keyring.encryption_keys import check_inline_key, find_encryption_key
from accredit.server.limits import RateLimit, TooManyRequests
from accredit.server.providers.records import ProviderRecord, find_providers
from accredit.server.providers.registry import check_parameters, forced_status
from accredit.server.sessions.rest.asking import start_headless
from accredit.server.sessions.rest.creating import Asking, create_session
from accredit.server.sessions.rest.finishing import expire_if_due
from accredit.server.sessions.rest.record import RestSession
from accredit.server.themes.records import find_theme_of_session

MAX_BODY_BYTES = 64 * 1024
_MINUTE_MS = 60_000
_IDEMPOTENCY = b"idempotency-key"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A body as it came."""

    octets: bytes
    encrypted: bool


class Creation:
    """Creates sessions. Its counters of creations are those of this process."""

    def __init__(self) -> None:
        self._rates = RateLimit(_MINUTE_MS)

    async def __call__(self, call: RestCall) -> RestReply:
        """Answer one create."""
        sent = await _read(call)  # (1)
        await call.authenticate()  # (2)
        integration = await call.find_integration()
        octets = await _open(call, sent)  # (3)
        records = await find_providers(call.node, integration.scope)
        offers = find_offers(integration, records)
        named = [offer.provider_id for offer in offers]
        surroundings = Surroundings(integration.rules, integration.scope.environment, named)
        request = await _parse(call, integration, octets, surroundings)  # (4), (5)
        key = await _find_key(call, integration, request)  # (6)
        with tracing.span("gate", door="rest"):
            admission = admit_request(request, integration, offers, call.caller.client_id, encrypted=sent.encrypted)  # (7)
        _ask_providers(admission, records)
        self._count(integration, call.now_ms)  # (8)
        return await _create(call, admission, key)  # (9), (10)

    def _count(self, integration: RestIntegration, now_ms: int) -> None:
        limit = integration.rules.rate_per_minute
        if limit is not None:
            self._rates.take(integration.integration_id, limit, now_ms)


async def _read(call: RestCall) -> _Sent:
    media_type = call.sent.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in (b"application/json", b"application/jose"):
        raise MalformedError("media_type_unsupported")
    encrypted = media_type == b"application/jose"
    return _Sent(await read_body(call.receive, MAX_REQUEST_BYTES if encrypted else MAX_BODY_BYTES), encrypted)


async def _open(call: RestCall, sent: _Sent) -> bytes:
    """The plain body; that of an encrypted request is held to the same size."""
    if not sent.encrypted:
        return sent.octets
    ring = await call.node.server_keys.ring(call.now_ms)
    try:
        octets = open_request(sent.octets, [key for key, _ in ring.request])
    except EncryptedRequestError as error:
        call.found["step"] = error.step
        raise
    if len(octets) > MAX_BODY_BYTES:
        raise MalformedError("body_too_large")
    return octets


async def _parse(call: RestCall, integration: RestIntegration, octets: bytes, surroundings: Surroundings) -> RestRequest:
    header = _header_faults(call)
    try:
        request = parse_request(octets, surroundings)
    except FaultyRequestError as error:
        # A private key that came along is burnt, whatever else is wrong.
        with suppress(EncryptionKeyError):
            await _check_inline(call, integration, error.key)
        raise FaultyRequestError([*error.faults, *header]) from None
    if header:
        raise FaultyRequestError(header)
    return request


def _header_faults(call: RestCall) -> list[Fault]:
    text = call.sent.get(_IDEMPOTENCY)
    if text is None:
        return []
    wrong: FaultCode | None = None
    if not 1 <= len(text) <= 255:
        wrong = "length"
    elif any(not 0x20 <= octet <= 0x7E for octet in text):
        wrong = "format"
    return [] if wrong is None else [fault("Idempotency-Key", wrong)]


async def _find_key(call: RestCall, integration: RestIntegration, request: RestRequest) -> EncryptionKey | None:
    try:
        if request.key_id is not None:
            return await find_encryption_key(call.node, integration.scope, integration, request.key_id, call.now_ms)
        return await _check_inline(call, integration, request.key)
    except EncryptionKeyError as error:
        raise key_fault(error, "encryptionPublicKey" if request.key_id is None else "encryptionKeyId") from error


async def _check_inline(call: RestCall, integration: RestIntegration, jwk: Json) -> EncryptionKey | None:
    if jwk is None:
        return None
    rules = integration.rules
    return await check_inline_key(
        call.node,
        integration.scope,
        jwk,
        registered_only=rules.registered_only,
        allowed_alg=rules.allowed_alg,
        cause=call.cause,
        jwks_uri=rules.encryption_jwks_uri,
    )


def _ask_providers(admission: RestAdmission, records: tuple[ProviderRecord, ...]) -> None:
    """What only the offered providers can judge."""
    request = admission.request
    offered = [record for record in records if record.provider_id in admission.offered]
    faults = check_parameters(offered, request.parameters, request.prefilled)
    if faults:
        raise FaultyRequestError([fault(each.name, "value", each.reason) for each in faults])
    forced = forced_status(offered, request.parameters)
    if forced == 429:
        raise TooManyRequests(1)
    if forced is not None:
        raise FailureError("internal_error" if forced == 500 else "service_unavailable")


async def _create(call: RestCall, admission: RestAdmission, key: EncryptionKey | None) -> RestReply:
    idempotency_key = call.sent.get(_IDEMPOTENCY)
    asking = Asking(
        key=key,
        key_id=None if key is None or admission.request.key_id is None else key.kid,
        idempotency_key=None if idempotency_key is None else idempotency_key.decode("ascii"),
        request_id=call.request_id,
        now_ms=call.now_ms,
    )
    made = await create_session(call.node, admission, asking)
    if made.replayed:
        return await session_reply(call, await expire_if_due(call.node, made.session), replayed=True)
    telemetry.sessions_opened("rest", "signed").inc()
    await _note_fallbacks(call, admission, made.session)
    if admission.request.flow != "headless":
        return await session_reply(call, made.session, part=made.part, created=True)
    return await session_reply(call, await start_headless(call.node, made.session), created=True)


async def _note_fallbacks(call: RestCall, admission: RestAdmission, session: RestSession) -> None:
    """Write down which of language and theme nobody knows here: the page falls back, and the owner can find out why."""
    request, names = admission.request, list[Json]()
    if request.language is not None and find_language(request.language) is None:
        names.append("language")
    if request.theme_id is not None:
        theme = await call.node.store.read(find_theme_of_session, (session.scope, request.theme_id))
        if theme is None or theme.theme_id != request.theme_id:
            names.append("themeId")
    if names:
        entry = AuditEntry(
            at_ms=call.now_ms,
            kind="rest.fallback",
            account_id=session.account_id,
            environment=session.environment,
            actor=session.client_id,
            integration_id=session.integration_id,
            session_id=session.session_id,
            request_id=call.request_id,
            detail={"members": names},
        )
        await call.node.store.write(record_entries, entry)
