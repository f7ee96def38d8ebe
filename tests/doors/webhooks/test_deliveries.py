"""A server delivers by itself: what its API tells of that, and what it sends on purpose (protocol-webhooks.md sections 6, 9, 10)."""

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.server.events import outbox
from accredit.server.store import one_by_one

from ...site import Reply, Request, Site
from ..conftest import Clock, Owner, Server, start
from .conftest import ENDPOINTS

LISTENERS = "/v1/webhook_listeners"
PATIENCE_S = 60


def eventually(holds: Callable[[], Any]) -> Any:
    """What a function returns, once that is true: deliveries come after the answer that began them."""
    until = time.monotonic() + PATIENCE_S
    while not (value := holds()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)
    return value


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def delivering(running: Any, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, site: Site) -> Iterator[Server]:
    """One server for all tests here, which may call this machine."""
    path = tmp_path_factory.mktemp("deliveries") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with ExitStack() as ending:
        yield start(ending, running, Clock(), f"sqlite:///{path}", {"outbound_allow": ("127.0.0.0/8",)})


@pytest.fixture
def owner(delivering: Server) -> Owner:
    """An account in the sandbox, where plain http may be."""
    return delivering.owner(environment="sandbox")


class Hook:
    """An endpoint of an account, at a path of its own. secret: of the endpoint."""

    def __init__(self, owner: Owner, site: Site, name: str = "", **members: Any) -> None:
        self.owner, self.site, self.path = owner, site, f"/{owner.owner_id}{name}"
        self.answer(200)
        made = owner.call("POST", ENDPOINTS, 201, {"url": site.url(self.path), **members})
        self.id, self.secret, self.address = made["id"], made["secret"], f"{ENDPOINTS}/{made['id']}"

    def answer(self, status: int, body: bytes = b"", judge: Callable[[Request], int] | None = None) -> None:
        self.site.paths[self.path] = lambda request: Reply(body, status if judge is None else judge(request), "text/plain")

    @property
    def received(self) -> list[Request]:
        return self.site.asked(self.path)

    def deliveries(self, query: str = "") -> list[Any]:
        return self.owner.call("GET", f"{self.address}/deliveries{query}")["deliveries"]

    def settled(self, count: int) -> list[Any]:
        """So many deliveries, none of them due or under way."""

        def done() -> Any:
            found = self.deliveries()
            waiting = [each for each in found if each["status"] == "pending" and not each["attempts"]]
            return found if len(found) == count and not waiting else None

        return eventually(done)


@pytest.fixture
def hook(owner: Owner, site: Site) -> Hook:
    return Hook(owner, site)


def test_a_session_is_told_of_by_the_server_itself(owner: Owner, hook: Hook) -> None:
    session = owner.visit(owner.integration())
    owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "success"})
    found = hook.settled(3)
    assert [each["type"] for each in found] == ["session.success", "session.waiting", "session.created"]
    assert {each["status"] for each in found} == {"succeeded"}
    now = owner.server.clock.now
    events = [accredit.verify_webhook(each.body, each.headers, secrets=[hook.secret], now=now) for each in hook.received]
    assert {event.payload["data"]["id"] for event in events} == {session["session_id"]}
    assert sorted(event.payload["data"]["sequence"] for event in events) == [1, 2, 3]
    assert {event.id for event in events} == {each["event_id"] for each in found}
    logged = owner.call("GET", f"/v1/deliveries/{found[0]['id']}")
    assert logged["delivery"] == found[0]
    (attempt,) = logged["attempts"]
    assert (attempt["number"], attempt["status"], attempt["error"], attempt["address"]) == (1, 200, None, "127.0.0.1")
    assert len(attempt["key_ids"]) == 2
    assert hook.secret not in json.dumps(logged)


