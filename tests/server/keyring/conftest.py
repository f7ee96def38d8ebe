"""A ring on a fresh database with one account, two deployers and their integrations, and a clock that the test moves."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from accredit.server import audit
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.root import RootKey, RootKeys
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, one_by_one

LIVE = Scope("acc_1", "live")


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Ring:
    """What the tests of this folder work with; `run` runs a coroutine."""

    store: Store
    sealer: Sealer
    keyring: Keyring
    clock: Clock
    root_keys: RootKeys
    run: Any
    scope: Scope = LIVE
    _stores: list[Store] = field(default_factory=list)

    def cause(self) -> Cause:
        return Cause(self.clock.now_ms, actor="tester", request_id="req_1")

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.run(self.store.read(lambda tx, _: tx.rows(sql, values), None))

    def events(self, kind: str) -> list[Any]:
        return self.rows("SELECT data FROM events WHERE type = ? ORDER BY id", kind)

    def audited(self, kind: str) -> list[Any]:
        return self.rows("SELECT code, actor, key_id, detail FROM audit WHERE kind = ? ORDER BY seq", kind)

    def wait_until(self, reached: Callable[[], bool]) -> float:
        """How many seconds it took, at most two."""
        began = time.monotonic()
        while not reached() and time.monotonic() - began < 2:
            self.run(asyncio.sleep(0.01))
        return time.monotonic() - began

    def other_node(self, url: str) -> tuple[Store, Keyring]:
        """The ring of a second process on the same database."""
        store = self.run(Store.open(url, exclusive=False))
        self._stores.append(store)
        return store, Keyring(store, Sealer(store, self.root_keys, self.clock), self.clock)


class CountedReads:
    """A store that counts what is read."""

    def __init__(self, store: Any) -> None:
        self._store, self.reads = store, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, query: Any, item: Any) -> Any:
        self.reads += 1
        return await self._store.read(query, item)


@one_by_one
def _seed(tx: Transaction, _: None) -> None:
    for account_id in ("acc_1", "acc_2"):
        tx.execute(
            "INSERT INTO accounts (id, name, owner_id, created_ms) VALUES (?, ?, ?, 0)", (account_id, "Owner", account_id)
        )
        for deployer_id in ("shop", "bank"):
            tx.execute(
                "INSERT INTO deployers (account_id, environment, id, name, created_ms) VALUES (?, 'live', ?, 'Name', 0)",
                (account_id, deployer_id),
            )
            for suffix, door in (("", "embed"), ("_boot", "boot")):
                tx.execute(
                    "INSERT INTO integrations (id, account_id, environment, door, deployer_id, name, version, policy, created_ms,"
                    " updated_ms) VALUES (?, ?, 'live', ?, ?, 'Name', 1, '{}', 0, 0)",
                    (f"{account_id}_{deployer_id}{suffix}", account_id, door, deployer_id),
                )


@pytest.fixture
def ring(run: Any, store: Store) -> Iterator[Ring]:
    clock = Clock()
    root_keys = RootKeys(RootKey.from_octets(secrets.token_bytes(32)))
    sealer = Sealer(store, root_keys, clock)
    run(audit.ready(store, sealer))
    run(store.write(_seed, None))
    ring = Ring(store, sealer, Keyring(store, sealer, clock), clock, root_keys, run)
    yield ring
    for other in ring._stores:
        run(other.close())
