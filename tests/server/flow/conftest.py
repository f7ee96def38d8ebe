"""A template of the flow door on a node of its own, on each database in turn, with a clock that the test moves.

def test_something(flow):
    opened = flow.open("user-1")                 # as a page does, through the gate
    flow.clock.advance(60)
    flow.publish(signature_policy="required")
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from accredit import ReferenceSecret, sign_reference, sign_reference_v2
from accredit.reference import peek_reference
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.app import open_node
from accredit.server.gate.admission import Visit
from accredit.server.gate.flow import FlowAdmission, ReferenceProof, admit_reference
from accredit.server.gate.flow.bodies import parse_create, parse_retry
from accredit.server.integrations.integration import FlowIntegration
from accredit.server.integrations.publishing import Publication, create_integration, update_integration
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.flow.creating import CreatedFlow, Creation, create_by_api
from accredit.server.sessions.flow.ending import find_any_flow
from accredit.server.sessions.flow.objects import session_object
from accredit.server.sessions.flow.opening import FlowVisitor, OpenedFlow, open_by_page
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.sessions.flow.retrying import Retry, retry
from accredit.server.sessions.flow.stepping import arrive, submit
from accredit.server.settings import Settings

ORIGIN = "https://shop.example"
ROOT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = ReferenceSecret.from_text("accredit_live_reference_" + "T" * 40, "rfk_1")
STEPS = [{"step": "accept_tos"}, {"step": "kyc_check", "fields": ["name"]}]


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now_ms: int = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@dataclass
class Flow:
    """One template. second: another node on the same database."""

    run: Any
    node: Node
    second: Node
    clock: Clock
    scope: Scope
    template_id: str = ""
    _jtis: int = field(default=0)

    def publish(self, **members: Any) -> FlowIntegration:
        """The first or the next version of the template."""
        wanted = Publication(self.template_id, self.scope, members, self.clock(), "tester", door="flow")
        if not self.template_id:
            self.template_id = "flwtmp_1"
            wanted = replace(wanted, integration_id=self.template_id)
            self.run(create_integration(self.node.store, wanted))
        else:
            self.run(update_integration(self.node.store, wanted))
        return self.template()

    def template(self, node: Node | None = None) -> FlowIntegration:
        found = self.run((node or self.node).catalog.find_flow(self.template_id))
        assert found is not None
        return found

    def token(self, reference: str = "user-1", **members: Any) -> str:
        """A v2 token of now."""
        return sign_reference_v2(
            SECRET, reference, [self.template_id], environment=self.scope.environment, now=self.clock() // 1000, **members
        )

    def admit(
        self, reference: str | None = "user-1", signature: str | bool | None = None, email: str | None = None
    ) -> FlowAdmission:
        """What the gate says of a page. signature: True for the original's."""
        if signature is True:
            signature = sign_reference(SECRET, str(reference))
        proof = ReferenceProof(reference, None if not signature else peek_reference(signature), email)
        visit = Visit(ORIGIN, "iframe", self.node.settings.public_url)
        return admit_reference(proof, self.scope, self.template(), [SECRET], visit, self.clock())

    def opening(self, *asked: Any, node: Node | None = None, address: str = "198.51.100.7", **more: Any) -> Any:
        """A coroutine that opens a session as a page does."""
        return open_by_page(node or self.node, self.admit(*asked, **more), FlowVisitor("r" * 32, address))

    def open(self, *asked: Any, **more: Any) -> OpenedFlow:
        return self.run(self.opening(*asked, **more))

    def creation(self, reference: str = "user-1", *, idempotent: bool = False, user: Any = None, **members: Any) -> Creation:
        """A call to create."""
        body = {"template_id": self.template_id, "user": {"customer_reference": reference, **(user or {})}, **members}
        return Creation(self.template(), parse_create(body), idempotent, "key_1", "r" * 32)

    def create(self, *asked: Any, **more: Any) -> CreatedFlow:
        made = self.run(create_by_api(self.node, self.creation(*asked, **more), None))
        assert isinstance(made, CreatedFlow)
        return made

    def retrying(self, strategy: str = "reset", reference: str = "user-1", node: Node | None = None, **members: Any) -> Any:
        """A coroutine that retries."""
        body = {"customer_reference": reference, "template_id": self.template_id, "strategy": strategy, **members}
        return retry(node or self.node, Retry(self.template(), parse_retry(body), "key_1", "r" * 32, self.cause()), None)

    def retry(self, *asked: Any, **more: Any) -> FlowSession:
        session: FlowSession = self.run(self.retrying(*asked, **more))
        return session

    def walk(self, session: FlowSession, **forms: dict[str, str]) -> FlowSession:
        """A person comes, and posts these forms, each once, in the order given."""
        session = self.run(arrive(self.node, session, "198.51.100.7", "en"))
        for step, form in forms.items():
            session = self.run(submit(self.node, session, step, form))
        return session

    def pass_all(self, session: FlowSession, **name: str) -> FlowSession:
        """A person that comes to the end of STEPS."""
        named = {"first": "Leslie", "last": "Knope", **name}
        form = {"name.first": named["first"], "name.last": named["last"]}
        return self.walk(session, accept_tos={"accept": "1"}, kyc_check=form)

    def now(self, session: FlowSession, node: Node | None = None) -> FlowSession:
        """The session as every reader sees it."""
        found = self.run(find_any_flow(node or self.node, session.session_id))
        assert found is not None
        return found

    def object(self, session: FlowSession) -> dict[str, Any]:
        """The session as the API answers it now."""
        return session_object(self.node, self.now(session))

    def together(self, *works: Any) -> list[Any]:
        """What comes of several at once, exceptions included."""

        async def gather() -> list[Any]:
            return await asyncio.gather(*works, return_exceptions=True)

        found: list[Any] = self.run(gather())
        return found

    def rows(self, sql: str, *values: Any) -> list[Any]:
        found: list[Any] = self.run(self.node.store.read(lambda tx, _: tx.rows(sql, values), None))
        return found

    def events(self, prefix: str = "session.") -> list[tuple[Any, ...]]:
        """Type, session and number of the events so far; an endpoint asks for all of them."""
        rows = self.rows("SELECT type, session_id, sequence FROM events ORDER BY id")
        return [tuple(row) for row in rows if row[0].startswith(prefix)]

    def cause(self) -> Cause:
        return Cause(self.clock(), actor="tester")


