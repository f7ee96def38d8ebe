"""`POST /auth/open/connect/token`: a client's credentials for an access token (RFC 6749 section 4.4; protocol-rest.md section 3)."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

import msgspec

from accredit.errors import AccreditError, MalformedError, Refused
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.doors.rest.calls import read_headers
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.keyring.api_clients import ApiClient, is_client_id
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.leaks import Leak, exposed_secret
from accredit.server.leak_response import answer_leak
from accredit.server.limits import RefusalLimit, TooManyRefusals, network_of
from accredit.server.node import Node

MAX_BODY_BYTES = 8 * 1024
_FAILURES_A_MINUTE = 10
_FORM = b"application/x-www-form-urlencoded"
# RFC 6749 has no word for what is wrong with the request as such; for too many of them the word is ours.
_OAUTH_ERRORS = frozenset(("invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope", "rate_limited"))


class TokenAnswer(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.1. expires_in: seconds. scope: separated by spaces."""

    access_token: str
    expires_in: int
    token_type: str
    scope: str


class TokenError(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.2. code: of ours, the same as error unless there is more to say."""

    error: str
    error_description: str
    code: str


@dataclass(frozen=True, slots=True)
class _Credentials:
    client_id: str
    secret_text: str


class TokenEndpoint:
    """The token endpoint as one plain ASGI application."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._failures = RefusalLimit(_FAILURES_A_MINUTE)

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        lines = headers.api(scope["request_id"])
        try:
            body = msgspec.json.encode(await self._answer(scope, receive))
        except AccreditError as error:
            telemetry.refusals("rest", error.code).inc()
            # An exposed secret is a client's that is not known any more.
            status = 401 if error.code == "secret_exposed" else error.status
            await send_answer(send, status, [headers.JSON, *lines, *_error_lines(error)], _error_body(error))
            return
        await send_answer(send, 200, [headers.JSON, *lines, (b"pragma", b"no-cache")], body)

    async def _answer(self, scope: HttpScope, receive: Receive) -> TokenAnswer:
        if scope["method"] != "POST":
            raise MalformedError("method_not_allowed")
        sent = read_headers(scope)
        octets = await read_body(receive, MAX_BODY_BYTES)
        check_media_type(sent.get(b"content-type", b""), _FORM)
        form = _read_form(octets, scope["query_string"])
        credentials = _read_credentials(sent.get(b"authorization"), form)
        client = await self._check(scope, sent, credentials)
        if form.get("grant_type") != "client_credentials":
            raise MalformedError("unsupported_grant_type" if form.get("grant_type") else "invalid_request", "grant_type")
        scopes = _choose_scopes(client, form.get("scope", ""))
        token = await self._node.callers.issue_token(client, scopes, self._node.clock())
        return TokenAnswer(token, client.token_lifetime_s, "Bearer", " ".join(scopes))

    async def _check(self, scope: HttpScope, sent: Mapping[bytes, bytes], credentials: _Credentials) -> ApiClient:
        """The client of these credentials. A right secret that a browser sends is revoked at once."""
        node, now_ms = self._node, self._node.clock()
        who = f"{credentials.client_id} {network_of(scope['address'])}"
        self._failures.check(who, now_ms)
        try:
            client, record = await node.callers.check_secret(credentials.client_id, credentials.secret_text, now_ms)
        except Refused as refused:
            self._failures.count(who, now_ms)
            await node.store.write(record_entries, await self._refusal(scope, credentials, refused, now_ms))
            raise
        if b"origin" in sent and b"sec-fetch-site" in sent:
            cause = Cause(now_ms, request_id=scope["request_id"])
            await answer_leak(node, Leak(exposed_secret(credentials.secret_text), "browser", cause))
            raise Refused("secret_exposed")
        node.keyring.note_use(record.key_id, now_ms)
        return client

    async def _refusal(self, scope: HttpScope, credentials: _Credentials, refused: Refused, now_ms: int) -> AuditEntry:
        """Of a client that exists its owner can read; what was sent as a name may be anything, and is not written down."""
        client = await self._node.callers.find_client(credentials.client_id)
        return AuditEntry(
            at_ms=now_ms,
            kind="token.refused",
            account_id="" if client is None else client.scope.account_id,
            environment="" if client is None else client.scope.environment,
            code=refused.code,
            request_id=scope["request_id"],
            address_hash=self._node.sealer.server_mac("address", network_of(scope["address"]).encode())[:16],
            detail={} if client is None else {"client_id": client.client_id},
        )


def _read_form(octets: bytes, query_string: bytes) -> dict[str, str]:
    try:
        form, query = parse_form(octets), parse_form(query_string)
    except MalformedError as error:
        raise MalformedError("invalid_request") from error
    if "client_secret" in query:
        raise MalformedError("invalid_request", "client_secret")
    return form


def _read_credentials(authorization: bytes | None, form: Mapping[str, str]) -> _Credentials:
    """By HTTP Basic (RFC 6749 section 2.3.1) or in the body, never both."""
    if authorization is None:
        return _credentials(form.get("client_id", ""), form.get("client_secret", ""))
    scheme, _, encoded = authorization.partition(b" ")
    if "client_secret" in form:
        raise MalformedError("invalid_request", "client_secret")
    if scheme.lower() != b"basic":
        raise Refused("invalid_client")
    try:
        client_id, _, secret_text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("invalid_client") from error
    if form.get("client_id", client_id) not in (client_id, unquote_plus(client_id)):
        raise MalformedError("invalid_request", "client_id")
    # Clients differ in whether they encode; neither ids nor secrets hold a character that the other reading would change.
    return _credentials(unquote_plus(client_id), unquote_plus(secret_text))


def _credentials(client_id: str, secret_text: str) -> _Credentials:
    """A text that is no client id names nobody: it is neither looked up nor counted by itself."""
    return _Credentials(client_id if is_client_id(client_id) else "", secret_text)


def _choose_scopes(client: ApiClient, asked: str) -> Sequence[str]:
    wanted = list(dict.fromkeys(asked.split()))
    if any(scope not in client.scopes for scope in wanted):
        raise MalformedError("invalid_scope", "scope")
    return wanted or client.scopes


def _error_lines(error: AccreditError) -> headers.Headers:
    if isinstance(error, TooManyRefusals):
        return [(b"retry-after", str(error.retry_after_s).encode("ascii"))]
    if error.status in (401, 403):
        return [(b"www-authenticate", b'Basic realm="accredit", charset="UTF-8"')]
    return [(b"allow", b"POST")] if error.code == "method_not_allowed" else []


def _error_body(error: AccreditError) -> bytes:
    known = error.code in _OAUTH_ERRORS
    outer = error.code if known else "invalid_client" if isinstance(error, Refused) else "invalid_request"
    return msgspec.json.encode(TokenError(outer, error.title, error.code))
