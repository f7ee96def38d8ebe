"""The server's own keys: those that it signs tokens and answers with, and those that open what is sealed to it.

protocol-rest.md sections 1, 3 and 15. They belong to no account. Each is made when it is first needed, sealed, and published as
long as anything may still be read by it.

    key = await node.server_keys.signing("ES256", now_ms)
    sign_compact(payload, key, typ="at+jwt")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from accredit.encoding import Json, compact_json
from accredit.keys import GeneratedKey
from accredit.sealing import (
    REQUEST_ALGORITHMS,
    DecryptionKey,
    ServerKey,
    generate_encryption_key,
    generate_server_key,
    parse_decryption_key,
    parse_server_key,
)
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, record_change
from accredit.server.keyring.records import KeyRecord, Purpose, find_records, insert_record
from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import SERVER
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, bump_config, one_by_one

_DAY_MS = 86_400_000
# How long a key that was replaced is still published, and opens: a signed answer is kept with its row for 400 days at most, a
# sealed request is sent by whoever read the key set not long ago.
_KEPT_MS = {"signing": 400 * _DAY_MS, "request": 7 * _DAY_MS}


@dataclass(frozen=True, slots=True)
class ServerKeyRing:
    """What is live. signing, request: with their public JWKs, the newest of each algorithm last."""

    signing: tuple[tuple[ServerKey, dict[str, Json]], ...]
    request: tuple[tuple[DecryptionKey, dict[str, Json]], ...]

    def newest(self, alg: str) -> ServerKey | None:
        """The signing key of that algorithm that is used now."""
        return next((key for key, _ in reversed(self.signing) if key.alg == alg), None)

    def signs(self, kid: str) -> bool:
        """Whether a signing key of that name is live."""
        return any(key.kid == kid for key, _ in self.signing)

    @property
    def published(self) -> list[Json]:
        """The public halves, as `/.well-known/jwks.json` shows them."""
        return [jwk for _, jwk in (*self.signing, *self.request)]

    @property
    def jwks(self) -> dict[str, Json]:
        """The public halves as a JWK set."""
        return {"keys": self.published}


@dataclass(frozen=True, slots=True)
class _Making:
    records: tuple[KeyRecord, ...]
    cause: Cause
    rotating: bool = False


class ServerKeys:
    """The server's keys as one process holds them."""

    def __init__(self, store: Store, sealer: Sealer, clock: Callable[[], int]) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._rings = Versioned(store, self._load, 1)

    async def ring(self, now_ms: int) -> ServerKeyRing:
        """All that is live; an `ES256` signing key and the request keys are made if they are not there yet."""
        ring = await self._held()
        if ring.newest("ES256") is None or not ring.request:
            cause = Cause(now_ms, actor="server")
            await self._make("signing", ("ES256",), cause)
            await self._make("request", REQUEST_ALGORITHMS, cause)
            ring = await self._held()
        return ring

    async def signing(self, alg: str, now_ms: int) -> ServerKey:
        """The key that signs by that algorithm now (`ES256`, `PS256`, `RS256`)."""
        key = (await self.ring(now_ms)).newest(alg)
        if key is None:
            await self._make("signing", (alg,), Cause(now_ms, actor="server"))
            key = (await self._held()).newest(alg)
            assert key is not None
        return key

    async def rotate(self, purpose: Purpose, cause: Cause) -> tuple[str, ...]:
        """Replace all live keys of `signing` or `request` by new ones; the ids of the new ones.

        The old ones are published for as long as something may be read by them.
        """
        await self.ring(cause.at_ms)
        records = await self._store.read(_find_live, (purpose, cause.at_ms))
        algorithms = tuple(dict.fromkeys(str(record.alg) for record in records))
        return await self._make(purpose, algorithms, cause, rotating=True)

    async def _held(self) -> ServerKeyRing:
        return self._rings.find(None) or await self._rings.load(None)

    async def _make(
        self, purpose: Purpose, algorithms: Sequence[str], cause: Cause, *, rotating: bool = False
    ) -> tuple[str, ...]:
        await self._sealer.ready(SERVER)
        records = tuple(self._record(purpose, alg, cause) for alg in algorithms)
        return await self._store.write(_add_missing, _Making(records, cause, rotating))

    def _record(self, purpose: Purpose, alg: str, cause: Cause) -> KeyRecord:
        made = _generate(purpose, alg)
        key_id = new_id("key_")
        return KeyRecord(
            key_id=key_id,
            scope=SERVER,
            purpose=purpose,
            label="",
            created_ms=cause.at_ms,
            alg=alg,
            kid=made.thumbprint,
            thumbprint=made.thumbprint,
            public_jwk=made.public_jwk,
            secret=self._sealer.seal(SERVER, compact_json(made.private_jwk), row=key_id, column="keys.secret"),
        )

    async def _load(self, _: None) -> ServerKeyRing:
        await self._sealer.ready(SERVER)
        now_ms = self._clock()
        records = [each for each in await self._store.read(find_server_keys, None) if each.is_live(now_ms)]
        signing = [each for each in records if each.purpose == "signing"]
        request = [each for each in records if each.purpose == "request"]
        return ServerKeyRing(
            tuple((parse_server_key(self._private(each)), each.public_jwk or {}) for each in signing),
            tuple((parse_decryption_key(self._private(each)), each.public_jwk or {}) for each in request),
        )

    def _private(self, record: KeyRecord) -> object:
        assert record.secret is not None
        return msgspec.json.decode(self._sealer.open(SERVER, record.secret, row=record.key_id, column="keys.secret"))


def _generate(purpose: Purpose, alg: str) -> GeneratedKey:
    if purpose == "signing":
        return generate_server_key(alg)
    made = generate_encryption_key(alg)
    named: dict[str, Json] = {"kid": made.thumbprint}
    return GeneratedKey({**made.private_jwk, **named}, {**made.public_jwk, **named}, made.thumbprint)


def _find_live(tx: Transaction, wanted: tuple[Purpose, int]) -> list[KeyRecord]:
    """Query: the keys of a purpose that are used now."""
    purpose, now_ms = wanted
    return [each for each in find_server_keys(tx, None) if each.purpose == purpose and each.state(now_ms) == "active"]


def find_server_keys(tx: Transaction, _: None) -> list[KeyRecord]:
    """Query: the keys that are not revoked, oldest first."""
    return find_records(
        tx,
        "k.account_id = '' AND k.environment = '' AND k.purpose IN ('signing', 'request') AND k.revoked_ms IS NULL",
        (),
    )


@one_by_one
def _add_missing(tx: Transaction, item: _Making) -> tuple[str, ...]:
    """Change: add the keys whose algorithm has none yet, so that two nodes that need the first one make one; or replace those."""
    bump_config(tx)
    at_ms, added = item.cause.at_ms, []
    for record in item.records:
        active = [each for each in _find_live(tx, (record.purpose, at_ms)) if each.alg == record.alg]
        if active and not item.rotating:
            continue
        for old in active:
            until_ms = at_ms + _KEPT_MS[record.purpose]
            tx.execute("UPDATE keys SET retire_ms = ? WHERE id = ?", (until_ms, old.key_id))
            record_change(tx, "key.retiring", old, item.cause)
        insert_record(tx, record)
        record_change(tx, "key.created", record, item.cause)
        added.append(record.key_id)
    return tuple(added)
