"""The key ring as the doors use it: live keys, parsed once and cached, and who calls with an API key.

Everything cached is good for one version of the configuration (store.config_version): a key that is revoked or added anywhere counts
everywhere within a second, and times of retirement are compared with the caller's clock on every call.

    keys = await keyring.deployment_keys(scope, deployer_id)
    verify_deployment(token, keys.live(now_ms, integration_id), now=now_ms // 1000)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import msgspec

from accredit.errors import FailureError, Refused
from accredit.keys import DeploymentKey, has_secret_form, parse_deployment_key, secret_hash
from accredit.passport import PassportKey, parse_passport_key
from accredit.server.keyring.exposed import BareSecrets, Exposed, find_exposed
from accredit.server.keyring.flow_keys import (
    API_KEY_ID,
    PUBLISHABLE_KEY,
    ApiCredential,
    HeldReference,
    LiveSecret,
    PublishableKey,
    find_publishable_records,
    find_reference_records,
    find_secret_records,
    open_reference,
    open_secret,
)
from accredit.server.keyring.held import HeldKey, HeldKeys
from accredit.server.keyring.identity_secrets import (
    IdentitySecrets,
    find_identity_records,
    find_sizes,
    identity_hash,
    open_secrets,
)
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.remembered import Bounded, Versioned
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.written_secrets import find_written_sizes, written_hash
from accredit.server.store import Store, Transaction

Parsed = TypeVar("Parsed")

_CACHED_HOLDERS = 4096
_CACHED_API_KEYS = 4096
_CACHED_FLOW_KEYS = 4096
_CACHED_UNKNOWN = 4096
_USE_EVERY_MS = 60_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who calls the API: the key's id, and the account and environment that it opens.

    integration_ids: those that it is limited to, None for all.
    """

    key_id: str
    scope: Scope
    integration_ids: frozenset[str] | None = None


