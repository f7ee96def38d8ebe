"""What webhooks are signed with: the secrets of endpoints, and the Ed25519 pairs of accounts (protocol-webhooks.md section 5).

Both are key records of purpose `webhook`. A secret belongs to one endpoint, is shown once, and two count while one replaces the
other. An account and environment has one pair, made when it is first needed; one that replaces it is published a day before it signs,
both sign for seven days, and the old one stays published for seven more.

    ring = await node.webhook_keys.ring(scope, now_ms)
    sign_webhook(body, event_id=event_id, private_keys=[key.private for key in ring.signing(now_ms)], now=now_ms // 1000)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from accredit.encoding import Json, compact_json
from accredit.errors import ConflictError
from accredit.keys import generate_deployment_key, secret_hash
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, Retirement, add_key, retire
from accredit.server.keyring.flow_keys import LiveSecret, open_secret
from accredit.server.keyring.held import HeldKey, HeldKeys
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, bump_config, one_by_one
from accredit.webhooks import WebhookSigningKey, generate_webhook_secret, parse_webhook_signing_key

_DAY_MS = 86_400_000
_AHEAD_MS, _TOGETHER_MS, _STILL_PUBLISHED_MS = _DAY_MS, 7 * _DAY_MS, 7 * _DAY_MS
_ALG = "EdDSA"
_CACHED = 4096
_COLUMN = "keys.secret"
# Secrets are of endpoints, and of the services that flow steps are asked of.
_FIND_OWNER = "SELECT id FROM webhook_endpoints WHERE id = ? UNION ALL SELECT id FROM step_services WHERE id = ?"


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A fresh secret of an endpoint: its record, and the text, which is shown once."""

    record: KeyRecord
    text: str = field(repr=False)


def make_endpoint_secret(sealer: Sealer, scope: Scope, endpoint_id: str, at_ms: int) -> MadeSecret:
    """Make a secret for an endpoint; whoever adds its record tells of it. The sealer is ready for the scope."""
    text, key_id = generate_webhook_secret(), new_id("key_")
    record = KeyRecord(
        key_id=key_id,
        scope=scope,
        purpose="webhook",
        label="",
        created_ms=at_ms,
        endpoint_id=endpoint_id,
        secret=sealer.seal(scope, text.encode("ascii"), row=key_id, column=_COLUMN),
        secret_hash=secret_hash(text),
    )
    return MadeSecret(record, text)


def find_endpoint_secrets(tx: Transaction, endpoint_id: str) -> list[KeyRecord]:
    """Query: an endpoint's secrets that are not revoked, oldest first."""
    return find_records(tx, "k.endpoint_id = ? AND k.purpose = 'webhook' AND k.revoked_ms IS NULL", (endpoint_id,))