@pytest.fixture
def make_flow(run: Any, database_url: str) -> Iterator[Any]:
    """Makes a template: make_flow("sandbox", steps=[...])."""
    clock, opened = Clock(), []
    settings = Settings(database_url=database_url, public_url="https://id.example", root_key=ROOT_KEY)
    nodes = []
    for _ in range(2):
        opening = open_node(settings, clock=clock, exclusive=False)
        opened.append(opening)
        nodes.append(run(opening.__aenter__()))

    def make(environment: str = "live", **members: Any) -> Flow:
        account = run(create_account(nodes[0].store, NewAccount(account_id="acc_1"), Cause(clock(), actor="tester")))
        flow = Flow(run, nodes[0], nodes[1], clock, Scope(account.account_id, environment))
        steps = [{**step, "service": "svc_1"} if step["step"] == "kyc_check" else step for step in STEPS]
        flow.publish(**{"allowed_origins": [ORIGIN], "steps": steps, **members})
        return flow

    yield make
    for opening in opened:
        run(opening.__aexit__(None, None, None))


@pytest.fixture
def flow(make_flow: Any) -> Flow:
    """A template in the sandbox, with the steps STEPS."""
    return make_flow("sandbox")


@pytest.fixture
def live_flow(make_flow: Any) -> Flow:
    """A template in live."""
    return make_flow()