def test_what_failed_is_told_of_and_comes_again_when_it_is_due(owner: Owner, hook: Hook) -> None:
    hook.answer(500, b"no handler; token=abcdef123")
    owner.visit(owner.integration())
    found = hook.settled(2)
    assert [(each["status"], each["attempts"]) for each in found] == [("pending", 1)] * 2
    assert all(each["next_attempt_at"] > "2027-01-15T08:00:04" for each in found)
    (attempt,) = owner.call("GET", f"/v1/deliveries/{found[0]['id']}")["attempts"]
    assert (attempt["error"], attempt["response_excerpt"]) == ("status_500", "no handler; token=***")
    assert owner.call("GET", hook.address)["failing_since"] == "2027-01-15T08:00:00.000Z"
    hook.answer(200)
    owner.server.clock.advance(6)
    eventually(lambda: {each["status"] for each in hook.deliveries()} == {"succeeded"})
    assert owner.call("GET", hook.address)["failing_since"] is None
    assert [each.headers["accredit-attempt"] for each in hook.received].count("2/10") == 2


def test_deliveries_are_listed_in_pages_and_by_what_narrows_them(owner: Owner, hook: Hook) -> None:
    for _ in range(3):
        owner.visit(owner.integration())
    everything = hook.settled(6)
    page = owner.call("GET", f"{hook.address}/deliveries?limit=4")
    rest = owner.call("GET", f"{hook.address}/deliveries?limit=4&cursor={page['next_cursor']}")
    assert page["deliveries"] + rest["deliveries"] == everything
    assert rest["next_cursor"] is None
    assert {each["type"] for each in hook.deliveries("?type=session.created")} == {"session.created"}
    assert (len(hook.deliveries("?status=succeeded")), hook.deliveries("?status=exhausted")) == (6, [])
    at = everything[0]["created_at"]
    assert (len(hook.deliveries(f"?from={at}")), hook.deliveries(f"?to={at}")) == (6, [])
    for query in ("?status=lost", "?from=yesterday", "?from=2027-01-15T08:00:00", "?limit=0", "?type=%00", "?color=red"):
        assert owner.call("GET", f"{hook.address}/deliveries{query}", 400)["code"] == "query_invalid"
    wrong = f"{hook.address}/deliveries?status=succeeded&cursor={page['next_cursor']}"
    assert owner.call("GET", wrong, 400)["code"] == "cursor_invalid"


def test_of_another_account_or_environment_nothing_is_there(owner: Owner, hook: Hook) -> None:
    owner.visit(owner.integration())
    delivery = hook.settled(2)[0]
    for stranger in (owner.server.owner(environment="sandbox"), owner.server.owner(owner.owner_id)):
        for method, path in (("GET", "deliveries"), ("POST", "test"), ("POST", "probe"), ("POST", "replay")):
            assert stranger.call(method, f"{hook.address}/{path}", 404)["code"] == "endpoint_not_found"
        assert stranger.call("GET", f"/v1/deliveries/{delivery['id']}", 404)["code"] == "delivery_not_found"
    stranger = owner.server.owner(environment="sandbox")
    theirs = Hook(stranger, hook.site)
    again = {"event_id": delivery["event_id"]}
    assert stranger.call("POST", f"{theirs.address}/replay", 404, again)["code"] == "event_not_found"


def test_a_deleted_endpoint_is_sent_nothing_more(owner: Owner, hook: Hook) -> None:
    hook.answer(500)
    owner.visit(owner.integration())
    hook.settled(2)
    owner.call("DELETE", hook.address, 204)
    before = len(hook.received)
    owner.server.clock.advance(4 * 86_400)
    # What the next endpoint hears was claimed after whatever was due before it. The first session expires meanwhile.
    other = Hook(owner, hook.site, "/other")
    owner.visit(owner.integration())
    eventually(lambda: len(other.received) >= 2)
    assert len(hook.received) == before


