"""What a provider publishes: its metadata and its keys, fetched when they are needed and remembered for a while.

OpenID Connect Discovery 1.0 section 4, RFC 7517 section 5. A key set is fetched anew when a token names a key that it does not hold,
at most once a minute whatever tokens ask for. While a provider cannot be reached, what it said within the last day still counts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from accredit.encoding import Json, parse_json
from accredit.errors import FailureError, MalformedError
from accredit.server.keyring.remembered import Bounded
from accredit.server.outbound import Answer, Outbound, OutboundRequest
from accredit.server.providers.oidc.entity_statement import BrokerStatement
from accredit.server.providers.oidc.settings import Url
from accredit.server.providers.oidc.signatures import AnswerError, PeerKey, peek_jws, read_jwks, verify_jws
from accredit.server.providers.provider import Ended

KEY_SET_TYPE = "jwk-set+jwt"
CALL_S, MAX_ANSWER_BYTES = 10, 1024 * 1024
_HOUR_MS, _DAY_MS, _MINUTE_MS = 3_600_000, 86_400_000, 60_000
_LEEWAY_S = 60
_MAX_DEPTH = 16

Said = TypeVar("Said")


class AttemptEnded(Exception):
    """The attempt is over, and not by an answer that was judged."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.audit)
        self.ended = ended


def unavailable(audit: str) -> AttemptEnded:
    """The provider cannot be reached, or is out of order."""
    return AttemptEnded(Ended("error", "provider_unavailable", audit))


class Metadata(msgspec.Struct, frozen=True):
    """What of a provider's metadata is used here."""

    issuer: Url
    authorization_endpoint: Url
    token_endpoint: Url
    jwks_uri: Url
    userinfo_endpoint: Url | None = None
    pushed_authorization_request_endpoint: Url | None = None
    authorization_response_iss_parameter_supported: bool = False


class _SignedKeySet(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    iat: int
    exp: int
    keys: list[dict[str, Any]]


@dataclass(slots=True)
class _Remembered(Generic[Said]):
    """said: until fresh_ms it counts without a question, until kept_ms where the provider does not answer."""

    said: Said
    fresh_ms: int
    kept_ms: int


class Remote:
    """The documents of all providers that one process has asked."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._known: Bounded[tuple[str, ...], _Remembered[object]] = Bounded(1024)
        self._asked: Bounded[tuple[str, ...], int] = Bounded(1024)

    async def call(self, request: OutboundRequest) -> Answer:
        """One call of a provider. Raises AttemptEnded `provider_unavailable`."""
        try:
            answer = await self._outbound.send(request)
        except (FailureError, MalformedError) as error:
            raise unavailable(error.code) from error
        if answer.status >= 500:
            raise unavailable("status_5xx")
        if not answer.complete:
            raise unavailable("response_too_large")
        return answer

    async def metadata(self, issuer: str, *, plain: bool, now_ms: int) -> Metadata:
        """The provider's metadata. Raises AttemptEnded."""

        async def fetch() -> _Remembered[Metadata]:
            url = issuer.rstrip("/") + "/.well-known/openid-configuration"
            metadata = _convert(await self._fetch_json(url, "application/json", plain=plain), Metadata)
            # Discovery 1.0 section 4.3: or another provider could stand in for this one.
            if metadata.issuer != issuer:
                raise unavailable("discovery_issuer_mismatch")
            return _Remembered(metadata, now_ms + _HOUR_MS, now_ms + _DAY_MS)

        return await self._remember(("metadata", issuer, str(plain)), fetch, now_ms, again=False)

    async def keys(self, url: str, *, plain: bool, now_ms: int, again: bool) -> tuple[PeerKey, ...]:
        """The keys at an address. again: a key is missing among those that are known. Raises AttemptEnded."""

        async def fetch() -> _Remembered[tuple[PeerKey, ...]]:
            body = await self._fetch_json(url, "application/jwk-set+json, application/json", plain=plain)
            try:
                return _Remembered(read_jwks(body), now_ms + _HOUR_MS, now_ms + _DAY_MS)
            except ValueError as error:
                raise unavailable("key_set_malformed") from error

        return await self._remember(("keys", url, str(plain)), fetch, now_ms, again=again)

    async def signed_keys(self, broker: BrokerStatement, *, plain: bool, now_ms: int, again: bool) -> tuple[PeerKey, ...]:
        """The keys of a broker, which only a key of its statement may sign. Raises AttemptEnded."""
        url = broker.provider.signed_jwks_uri

        async def fetch() -> _Remembered[tuple[PeerKey, ...]]:
            answer = await self._get(url, "application/jwk-set+jwt", plain=plain)
            keys, expires = _read_signed(answer.body, broker, now_ms // 1000)
            until_ms = min(now_ms + _DAY_MS, expires * 1000)
            return _Remembered(keys, until_ms, until_ms)

        # A new statement brings new keys, which have not signed what is remembered.
        names = ",".join(sorted(str(key.kid) for key in broker.keys))
        return await self._remember(("signed_keys", url, str(plain), names), fetch, now_ms, again=again)

    async def _remember(
        self, name: tuple[str, ...], fetch: Callable[[], Awaitable[_Remembered[Said]]], now_ms: int, *, again: bool
    ) -> Said:
        known = self._known.find(name)
        asked_ms = self._asked.find(name)
        may_ask = asked_ms is None or now_ms >= asked_ms + _MINUTE_MS
        if known is not None and (now_ms < known.fresh_ms and not (again and may_ask)):
            return known.said  # type: ignore[return-value]
        self._asked.remember(name, now_ms)
        try:
            fetched = await fetch()
        except AttemptEnded:
            if known is not None and now_ms < known.kept_ms:
                return known.said  # type: ignore[return-value]
            raise
        self._known.remember(name, fetched)  # type: ignore[arg-type]
        return fetched.said

    async def _get(self, url: str, accept: str, *, plain: bool) -> Answer:
        request = OutboundRequest(
            url, headers={"Accept": accept}, plain=plain, timeout_s=CALL_S, max_body_bytes=MAX_ANSWER_BYTES
        )
        answer = await self.call(request)
        if answer.status != 200:
            raise unavailable("document_missing")
        return answer

    async def _fetch_json(self, url: str, accept: str, *, plain: bool) -> Json:
        answer = await self._get(url, accept, plain=plain)
        try:
            return parse_json(answer.body, max_depth=_MAX_DEPTH)
        except ValueError as error:
            raise unavailable("document_malformed") from error


def _convert(body: Json, wanted: type[Said]) -> Said:
    try:
        return msgspec.convert(body, wanted)
    except msgspec.ValidationError as error:
        raise unavailable("document_malformed") from error


def _read_signed(body: bytes, broker: BrokerStatement, now: int) -> tuple[tuple[PeerKey, ...], int]:
    """The keys of a signed key set, and until when they count (Unix seconds). Raises AttemptEnded."""
    try:
        peeked = peek_jws(body.decode("ascii").strip(), max_bytes=MAX_ANSWER_BYTES)
        claims: Mapping[str, Json] = verify_jws(peeked, broker.keys, kid_required=True)
        signed = msgspec.convert(claims, _SignedKeySet)
    except (AnswerError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise unavailable("key_set_untrusted") from error
    if peeked.header.get("typ") != KEY_SET_TYPE or (signed.iss, signed.sub) != (broker.entity_id, broker.entity_id):
        raise unavailable("key_set_untrusted")
    if signed.iat > now + _LEEWAY_S or now >= signed.exp:
        raise unavailable("key_set_expired")
    return read_jwks({"keys": signed.keys}), signed.exp