class Keyring:
    """The ring of one process. clock: milliseconds, for what is done in the background only."""

    def __init__(self, store: Store, sealer: Sealer, clock: Callable[[], int]) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._deployment = Versioned(store, self._load_deployment_keys, _CACHED_HOLDERS)
        self._passport = Versioned(store, self._load_passport_keys, _CACHED_HOLDERS)
        self._identity = Versioned(store, self._load_identity_secrets, _CACHED_HOLDERS)
        self._bare = Versioned(store, self._load_bare_secrets, 1)
        self._api = Versioned(store, self._load_api_key, _CACHED_API_KEYS)
        self._publishable = Versioned(store, self._load_publishable, _CACHED_FLOW_KEYS)
        self._references = Versioned(store, self._load_references, _CACHED_HOLDERS)
        self._secrets = Versioned(store, self._load_secrets, _CACHED_FLOW_KEYS)
        self._unknown: Bounded[bytes, int] = Bounded(_CACHED_UNKNOWN)
        self._uses: dict[str, int] = {}
        self._flushed: dict[str, int] = {}

    async def deployment_keys(self, scope: Scope, deployer_id: str) -> HeldKeys[DeploymentKey]:
        """The keys that verify this deployer's tokens."""
        return self._deployment.find((scope, deployer_id)) or await self._deployment.load((scope, deployer_id))

    async def passport_keys(self, scope: Scope, integration_id: str) -> HeldKeys[PassportKey]:
        """The keys that open this integration's encrypted passports. Raises FailureError root_key_missing, sealed_damaged."""
        return self._passport.find((scope, integration_id)) or await self._passport.load((scope, integration_id))

    async def identity_secrets(self, scope: Scope, deployer_id: str, integration_id: str) -> IdentitySecrets:
        """The secrets that this integration's users are signed with. Raises FailureError root_key_missing, sealed_damaged."""
        holder = (scope, deployer_id, integration_id)
        return self._identity.find(holder) or await self._identity.load(holder)

    async def publishable_key(self, text: str, now_ms: int) -> PublishableKey | None:
        """The live publishable key of that text. Raises FailureError `service_unavailable`."""
        if not PUBLISHABLE_KEY.fullmatch(text):
            return None
        held = self._publishable.find(text) or await self._publishable.load(text)
        return next(iter(held.live(now_ms)), None)

    async def reference_keys(self, scope: Scope, now_ms: int) -> tuple[HeldReference, ...]:
        """The live keys that customer references of an account and environment are signed with, oldest first, at most 8.

        Raises FailureError root_key_missing, sealed_damaged.
        """
        held = self._references.find(scope) or await self._references.load(scope)
        return held.live(now_ms)

    async def api_credential(self, api_key_id: str, now_ms: int) -> ApiCredential | None:
        """The credential of that API key id with its live secrets of purpose `api`, None where there is none.

        Raises FailureError root_key_missing, sealed_damaged.
        """
        held = await self._live_secrets(api_key_id, "api", now_ms)
        return ApiCredential(api_key_id, held[0][0], tuple(secret for _, secret in held)) if held else None

    async def webhook_secrets(self, scope: Scope, api_key_id: str, now_ms: int) -> tuple[LiveSecret, ...]:
        """The credential's live secrets of purpose `webhook` if it is of that scope: the first signs, the others stand by.

        Raises FailureError root_key_missing, sealed_damaged.
        """
        held = await self._live_secrets(api_key_id, "webhook", now_ms)
        return tuple(secret for whose, secret in held if whose == scope)

    async def _live_secrets(self, api_key_id: str, purpose: str, now_ms: int) -> tuple[tuple[Scope, LiveSecret], ...]:
        if not API_KEY_ID.fullmatch(api_key_id):
            return ()
        held = self._secrets.find((api_key_id, purpose)) or await self._secrets.load((api_key_id, purpose))
        return held.live(now_ms)

    async def find_exposed(self, texts: Iterable[str]) -> Exposed:
        """What must not be sent by a browser and stands in these texts, or may: whether it is anybody's, `leaks.respond` finds out.

        Reads once after each change of keys. Raises FailureError service_unavailable.
        """
        return find_exposed(texts, self._bare.find(None) or await self._bare.load(None))

    async def authenticate(self, secret_text: str, now_ms: int) -> ApiKey:
        """Whose API key this is. Raises Refused invalid_token, whatever the reason.

        Unknown and revoked ones take the same path; only what has not the public form of a secret costs no look-up.
        """
        if not has_secret_form(secret_text):
            raise Refused("invalid_token")
        digest, version = secret_hash(secret_text), self._store.config_version
        if self._unknown.find(digest) == version:
            raise Refused("invalid_token")
        held = self._api.find(digest) or await self._api.load(digest)
        live = held.live(now_ms, "")
        if not live:
            self._unknown.remember(digest, version)
            raise Refused("invalid_token")
        return live[0]

    def note_use(self, key_id: str, now_ms: int) -> None:
        """Remember that a key was used; flush_uses writes it down."""
        self._uses[key_id] = now_ms

    async def flush_uses(self) -> None:
        """Write down when keys were last used, for each key at most once a minute. Runs in the background."""
        now_ms = self._clock()
        self._flushed = {key_id: ms for key_id, ms in self._flushed.items() if now_ms - ms < _USE_EVERY_MS}
        due = {key_id: ms for key_id, ms in self._uses.items() if key_id not in self._flushed}
        if not due:
            return
        await self._store.write(record_uses, due)
        self._flushed |= dict.fromkeys(due, now_ms)
        self._uses = {key_id: ms for key_id, ms in self._uses.items() if due.get(key_id) != ms}

    async def _load_deployment_keys(self, holder: tuple[Scope, str]) -> HeldKeys[DeploymentKey]:
        records = await self._store.read(_find_deployment_keys, holder)
        return self._held(records, _parse_deployment)

    async def _load_passport_keys(self, holder: tuple[Scope, str]) -> HeldKeys[PassportKey]:
        records = await self._store.read(_find_passport_keys, holder)
        if records:
            await self._sealer.ready(holder[0])
        return self._held(records, self._open_passport_key)

    async def _load_identity_secrets(self, holder: tuple[Scope, str, str]) -> IdentitySecrets:
        scope, deployer_id, integration_id = holder
        records = await self._store.read(find_identity_records, (scope, deployer_id))
        if records:
            await self._sealer.ready(scope)
        return open_secrets(self._sealer, records, integration_id, self._clock())

    async def _load_publishable(self, text: str) -> HeldKeys[PublishableKey]:
        records = await self._store.read(find_publishable_records, text)
        return self._held(records, lambda record: PublishableKey(record.key_id, record.scope))

    async def _load_references(self, scope: Scope) -> HeldKeys[HeldReference]:
        records = await self._store.read(find_reference_records, scope)
        if records:
            await self._sealer.ready(scope)
        return self._held(records, lambda record: open_reference(self._sealer, record))

    async def _load_secrets(self, wanted: tuple[str, str]) -> HeldKeys[tuple[Scope, LiveSecret]]:
        records = await self._store.read(find_secret_records, wanted)
        for record in records:
            await self._sealer.ready(record.scope)
        return self._held(records, lambda record: (record.scope, open_secret(self._sealer, record)))

    async def _load_bare_secrets(self, _: None) -> BareSecrets:
        await self._sealer.ready(SERVER)
        octets, characters = await self._store.read(_find_sizes, None)
        return BareSecrets(octets, partial(identity_hash, self._sealer), characters, partial(written_hash, self._sealer))

    async def _load_api_key(self, digest: bytes) -> HeldKeys[ApiKey]:
        records = await self._store.read(_find_api_key, digest)
        now_ms = self._clock()
        # An API key names its integrations itself: what it may reach is judged by what it asks for, not here.
        return HeldKeys(
            [
                HeldKey(ApiKey(record.key_id, record.scope, _names(record)), record.ends_ms, None)
                for record in records
                if record.is_live(now_ms)
            ]
        )

    def _held(self, records: Sequence[KeyRecord], parse: Callable[[KeyRecord], Parsed]) -> HeldKeys[Parsed]:
        now_ms = self._clock()
        return HeldKeys(
            [HeldKey(parse(record), record.ends_ms, _names(record)) for record in records if record.is_live(now_ms)]
        )

    def _open_passport_key(self, record: KeyRecord) -> PassportKey:
        if record.secret is None or record.alg is None or record.enc is None:
            raise FailureError("sealed_damaged")
        jwk = msgspec.json.decode(self._sealer.open(record.scope, record.secret, row=record.key_id, column="keys.secret"))
        return parse_passport_key(jwk, record.alg, record.enc, key_id=record.key_id)


