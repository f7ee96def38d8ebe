"""What an answer means for a delivery and for its endpoint, and what a receiver is sent."""

import json
import time

import pytest
from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

import accredit
from accredit.server.events.endpoints import EndpointChange, Parts, change_endpoint
from accredit.server.events.outbox import Event, append
from accredit.server.outbound import Outbound
from accredit.server.outbound.addresses import Allowed
from accredit.server.store import one_by_one


def test_a_receiver_gets_what_it_can_verify(any_hooks, receiver, clock) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url("/hooks?shop=1"))
    hooks.happen("session.success", tags=["café"])
    hooks.deliver()
    (request,) = receiver.requests
    (logged,) = hooks.log(endpoint)
    event_id = logged.delivery.event_id
    assert request.path == "/hooks?shop=1"
    assert json.loads(request.body)["id"] == request.headers["webhook-id"] == event_id
    assert request.headers["webhook-timestamp"] == str(clock.now)
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert request.headers["accredit-attempt"] == "1/10"
    assert request.headers["user-agent"] == f"Accredit-Webhooks/{accredit.__version__}"
    assert request.headers["content-length"] == str(len(request.body))
    assert not {"cookie", "transfer-encoding", "content-encoding", "authorization", "digest"} & request.headers.keys()
    secret = hooks.secrets[endpoint.endpoint_id]
    event = accredit.verify_webhook(
        request.body, request.headers, secrets=[secret], now=clock.now, endpoint_id=endpoint.endpoint_id
    )
    assert event.payload["data"]["tags"] == ["café"]
    keys = hooks.run(hooks.node.webhook_keys.published(clock.now_ms))
    assert accredit.verify_webhook(request.body, request.headers, public_keys=keys, now=clock.now).id == event_id
    (attempt,) = logged.attempts
    assert (attempt.number, attempt.at_ms, attempt.status, attempt.error) == (1, clock.now_ms, 200, None)
    assert (attempt.address, len(attempt.key_ids), attempt.authorization_key_id) == ("127.0.0.1", 2, None)


def test_the_keys_that_signed_were_used(hooks, receiver, clock) -> None:
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    hooks.run(hooks.node.keyring.flush_uses())
    (attempt,) = hooks.log(endpoint)[0].attempts
    used = "SELECT id FROM keys WHERE last_used_ms = ? ORDER BY id"
    rows = hooks.run(hooks.node.store.read(lambda tx, _: tx.rows(used, (clock.now_ms,)), None))
    assert [row[0] for row in rows] == sorted(attempt.key_ids)


def test_the_published_library_accepts_what_is_sent_of_either_kind(hooks, receiver, clock) -> None:
    endpoints = [hooks.endpoint(receiver.url("/a")), hooks.flow_endpoint(receiver.url("/b"))]
    # The library looks at its machine's clock.
    clock.now_ms = int(time.time() * 1000)
    hooks.happen(door="flow", tags=["ü"])
    hooks.deliver()
    for endpoint, path in zip(endpoints, ("/a", "/b"), strict=True):
        (request,) = receiver.to(path)
        secret = hooks.secrets[endpoint.endpoint_id]
        assert Webhook(secret).verify(request.body, request.headers)["endpoint_id"] == endpoint.endpoint_id
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(request.body + b" ", request.headers)


def test_nothing_is_sent_of_what_was_rolled_back(any_hooks, receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())

    @one_by_one
    def change_of_mind(tx, _):
        append(tx, [Event("session.success", hooks.scope, hooks.clock.now_ms, "s-1", data={"door": "embed"})])
        raise LookupError

    with pytest.raises(LookupError):
        hooks.run(hooks.node.store.write(change_of_mind, None))
    hooks.deliver()
    assert (receiver.requests, hooks.log(endpoint)) == ([], [])


