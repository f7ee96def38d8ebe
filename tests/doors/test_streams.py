"""Streams of a session's status: who may listen, what is told and when, how a stream resumes and ends."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop

from accredit.server.sessions.lifecycle import Ending, end_session
from accredit.server.sessions.watching import MAX_OF_KEY, Watches
from accredit.server.streams import StatusStream

from ..flow_backend import FlowBackend, make_flow_backend
from ..rest_backend import Backend
from ..rest_backend import make_backend as make_rest_backend
from .conftest import Clock, Owner, Server, start


class Stream:
    """An open stream, read line by line."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> dict[str, Any] | None:
        """The next event's data, with its id; None at the end."""
        told: dict[str, str] = {}
        for line in self._lines:
            if not line and "data" in told:
                data = json.loads(told["data"])
                assert (told["event"], told["id"]) == ("status", str(data["sequence"]))
                return data
            name, _, value = line.partition(": ")
            told[name] = value
        return None


@contextmanager
def listening(client: Any, path: str, last: int | str | None = None, **headers: str) -> Iterator[Stream]:
    given = {**headers, **({} if last is None else {"Last-Event-ID": str(last)})}
    with client.stream("GET", path, headers=given, timeout=10) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)


def events_of(session: dict[str, Any]) -> str:
    return f"/v1/sessions/{session['session_id']}/events"


