"""A template of the flow door on each database in turn, with a clock that the test moves.

Tests of a module share two nodes on one database of each engine; each has an account of its own, and the clock never goes back.

def test_something(flow):
    opened = flow.open("user-1")                 # as a page does, through the gate
    flow.clock.advance(60)
    flow.publish(signature_policy="required")
"""

import asyncio
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
import uvloop

from accredit import ReferenceSecret, sign_reference, sign_reference_v2
from accredit.reference import peek_reference
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.app import open_node
from accredit.server.events.records import ENDPOINT_COLUMNS, EndpointMembers, write_members
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
from accredit.server.store import Transaction, one_by_one

ORIGIN = "https://shop.example"
ROOT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = ReferenceSecret.from_text("accredit_live_reference_" + "T" * 40, "rfk_1")
STEPS: list[dict[str, Any]] = [{"step": "accept_tos"}, {"step": "kyc_check", "fields": ["name"]}]


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

    def publish(self, **members: Any) -> FlowIntegration:
        """The first or the next version of the template."""
        wanted = Publication(self.template_id, self.scope, members, self.clock(), "tester", door="flow")
        if not self.template_id:
            self.template_id = f"flwtmp_{next(_numbers)}"
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

    def count(self, table: str = "sessions") -> int:
        """How many rows there are of this account's templates."""
        whose = {
            "sessions": "account_id = ?",
            "flow_sessions": "session_id IN (SELECT id FROM sessions WHERE account_id = ?)",
            "flow_tokens": "session_id IN (SELECT id FROM sessions WHERE account_id = ?)",
            "flow_creations": "integration_id IN (SELECT id FROM integrations WHERE account_id = ?)",
        }
        return int(self.rows(f"SELECT COUNT(*) FROM {table} WHERE {whose[table]}", self.scope.account_id)[0][0])

    def events(self, prefix: str = "session.") -> list[tuple[Any, ...]]:
        """Type, session and number of the events that were kept."""
        of_account = "SELECT type, session_id, sequence FROM events WHERE account_id = ? ORDER BY id"
        rows = self.rows(of_account, self.scope.account_id)
        return [tuple(row) for row in rows if row[0].startswith(prefix)]

    def listen(self) -> None:
        """Keep events from now on: an endpoint asks for all of them."""
        self.run(self.node.store.write(_insert_endpoint, self.scope))

    def cause(self) -> Cause:
        return Cause(self.clock(), actor="tester")


@one_by_one
def _insert_endpoint(tx: Transaction, scope: Scope) -> None:
    members = write_members(EndpointMembers(url="https://hooks.example/", event_types=("*",)))
    row = (
        f"whksub_{scope.account_id}",
        scope.account_id,
        scope.environment,
        "accredit",
        members,
        1,
        None,
        1,
        1,
        None,
        0,
        None,
        0,
        *[None] * 3,
    )
    tx.insert_many(f"INSERT INTO webhook_endpoints ({ENDPOINT_COLUMNS}) VALUES", len(row), [row])


@dataclass
class Nodes:
    """Two nodes on one database, with what runs them."""

    run: Any
    first: Node
    second: Node
    clock: Clock


@pytest.fixture(scope="module")
def module_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes a fresh database of an engine for the tests of a module."""

    def make(engine: str) -> str:
        if engine == "sqlite":
            path = tmp_path_factory.mktemp("flow") / "accredit.sqlite"
            shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
            return f"sqlite:///{path}"
        server, name = request.getfixturevalue("migrated_postgresql"), f"flow_{next(_numbers)}"
        server.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        request.addfinalizer(lambda: server.execute(f"DROP DATABASE {name} WITH (FORCE)"))
        address: str = server.address.format(name)
        return address

    return make


_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def nodes(request: pytest.FixtureRequest, module_database: Callable[[str], str]) -> Iterator[Nodes]:
    """Two nodes on one database, on each engine in turn."""
    settings = Settings(database_url=module_database(request.param), public_url="https://id.example", root_key=ROOT_KEY)
    clock = Clock()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        opened = []
        for _ in range(2):
            opening = open_node(settings, clock=clock, exclusive=False)
            opened.append(runner.run(opening.__aenter__()))
            ending.callback(lambda each=opening: runner.run(each.__aexit__(None, None, None)))
        yield Nodes(runner.run, opened[0], opened[1], clock)


@pytest.fixture
def make_flow(nodes: Nodes) -> Callable[..., Flow]:
    """Makes a template of a new account: make_flow("sandbox", steps=[...])."""

    def make(environment: str = "live", **members: Any) -> Flow:
        account_id = f"acc_{next(_numbers)}"
        wanted = NewAccount(account_id=account_id)
        nodes.run(create_account(nodes.first.store, wanted, Cause(nodes.clock(), actor="tester")))
        flow = Flow(nodes.run, nodes.first, nodes.second, nodes.clock, Scope(account_id, environment))
        for node in (flow.node, flow.second):
            # As whoever loads a session on a node does.
            nodes.run(node.sealer.ready(flow.scope))
        nodes.run(flow.node.store.write(one_by_one(_insert_service), (flow.scope, f"svc_{account_id[4:]}")))
        steps = [{**step, "service": f"svc_{account_id[4:]}"} if step["step"] == "kyc_check" else step for step in STEPS]
        flow.publish(**{"allowed_origins": [ORIGIN], "steps": steps, **members})
        return flow

    return make


def _insert_service(tx: Transaction, item: tuple[Scope, str]) -> None:
    """A step service that nobody answers at."""
    scope, service_id = item
    tx.execute(
        "INSERT INTO step_services (account_id, environment, id, record, created_ms, updated_ms) VALUES (?, ?, ?, ?, 0, 0)",
        (scope.account_id, scope.environment, service_id, '{"url":"https://kyc.invalid/"}'),
    )


@pytest.fixture
def flow(make_flow: Callable[..., Flow]) -> Flow:
    """A template in the sandbox, with the steps STEPS."""
    return make_flow("sandbox")


@pytest.fixture
def live_flow(make_flow: Callable[..., Flow]) -> Flow:
    """A template in live."""
    return make_flow()
