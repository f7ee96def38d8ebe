"""A service of the owner's that finds out who a person is: what it is asked, that it can tell who asks, and what its answers mean."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from accredit import generate_webhook_secret, verify_webhook
from accredit.server.providers.mapping import map_claims
from accredit.server.providers.provider import Dropped, Ended, Redirect, Show, Verified, Waiting

from ...site import Reply, Site
from .conftest import SANDBOX, finished

FOUND = {"idp_id": "p-1", "loa": "high", "claims": {"firstName": "Ada", "nin": {"value": "1", "issuingCountry": "NO"}}}
UNAVAILABLE = "provider_unavailable"


class Service:
    """The owner's service, and one attempt that asks it. says: its next answer."""

    def __init__(self, desk, site, **members):
        self.desk, self.site, self.secret = desk, site, generate_webhook_secret()
        self.says = Reply(b'{"status": "pending"}')
        site.paths["/who"] = lambda _: self.says
        known = {"kind": "callout", "url": site.url("/who"), "secret": self.secret, "loa": "substantial"}
        self.record = desk.create("ours", SANDBOX, **{**known, "flows": ["redirect", "headless", "embedded"], **members})
        self.provider = desk.open(self.record)

    def say(self, **members):
        self.says = Reply(json.dumps(members).encode())

    def start(self, **members):
        self.asked = self.desk.ask(self.record, **members)
        self.step = self.desk.run(self.provider.start(self.asked))
        return self.step

    def poll(self):
        return self.desk.run(self.provider.poll(self.asked, self.step.state))

    def come_back(self, **query):
        return self.desk.run(self.provider.come_back(self.asked, self.step.state, query))

    @property
    def state(self):
        """The `state` that the address to come back to has."""
        body = json.loads(self.site.requests[0].body)
        return dict(parse_qsl(urlsplit(body["return_url"]).query))["state"]


@pytest.fixture
def database_url(sqlite_url):
    """One engine: nothing is stored here but the record."""
    return sqlite_url


@pytest.fixture
def service(desk):
    site = Site()
    yield Service(desk, site)
    site.stop()


def test_a_service_can_tell_that_it_is_us_and_what_is_asked(desk, service):
    service.say(status="success", detail=FOUND)
    service.start(prefilled={"nin": "1"}, requested_attributes=("firstName",), requested_loa="low")
    (request,) = service.site.requests
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: request.headers[name] for name in names}
    event = verify_webhook(request.body, headers, secrets=[service.secret], now=desk.now_ms // 1000)
    body = json.loads(request.body)
    assert event.payload["type"] == body["type"] == "rest.provider.requested"
    assert headers["webhook-id"] == body["id"] == "cal_" + service.asked.attempt_id.replace("-", "")
    assert body["return_url"].startswith(service.asked.callback_address + "?state=")
    assert (body["session_id"], body["environment"], body["provider"], body["flow"]) == (
        *(service.asked.session_id, "sandbox", "ours", "redirect"),
    )
    assert (body["input"], body["requested_attributes"], body["requested_loa"]) == ({"nin": "1"}, ["firstName"], "low")
    assert service.secret not in repr(service.record)


def test_a_person_goes_to_the_service_and_comes_back(service):
    service.say(status="pending", continue_url="https://app.example/who?x=1")
    step = service.start()
    assert isinstance(step, Redirect)
    assert step.url == "https://app.example/who?x=1"
    assert service.come_back(state="x" * 64) == Dropped("state_mismatch")
    still = service.come_back(state=service.state)
    assert isinstance(still, Show)  # Not sent back at once: a browser would go round in circles.
    assert still.screen == "waiting"
    service.say(status="success", detail=FOUND)
    outcome = finished(service.come_back(state=service.state))
    assert isinstance(outcome, Verified)
    assert map_claims(service.record, outcome.claims, ["firstName", "nin"]).subject == {
        "firstName": "Ada",
        "nin": {"value": "1", "issuingCountry": "NO", "type": "PERSON"},
    }
    assert {request.body for request in service.site.requests} == {service.site.requests[0].body}


def test_headless_is_asked_again(service):
    service.say(status="pending", idp_data={"qrData": "1"})
    step = service.start(flow="headless")
    assert isinstance(step, Waiting)
    assert (step.idp_data, step.ask_again_ms) == ({"qrData": "1"}, service.asked.now_ms + 1000)
    service.say(status="pending", idp_data={"qrData": "2"})
    assert service.poll().idp_data == {"qrData": "2"}
    service.say(status="success", detail=FOUND)
    assert finished(service.poll()).idp_id == "p-1"


def test_waits_where_there_is_nowhere_to_go(service):
    service.say(status="pending")
    assert service.start().screen == "waiting"
    service.say(status="success", detail=FOUND)
    looked = service.desk.run(service.provider.submit(service.asked, service.step.state, {}))
    assert finished(looked).idp_id == "p-1"


def test_a_service_reaches_no_further_than_its_owner_says(service):
    for told, reached in (("high", "substantial"), ("low", "low"), (None, "substantial")):
        service.say(status="success", detail={**FOUND, "loa": told})
        assert finished(service.start()).loa == reached


def test_what_other_answers_mean(service):
    for says, outcome in (
        ({"status": "failed"}, ("error", "provider_rejected", "service_failed")),
        ({"status": "aborted"}, ("aborted", "provider_aborted", None)),
        ({"status": "success"}, ("failed", "provider_response_invalid", "response_malformed")),
        ({"status": "success", "detail": {"claims": {}}}, ("failed", "provider_response_invalid", "response_malformed")),
        (
            {"status": "success", "detail": {**FOUND, "loa": "best"}},
            ("failed", "provider_response_invalid", "response_malformed"),
        ),
        ({"status": "done"}, ("failed", "provider_response_invalid", "response_malformed")),
        ({}, ("failed", "provider_response_invalid", "response_malformed")),
        (
            {"status": "pending", "continue_url": "javascript:alert(1)"},
            ("error", UNAVAILABLE, "authorization_endpoint_invalid"),
        ),
    ):
        service.say(**says)
        assert finished(service.start()) == Ended(*outcome), says


def test_a_service_that_does_not_answer_as_it_should(service):
    for says, audit in (
        (Reply(b"{}", status=500), "status_5xx"),
        (Reply(b"{}", status=404), "response_malformed"),
        (Reply(b"{}", status=302), "redirect_refused"),
        (Reply(b" " * (32 * 1024 + 1)), "response_malformed"),
    ):
        service.says = says
        assert finished(service.start()) == Ended("error", UNAVAILABLE, audit)
    service.says = Reply(b"not json")
    assert finished(service.start()).detail == "provider_response_invalid"
    service.site.stop()
    assert finished(service.start()) == Ended("error", UNAVAILABLE, "connect_failed")