@pytest.fixture(scope="module")
def shared(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that need no other."""
    path = tmp_path_factory.mktemp("streams") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        yield start(ending, runner.run, Clock(), f"sqlite:///{path}", {})


@pytest.fixture
def owner(shared: Server) -> Owner:
    return shared.owner()


@pytest.fixture
def session(owner: Owner) -> dict[str, Any]:
    """An open session of an owner."""
    return owner.visit(owner.integration(), uid="user-1")


def test_tells_how_a_session_stands_and_how_it_ends(owner: Owner, session: dict[str, Any]) -> None:
    with listening(owner.api, events_of(session)) as stream:
        assert stream.answer.headers["content-type"] == "text/event-stream"
        assert stream.answer.headers["x-accel-buffering"] == "no"
        assert stream.answer.headers["cache-control"] == "no-store"
        assert stream.next() == {"id": session["session_id"], "status": "waiting", "sequence": 2}
        owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "success"})
        assert stream.next() == {"id": session["session_id"], "status": "success", "sequence": 3}
        assert stream.next() is None


def test_goes_on_behind_the_event_that_was_heard_last(owner: Owner, session: dict[str, Any]) -> None:
    with listening(owner.api, events_of(session), last=2) as stream:
        owner.call("POST", f"/v1/sessions/{session['session_id']}/cancel")
        assert stream.next() == {"id": session["session_id"], "status": "cancelled", "sequence": 3}
        assert stream.next() is None
    # What a client cannot have heard from here says nothing.
    for unknown in (2, "x", "-1", "9" * 40):
        with listening(owner.api, events_of(session), last=unknown) as stream:
            assert stream.next() == {"id": session["session_id"], "status": "cancelled", "sequence": 3}
            assert stream.next() is None
    # Whoever has heard the end is told so that it does not come back (HTML Living Standard section 9.2.3).
    assert owner.api.get(events_of(session), headers={"Last-Event-ID": "3"}).status_code == 204


def test_expiry_is_told_when_it_is_written_down(owner: Owner, session: dict[str, Any]) -> None:
    owner.server.clock.advance(13 * 3600)
    with listening(owner.api, events_of(session), last=2) as stream:
        assert stream.next() == {"id": session["session_id"], "status": "expired", "sequence": 3}


def test_only_who_may_read_a_session_may_listen(owner: Owner, session: dict[str, Any]) -> None:
    other = owner.server.owner()
    for client, status, code in ((other.api, 404, "session_not_found"), (owner.server.http, 401, "invalid_token")):
        refused = client.get(events_of(session))
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    unknown = owner.api.get("/v1/sessions/00000000-0000-7000-8000-000000000000/events")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "session_not_found")
    assert owner.api.head(events_of(session)).status_code == 200
    assert owner.api.post(events_of(session)).status_code == 405


def test_a_key_has_so_many_streams_and_gets_its_places_back(owner: Owner, session: dict[str, Any]) -> None:
    with ExitStack() as opened:
        # More connections than a client keeps by itself.
        limits = httpx.Limits(max_connections=None)
        client = opened.enter_context(httpx.Client(base_url=owner.server.url, headers=owner.api.headers, limits=limits))
        for _ in range(MAX_OF_KEY):
            opened.enter_context(listening(client, events_of(session)))
        refused = owner.api.get(events_of(session))
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        assert "accredit_streams 20.0" in owner.server.metrics()
        # Another key is not concerned.
        other = owner.server.owner()
        with listening(other.api, events_of(other.visit(other.integration()))) as stream:
            assert stream.next() is not None
    until = time.monotonic() + 5
    while "accredit_streams 0.0" not in owner.server.metrics():
        assert time.monotonic() < until, "places were not given back"
    with listening(owner.api, events_of(session)) as stream:
        assert stream.next() is not None


@pytest.fixture
def rest(shared: Server) -> Backend:
    return make_rest_backend(shared.owner(environment="sandbox"))


def test_a_caller_of_the_rest_door_hears_its_words(rest: Backend) -> None:
    made = rest.create(flow="headless", allowedProviders=["sbid"])
    path = f"/auth/rest/sessions/{made['id']}/events"
    token = {"Authorization": f"Bearer {rest.token}"}
    with listening(rest.server.http, path, **token) as stream:
        first = stream.next()
        assert first is not None
        assert (first["id"], first["status"]) == (made["id"], "WAITING_FOR_USER")
        rest.send("POST", f"/{made['id']}/cancel")
        last = stream.next()
        assert last is not None
        assert (last["status"], stream.next()) == ("CANCELLED", None)
    assert rest.send("GET", f"/{made['id']}/events", headers={"Last-Event-ID": str(last["sequence"])}).status_code == 204
    stranger = make_rest_backend(rest.server.owner(environment="sandbox"))
    refused = stranger.send("GET", f"/{made['id']}/events")
    assert (refused.status_code, refused.json()["code"]) == (404, "session_not_found")
    assert rest.server.http.get(path).status_code == 401


def test_a_caller_of_the_flow_door_hears_its_words(shared: Server) -> None:
    flow: FlowBackend = make_flow_backend(shared.owner(environment="sandbox"))
    made = flow.create()
    path = f"/flow_sessions/{made['id']}/events"
    with listening(shared.http, path, **flow.sign("GET", path)) as stream:
        assert stream.answer.headers["content-type"] == "text/event-stream"
        assert int(stream.answer.headers["ratelimit-remaining"]) > 0
        first = stream.next()
        assert first is not None
        assert (first["id"], first["status"]) == (made["id"], "active")
        flow.call("POST", f"/{made['id']}/cancel", 200)
        last = stream.next()
        assert last is not None
        assert (last["status"], stream.next()) == ("canceled", None)
    heard = {**flow.sign("GET", path), "Last-Event-ID": str(last["sequence"])}
    assert shared.http.get(path, headers=heard).status_code == 204
    assert shared.http.get(path).status_code == 401


def test_a_deleted_session_ends_its_streams(rest: Backend) -> None:
    made = rest.create()
    path = f"/auth/rest/sessions/{made['id']}/events"
    with listening(rest.server.http, path, Authorization=f"Bearer {rest.token}") as stream:
        assert stream.next() is not None
        rest.send("DELETE", f"/{made['id']}")
        # It is cancelled first, which may be seen or not.
        told = stream.next()
        assert told is None or (told["status"], stream.next()) == ("CANCELLED", None)


def test_silence_is_filled_with_comments(shared: Server, owner: Owner, session: dict[str, Any]) -> None:
    async def hear() -> list[bytes]:
        watches = Watches(shared.node.store)
        looking = asyncio.create_task(watches.run())
        told = StatusStream(watches, session["session_id"], "key_1", str, None).chunks(heartbeat_s=0.05)
        heard = [await anext(told) for _ in range(4)]
        watches.close()
        heard += [chunk async for chunk in told]
        looking.cancel()
        return heard

    beginning, *rest = shared.run(hear())
    assert beginning == b"retry: 1000\n\n"
    [event] = [chunk for chunk in rest if chunk != b":\n\n"]
    assert event.startswith(b"id: 2\nevent: status\ndata: {")
    assert len(rest) >= 3


def test_commits_wake_streams_of_this_node_and_of_others(start_server: Any, database_url: str) -> None:
    """Here a commit is heard of at once; what another node wrote, a second later at most."""
    server = start_server(database_url)
    owner = server.owner()
    integration = owner.integration()
    here, elsewhere = owner.visit(integration), owner.visit(integration)
    with listening(owner.api, events_of(here)) as stream:
        assert stream.next() is not None
        before_s = time.monotonic()
        owner.call("POST", f"/v1/sessions/{here['session_id']}/cancel")
        assert stream.next() is not None
        at_once_s = time.monotonic() - before_s
    with listening(owner.api, events_of(elsewhere)) as stream:
        assert stream.next() is not None
        # server.node is a node of its own beside the one that answers.
        ending = Ending(elsewhere["session_id"], owner.scope, "failed", server.clock.now_ms)
        server.run(end_session(server.node.store, ending))
        assert stream.next() == {"id": elsewhere["session_id"], "status": "failed", "sequence": 3}
    assert at_once_s < 0.7


def test_a_server_that_stops_ends_its_streams(run: Any, sqlite_url: str) -> None:
    heard: list[Any] = []
    with ExitStack() as opened:
        with ExitStack() as ending:
            server = start(ending, run, Clock(), sqlite_url, {})
            owner = server.owner()
            client = opened.enter_context(httpx.Client(base_url=server.url, headers=owner.api.headers))
            stream = opened.enter_context(listening(client, events_of(owner.visit(owner.integration()))))
            assert stream.next() is not None
            reading = threading.Thread(target=lambda: heard.append(stream.next()))
            reading.start()
            begun_s = time.monotonic()
        reading.join()
    assert heard == [None]
    # uvicorn would wait ten seconds for it.
    assert time.monotonic() - begun_s < 8
