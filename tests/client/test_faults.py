"""What goes wrong on the way, and with tokens."""

import json
import pickle
import socket
import threading
import time

import pytest

from accredit.client import (
    CallbackUrls,
    CallError,
    CallFailureError,
    CallMalformedError,
    CallRefused,
    Client,
    InvalidParam,
    SessionRequest,
)
from accredit.errors import AccreditError, FailureError, MalformedError, Refused

from .conftest import BACK, KEY

REQUEST = SessionRequest(callback_urls=BACK)
TOKEN = ("POST", "/auth/open/connect/token")


def counted(shop):
    """How many sessions there are."""
    return shop.server.rows("SELECT COUNT(*) FROM rest_sessions")[0][0]


def test_one_token_serves_many_calls_until_it_ends(make_client, between, shop):
    client = make_client(between.url)
    started = client.create(REQUEST)
    client.get(started.id)
    assert [path for _, path in between.seen].count(TOKEN[1]) == 1
    # The server ends it before its time: its clock moves on, the client's does not.
    shop.server.clock.advance(601)
    client.get(started.id)
    assert [path for _, path in between.seen].count(TOKEN[1]) == 2


def test_a_short_token_is_renewed_before_it_ends(make_client, between, shop):
    shop.owner.call("PATCH", f"/v1/api_clients/{shop.client_id}", 200, {"token_lifetime_s": 1})
    client = make_client(between.url)
    started = client.create(REQUEST)
    time.sleep(1)
    client.get(started.id)
    assert [path for _, path in between.seen].count(TOKEN[1]) == 2
    assert len(between.seen) == 4


def test_a_token_is_asked_for_with_the_scope_that_is_wanted(make_client, shop):
    shop.owner.call("PATCH", f"/v1/api_clients/{shop.client_id}", 200, {"permissions": ["rest", "api"]})
    assert make_client(scope="signicat-api").create(REQUEST).status == "CREATED"
    with pytest.raises(CallRefused, match="permission_denied"):
        make_client(scope="signicat-api").exchange("A" * 43)
    with pytest.raises(CallMalformedError, match="invalid_scope"):
        make_client(scope="all").create(REQUEST)


def test_credentials_that_do_not_hold_are_told_once(make_client, between, shop):
    client = make_client(between.url, client_secret="wrong")
    with pytest.raises(CallRefused) as refused:
        client.create(REQUEST)
    assert (refused.value.code, refused.value.status) == ("invalid_client", 401)
    assert between.seen == [TOKEN]
    shop.owner.call("PATCH", f"/v1/api_clients/{shop.client_id}", 200, {"enabled": False})
    with pytest.raises(CallRefused, match="invalid_client"):
        make_client().create(REQUEST)


def test_a_client_that_was_disabled_meanwhile_ends_in_its_refusal(make_client, shop):
    client = make_client()
    client.create(REQUEST)
    shop.owner.call("PATCH", f"/v1/api_clients/{shop.client_id}", 200, {"enabled": False})
    with pytest.raises(CallRefused, match="invalid_client"):
        client.create(REQUEST)


def test_a_lost_answer_is_asked_for_again_and_makes_no_second_session(make_client, between, shop):
    client = make_client(between.url, keys=[KEY])
    client.list()
    between.lost, before = 2, len(between.seen)
    started = client.create(REQUEST)
    assert between.seen[before:] == [("POST", "/auth/rest/sessions")] * 3
    assert counted(shop) == 1
    between.lost = 1
    assert client.cancel(started.id).status == "CANCELLED"
    between.lost = 1
    assert client.delete(started.id) is None


def test_calls_with_one_idempotency_key_are_one_session(make_client, shop):
    first, second = (make_client().create(REQUEST, idempotency_key="order-7") for _ in range(2))
    assert first.id == second.id
    with pytest.raises(AccreditError) as refused:
        make_client().create(SessionRequest(callback_urls=BACK, language="nb"), idempotency_key="order-7")
    assert (refused.value.code, refused.value.status) == ("idempotency_key_reused", 422)
    assert counted(shop) == 1


