"""`/leaks/...`: whoever found a secret where it must not be says so (protocol-flow.md section 12).

`POST /leaks/browser` is for the SDK: a page was given a secret where a publishable key belongs, and tells its SHA-256, never the
secret. `POST /leaks/secret-scanning` is for a partner that scans public places, and signs what it reports. What they name is ended at
once; what is nobody's changes nothing, and neither answer says what else there is.
"""

import re
from hashlib import sha256

import msgspec

from accredit.encoding import JsonError, parse_json
from accredit.errors import AccreditError, MalformedError, Refused
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import record_refusal
from accredit.server.audit import AuditEntry
from accredit.server.forms import read_body
from accredit.server.headers import Headers
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.exposed import Exposed
from accredit.server.keyring.leak_reports import (
    LeakedToken,
    ReportSignature,
    could_be_signed,
    read_report,
    verify_report,
)
from accredit.server.keyring.leaks import Leak, exposed_digest, find_known
from accredit.server.keyring.report_keys import ReportKeys
from accredit.server.leak_response import answer_leak
from accredit.server.limits import RateLimit, TooManyRequests, network_of
from accredit.server.node import Node
from accredit.server.problems import problem

_SCANNER = "secret-scanning"
_MAX_REPORT, _MAX_SIGHTING = 5 * 1024 * 1024, 1024
_SIGHTINGS_A_MINUTE, _MINUTE_MS = 30, 60_000
# Tokens of a report that are looked up together; other requests have their turn in between.
_AT_ONCE = 100
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,255}")
_ANY_PAGE: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
]