def test_a_test_request_answers_what_came_of_it(owner: Owner, hook: Hook) -> None:
    hook.answer(418, b"short and stout")
    answer = owner.call("POST", f"{hook.address}/test", 200, {"type": "session.failed"})
    assert answer.pop("duration_ms") >= 0
    assert answer == {"outcome": "status_418", "status": 418, "response_excerpt": "short and stout"}
    (request,) = hook.received
    assert json.loads(request.body)["type"] == "session.failed"
    assert owner.call("POST", f"{hook.address}/test", 422, {"type": "session.lost"})["code"] == "event_type_unknown"
    assert owner.call("POST", f"{hook.address}/test", 422, {"typo": "x"})["code"] == "validation_failed"
    owner.call("POST", f"{hook.address}/disable")
    assert owner.call("POST", f"{hook.address}/test", 409)["code"] == "endpoint_disabled"
    assert (hook.deliveries(), len(hook.received)) == ([], 1)


def test_a_probe_is_kept_with_the_endpoint(owner: Owner, hook: Hook) -> None:
    def judge(request: Request) -> int:
        try:
            accredit.verify_webhook(request.body, request.headers, secrets=[hook.secret], now=owner.server.clock.now)
        except accredit.AccreditError:
            return 400
        return 200

    assert owner.call("GET", hook.address)["probe"] is None
    hook.answer(200, judge=judge)
    probe = owner.call("POST", f"{hook.address}/probe")
    assert (probe["passed"], [each["outcome"] for each in probe["results"]]) == (True, ["passed"] * 5)
    assert owner.call("GET", hook.address)["probe"] == probe
    hook.answer(200)
    assert owner.call("POST", f"{hook.address}/probe")["passed"] is False


def test_a_replay_is_accepted_and_sent(owner: Owner, hook: Hook) -> None:
    owner.visit(owner.integration())
    first = hook.settled(2)[1]
    begun = owner.call("POST", f"{hook.address}/replay", 202, {"event_id": first["event_id"]})
    assert begun["count"] == 1
    again = hook.settled(3)[0]
    assert (again["event_id"], again["replay_of"], again["replay_id"]) == (
        first["event_id"], first["id"], begun["replay_id"],
    )  # fmt: skip
    span = {"from": "2027-01-15T00:00:00Z", "to": "2027-02-15T00:00:00+01:00"}
    assert owner.call("POST", f"{hook.address}/replay", 202, span)["count"] == 0
    narrowed = {**span, "only": "all", "event_types": ["session.created"]}
    assert owner.call("POST", f"{hook.address}/replay", 202, narrowed)["count"] == 1


@pytest.mark.parametrize(
    ("body", "code", "member"),
    [
        ({}, "validation_failed", "from"),
        ({"from": "2027-01-15T00:00:00Z"}, "validation_failed", "to"),
        ({"from": "2027-01-15T00:00:00Z", "to": "2027-01-14T00:00:00Z"}, "validation_failed", "to"),
        ({"from": "2027-01-15T00:00:00", "to": "2027-01-16T00:00:00Z"}, "validation_failed", "from"),
        ({"from": 5, "to": 6}, "validation_failed", "from"),
        ({"event_id": "evt_1"}, "validation_failed", "event_id"),
        ({"event_id": "evt_" + "1" * 22, "only": "all"}, "validation_failed", "event_id"),
        ({"from": "2027-01-15T00:00:00Z", "to": "2027-01-16T00:00:00Z", "only": "some"}, "validation_failed", "only"),
        (
            {"from": "2027-01-15T00:00:00Z", "to": "2027-01-16T00:00:00Z", "event_types": ["x"]},
            "event_type_unknown",
            "event_types",
        ),
    ],
)
def test_a_replay_of_nothing_that_is_meant_is_refused(owner: Owner, hook: Hook, body: Any, code: str, member: str) -> None:
    answer = owner.call("POST", f"{hook.address}/replay", 422, body)
    assert (answer["code"], answer["member"]) == (code, member)