def _names(record: KeyRecord) -> frozenset[str] | None:
    return None if record.integration_ids is None else frozenset(record.integration_ids)


def record_uses(tx: Transaction, items: Sequence[Mapping[str, int]]) -> Sequence[None]:
    """Change: set when keys were last used; a later use that another node wrote stays."""
    latest: dict[str, int] = {}
    for uses in items:
        for key_id, ms in uses.items():
            latest[key_id] = max(ms, latest.get(key_id, 0))
    # In the order of their ids, so that two nodes never wait for each other.
    for key_id, ms in sorted(latest.items()):
        tx.execute(
            "UPDATE keys SET last_used_ms = ? WHERE id = ? AND (last_used_ms IS NULL OR last_used_ms < ?)", (ms, key_id, ms)
        )
    return [None] * len(items)


def _parse_deployment(record: KeyRecord) -> DeploymentKey:
    assert record.alg is not None
    return parse_deployment_key(record.public_jwk, record.alg, key_id=record.key_id, kid=record.kid)


def _find_deployment_keys(tx: Transaction, holder: tuple[Scope, str]) -> list[KeyRecord]:
    scope, deployer_id = holder
    return find_records(
        tx,
        "k.account_id = ? AND k.environment = ? AND k.purpose = 'deployment' AND k.deployer_id = ? AND k.revoked_ms IS NULL",
        (scope.account_id, scope.environment, deployer_id),
    )


def _find_passport_keys(tx: Transaction, holder: tuple[Scope, str]) -> list[KeyRecord]:
    scope, integration_id = holder
    return find_records(
        tx,
        "k.integration_id = ? AND k.purpose = 'passport' AND k.account_id = ? AND k.environment = ? AND k.revoked_ms IS NULL",
        (integration_id, scope.account_id, scope.environment),
    )


def _find_sizes(tx: Transaction, _: None) -> tuple[frozenset[int], frozenset[int]]:
    return find_sizes(tx, None), find_written_sizes(tx, None)


def _find_api_key(tx: Transaction, digest: bytes) -> list[KeyRecord]:
    # The secret of an API client opens nothing by itself: it is for the token endpoint.
    condition = (
        "k.secret_hash = ? AND k.purpose = 'api' AND k.client_id IS NULL AND k.api_key_id IS NULL AND k.revoked_ms IS NULL"
    )
    return find_records(tx, condition, (digest,))
