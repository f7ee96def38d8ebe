"""What a server tells of itself: metrics for whoever has the token, the dashboard over them, the access log, readiness, traces."""

import asyncio
import json
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from accredit.errors import FailureError, MalformedError
from accredit.server import tracing
from accredit.server.app import create_app
from accredit.server.claims import forget_claims
from accredit.server.outbound import Allowed, Outbound
from accredit.server.outbound.request import OutboundRequest
from accredit.server.settings import Settings, read_settings
from accredit.server.traffic import ROUTES, route_of

from .conftest import METRICS_TOKEN, ROOT_KEY, Clock, Owner, Server, start

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests, with an access log."""
    path = tmp_path_factory.mktemp("telemetry") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        yield start(ending, runner.run, Clock(), f"sqlite:///{path}", {"access_log": True})


@pytest.fixture
def owner(shared: Server) -> Owner:
    return shared.owner()


def families(text: str) -> dict[str, str]:
    """Metrics by their names with what they are."""
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))


def value(text: str, name: str) -> float:
    return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)


@pytest.mark.parametrize("shown", [None, "Bearer", "Bearer another-token-of-length", f"Basic {METRICS_TOKEN}"])
def test_metrics_are_for_whoever_has_the_token(shared: Server, shown: str | None) -> None:
    refused = shared.http.get("/metrics", headers={} if shown is None else {"Authorization": shown})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("token", ["short", "with space in it...", "ä" * 20])
def test_a_token_that_is_none_ends_the_start(token: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_settings({"ACCREDIT_METRICS_TOKEN": token})
    assert (raised.value.code, raised.value.member) == ("settings_invalid", "ACCREDIT_METRICS_TOKEN")


def test_the_page_of_metrics_is_what_a_server_tells(shared: Server) -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(accredit_[a-z_]+)`", page, re.MULTILINE))
    told = {name for name, kind in families(shared.metrics()).items() if not name.endswith("_created")}
    assert documented == {name for name in told if name.startswith("accredit_")}
    assert {name.partition("_")[0] for name in told} == {"accredit", "process"}
    assert set(re.findall(r"`([a-z_]+)`", page.partition("Route classes are")[2].partition("The access log")[0])) == set(ROUTES)


def test_the_dashboard_asks_for_what_there_is(shared: Server) -> None:
    dashboard = json.loads((ROOT / "deploy/grafana.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [each["definition"] for each in dashboard["templating"]["list"] if "definition" in each]
    there = families(shared.metrics())
    names = {name for expression in asked for name in re.findall(r"\b(?:accredit|process)_[a-z_]+", expression)}
    for name in names:
        series = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in there or there.get(series) == "histogram", name
    # And leaves nothing of ours out.
    unseen = {name for name in there if name.startswith("accredit_") and not name.endswith("_created")}
    assert {name for name in unseen if not any(each.startswith(name) for each in names)} == set()


def test_ends_durations_and_commits_are_counted(owner: Owner) -> None:
    names = [
        'accredit_sessions_ended_total{door="embed",status="success"}',
        'accredit_request_seconds_count{route="session",status="2xx"}',
        "accredit_commit_seconds_count",
        "accredit_commit_group_size_sum",
    ]
    session = owner.visit(owner.integration())
    before = owner.server.metrics()
    for _ in range(2):
        # The second changes nothing, and is no second end.
        owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "success"})
    after = owner.server.metrics()
    grown = [value(after, name) - value(before, name) for name in names]
    assert grown[:2] == [1, 2]
    assert min(grown[2:]) >= 1
    assert 'accredit_build_info{database="sqlite"' in after
    assert session["session_id"] not in after


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/embed", "embed"),
        ("/v1/sessions/0199", "session"),
        ("/v1/sessions", "api"),
        ("/v1/sessions/0199/events", "stream"),
        ("/auth/rest/sessions/0199", "rest_api"),
        ("/auth/session/0199", "rest"),
        ("/flow_sessions/flwses_1/cancel", "flow_api"),
        ("/verify/flwses_1", "flow"),
        ("/whatever/somebody/asks", "page"),
    ],
)
def test_a_path_is_of_one_of_a_few_classes(path: str, route: str) -> None:
    assert route_of(path) == route
    assert route in ROUTES


def test_the_access_log_tells_class_status_and_duration(owner: Owner, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="accredit")
    answer = owner.api.get("/v1/sessions/00000000-0000-7000-8000-000000000000?secret=1")
    request_id = answer.headers["x-request-id"]
    # The line is written when the answer is out.
    owner.api.get("/livez")
    [fields] = [each.fields for each in caplog.records if getattr(each, "fields", {}).get("request_id") == request_id]
    assert {**fields, "duration_ms": 0} == {
        "request_id": request_id,
        "method": "GET",
        "route": "session",
        "status": answer.status_code,
        "duration_ms": 0,
    }
    assert 0 < fields["duration_ms"] < 60_000


def test_ready_is_who_has_the_schema(run: Any, sqlite_url: str) -> None:
    with ExitStack() as ending:
        server = start(ending, run, Clock(), sqlite_url, {"metrics_token": ""})
        assert server.http.get("/readyz").text == "ready\n"
        # Without a token of the operator's there are no metrics.
        assert server.http.get("/metrics", headers={"Authorization": "Bearer x"}).json()["code"] == "page_not_found"
        moved = "UPDATE alembic_version SET version_num = 'older'"
        server.run(server.node.store.write(lambda tx, items: [tx.execute(moved) for _ in items], None))
        behind = server.http.get("/readyz")
        assert (behind.status_code, behind.json()["code"]) == (503, "schema_behind")
        assert server.http.get("/livez").text == "alive\n"


def test_a_node_that_stops_is_not_ready(run: Any, sqlite_url: str) -> None:
    app = create_app(Settings(database_url=sqlite_url, root_key=ROOT_KEY), clock=Clock())

    async def ask() -> list[int]:
        told: asyncio.Queue[Any] = asyncio.Queue()
        asked: asyncio.Queue[Any] = asyncio.Queue()
        life = asyncio.create_task(app({"type": "lifespan"}, asked.get, told.put))
        asked.put_nowait({"type": "lifespan.startup"})
        await told.get()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node") as http:
            before = await http.get("/readyz")
            app.begin_to_stop()
            after = await http.get("/readyz")
        asked.put_nowait({"type": "lifespan.shutdown"})
        await life
        return [before.status_code, after.status_code]

    assert run(ask()) == [200, 503]


def test_traces_tell_of_request_gate_and_commit_and_of_nobody(owner: Owner) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    integration = owner.integration(integration_id="secret-integration")
    with tracing.traced_by(provider):
        answer = owner.server.embed(owner.fields(integration, uid="secret-user"))
        owner.api.get("/livez")
    spans = [
        each for each in kept.get_finished_spans() if each.name != "request" or each.attributes["accredit.route"] == "embed"
    ]
    [request] = [each for each in spans if each.name == "request"]
    assert dict(request.attributes) == {
        "accredit.method": "POST",
        "accredit.route": "embed",
        "accredit.request_id": answer.headers["x-request-id"],
        "accredit.status": 303,
    }
    of_it = [each for each in spans if each.parent is not None and each.parent.span_id == request.context.span_id]
    assert {each.name for each in of_it} == {"gate", "commit"}
    everything = "".join(each.to_json() for each in kept.get_finished_spans())
    assert "secret-" not in everything
    assert owner.secret not in everything


def test_traces_of_outgoing_calls_and_of_background_work_name_no_address(shared: Server) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))

    async def call() -> None:
        outbound = Outbound(Allowed.parse(["127.0.0.1"]))
        await outbound.send(OutboundRequest(f"{shared.url}/livez?secret-user", plain=True))
        await outbound.close()
        # A commit that is part of nothing is no trace.
        await shared.node.store.write(forget_claims, 0)

    with tracing.traced_by(provider):
        shared.run(call())
    spans = {each.name: dict(each.attributes) for each in kept.get_finished_spans()}
    assert spans["outbound"] == {"accredit.method": "GET", "accredit.status": 200}
    assert "commit" not in spans
    assert "secret-" not in str(spans)


def test_tracing_without_its_extra_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(FailureError) as raised, tracing.tracing(on=True):
        pass
    assert raised.value.code == "tracing_missing"
