"""The flow door's clients against a running server, each test once with the one that waits and once with the one that is awaited."""

import dataclasses
import json

import pytest

from accredit.client import (
    AsyncFlowClient,
    CallConflictError,
    CallMalformedError,
    CallNotFoundError,
    CallRefused,
    FlowAddress,
    FlowClient,
    FlowFilter,
    FlowIdNumber,
    FlowName,
    FlowRequest,
    FlowRetry,
    FlowSimulation,
    FlowUser,
)
from accredit.client.calling import Send, Unanswered, Wait, exchange
from accredit.client.wire import HttpAnswer, HttpRequest
from accredit.errors import FailureError, MalformedError

from ..doors.flow.conftest import shared_server
from ..flow_backend import make_flow_backend
from .conftest import Driven

__all__ = ["shared_server"]

STEPS = [{"step": "accept_tos"}, {"step": "kyc_check"}]
USER = FlowUser(
    email="ada@example.org",
    phone="+4712345678",
    name=FlowName(first="Ada", last="Knope"),
    date_of_birth="1990-04-01",
    address=FlowAddress(street="1 Main St", city="Oslo", country_code="NO"),
    id_number=FlowIdNumber(value="123-45-6788", type="us_ssn"),
)
REVIEWED = FlowSimulation(steps={"kyc_check": "pending_review"}, run=True)


@pytest.fixture
def server(shared_server):
    """All tests here share one; each has an account of its own."""
    return shared_server


@pytest.fixture
def backend(server):
    return make_flow_backend(server.owner(environment="sandbox"), steps=STEPS)


@pytest.fixture(params=[FlowClient, AsyncFlowClient], ids=["waits", "is awaited"])
def make_client(request, run, backend):
    """Makes a client of the backend: make_client(base_url=..., **options). Each call is dated another second."""
    made = []

    def make(base_url=None, **options):
        def clock():
            backend.server.clock.advance(1)
            return backend.server.clock.now

        given = {"key_id": backend.key_id, "secret": backend.secret, "clock": clock, **options}
        driven = Driven(request.param(base_url or backend.server.url, **given), run)
        made.append(driven)
        return driven

    yield make
    for driven in made:
        driven.close()


@pytest.fixture
def client(make_client):
    return make_client()


def wanted(backend, reference="user-1", **members):
    return FlowRequest(template_id=backend.template_id, customer_reference=reference, **members)


def test_creates_and_reads(client, backend):
    made = client.create(wanted(backend, user=USER, shareable=True, tags=("eu",), locale="nb"))
    assert (made.status, made.customer_reference, made.template.id) == ("active", "user-1", backend.template_id)
    assert (made.environment, made.admitted_by, made.tags, made.template.version) == ("sandbox", "api", ("eu",), 1)
    assert (made.is_finished, made.completed_at, made.created_at.tzinfo is None) == (False, None, False)
    assert made.user == dataclasses.replace(USER, id_number=FlowIdNumber(value="123456788", type="us_ssn"))
    assert made.shareable_url.startswith(f"{backend.server.url}/verify/{made.id}")
    assert made.steps["accept_tos"] == "active"
    assert client.get(made.id) == made
    for secret in ("user-1", "ada@", "key=", "Knope", "1990"):
        assert secret not in repr(made)


def test_one_session_for_a_customer(client, backend):
    first = client.create(wanted(backend))
    with pytest.raises(CallConflictError, match="session_already_exists"):
        client.create(wanted(backend))
    assert client.create(wanted(backend), idempotent=True).id == first.id
    keyed = client.create(wanted(backend, "user-2"), idempotency_key="k")
    assert client.create(wanted(backend, "user-2"), idempotency_key="k").id == keyed.id
    with pytest.raises(CallConflictError, match="idempotency_key_reused"):
        client.create(wanted(backend, "user-3"), idempotency_key="k")


def test_names_the_members_at_fault(client, backend):
    with pytest.raises(CallMalformedError) as refused:
        client.create(wanted(backend, user=FlowUser(phone="1"), tags=("x" * 65,)))
    error = refused.value
    assert (error.code, error.status, error.member) == ("validation_failed", 422, "user.phone")
    assert [fault.name for fault in error.invalid_params] == ["user.phone", "tags.0"]
    assert len(error.request_id) == 32
    assert all(fault.reason for fault in error.invalid_params)
    with pytest.raises(CallNotFoundError, match="session_not_found"):
        client.get("flwses_1/../x")


def test_a_wrong_secret_is_refused(make_client, backend):
    client = make_client(secret="sandbox_secret_" + "0" * 64)
    with pytest.raises(CallRefused) as refused:
        client.list()
    assert (refused.value.code, refused.value.member) == ("signature_invalid", "Authorization")


def test_retries_reviews_and_cancels(client, backend):
    first = client.create(wanted(backend, user=USER, simulate=REVIEWED))
    assert (first.status, first.is_finished) == ("pending_review", False)
    assert client.review(first.id, "reject").status == "failed"
    with pytest.raises(CallConflictError, match="session_not_in_review"):
        client.review(first.id, "approve")
    retry = FlowRetry(template_id=backend.template_id, customer_reference="user-1", strategy="incomplete")
    again = client.retry(retry)
    assert (again.previous_session_id, again.admitted_by, again.steps["accept_tos"]) == (first.id, "retry", "skipped")
    with pytest.raises(CallMalformedError, match="steps_required"):
        client.retry(dataclasses.replace(retry, strategy="custom"))
    assert client.cancel(again.id).status == "canceled"
    assert client.get(again.id).is_finished


