"""Encryption keys as one process holds them: the registered ones, parsed once, what is denied, and callers' key sets.

held = await node.encryption_ring.held(scope)
held.find("2027-01", now_ms)
"""

from dataclasses import dataclass

from accredit.sealing import EncryptionKey, parse_encryption_key
from accredit.server.keyring.encryption_key_sets import EncryptionKeySets
from accredit.server.keyring.encryption_records import CURRENT, find_denied_keys, find_encryption_records, published_in
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.outbound import Outbound
from accredit.server.store import Store, Transaction

_CACHED_SCOPES = 4096


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A registered key that is not revoked. key: under its key id."""

    record: KeyRecord
    key: EncryptionKey

    @property
    def not_before_ms(self) -> int:
        """From when `current` may mean it."""
        return self.record.created_ms if self.record.not_before_ms is None else self.record.not_before_ms


@dataclass(frozen=True, slots=True)
class HeldEncryptionKeys:
    """Of one account and environment. revoked, denied: thumbprints; a key that was registered again is not revoked."""

    registered: tuple[RegisteredKey, ...]
    revoked: frozenset[str]
    denied: frozenset[str]

    def find(self, name: str, now_ms: int) -> RegisteredKey | None:
        """The live key of that key id; `current` is the active one with the latest `not_before` that is reached."""
        if name != CURRENT:
            return next((each for each in self.registered if each.record.kid == name and each.record.is_live(now_ms)), None)
        active = [each for each in self.registered if each.record.state(now_ms) == "active" and each.not_before_ms <= now_ms]
        # Of two of the same time the one that was registered last.
        return max(reversed(active), key=lambda each: each.not_before_ms, default=None)

    def live_thumbprints(self, now_ms: int) -> frozenset[str]:
        """Of the keys that count at that time."""
        return frozenset(each.key.thumbprint for each in self.registered if each.record.is_live(now_ms))

    def knows(self, thumbprint: str) -> bool:
        """Whether the key is registered and was not revoked, also if its time is over."""
        return any(each.key.thumbprint == thumbprint for each in self.registered)


class EncryptionRing:
    """The encryption keys of one process. key_sets: those that callers publish."""

    def __init__(self, store: Store, outbound: Outbound) -> None:
        self.key_sets = EncryptionKeySets(store, outbound)
        self._store = store
        self._held = Versioned(store, self._load, _CACHED_SCOPES)

    async def held(self, scope: Scope) -> HeldEncryptionKeys:
        """What is known of the keys of an account and environment."""
        return self._held.find(scope) or await self._held.load(scope)

    async def _load(self, scope: Scope) -> HeldEncryptionKeys:
        records, denied = await self._store.read(_find_all, scope)
        standing = tuple(
            RegisteredKey(each, parse_encryption_key(each.public_jwk)) for each in records if each.revoked_ms is None
        )
        ended = {str(each.thumbprint) for each in records if each.revoked_ms is not None}
        return HeldEncryptionKeys(
            standing, frozenset(ended - {each.key.thumbprint for each in standing}), denied | published_in(scope)
        )


def _find_all(tx: Transaction, scope: Scope) -> tuple[list[KeyRecord], frozenset[str]]:
    return find_encryption_records(tx, scope), find_denied_keys(tx, scope)
