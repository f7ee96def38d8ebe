"""Steps on a fresh database, and what one attempt at one is asked for."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from accredit.server import audit
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.checklist.observations import Observations
from accredit.server.gate.flow.user import User
from accredit.server.integrations.flow import StepRule
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.mail import Mailer
from accredit.server.outbound import Allowed, Outbound
from accredit.server.steps.registry import Steps
from accredit.server.steps.step import Asked, Next, StepKind
from accredit.server.store import Store

LIVE, SANDBOX = Scope("acc_1", "live"), Scope("acc_1", "sandbox")
PUBLIC_URL = "https://accredit.example"
NOW_MS = 1_800_000_000_000


def ask(step: str, scope: Scope = LIVE, **members: Any) -> Asked:
    """One attempt at a step: the first one, in English, of somebody unknown, unless members say otherwise."""
    asked = Asked(
        session_id="flwses_1CgZX5sEq1o8QyEk8T3xVb",
        scope=scope,
        integration_id="flwtmp_1CgZX5sEq1o8QyEk8T3xVa",
        version=3,
        step=step,
        attempt=1,
        language="en",
        return_url=f"{PUBLIC_URL}/verify/flwses_1CgZX5sEq1o8QyEk8T3xVb",
        expires_ms=NOW_MS + 172_800_000,
        now_ms=NOW_MS,
        user=User(),
    )
    return replace(asked, **members)


@dataclass
class Desk:
    """Asks steps. now_ms: the clock, which stands still until it is moved."""

    run: Any
    store: Store
    sealer: Sealer
    outbound: Outbound
    mailer: Mailer = field(default_factory=lambda: Mailer(None, ""))
    now_ms: int = NOW_MS

    def find(self, rule: StepRule, scope: Scope = LIVE) -> StepKind:
        observations = Observations(self.store, self.sealer)
        return Steps(self.store, self.sealer, self.outbound, self.mailer, PUBLIC_URL, observations).find(scope, rule)

    def cause(self) -> Cause:
        return Cause(self.now_ms, actor="tester", request_id="req_1")

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.run(self.store.read(lambda tx, _: tx.rows(sql, values), None))


class Visit:
    """A person at a step: `said` is what it said last, whose state and user go with what is asked next."""

    def __init__(self, desk: Desk, rule: StepRule, scope: Scope = LIVE, **members: Any) -> None:
        self.desk, self.rule, self.scope, self.members = desk, rule, scope, members
        self.user = members.pop("user", User())
        self.said: Next | None = None
        self._keep(desk.run(self.kind.start(self.asked)))

    @property
    def kind(self) -> StepKind:
        return self.desk.find(self.rule, self.scope)

    @property
    def asked(self) -> Asked:
        state = getattr(self.said, "state", {})
        return ask(self.rule.step, self.scope, now_ms=self.desk.now_ms, user=self.user, state=state, **self.members)

    def send(self, **form: str) -> Next:
        return self._keep(self.desk.run(self.kind.submit(self.asked, form)))

    def look(self) -> Next:
        return self._keep(self.desk.run(self.kind.poll(self.asked)))

    def _keep(self, said: Next) -> Next:
        self.said, self.user = said, self.user.merged(said.user)
        return said

    @property
    def outcome(self) -> Any:
        """How it ended, as status and reason."""
        assert hasattr(self.said, "outcome"), self.said
        return self.said.outcome.status, self.said.outcome.reason

    @property
    def screen(self) -> Any:
        """What is shown: the name and the fault."""
        assert hasattr(self.said, "screen"), self.said
        return self.said.screen, self.said.values["fault"]


@pytest.fixture
def desk(run: Any, store: Store, sealer: Sealer) -> Any:
    """A desk whose outgoing requests may reach this machine."""
    run(sealer.ready(SERVER))
    run(audit.ready(store, sealer))
    run(create_account(store, NewAccount(account_id="acc_1"), Cause(NOW_MS - 1000, actor="tester")))
    outbound = Outbound(Allowed.parse(["127.0.0.1", "localhost"]))
    yield Desk(run, store, sealer, outbound)
    run(outbound.close())
