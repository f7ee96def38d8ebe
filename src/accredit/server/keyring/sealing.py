"""Sealing at rest: what the holder of the database must not read, and how it is found again without being read.

AES-256-GCM (NIST SP 800-38D) under a data key of the scope, with a random nonce; the associated data are row id and column, so
that sealed values cannot be moved. Equal texts are found by HMAC-SHA-256 under a second key of the scope.

    await sealer.ready(scope)                  # once a request: a lookup, unless the scope is new or the configuration changed
    sealed = sealer.seal(scope, plaintext, row=session_id, column="sessions.sealed")
    sealer.open(scope, sealed, row=session_id, column="sessions.sealed")

Sealed form: version (1 byte, 1), data key id (8 bytes, big-endian), nonce (12), ciphertext with tag (16). Random nonces of 96
bits carry 2^32 sealed values of one key (SP 800-38D section 8.3). The synchronous methods may be called from any thread.
"""

import asyncio
import hmac
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accredit.errors import FailureError
from accredit.server.store import Store

from .data_keys import (
    Destruction,
    Rewrap,
    Wanted,
    WrappedKey,
    count_data_keys,
    create_data_keys,
    destroy_data_keys,
    find_data_keys,
    purposes_of,
    rewrap_data_keys,
)
from .root import RootKeys
from .scope import SERVER, Scope

_HEADER = struct.Struct(">BQ")
_VERSION = 1
_NONCE_BYTES = 12
_CIPHERTEXT_AT = _HEADER.size + _NONCE_BYTES
# How much longer a sealed value is than what it seals.
SEALED_EXTRA_BYTES = _CIPHERTEXT_AT + 16
# Small enough that a running server's writer never waits long for one step.
_REWRAP_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class RotationCounts:
    """rewrapped: data keys that this run wrapped anew. already: those found under the current root key. total: all live ones."""

    rewrapped: int
    already: int
    total: int


@dataclass(slots=True)
class _Keys:
    """The data keys of one scope, ready for use. version: the config version at which they were last read."""

    version: int
    key_ids: tuple[int, ...]
    header: bytes
    aead: AESGCM
    macs: dict[str, hmac.HMAC]