@pytest.mark.parametrize("kind", ["accredit", "flow"])
def test_a_listener_fetches_what_is_signed_like_the_rest(owner: Owner, kind: str) -> None:
    wanted = {"forward_to": "http://localhost:3000/hooks?a=1", "kind": kind}
    made = owner.call("POST", LISTENERS, 201, wanted)
    address = f"{LISTENERS}/{made['id']}"
    fetch = f"{address}/requests?wait_s=0"
    assert owner.call("GET", fetch) == {"requests": []}
    _happen(owner, "flow")
    (request,) = owner.call("GET", fetch)["requests"]
    body, now = base64.b64decode(request["body"]), owner.server.clock.now
    event = accredit.verify_webhook(body, request["headers"], secrets=[made["secret"]], now=now, endpoint_id=made["id"])
    if kind == "flow":
        assert event.payload["event"] == "flow_session.status.updated"
        keys = {made["id"]: [made["secret"]]}
        accredit.verify_flow_webhook(body, request["headers"], target="/hooks?a=1", keys=keys, now=now)
    # It is claimed, so nobody fetches it twice.
    assert owner.call("GET", fetch) == {"requests": []}
    named = {"delivery_id": request["delivery_id"], "lease": request["lease"], "duration_ms": 3}
    assert owner.call("POST", f"{address}/answers", 200, {**named, "status": 500})["status"] == "pending"
    assert owner.call("POST", f"{address}/answers", 404, {**named, "status": 200})["code"] == "delivery_not_found"
    owner.server.clock.advance(70 if kind == "flow" else 6)
    if kind == "flow":
        # More than a minute of silence.
        assert owner.call("GET", fetch, 404)["code"] == "endpoint_not_found"
        return
    (request,) = owner.call("GET", fetch)["requests"]
    named |= {"lease": request["lease"], "status": 204, "content_type": "text/plain", "body": "thanks"}
    assert owner.call("POST", f"{address}/answers", 200, named)["status"] == "succeeded"
    logged = owner.call("GET", f"/v1/deliveries/{request['delivery_id']}")
    assert [(each["status"], each["response_excerpt"]) for each in logged["attempts"]] == [(500, None), (204, "thanks")]
    owner.call("DELETE", address, 204)
    assert owner.call("GET", fetch, 404)["code"] == "endpoint_not_found"


def test_a_listener_is_no_endpoint_and_of_the_sandbox(owner: Owner) -> None:
    wanted = {"forward_to": "http://localhost:3000/"}
    live = owner.server.owner(owner.owner_id)
    assert live.call("POST", LISTENERS, 422, wanted)["code"] == "sandbox_only"
    assert owner.call("POST", LISTENERS, 422, {"forward_to": "localhost"})["code"] == "endpoint_url_invalid"
    ids = [owner.call("POST", LISTENERS, 201, wanted)["id"] for _ in range(5)]
    assert owner.call("POST", LISTENERS, 409, wanted)["code"] == "endpoint_limit_reached"
    assert owner.call("GET", ENDPOINTS) == {"webhook_endpoints": []}
    assert owner.call("POST", f"{ENDPOINTS}/{ids[0]}/test", 404)["code"] == "endpoint_not_found"
    stranger = owner.server.owner(environment="sandbox")
    assert stranger.call("GET", f"{LISTENERS}/{ids[0]}/requests?wait_s=0", 404)["code"] == "endpoint_not_found"
    assert stranger.call("DELETE", f"{LISTENERS}/{ids[0]}", 404)["code"] == "endpoint_not_found"


def _happen(owner: Owner, door: str) -> None:
    data = {"door": door, "status": "success", "reason": None}
    event = outbox.Event("session.success", owner.scope, owner.server.clock.now_ms, "s-1", "int_1", 1, data)
    owner.server.run(owner.server.node.store.write(one_by_one(lambda tx, item: outbox.append(tx, [item])), event))


def test_metrics_tell_of_deliveries(owner: Owner, hook: Hook) -> None:
    owner.visit(owner.integration())
    hook.settled(2)
    told = owner.server.metrics()
    assert 'accredit_delivery_attempts_total{kind="accredit",outcome="succeeded"}' in told
    assert "accredit_delivery_age_seconds_bucket" in told
    assert hook.id not in told
