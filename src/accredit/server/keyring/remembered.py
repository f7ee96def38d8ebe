"""What the ring keeps in memory, bounded: tokens that were verified, and what was loaded at one version of the configuration.

Nothing here decides. A remembered token saves the verification of its signature only: the key that verified it must still be live,
and freshness and replay are checked each time (design.md section 5). Memory only, never written anywhere.

    peeked, key_id = remembered.find(token) or (peek_deployment(token), None)
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from accredit.deployment import PeekedDeployment
from accredit.server.store import Store

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# A token of more octets is verified anew each time, so that what is remembered stays within some tens of megabytes.
MAX_REMEMBERED_BYTES = 4096


class Bounded(Generic[Key, Value]):
    """The values used last, at most `capacity` of them."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def find(self, key: Key) -> Value | None:
        """The value, which counts as used now."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def remember(self, key: Key, value: Value) -> None:
        """Keep a value; the one that was used longest ago gives way."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)

    def forget(self) -> None:
        """Drop everything."""
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)


class RememberedTokens:
    """Deployment tokens whose signature was verified, by SHA-256 of their text."""

    def __init__(self, capacity: int = 2048) -> None:
        self._tokens: Bounded[bytes, tuple[PeekedDeployment, str]] = Bounded(capacity)

    def find(self, token: str) -> tuple[PeekedDeployment, str] | None:
        """The peeked token and the id of the key that verified it, or None."""
        # Lone surrogates can come from a form; they make no token, and must not make an exception.
        return self._tokens.find(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())

    def remember(self, token: str, peeked: PeekedDeployment, key_id: str) -> None:
        """Keep a token that this key verified. Single-use ones are not kept: they never come again."""
        if peeked.payload.get("jti") is None and len(token) <= MAX_REMEMBERED_BYTES:
            self._tokens.remember(hashlib.sha256(token.encode("ascii")).digest(), (peeked, key_id))


class Versioned(Generic[Key, Value]):
    """What was loaded from the store, good until the version of the configuration moves on; at most `capacity` values.

    Callers that miss at the same time wait for one load. A value that was loaded while the version moved counts for its old
    version, so it is loaded again: what is found is never older than a change that this process knows of.
    """

    def __init__(self, store: Store, load: Callable[[Key], Awaitable[Value]], capacity: int) -> None:
        self._store = store
        self._load = load
        self._version = store.config_version
        self._values: Bounded[Key, Value] = Bounded(capacity)
        self._loading: dict[tuple[int, Key], asyncio.Task[Value]] = {}

    def find(self, key: Key) -> Value | None:
        """The value if it was loaded at the present version."""
        if self._version != self._store.config_version:
            self._version = self._store.config_version
            self._values.forget()
        return self._values.find(key)

    async def load(self, key: Key) -> Value:
        """The value, from the store if it is not at hand. Raises what loading raises."""
        found = self.find(key)
        if found is not None:
            return found
        # The version is read before the load begins: a change that comes meanwhile makes this value an old one.
        version = self._version
        task = self._loading.get((version, key))
        if task is None:
            task = asyncio.create_task(self._load_now(version, key))
            self._loading[version, key] = task
        # A caller that goes away must not take the load from those who wait with it.
        return await asyncio.shield(task)

    async def _load_now(self, version: int, key: Key) -> Value:
        try:
            value = await self._load(key)
        finally:
            del self._loading[version, key]
        if version == self._version:
            self._values.remember(key, value)
        return value
