"""Who calls with an API client's credentials: the client that asks for a token, and the caller that shows one.

RFC 6749 section 4.4, RFC 6750, RFC 9068; protocol-rest.md sections 3 and 4. A token is a JWT under our own key, read strictly; what
may change meanwhile (whether the client is enabled, its permissions, its accounts) is looked up each time.

    token = await node.callers.issue_token(client, scopes, now_ms)
    caller = await node.callers.authenticate(sent, query, now_ms)
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from secrets import token_hex
from typing import Any

from accredit.encoding import Json, JsonError, compact_json, parse_json
from accredit.errors import MalformedError, Refused
from accredit.keys import has_secret_form, secret_hash
from accredit.sealing import sign_compact, verify_compact
from accredit.server.keyring.api_clients import SCOPES, ApiClient, Permission, find_api_client, find_client_secrets
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.remembered import Bounded, Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.server_keys import ServerKeys
from accredit.server.store import Store, Transaction

TOKEN_TYPE = "at+jwt"
_CACHED_CLIENTS, _CACHED_TOKENS, _MAX_TOKEN = 4096, 4096, 4096
_ACCOUNT_PARAMETERS = ("signicat-accountid", "accountid")
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_SECRET = secret_hash("")


class CallerRefused(Refused):
    """Nobody who may call. reason, client: for the audit record alone, as far as they are known.

    reason: `malformed`, `signature`, `issuer`, `expired`, `revoked`; of an account the id that was asked for.
    """

    def __init__(self, code: str, reason: str | None = None, client: ApiClient | None = None) -> None:
        super().__init__(code)
        self.reason = reason
        self.client = client

    def __reduce__(self) -> Any:
        return type(self), (self.code, self.reason, self.client)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, for which account. integration_id: whose policy holds, None for that of the account."""

    client_id: str
    scope: Scope
    permissions: frozenset[str]
    scopes: frozenset[str]
    integration_id: str | None
    token_lifetime_s: int