def exchange_secret(tx: Transaction, fresh: KeyRecord, overlap_s: int, cause: Cause) -> None:
    """Add a secret in the place of those that an endpoint has, which count for so many seconds more.

    Raises ConflictError `rotation_under_way` where an exchange is not over, unless overlap_s is 0, which ends all older ones at once.
    The caller has bumped the config version.
    """
    assert fresh.endpoint_id is not None
    live = [record for record in find_endpoint_secrets(tx, fresh.endpoint_id) if record.is_live(cause.at_ms)]
    if overlap_s and any(record.state(cause.at_ms) == "retiring" for record in live):
        raise ConflictError("rotation_under_way")
    for record in live:
        retire(tx, Retirement(fresh.scope, record.key_id, cause.at_ms + overlap_s * 1000, cause))
    add_key(tx, fresh, cause)


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An Ed25519 pair of an account and environment. signs_until_ms, published_until_ms: None while nothing replaces it."""

    key_id: str
    public_jwk: dict[str, Json]
    private: WebhookSigningKey = field(repr=False)
    signs_from_ms: int
    published_until_ms: int | None

    @property
    def signs_until_ms(self) -> int | None:
        """Until when it signs; None while nothing replaces it."""
        return None if self.published_until_ms is None else self.published_until_ms - _STILL_PUBLISHED_MS

    def signs(self, now_ms: int) -> bool:
        """Whether it signs at that time."""
        return self.signs_from_ms <= now_ms and (self.signs_until_ms is None or now_ms < self.signs_until_ms)

    def is_published(self, now_ms: int) -> bool:
        """Whether receivers may be told of it at that time."""
        return self.published_until_ms is None or now_ms < self.published_until_ms


@dataclass(frozen=True, slots=True)
class AccountKeyRing:
    """The pairs of one account and environment, oldest first."""

    keys: tuple[AccountKey, ...]

    def signing(self, now_ms: int) -> tuple[AccountKey, ...]:
        """Those that sign at that time, newest first."""
        return tuple(key for key in reversed(self.keys) if key.signs(now_ms))

    def published(self, now_ms: int) -> tuple[AccountKey, ...]:
        """Those that receivers are to verify with, oldest first."""
        return tuple(key for key in self.keys if key.is_published(now_ms))


class WebhookKeys:
    """What one process signs webhooks with, loaded once for each version of the configuration."""

    def __init__(self, store: Store, sealer: Sealer, clock: Callable[[], int]) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._rings = Versioned(store, self._load_ring, _CACHED)
        self._secrets = Versioned(store, self._load_secrets, _CACHED)
        self._published = Versioned(store, self._load_published, 1)

    async def ring(self, scope: Scope, now_ms: int) -> AccountKeyRing:
        """The pairs of an account and environment; the first is made, and signs at once, if there is none.

        Raises FailureError `service_unavailable`, `root_key_missing`, `sealed_damaged`.
        """
        ring = await self._ring(scope)
        if not ring.keys:
            await self._sealer.ready(scope)
            await self._store.write(_add_first, (self._make(scope, now_ms, now_ms), Cause(now_ms, actor="server")))
            ring = await self._ring(scope)
        return ring

    async def rotate(self, scope: Scope, cause: Cause) -> str:
        """Replace the pair of an account and environment; the id of the new one, which signs in a day.

        Raises ConflictError `rotation_under_way`.
        """
        await self.ring(scope, cause.at_ms)
        await self._sealer.ready(scope)
        record = self._make(scope, cause.at_ms, cause.at_ms + _AHEAD_MS)
        return (await self._store.write(_rotate, (record, cause))).key_id

    async def published(self, now_ms: int) -> list[dict[str, Json]]:
        """The public halves of all accounts, as `/.well-known/jwks.json` shows them."""
        held = self._published.find(None) or await self._published.load(None)
        return list(held.live(now_ms))

    async def endpoint_secrets(self, scope: Scope, endpoint_id: str, now_ms: int) -> tuple[LiveSecret, ...]:
        """The live secrets of an endpoint, oldest first. If the last was revoked, because it leaked, a new one is made; an endpoint
        that was deleted meanwhile has none.

        Raises FailureError `service_unavailable`, `root_key_missing`, `sealed_damaged`.
        """
        live = (await self._held_secrets(scope, endpoint_id)).live(now_ms)
        if not live:
            await self._sealer.ready(scope)
            made = make_endpoint_secret(self._sealer, scope, endpoint_id, now_ms)
            await self._store.write(_replace_lost, (made.record, Cause(now_ms, actor="server")))
            live = (await self._held_secrets(scope, endpoint_id)).live(now_ms)
        return live

    async def _ring(self, scope: Scope) -> AccountKeyRing:
        return self._rings.find(scope) or await self._rings.load(scope)

    async def _held_secrets(self, scope: Scope, endpoint_id: str) -> HeldKeys[LiveSecret]:
        return self._secrets.find((scope, endpoint_id)) or await self._secrets.load((scope, endpoint_id))

    async def _load_ring(self, scope: Scope) -> AccountKeyRing:
        records = await self._store.read(find_account_keys, scope)
        if records:
            await self._sealer.ready(scope)
        return AccountKeyRing(tuple(self._open(record) for record in records))

    async def _load_secrets(self, whose: tuple[Scope, str]) -> HeldKeys[LiveSecret]:
        scope, endpoint_id = whose
        records = await self._store.read(find_endpoint_secrets, endpoint_id)
        await self._sealer.ready(scope)
        return HeldKeys([HeldKey(open_secret(self._sealer, each), each.ends_ms, None) for each in records])

    async def _load_published(self, _: None) -> HeldKeys[dict[str, Json]]:
        records = await self._store.read(_find_published, None)
        return HeldKeys([HeldKey(record.public_jwk or {}, record.ends_ms, None) for record in records])

    def _make(self, scope: Scope, at_ms: int, signs_from_ms: int) -> KeyRecord:
        made, key_id = generate_deployment_key(_ALG), new_id("whk_")
        public: dict[str, Json] = {
            **{name: made.public_jwk[name] for name in ("kty", "crv", "x")},
            "kid": key_id,
            "use": "sig",
            "alg": _ALG,
            "account_id": scope.account_id,
            "environment": scope.environment,
        }
        return KeyRecord(
            key_id=key_id,
            scope=scope,
            purpose="webhook",
            label="",
            created_ms=at_ms,
            alg=_ALG,
            kid=key_id,
            thumbprint=made.thumbprint,
            public_jwk=public,
            secret=self._sealer.seal(scope, compact_json(made.private_jwk), row=key_id, column=_COLUMN),
            not_before_ms=signs_from_ms,
        )

    def _open(self, record: KeyRecord) -> AccountKey:
        assert record.secret is not None
        private = msgspec.json.decode(self._sealer.open(record.scope, record.secret, row=record.key_id, column=_COLUMN))
        return AccountKey(
            key_id=record.key_id,
            public_jwk=record.public_jwk or {},
            private=parse_webhook_signing_key(private),
            signs_from_ms=record.not_before_ms or record.created_ms,
            published_until_ms=record.retire_ms,
        )


def find_account_keys(tx: Transaction, scope: Scope) -> list[KeyRecord]:
    """Query: the Ed25519 pairs of an account and environment that are not revoked, oldest first."""
    return find_records(
        tx,
        f"k.account_id = ? AND k.environment = ? AND k.purpose = 'webhook' AND k.alg = '{_ALG}' AND k.revoked_ms IS NULL",
        (scope.account_id, scope.environment),
    )


def _find_published(tx: Transaction, _: None) -> list[KeyRecord]:
    return find_records(tx, f"k.purpose = 'webhook' AND k.alg = '{_ALG}' AND k.revoked_ms IS NULL", ())


def find_api_key_ids(tx: Transaction, scope: Scope, at_ms: int, named: str | None = None) -> Sequence[str]:
    """The API keys of an account and environment that can sign webhooks now, oldest first; of those only the one that is named."""
    condition = "k.account_id = ? AND k.environment = ? AND k.purpose = 'webhook' AND k.api_key_id IS NOT NULL"
    records: list[KeyRecord] = find_records(tx, condition, (scope.account_id, scope.environment))
    live = dict.fromkeys(str(record.api_key_id) for record in records if record.is_live(at_ms))
    return [key_id for key_id in live if named in (None, key_id)]


@one_by_one
def _add_first(tx: Transaction, item: tuple[KeyRecord, Cause]) -> None:
    """Change: add the pair if there is none; of two nodes at once one wins, and both go on with the winner's."""
    record, cause = item
    bump_config(tx)
    if not _published_now(find_account_keys(tx, record.scope), cause.at_ms):
        add_key(tx, record, cause)