class BrowserLeaks:
    """`POST /leaks/browser` `{"sha256"}`, from a page of any origin. It always answers 204, whether there is such a secret or not."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._limit = RateLimit(_MINUTE_MS)

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        lines = [*headers.api(scope["request_id"]), *_ANY_PAGE]
        if scope["method"] == "OPTIONS":
            await send_answer(send, 204, [*lines, *_PREFLIGHT], b"")
            return
        try:
            await self._take(scope, receive)
        except AccreditError as error:
            await _refuse(self._node, scope, send, error, _ANY_PAGE)
            return
        await send_answer(send, 204, lines, b"")

    async def _take(self, scope: HttpScope, receive: Receive) -> None:
        if scope["method"] != "POST":
            raise MalformedError("method_not_allowed")
        node, now_ms = self._node, self._node.clock()
        self._limit.take(network_of(scope["address"]), _SIGHTINGS_A_MINUTE, now_ms)
        digest = _read_digest(await read_body(receive, _MAX_SIGHTING))
        cause = Cause(now_ms, request_id=scope["request_id"])
        await answer_leak(node, Leak(exposed_digest(node.sealer, digest), "browser", cause, _page_of(scope)))


def _read_digest(body: bytes) -> bytes:
    """Raises MalformedError: `request_malformed`, `field_invalid`. Any media type: some let a page ask without a preflight."""
    try:
        told = parse_json(body, max_depth=2)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    digest = told.get("sha256") if isinstance(told, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise MalformedError("field_invalid", "sha256")
    return bytes.fromhex(digest)


def _page_of(scope: HttpScope) -> str | None:
    """The origin of the page, as its browser names it."""
    origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
    return origin if _ORIGIN.fullmatch(origin) else None


class TokenLabel(msgspec.Struct, frozen=True):
    """What we say to one token of a report. token_hash: SHA-256 in hex. label: `true_positive` where it is, or was, one of ours."""

    token_hash: str
    token_type: str
    label: str


class SecretScanning:
    """`POST /leaks/secret-scanning`: a signed report of a partner that scans public places."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._keys = ReportKeys(node.outbound, node.settings.secret_scanning_keys)

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            labels = await self._take(scope, receive)
        except AccreditError as error:
            await self._record(scope, error)
            await _refuse(self._node, scope, send, error, [])
            return
        lines = [headers.JSON, *headers.api(scope["request_id"])]
        await send_answer(send, 200, lines, msgspec.json.encode(labels))

    async def _take(self, scope: HttpScope, receive: Receive) -> list[TokenLabel]:
        if scope["method"] != "POST":
            raise MalformedError("method_not_allowed")
        node, now_ms = self._node, self._node.clock()
        node.refusal_limit.check(scope["address"], now_ms)
        signed = _read_signature(scope)
        body = await read_body(receive, _MAX_REPORT)
        verify_report(body, signed, await self._keys.find(signed.key_identifier, now_ms))
        told, cause = read_report(body), Cause(now_ms, actor=_SCANNER, request_id=scope["request_id"])
        labels: list[TokenLabel] = []
        for begin in range(0, len(told), _AT_ONCE):
            labels += await self._judge(told[begin : begin + _AT_ONCE], cause)
        return labels

    async def _judge(self, told: list[LeakedToken], cause: Cause) -> list[TokenLabel]:
        """Look tokens up by their hashes, whatever type the report calls them, and end those that are somebody's."""
        node = self._node
        digests = [_digest(each.token) for each in told]
        exposed = [await self._exposed(each.token, digest) for each, digest in zip(told, digests, strict=True)]
        known = await node.store.read(find_known, _together(exposed))
        labels = []
        for each, digest, shown in zip(told, digests, exposed, strict=True):
            ours = not set(shown.secret_hashes).isdisjoint(known.secret_hashes)
            ours = ours or not set(shown.thumbprints).isdisjoint(known.thumbprints)
            if ours:
                await answer_leak(node, Leak(shown, _SCANNER, cause, each.url))
            labels.append(TokenLabel(digest.hex(), each.token_type, "true_positive" if ours else "false_positive"))
        return labels

    async def _exposed(self, token: str, digest: bytes) -> Exposed:
        found = await self._node.keyring.find_exposed([token])
        return _together([exposed_digest(self._node.sealer, digest), found])

    async def _record(self, scope: HttpScope, error: AccreditError) -> None:
        if isinstance(error, Refused) and not isinstance(error, TooManyRequests):
            entry = AuditEntry(
                at_ms=self._node.clock(), kind="leak_report.refused", code=error.code, request_id=scope["request_id"]
            )
            await record_refusal(self._node, scope["address"], entry)


def _read_signature(scope: HttpScope) -> ReportSignature:
    """Raises Refused `leak_report_unverified` where a header is missing, comes twice, or has another form."""
    found: dict[bytes, list[str]] = {b"github-public-key-identifier": [], b"github-public-key-signature": []}
    for name, value in scope["headers"]:
        if name in found:
            found[name].append(value.decode("latin-1"))
    if any(len(values) != 1 for values in found.values()):
        raise Refused("leak_report_unverified")
    (identifier,), (signature,) = found.values()
    signed = ReportSignature(identifier, signature)
    if not could_be_signed(signed):
        raise Refused("leak_report_unverified")
    return signed


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8")).digest()


def _together(exposed: list[Exposed]) -> Exposed:
    hashes = dict.fromkeys(hash_ for each in exposed for hash_ in each.secret_hashes)
    return Exposed(tuple(hashes), tuple(dict.fromkeys(name for each in exposed for name in each.thumbprints)))


async def _refuse(node: Node, scope: HttpScope, send: Send, error: AccreditError, extra: Headers) -> None:
    telemetry.refusals("leaks", error.code).inc()
    request_id = str(scope["request_id"])
    lines = [headers.PROBLEM, *headers.api(request_id), *extra]
    if error.code == "method_not_allowed":
        lines.append((b"allow", b"POST"))
    if isinstance(error, TooManyRequests):
        lines.append((b"retry-after", str(error.retry_after_s).encode("ascii")))
    await send_answer(send, error.status, lines, problem(error, request_id, node.settings.public_url))
