"""`/auth/callback/{provider_ref}`: a browser comes back from a provider that is a server of its own (protocol-rest.md section 12)."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from .test_embedded_page import told
from .test_person_page import page_of


class Service:
    """The owner's service that finds out who a person is.

    says: its next answer; None: the person is sent to its page first. meanwhile: what happens while it thinks.
    """

    def __init__(self):
        service = self
        self.says = None
        self.heard = []
        self.meanwhile = lambda: None

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                service.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                service.meanwhile()
                body = json.dumps(service.says or {"status": "pending", "continue_url": f"{service.url}/who"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Tests are quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


FOUND = {"status": "success", "detail": {"idp_id": "p-1", "loa": "high", "claims": {"firstName": "Ada"}}}


@pytest.fixture
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture
def server(start_server, database_url):
    """A server that may ask services on this machine."""
    return start_server(database_url, outbound_allow=("127.0.0.1",))


@pytest.fixture
def backend(make_backend, service):
    backend = make_backend()
    record = {
        "provider_id": "ours",
        "kind": "callout",
        "display_name": "Our counter",
        "url": service.url,
        "flows": ["redirect", "embedded"],
        "loa": "high",
        "secret": "whsec_" + base64.b64encode(bytes(range(32))).decode(),
        "mapping": {"firstName": {"claim": "firstName"}},
    }
    backend.owner.call("POST", "/v1/providers", 201, record)
    return backend


def leave(backend, person, **members):
    """A session whose person was sent to the provider; the session, and where the person is to come back to."""
    made = backend.create(**{"allowedProviders": ["ours"], "requestedAttributes": ["firstName"], **members})
    answer = person.go(made["authenticationUrl"])
    assert answer.status_code == 303, answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    return made


def test_the_browser_comes_back_and_is_sent_on(backend, service, new_person):
    person = new_person(**{"Accept-Language": "fi"})
    made = leave(backend, person)
    assert person.answer.headers["location"] == f"{service.url}/who"
    assert service.heard[0]["language"] == "fi"
    service.says = FOUND
    answer = person.go(service.heard[0]["return_url"])
    assert answer.headers["location"] == f"https://shop.example/cb?status=success&sessionId={made['id']}"
    assert backend.get(made["id"])["subject"]["firstName"] == "Ada"


def test_a_provider_may_answer_by_a_form(backend, service, new_person):
    """A form of another site brings no cookie; the GET that it is answered with does."""
    person = new_person()
    leave(backend, person)
    service.says = FOUND
    address, _, query = service.heard[0]["return_url"].partition("?")
    fields = {name: values[0] for name, values in parse_qs(query).items()}
    bare = new_person()
    answer = bare.http.post(address, data={**fields, "note": "a b&c"})
    assert answer.status_code == 303
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {**parse_qs(query), "note": ["a b&c"]}
    assert person.go(answer.headers["location"]).headers["location"].startswith("https://shop.example/cb?status=success&")


def test_another_browser_cannot_come_back_for_it(backend, service, new_person):
    person, stranger = new_person(), new_person()
    made = leave(backend, person)
    service.says = FOUND
    assert stranger.go(service.heard[0]["return_url"]).status_code == 404
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"
    service.says = None
    stranger.go(made["authenticationUrl"])
    service.says = FOUND
    assert person.go(service.heard[0]["return_url"]).status_code == 404
    reasons = [entry["detail"] for entry in backend.owner.call("GET", "/v1/audit?kind=rest.late_answer")["entries"]]
    assert reasons == [{"reason": "other_browser"}, {"reason": "other_browser"}]
    # Nor does who opened the page finish what the person began there.
    assert stranger.go(service.heard[0]["return_url"]).status_code in (200, 303)
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"


def test_what_belongs_to_an_earlier_attempt_changes_nothing(backend, service, new_person):
    person = new_person()
    made = leave(backend, person)
    person.go(page_of(made))
    assert person.page.heading == "You have not finished yet"
    assert person.press("Continue with Our counter").headers["location"] == f"{service.url}/who"
    service.says = FOUND
    person.go(service.heard[0]["return_url"])
    assert person.page.heading == "You have not finished yet"
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"
    person.go(service.heard[1]["return_url"])
    assert backend.get(made["id"])["status"] == "SUCCESS"


def test_the_person_may_choose_another_way(backend, service, new_person):
    made = backend.create(allowedProviders=["ours", "nbid"])
    person = new_person()
    person.open(made)
    person.press("Our counter")
    person.go(page_of(made))
    person.press("Choose another way")
    assert person.page.heading == "How do you want to identify yourself?"
    service.says = FOUND
    person.go(service.heard[0]["return_url"])
    assert person.page.heading == "How do you want to identify yourself?"
    person.press("Norwegian BankID")
    assert person.press("Continue").headers["location"].startswith("https://shop.example/cb?status=success&")


def test_what_comes_after_the_end_leads_to_it(backend, service, new_person):
    person = new_person()
    leave(backend, person)
    service.says = FOUND
    person.go(service.heard[0]["return_url"])
    person.go(service.heard[0]["return_url"])
    assert person.page.heading == "You have identified yourself"
    service.says = None
    cancelled = leave(backend, person)
    backend.send("POST", f"/{cancelled['id']}/cancel")
    person.go(service.heard[-1]["return_url"])
    assert person.page.heading == "You are no longer asked"
    assert backend.get(cancelled["id"])["status"] == "CANCELLED"


def test_of_a_cancel_and_an_answer_at_once_the_first_wins_and_no_nonce_is_told(make_backend, backend, service, new_person):
    """The caller cancels while the provider is asked: the browser goes where that end leads, and did not finish anything."""
    caller, person = make_backend(owner=backend.owner, session_nonce="always"), new_person()
    made = leave(caller, person)
    service.says = FOUND
    service.meanwhile = lambda: caller.send("POST", f"/{made['id']}/cancel")
    answer = person.go(service.heard[0]["return_url"])
    assert answer.headers["location"] == f"https://shop.example/cb?status=abort&sessionId={made['id']}"
    assert caller.get(made["id"])["status"] == "CANCELLED"


def test_an_answer_at_the_address_of_another_provider_is_none(backend, service, new_person):
    person = new_person()
    made = leave(backend, person)
    service.says = FOUND
    address = service.heard[0]["return_url"].replace("/auth/callback/prv_", "/auth/callback/prv_x")
    person.go(address)
    assert person.page.heading == "You have not finished yet"
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"


@pytest.mark.parametrize("query", ["", "?state=", "?state=x&state=y", "?state=%ff", "?state=" + "A" * 64, "?code=x"])
def test_a_return_of_nobody_is_nothing(server, new_person, query):
    answer = new_person().go(f"/auth/callback/prv_x{query}")
    assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)


def test_who_comes_back_too_early_waits(backend, service, new_person, clock):
    person = new_person()
    made = leave(backend, person)
    person.go(service.heard[0]["return_url"])
    assert person.page.heading == "One moment, please"
    clock.advance(2)
    assert person.http.get(f"{page_of(made)}/state").json() == {"moved": False}
    asked = len(service.heard)
    assert person.http.get(f"{page_of(made)}/state").json() == {"moved": False}
    service.says = FOUND
    clock.advance(2)
    assert person.http.get(f"{page_of(made)}/state").json() == {"moved": True}
    assert len(service.heard) > asked
    person.go(page_of(made))
    assert person.page.heading == "You have identified yourself"


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
def test_a_frame_comes_back_too(backend, service, new_person, cookies):
    """Without a cookie, the `state` that only this browser and the provider were told stands for it."""
    person = new_person(cookies=cookies)
    made = leave(backend, person, flow="embedded", callbackUrls=None)
    service.says = FOUND
    person.go(service.heard[0]["return_url"])
    assert person.page.heading == "You have identified yourself"
    assert told(person)[0]["sessionNonce"] == backend.get(made["id"])["sessionNonce"]


def test_a_state_that_was_made_up_opens_no_frame(backend, service, new_person):
    person, stranger = new_person(cookies=False), new_person(cookies=False)
    made = leave(backend, person, flow="embedded", callbackUrls=None)
    service.says = FOUND
    address = service.heard[0]["return_url"]
    for wrong in (address[:-4] + "AAAA", address.partition("?")[0]):
        assert stranger.go(wrong).status_code == 404
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"


def test_a_service_that_does_not_answer_ends_the_session(backend, service, new_person):
    service.says = {"status": "nonsense"}
    made = backend.create(allowedProviders=["ours"])
    answer = new_person().go(made["authenticationUrl"])
    assert answer.headers["location"] == f"https://shop.example/cb?status=error&sessionId={made['id']}"
    assert backend.get(made["id"])["error"]["code"] == "provider_response_invalid"