@dataclass(frozen=True, slots=True)
class _Held:
    client: ApiClient
    secrets: tuple[KeyRecord, ...]


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a token whose signature held says. kid: of our key. scopes: those that we know. from_s, until_s: Unix seconds."""

    kid: str
    client_id: str
    scopes: frozenset[str]
    from_s: int
    until_s: int


class Callers:
    """API clients as one process knows them. issuer: of our tokens, `{base}/auth/open`; audience: `{base}`."""

    def __init__(self, store: Store, server_keys: ServerKeys, public_url: str, token_alg: str) -> None:
        self._store = store
        self._server_keys = server_keys
        self._issuer = f"{public_url}/auth/open"
        self._audience = public_url
        self._token_alg = token_alg
        self._clients = Versioned(store, self._load, _CACHED_CLIENTS)
        self._tokens: Bounded[bytes, _Claims] = Bounded(_CACHED_TOKENS)

    async def find_client(self, client_id: str) -> ApiClient | None:
        """The client of that id, if there is one that is enabled."""
        held = await self._find(client_id)
        return held.client if held is not None and held.client.enabled else None

    async def check_secret(self, client_id: str, secret_text: str, now_ms: int) -> tuple[ApiClient, KeyRecord]:
        """The client of these credentials, and which of its secrets it was.

        Raises Refused `invalid_client`: unknown, disabled, revoked and wrong are one, in text and time.
        """
        held, digest = await self._find(client_id), secret_hash(secret_text)
        found: KeyRecord | None = None
        for record in held.secrets if held is not None else ():
            if compare_digest(record.secret_hash or _NO_SECRET, digest) and record.is_live(now_ms):
                found = record
        if held is None or found is None or not held.client.enabled or not has_secret_form(secret_text):
            raise Refused("invalid_client")
        return held.client, found

    async def issue_token(self, client: ApiClient, scopes: Sequence[str], now_ms: int) -> str:
        """An access token for these scopes, good for the client's token lifetime."""
        now = now_ms // 1000
        claims: dict[str, Json] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": client.client_id,
            "sandbox": client.scope.environment == "sandbox",
            "scope": list(scopes),
            "jti": token_hex(16),
            "iat": now,
            "nbf": now,
            "exp": now + client.token_lifetime_s,
        }
        if not client.granted:
            claims["account_id"] = client.scope.account_id
        key = await self._server_keys.signing(self._token_alg, now_ms)
        return sign_compact(compact_json(claims), key, typ=TOKEN_TYPE)

    async def authenticate(self, sent: Mapping[bytes, bytes], query: Mapping[str, str], now_ms: int) -> Caller:
        """The caller of the rest door, by its bearer token and the account that it names.

        sent: its headers, `authorization` once. query: its parameters by their names in lower case.
        Raises CallerRefused: `invalid_token`, `permission_denied`, `browser_not_allowed`, `invalid_account_id`; MalformedError
        `account_id_missing`, which the door tells as `invalid_account_id` too.
        """
        client, scopes = await self._find_caller(sent, now_ms, "rest", frozenset(SCOPES))
        return _caller(client, _choose_account(client, query), scopes)  # (3)

    async def authenticate_for_api(self, sent: Mapping[bytes, bytes], now_ms: int) -> Caller:
        """The caller of the owner's API, for its own account: what other accounts grant is the rest door.

        Raises CallerRefused: `invalid_token`, `permission_denied`, `browser_not_allowed`.
        """
        client, scopes = await self._find_caller(sent, now_ms, "api", frozenset(("accredit",)))
        return _caller(client, client.scope.account_id, scopes)

    async def _find_caller(
        self, sent: Mapping[bytes, bytes], now_ms: int, permission: Permission, opening: frozenset[str]
    ) -> tuple[ApiClient, frozenset[str]]:
        """Steps 1 and 2: the client, and the scopes of its token. opening: scopes of which it must have one."""
        claims = await self._read_token(sent.get(b"authorization", b""), now_ms)  # (1)
        client = await self.find_client(claims.client_id)
        if client is None:
            raise CallerRefused("invalid_token", "revoked")
        if not claims.from_s <= now_ms // 1000 < claims.until_s:
            raise CallerRefused("invalid_token", "expired", client)
        if not claims.scopes & opening or permission not in client.permissions:  # (2)
            raise CallerRefused("permission_denied", None, client)
        if b"origin" in sent and b"sec-fetch-site" in sent:
            raise CallerRefused("browser_not_allowed", None, client)
        return client, claims.scopes

    async def _read_token(self, authorization: bytes, now_ms: int) -> _Claims:
        scheme, _, credential = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or len(credential) > _MAX_TOKEN:
            raise CallerRefused("invalid_token", "malformed")
        ring = await self._server_keys.ring(now_ms)
        digest = hashlib.sha256(credential).digest()
        known = self._tokens.find(digest)
        if known is None:
            known = self._verify(credential, ring.jwks)
            self._tokens.remember(digest, known)
        # A token that was remembered is worth no more than the key that signed it.
        if not ring.signs(known.kid):
            raise CallerRefused("invalid_token", "signature")
        return known

    def _verify(self, credential: bytes, jwks: Mapping[str, object]) -> _Claims:
        try:
            verified = verify_compact(credential.decode("ascii"), jwks, typ=TOKEN_TYPE)
            payload = parse_json(verified.payload, max_depth=3)
        except (ValueError, JsonError) as error:
            raise CallerRefused("invalid_token", "signature") from error
        if not isinstance(payload, dict) or (payload.get("iss"), payload.get("aud")) != (self._issuer, self._audience):
            raise CallerRefused("invalid_token", "issuer")
        client_id, scopes, from_s, until_s = (payload.get(name) for name in ("sub", "scope", "nbf", "exp"))
        if not isinstance(client_id, str) or not isinstance(scopes, list):
            raise CallerRefused("invalid_token", "malformed")
        if not isinstance(from_s, int) or not isinstance(until_s, int):
            raise CallerRefused("invalid_token", "malformed")
        known = frozenset(scope for scope in SCOPES if scope in scopes)
        return _Claims(str(verified.header["kid"]), client_id, known, from_s, until_s)

    async def _find(self, client_id: str) -> _Held | None:
        found = self._clients.find(client_id) or await self._clients.load(client_id)
        return found[0] if found else None

    async def _load(self, client_id: str) -> tuple[_Held, ...]:
        return await self._store.read(_load_client, client_id)


def _load_client(tx: Transaction, client_id: str) -> tuple[_Held, ...]:
    """Query: the client, or nothing."""
    client = find_api_client(tx, client_id)
    return () if client is None else (_Held(client, tuple(find_client_secrets(tx, client_id))),)


def _caller(client: ApiClient, account_id: str, scopes: frozenset[str]) -> Caller:
    return Caller(
        client_id=client.client_id,
        scope=Scope(account_id, client.scope.environment),
        permissions=frozenset(client.permissions),
        scopes=scopes,
        integration_id=client.integration_id if account_id == client.scope.account_id else None,
        token_lifetime_s=client.token_lifetime_s,
    )


def _choose_account(client: ApiClient, query: Mapping[str, str]) -> str:
    """Step 3: a client of one account need not name it; whether another exists is not told."""
    named = {query[name] for name in _ACCOUNT_PARAMETERS if name in query}
    if not named:
        if client.granted:
            raise MalformedError("account_id_missing", "accountId")
        return client.scope.account_id
    account_id = named.pop()
    if named or account_id not in client.accounts:
        asked = account_id if _ACCOUNT_ID.fullmatch(account_id) else None
        raise CallerRefused("invalid_account_id", asked, client)
    return account_id