@one_by_one
def _rotate(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    record, cause = item
    bump_config(tx)
    old = _published_now(find_account_keys(tx, record.scope), cause.at_ms)
    if len(old) > 1:
        raise ConflictError("rotation_under_way")
    until_ms = cause.at_ms + _AHEAD_MS + _TOGETHER_MS + _STILL_PUBLISHED_MS
    for each in old:
        retire(tx, Retirement(record.scope, each.key_id, until_ms, cause))
    return add_key(tx, record if old else replace(record, not_before_ms=cause.at_ms), cause)


def _published_now(records: Sequence[KeyRecord], now_ms: int) -> list[KeyRecord]:
    return [record for record in records if record.is_live(now_ms)]


@one_by_one
def _replace_lost(tx: Transaction, item: tuple[KeyRecord, Cause]) -> None:
    """Change: give an endpoint a secret if it has none, so that two nodes that need it make one; none to one that was deleted."""
    record, cause = item
    # Its lock makes whoever deletes the endpoint wait, or be seen.
    bump_config(tx)
    if record.endpoint_id is None or tx.row(_FIND_OWNER, (record.endpoint_id, record.endpoint_id)) is None:
        return
    if not any(each.is_live(cause.at_ms) for each in find_endpoint_secrets(tx, record.endpoint_id)):
        add_key(tx, record, cause)
