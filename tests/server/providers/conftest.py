"""Providers on a fresh database with one account in both environments, and attempts as a session asks for them."""

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from accredit.server import audit
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.mail import Mailer
from accredit.server.outbound import Allowed, Outbound
from accredit.server.providers import changing
from accredit.server.providers.changing import Parts, ProviderChange
from accredit.server.providers.provider import Asked, Provider, Step
from accredit.server.providers.records import ProviderRecord
from accredit.server.providers.registry import Providers
from accredit.server.store import Store

LIVE, SANDBOX = Scope("acc_1", "live"), Scope("acc_1", "sandbox")
PUBLIC_URL = "https://accredit.example"


def sandbox_record(provider_id: str = "nbid", **members: Any) -> ProviderRecord:
    """A record that no database knows."""
    known = {"flows": ("redirect", "headless", "embedded"), "loa": "high", "display_name": provider_id}
    return ProviderRecord(scope=SANDBOX, provider_id=provider_id, ref="prv_1", kind="sandbox", **{**known, **members})


def ask(record: ProviderRecord, **members: Any) -> Asked:
    """One attempt at a provider: redirect, English, nothing asked for, unless members say otherwise."""
    asked = Asked(
        session_id="019aa5b2-6c00-7d3e-8f4a-5b6c7d8e9f01",
        scope=record.scope,
        attempt_id=str(uuid.uuid4()),
        provider=record,
        flow="redirect",
        language="en",
        requested_loa=None,
        requested_attributes=(),
        prefilled={},
        parameters={},
        callback_address=f"{PUBLIC_URL}/auth/callback/{record.ref}",
        now_ms=1_800_000_000_000,
    )
    return replace(asked, **members)


@dataclass
class Desk:
    """Makes providers and asks them; `run` runs a coroutine. now_ms: the clock, which stands still until it is moved."""

    run: Any
    store: Store
    sealer: Sealer
    outbound: Outbound
    mailer: Mailer = field(default_factory=lambda: Mailer(None, ""))
    now_ms: int = 1_800_000_000_000

    def __post_init__(self) -> None:
        self.providers = self.node()

    def node(self) -> Providers:
        """The providers of one more node on the same database."""
        return Providers(self.store, self.sealer, self.outbound, self.mailer, PUBLIC_URL)

    @property
    def parts(self) -> Parts:
        return Parts(self.store, self.sealer, self.outbound)

    def cause(self) -> Cause:
        return Cause(self.now_ms, actor="tester", request_id="req_1")

    def create(self, provider_id: str, scope: Scope = SANDBOX, **members: Any) -> ProviderRecord:
        return self.run(changing.create_provider(self.parts, ProviderChange(scope, provider_id, members, self.cause())))

    def change(self, provider_id: str, scope: Scope = SANDBOX, **members: Any) -> ProviderRecord:
        return self.run(changing.change_provider(self.parts, ProviderChange(scope, provider_id, members, self.cause())))

    def open(self, record: ProviderRecord) -> Provider:
        return self.run(self.providers.open(record))

    def ask(self, record: ProviderRecord, **members: Any) -> Asked:
        return ask(record, **{"now_ms": self.now_ms, **members})

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.run(self.store.read(lambda tx, _: tx.rows(sql, values), None))

    def audited(self, kind: str) -> list[Any]:
        return [msgspec.json.decode(row[0]) for row in self.rows("SELECT detail FROM audit WHERE kind = ? ORDER BY seq", kind)]


@pytest.fixture
def desk(run: Any, store: Store, sealer: Sealer) -> Any:
    """A desk whose outgoing requests may reach this machine."""
    run(sealer.ready(SERVER))
    run(audit.ready(store, sealer))
    run(create_account(store, NewAccount(account_id="acc_1"), Cause(1_799_999_999_000, actor="tester")))
    outbound = Outbound(Allowed.parse(["127.0.0.1", "localhost"]))
    yield Desk(run, store, sealer, outbound)
    run(outbound.close())


def finished(step: Step) -> Any:
    """The outcome of a step that must be the last one."""
    assert hasattr(step, "outcome"), step
    return step.outcome
