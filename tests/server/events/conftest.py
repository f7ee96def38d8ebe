"""An account with webhook endpoints on a fresh database, what signs for them, and a clock that the test moves.

made = desk.create(kind="flow", signing="endpoint")
signed = desk.sign(made.endpoint, b"{}")
"""

from dataclasses import dataclass
from typing import Any

import pytest

from accredit.server import audit
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.events.endpoint_actions import EndpointAction, MadeEndpoint, rotate_secret
from accredit.server.events.endpoints import EndpointChange, Parts, create_endpoint, find_or_refuse
from accredit.server.events.records import Attempt, Endpoint
from accredit.server.events.signing import SignedHeaders, Signers, headers_of
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.credentials import MadeSecret, NewSecret, create_credential
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.root import RootKey, RootKeys
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.webhook_keys import WebhookKeys
from accredit.server.outbound import Outbound
from accredit.server.store import Store

LIVE, OTHER = Scope("acc_1", "live"), Scope("acc_2", "live")
URL = "https://hooks.shop.example/accredit?shop=1"
DAY_MS = 86_400_000


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms

    @property
    def now(self) -> int:
        """Seconds."""
        return self.now_ms // 1000


@dataclass
class Desk:
    """What the tests of this folder work with; `run` runs a coroutine."""

    store: Store
    sealer: Sealer
    keyring: Keyring
    webhook_keys: WebhookKeys
    clock: Any
    run: Any

    @classmethod
    def open(cls, run: Any, store: Store, clock: Any) -> "Desk":
        """Two accounts without endpoints, on an open store."""
        sealer = Sealer(store, RootKeys(RootKey.from_octets(bytes(range(32)))), clock)
        run(audit.ready(store, sealer))
        desk = cls(store, sealer, Keyring(store, sealer, clock), WebhookKeys(store, sealer, clock), clock, run)
        for scope in (LIVE, OTHER):
            run(create_account(store, NewAccount(account_id=scope.account_id), desk.cause()))
        return desk

    def cause(self) -> Cause:
        return Cause(self.clock(), actor="tester")

    def create(self, scope: Scope = LIVE, **members: Any) -> MadeEndpoint:
        """An endpoint with its secret."""
        parts = Parts(self.store, self.sealer, Outbound(resolve=_resolve), self.webhook_keys)
        return self.run(create_endpoint(parts, EndpointChange(scope, {"url": URL, **members}, self.cause())))

    def credential(self, scope: Scope = LIVE) -> MadeSecret:
        """An API key with a secret."""
        return self.run(create_credential(self.store, self.sealer, NewSecret(scope), self.cause()))

    def rotate(self, endpoint: Endpoint, overlap_s: int) -> str:
        """Another secret for an endpoint."""
        action = EndpointAction(endpoint.scope, endpoint.endpoint_id, self.cause())
        return self.run(rotate_secret(self.store, self.sealer, action, overlap_s)).secret

    def again(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is stored now."""
        return self.run(find_or_refuse(self.store, endpoint.scope, endpoint.endpoint_id))

    def sign(
        self, endpoint: Endpoint, body: bytes, *, event_id: str = "evt_1", last: Attempt | None = None, number: int = 1
    ) -> SignedHeaders:
        """What is sent with a body now."""
        signer = self.run(Signers(self.keyring, self.webhook_keys).find(endpoint, self.clock()))
        return headers_of(endpoint, signer, event_id, body, now_ms=self.clock(), number=number, of=10, last=last)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.run(self.store.read(lambda tx, _: tx.rows(sql, values), None))


async def _resolve(_host: str, _port: int) -> list[str]:
    return ["93.184.215.14"]


@pytest.fixture
def desk(run: Any, store: Store) -> Desk:
    """A desk on each database in turn."""
    return Desk.open(run, store, Clock())
