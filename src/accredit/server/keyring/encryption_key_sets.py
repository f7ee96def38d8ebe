"""Callers' key sets: a caller publishes its encryption keys at an https address, and answers are sealed to them.

protocol-rest.md section 15, by the rules of protocol-embed.md section 10: public addresses only, no redirect, 5 s, 64 KiB; unfit keys
are skipped; while a set cannot be read its last reading holds for 24 h. Nothing is stored: each process reads a set when it is first
needed, again when the reading is ten minutes old, and for an unknown key at most once a minute.

    reading = await key_sets.read(scope, "https://shop.example/keys.json", now_ms)
    key = reading.find("2027-01")
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from accredit.encoding import JsonError, parse_json
from accredit.errors import AccreditError, FailureError
from accredit.sealing import EncryptionKey, EncryptionKeyError, parse_encryption_key
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.encryption_records import burn_exposed, exposed_thumbprints
from accredit.server.keyring.records import KEY_SET_HOLD_MS
from accredit.server.keyring.remembered import Bounded
from accredit.server.keyring.scope import Scope
from accredit.server.outbound import Outbound, OutboundRequest
from accredit.server.store import Store

REFRESH_MS, UNKNOWN_KEY_MS = 10 * 60_000, 60_000
MAX_SET_BYTES, MAX_PUBLISHED_KEYS = 64 * 1024, 20
_MAX_DEPTH, _REMEMBERED = 8, 4096
# Who acts when nobody asked.
_ACTOR = "key_set"


@dataclass(frozen=True, slots=True)
class Reading:
    """keys: those of the right form, each `kid` once. skipped: codes of the others, each once.

    exposed: thumbprints of keys that were published with their private half.
    """

    keys: tuple[EncryptionKey, ...] = ()
    skipped: tuple[str, ...] = ()
    exposed: frozenset[str] = frozenset()

    def find(self, kid: str) -> EncryptionKey | None:
        """The key of that name."""
        return next((key for key in self.keys if key.kid == kid), None)

    @property
    def thumbprints(self) -> frozenset[str]:
        """Of the keys that count."""
        return frozenset(key.thumbprint for key in self.keys)


@dataclass(slots=True)
class _Followed:
    """A set as this process knows it. reading: the last good one. said: what was written down of it last."""

    reading: Reading | None = None
    fetched_ms: int = 0
    checked_ms: int = 0
    said: tuple[tuple[str, str], ...] = ()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def held(self, now_ms: int) -> Reading | None:
        """The last reading, as long as it holds."""
        return self.reading if now_ms < self.fetched_ms + KEY_SET_HOLD_MS else None

    def is_due(self, now_ms: int, *, again: bool) -> bool:
        """Whether the set is to be read now. again: a key is missing."""
        every_ms = UNKNOWN_KEY_MS if again or self.held(now_ms) is None else REFRESH_MS
        return not self.checked_ms or now_ms >= self.checked_ms + every_ms


class EncryptionKeySets:
    """Reads callers' key sets for one process."""

    def __init__(self, store: Store, outbound: Outbound) -> None:
        self._store = store
        self._outbound = outbound
        self._followed: Bounded[tuple[Scope, str], _Followed] = Bounded(_REMEMBERED)

    async def read(self, scope: Scope, uri: str, now_ms: int, *, again: bool = False) -> Reading | None:
        """What stands at the address; None if that is not known, because it could not be read for 24 h.

        again: a key is missing in what is known, so that the set is read once more if that was a minute ago.
        """
        followed = self._followed.find((scope, uri))
        if followed is None:
            followed = _Followed()
            self._followed.remember((scope, uri), followed)
        if followed.is_due(now_ms, again=again):
            # Who waited for another's reading finds that it is not due any more.
            async with followed.lock:
                if followed.is_due(now_ms, again=again):
                    await self._follow(followed, scope, uri, now_ms)
        return followed.held(now_ms)

    async def _follow(self, followed: _Followed, scope: Scope, uri: str, now_ms: int) -> None:
        try:
            reading = await self._fetch(uri)
        except AccreditError as error:
            followed.checked_ms = now_ms
            await self._tell(followed, scope, [("key_set.unreadable", error.code)], now_ms)
            return
        await burn_exposed(self._store, scope, reading.exposed, Cause(now_ms, actor=_ACTOR))
        followed.reading, followed.fetched_ms, followed.checked_ms = reading, now_ms, now_ms
        await self._tell(followed, scope, [("key.skipped", code) for code in reading.skipped], now_ms)

    async def _fetch(self, uri: str) -> Reading:
        """What the set holds now. Raises MalformedError, FailureError: those of `Outbound.send`, key_set_unreadable."""
        accept = {"Accept": "application/jwk-set+json, application/json"}
        answer = await self._outbound.send(OutboundRequest(uri, headers=accept, max_body_bytes=MAX_SET_BYTES))
        if answer.status != 200 or not answer.complete:
            raise FailureError("key_set_unreadable")
        return read_encryption_set(answer.body)

    async def _tell(self, followed: _Followed, scope: Scope, said: Sequence[tuple[str, str]], now_ms: int) -> None:
        """Write down what is wrong with a set: once, not with every reading."""
        if tuple(said) == followed.said:
            return
        followed.said, (account_id, environment) = tuple(said), (scope.account_id, scope.environment)
        for kind, code in said:
            entry = AuditEntry(now_ms, kind, account_id, environment, code, _ACTOR)
            await self._store.write(record_entries, entry)


def read_encryption_set(body: bytes) -> Reading:
    """Read a JWK set. Raises FailureError key_set_unreadable if it is none."""
    try:
        parsed = parse_json(body, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise FailureError("key_set_unreadable") from error
    jwks = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(jwks, list):
        raise FailureError("key_set_unreadable")
    keys: dict[str, EncryptionKey] = {}
    skipped: set[str] = set()
    exposed: set[str] = set()
    for jwk in jwks:
        try:
            key = parse_encryption_key(jwk)
        except EncryptionKeyError as error:
            skipped.add(error.code)
            if error.code == "key_private_part" and isinstance(jwk, dict):
                exposed |= exposed_thumbprints(jwk)
            continue
        # Of keys of one name the first counts; one without a name cannot be named by a request.
        if key.kid is None or key.kid in keys or len(keys) == MAX_PUBLISHED_KEYS:
            skipped.add("key_malformed" if key.kid is None else "key_exists" if key.kid in keys else "key_limit_reached")
        else:
            keys[key.kid] = key
    return Reading(tuple(keys.values()), tuple(sorted(skipped)), frozenset(exposed))