def test_what_is_lost_again_and_again_fails(make_client, between, shop):
    client = make_client(between.url, retries=1)
    client.list()
    between.lost, before = 9, len(between.seen)
    with pytest.raises(FailureError, match="connect_failed"):
        client.create(REQUEST)
    assert len(between.seen) == before + 2
    assert counted(shop) == 1


def test_a_code_is_not_sent_twice(make_client, between, shop):
    client = make_client(between.url, api_key=shop.owner.secret)
    between.lost = 1
    with pytest.raises(FailureError, match="connect_failed"):
        client.exchange("A" * 43)
    assert between.seen == [("POST", "/v1/exchange")]


def test_nobody_answers(make_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(FailureError, match="connect_failed"):
        make_client(f"http://127.0.0.1:{port}", retries=0).create(REQUEST)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("200 OK\r\ncontent-type: application/json", b"{}"),
        ("200 OK\r\ncontent-type: application/json", b"not json"),
        ("200 OK\r\ncontent-type: application/json", b'{"access_token": 1, "expires_in": 600}'),
        ("200 OK\r\ncontent-type: text/html", b"<p>Maintenance</p>"),
        ("302 Found\r\nlocation: https://elsewhere.example/", b""),
        ("502 Bad Gateway\r\ncontent-type: text/html", b"<p>Bad Gateway</p>"),
        ("503 Service Unavailable\r\ncontent-type: application/json", b"[]"),
        ("404 Not Found\r\ncontent-type: application/json", b'{"code": 7}'),
    ],
)
def test_what_is_no_answer_of_the_server_is_a_failure(make_client, head, body):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(
                    f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
                )

        thread = threading.Thread(target=answer)
        thread.start()
        client = make_client(f"http://127.0.0.1:{listener.getsockname()[1]}", retries=0)
        with pytest.raises(FailureError, match="answer_malformed"):
            client.create(REQUEST)
        thread.join()


def test_a_server_that_is_busy_says_when_to_come_again(make_client, shop):
    client = make_client()
    started = client.create(REQUEST)
    # The server's clock stands still, so that a second never ends.
    for _ in range(5):
        client.get(started.id)
    with pytest.raises(CallRefused) as refused:
        client.get(started.id)
    assert (refused.value.code, refused.value.status) == ("rate_limited", 429)
    assert refused.value.retry_after_s >= 1


def test_a_servers_fault_has_its_request_id(make_client):
    asked = SessionRequest(callback_urls=BACK, allowed_providers=("nbid",), additional_parameters={"sandbox_http": "500"})
    with pytest.raises(CallFailureError) as refused:
        make_client().create(asked)
    assert (refused.value.code, refused.value.status) == ("internal_error", 500)
    assert len(refused.value.request_id) == 32


def test_threads_share_a_client(server, shop):
    outcomes: list[object] = []
    with Client(server.url, client_id=shop.client_id, client_secret=shop.secret) as client:

        def work() -> None:
            try:
                outcomes.append(client.create(REQUEST).status)
            except AccreditError as error:
                outcomes.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == ["CREATED"] * 8


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 418, 422, 429, 500, 502, 503])
def test_an_error_is_of_the_family_of_its_status_and_survives_the_way_to_another_process(status):
    from accredit.client.errors import read_error
    from accredit.client.wire import HttpAnswer

    body = {
        "code": "not_invented_yet",
        "title": "New.",
        "traceId": "t",
        "invalidParams": [{"name": "a", "code": "b", "reason": "c"}, 1],
    }
    error = read_error(HttpAnswer(status, {"retry-after": "7"}, json.dumps(body).encode()))
    families = {4: (MalformedError, Refused, AccreditError), 5: (FailureError,), 2: (FailureError,)}[status // 100]
    assert isinstance(error, families)
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again):
        assert isinstance(each, CallError)
        assert (each.code, each.status, each.title, each.request_id) == ("not_invented_yet", status, "New.", "t")
        assert (each.invalid_params, each.retry_after_s, each.member) == ((InvalidParam("a", "b", "c"),), 7, "a")
        assert str(each) == "not_invented_yet: a"


def test_one_address_for_all_ends():
    assert CallbackUrls.to("https://a.example") == CallbackUrls(
        **dict.fromkeys(("success", "abort", "error"), "https://a.example")
    )