def test_links_are_renewed(client, backend):
    made = client.create(wanted(backend, shareable=True))
    assert client.rotate_key(made.id).shareable_url != made.shareable_url


def test_erases_a_session_and_a_customer(client, backend):
    first = client.create(wanted(backend, user=USER))
    with pytest.raises(CallConflictError, match="session_active"):
        client.redact(first.id)
    client.cancel(first.id)
    redacted = client.redact(first.id)
    assert (redacted.user, redacted.customer_reference) == (FlowUser(), None)
    assert redacted.redacted_at is not None
    again = client.retry(FlowRetry(template_id=backend.template_id, customer_reference="user-1", strategy="reset"))
    assert [each.id for each in client.redact_customer("user-1")] == [again.id, first.id]
    assert client.get(again.id).status == "canceled"


def test_lists_page_by_page(client, backend):
    made = [client.create(wanted(backend, f"a/b c {number}")).id for number in range(3)]
    page = client.list(limit=2)
    assert [each.id for each in page.sessions] == made[:0:-1]
    assert [each.id for each in client.list(cursor=page.next_cursor, limit=2).sessions] == made[:1]
    assert [each.id for each in client.list_all()] == made[::-1]
    filtered = FlowFilter(customer_reference="a/b c 1", status="active", template_id=backend.template_id)
    assert [each.id for each in client.list_all(filtered)] == [made[1]]
    assert list(client.list_all(FlowFilter(tag="none"))) == []


def test_waits_for_an_end(client, backend):
    done = client.create(wanted(backend, user=USER, simulate=FlowSimulation(run=True)))
    assert client.wait(done.id, timeout_s=5).status == "success"
    assert client.wait(client.create(wanted(backend, "user-2")).id, timeout_s=0.02, every_s=0.01).status == "active"


def test_two_calls_of_one_second_are_two(make_client, backend):
    now = backend.server.clock.now
    client = make_client(clock=lambda: now)
    retry = FlowRetry(template_id=backend.template_id, customer_reference="user-1", strategy="reset")
    made = [client.create(wanted(backend)).id, *(client.retry(retry).id for _ in range(2))]
    assert [each.id for each in client.list().sessions] == made[::-1]
    with pytest.raises(CallConflictError, match="session_already_exists"):
        client.create(wanted(backend))


def test_an_answer_that_was_lost_is_asked_for_again(make_client, between, backend):
    """The very same request, so that there is one session; whether the server answered the first or not is not known here."""
    client = make_client(between.url)
    between.lost = 2
    made = client.create(wanted(backend))
    assert len(between.seen) == 3
    assert [each.id for each in client.list_all()] == [made.id]


def test_a_request_that_the_server_is_at_work_on_is_asked_for_again():
    """The answer was lost, and the server has not done yet: the same request is refused until it has."""
    request = HttpRequest("POST", "https://accredit.example/flow_sessions")
    busy = HttpAnswer(409, {}, json.dumps({"errors": [{"id": "r", "code": "request_in_flight", "title": "T."}]}).encode())
    work = exchange(request, retries=2)
    assert isinstance(next(work), Send)
    for told in (Unanswered("response_timeout", sent=True), busy):
        assert isinstance(work.send(told), Wait)
        assert isinstance(next(work), Send)
    with pytest.raises(CallConflictError, match="request_in_flight"):
        work.send(busy)


def test_an_answer_that_is_none_is_told_so(make_client, between, backend):
    client = make_client(between.url, retries=0)
    for body in (b"{}", b"[]", b"x", b'{"id":5}', b'{"id":"a","status":"unheard of"}'):
        between.change = lambda _, body=body: body
        with pytest.raises(FailureError, match="answer_malformed"):
            client.get("flwses_1") if body == b"x" else client.create(wanted(backend, body.decode()))


def test_is_told_what_it_cannot_be_set_up_with():
    for given, code in (
        ({"base_url": "http://accredit.example"}, "field_invalid"),
        ({"key_id": ""}, "field_invalid"),
        ({"key_id": 'a"b'}, "field_invalid"),
        ({"secret": "with space"}, "secret_malformed"),
    ):
        members = {"base_url": "https://accredit.example", "key_id": "k", "secret": "s" * 32, **given}
        for kind in (FlowClient, AsyncFlowClient):
            with pytest.raises(MalformedError, match=code):
                kind(members["base_url"], key_id=members["key_id"], secret=members["secret"])


def test_a_path_before_all_addresses_is_signed(make_client, between):
    """As behind a proxy that takes the path away: the client signs what it calls."""
    between.url = f"{between.url}/id"
    client = make_client(between.url, retries=0)
    with pytest.raises(CallNotFoundError, match="page_not_found"):
        client.list()
    assert between.seen[0][1].startswith("/id/flow_sessions")