class Sealer:
    """Seals and opens. One for a process; clock: milliseconds UTC."""

    def __init__(self, store: Store, root_keys: RootKeys, clock: Callable[[], int]) -> None:
        self._store = store
        self._root_keys = root_keys
        self._clock = clock
        self._ready: dict[Scope, _Keys] = {}
        self._loading = asyncio.Lock()

    async def ready(self, scope: Scope) -> None:
        """Makes the scope's data keys usable, creating them the first time; comes before every other method for the scope.

        Raises FailureError root_key_missing, sealed_damaged (a wrapped key was altered) or service_unavailable.
        """
        keys = self._ready.get(scope)
        if keys is None or keys.version != self._store.config_version:
            async with self._loading:
                await self._load(scope)

    def seal(self, scope: Scope, plaintext: bytes, *, row: str, column: str) -> bytes:
        """The plaintext sealed for one column (`table.column`) of the row of this id."""
        keys = self._keys(scope)
        nonce = os.urandom(_NONCE_BYTES)
        return keys.header + nonce + keys.aead.encrypt(nonce, plaintext, f"{column}\0{row}".encode())

    def open(self, scope: Scope, sealed: bytes, *, row: str, column: str) -> bytes:
        """The plaintext again.

        Raises FailureError sealed_damaged: altered, of another row, column or scope, or its data key is destroyed.
        """
        keys = self._keys(scope)
        # A destroyed key is no longer among the scope's, so its id does not fit either.
        if not sealed.startswith(keys.header) or len(sealed) < _CIPHERTEXT_AT:
            raise FailureError("sealed_damaged")
        nonce, ciphertext = sealed[_HEADER.size : _CIPHERTEXT_AT], sealed[_CIPHERTEXT_AT:]
        try:
            return keys.aead.decrypt(nonce, ciphertext, f"{column}\0{row}".encode())
        except InvalidTag as error:
            raise FailureError("sealed_damaged") from error

    def lookup_hash(self, scope: Scope, kind: str, text: str) -> bytes:
        """32 bytes by which a text of this kind is found within the scope; without the key they tell nothing of it."""
        return _digest(self._keys(scope).macs["lookup"], f"{kind}\0{text}".encode())

    def server_mac(self, kind: str, octets: bytes) -> bytes:
        """32 bytes that only a node of this server can compute (origin tickets, address hashes, cursors); kinds never mix."""
        return _digest(self._keys(SERVER).macs["mac"], kind.encode() + b"\0" + octets)

    def audit_hmac(self) -> hmac.HMAC:
        """An HMAC-SHA-256 of nothing yet, under the key that only the audit chain uses; to be copied, not updated."""
        return self._keys(SERVER).macs["audit"]

    async def destroy(self, scope: Scope) -> int:
        """Shreds everything that was sealed in the scope by destroying its data keys; the number of keys.

        Other nodes forget them within a second. Copies of the database from before open as long as the root key of then exists.
        """
        if scope == SERVER:
            raise ValueError("the server's own data keys are not destroyed")
        destroyed = await self._store.write(destroy_data_keys, Destruction(scope, self._clock()))
        self._ready.pop(scope, None)
        return destroyed

    async def rotate_root(self, progress: Callable[[RotationCounts], None] | None = None) -> RotationCounts:
        """Wraps every data key under the current root key, in small steps; what was sealed stays as it is.

        Each step is durable, and a row says which root key wraps it, so that a run that was interrupted is simply run again.
        progress: called after each step. Raises FailureError root_key_missing when a row's root key is not configured.
        """
        current = self._root_keys.current.key_id
        total, already = await self._store.read(count_data_keys, current)
        counts = RotationCounts(0, already, total)
        while step := await self._store.write(rewrap_data_keys, Rewrap(self._root_keys, _REWRAP_AT_ONCE)):
            rewrapped = counts.rewrapped + step
            # A node that still has the old root key may have made data keys meanwhile.
            counts = RotationCounts(rewrapped, already, max(total, already + rewrapped))
            if progress is not None:
                progress(counts)
        return counts

    def _keys(self, scope: Scope) -> _Keys:
        try:
            return self._ready[scope]
        except KeyError:
            raise RuntimeError("Sealer.ready comes first") from None

    async def _load(self, scope: Scope) -> None:
        # The version is read first: a change that comes during the load then loads once more.
        version = self._store.config_version
        known = self._ready.get(scope)
        if known is not None and known.version == version:
            return
        found = await self._store.read(find_data_keys, scope)
        if len(found) < len(purposes_of(scope)):
            found = await self._store.write(create_data_keys, Wanted(scope, self._root_keys.current, self._clock()))
        if known is not None and known.key_ids == _key_ids(found):
            known.version = version
        else:
            self._ready[scope] = self._unwrapped(found, version)

    def _unwrapped(self, found: Sequence[WrappedKey], version: int) -> _Keys:
        octets = {key.purpose: key.unwrap(self._root_keys) for key in found}
        seal_id = next(key.key_id for key in found if key.purpose == "seal")
        aead = AESGCM(octets.pop("seal"))
        macs = {purpose: hmac.new(key, digestmod="sha256") for purpose, key in octets.items()}
        return _Keys(version, _key_ids(found), _HEADER.pack(_VERSION, seal_id), aead, macs)


def _digest(keyed: hmac.HMAC, octets: bytes) -> bytes:
    # Copying a keyed HMAC takes half the time of keying a new one.
    mac = keyed.copy()
    mac.update(octets)
    return mac.digest()


def _key_ids(found: Sequence[WrappedKey]) -> tuple[int, ...]:
    return tuple(key.key_id for key in found)