def test_gone_disables_the_endpoint_at_once_and_the_others_hear_of_it(any_hooks, receiver) -> None:
    hooks = any_hooks
    receiver.answers["/gone"] = 410
    endpoint = hooks.endpoint(receiver.url("/gone"), concurrency=1)
    other = hooks.endpoint(receiver.url("/other"), event_types=["endpoint.disabled"])
    hooks.happen(times=3)
    hooks.deliver()
    assert len(receiver.to("/gone")) == 1
    assert hooks.statuses(endpoint) == ["cancelled"] * 3
    stored = hooks.look(endpoint)
    assert (stored.enabled, stored.disabled_reason) == (False, "gone")
    (told,) = receiver.to("/other")
    assert json.loads(told.body)["data"]["endpoint_id"] == endpoint.endpoint_id
    assert json.loads(told.body)["data"]["reason"] == "gone"
    hooks.happen()
    hooks.deliver()
    assert (len(receiver.to("/gone")), hooks.statuses(other)) == (1, ["succeeded"])


@pytest.mark.parametrize(
    ("status", "header", "pause_s"),
    [(429, "120", 120), (503, "120", 120), (429, None, 60), (503, None, None), (500, "120", None)],
)
def test_a_receiver_that_asks_for_it_is_left_alone(hooks, receiver, clock, status, header, pause_s) -> None:
    headers = {} if header is None else {"Retry-After": header}
    receiver.answers["/"] = web.Response(status=status, headers=headers)
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    begun_ms = clock.now_ms
    receiver.answers["/"] = 200
    hooks.happen()
    hooks.deliver()
    # Another event waits too, unless only the one attempt failed.
    assert len(receiver.requests) == (1 if pause_s else 2)
    if pause_s:
        hooks.deliver_at(begun_ms + pause_s * 1000 - 1)
        assert len(receiver.requests) == 1
        hooks.deliver_at(begun_ms + pause_s * 1000)
    else:
        hooks.deliver_at(begun_ms + 5500)
    assert hooks.statuses(endpoint) == ["succeeded"] * 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(hooks, receiver, status) -> None:
    receiver.answers["/"] = web.Response(status=status, headers={"Location": receiver.url("/elsewhere")})
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    assert receiver.to("/elsewhere") == []
    (logged,) = hooks.log(endpoint)
    (attempt,) = logged.attempts
    assert (logged.delivery.status, attempt.status, attempt.error) == ("pending", status, "redirect_refused")
    assert attempt.address == "127.0.0.1"


def test_an_endless_body_is_cut_and_its_status_counts(hooks, receiver) -> None:
    receiver.answers["/"] = web.Response(status=200, content_type="text/plain", body=b"a" * 1_000_000)
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    (logged,) = hooks.log(endpoint)
    assert (logged.delivery.status, logged.attempts[0].status) == ("succeeded", 200)
    assert len(logged.attempts[0].excerpt or "") <= 1024


def test_a_receiver_that_is_away_is_a_failed_attempt(hooks, receiver) -> None:
    endpoint = hooks.endpoint("http://127.0.0.1:9/")
    hooks.happen()
    hooks.deliver()
    (logged,) = hooks.log(endpoint)
    (attempt,) = logged.attempts
    assert (attempt.status, attempt.error, attempt.address) == (None, "connect_failed", None)
    assert logged.delivery.status == "pending"


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_a_name_that_turned_private_is_not_called(run, hooks, receiver, address) -> None:
    meant = ["93.184.215.14"]

    async def resolve(host, port):
        return meant

    guarded = Outbound(Allowed.parse([]), resolve=resolve)
    object.__setattr__(hooks.node, "outbound", guarded)
    endpoint = hooks.endpoint(f"http://hooks.example:{receiver.port}/")
    meant[:] = [address]
    hooks.happen()
    hooks.deliver()
    run(guarded.close())
    assert receiver.requests == []
    assert [each.error for each in hooks.log(endpoint)[0].attempts] == ["address_forbidden"]


def test_open_deliveries_go_to_the_new_address(hooks, receiver) -> None:
    receiver.answers["/old"] = 500
    endpoint = hooks.endpoint(receiver.url("/old"))
    hooks.happen()
    hooks.deliver()
    node = hooks.node
    change = EndpointChange(hooks.scope, {"url": receiver.url("/new")}, hooks.cause, endpoint.endpoint_id)
    hooks.run(change_endpoint(Parts(node.store, node.sealer, node.outbound, node.webhook_keys), change))
    hooks.deliver_at(hooks.log(endpoint)[0].delivery.due_ms)
    assert [each.path for each in receiver.requests] == ["/old", "/new"]
