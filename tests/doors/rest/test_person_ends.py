"""How a session ends on the page, and where each end leads (protocol-rest.md sections 10 and 11)."""

import json
from pathlib import Path

import pytest

from .conftest import CALLBACKS
from .test_person_page import page_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rest.json").read_text(encoding="utf-8"))
OUTCOMES = [each for each in VECTORS["sandbox_outcomes"] if each["status"] != "WAITING_FOR_USER"]
CALLBACK_OF = {"SUCCESS": "success", "ABORT": "abort", "ERROR": "error", "INVALID": "error", "EXPIRED": "error"}


@pytest.mark.parametrize("ending", OUTCOMES, ids=lambda each: each["outcome"])
def test_every_end_of_the_sandbox_leads_where_it_belongs(start_server, sqlite_url, backend, new_person, ending):
    made = backend.create(allowedProviders=["nbid"])
    person = new_person()
    person.open(made)
    answer = person.press("Continue", person="no-1", outcome=ending["outcome"])
    kind = CALLBACK_OF[ending["status"]]
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"https://shop.example/cb?status={kind}&sessionId={made['id']}",
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    told = backend.get(made["id"])
    assert (told["status"], told.get("statusDetail")) == (ending["status"], ending.get("statusDetail"))
    person.go(page_of(made))
    assert list(person.page.links)[1] == "Continue to shop.example"
    assert person.page.links["Continue to shop.example"] == answer.headers["location"]
    assert person.page.forms == []


def test_the_sandbox_without_screens_goes_straight_to_the_callback(backend, new_person):
    made = backend.create(allowedProviders=["nbid"], additionalParameters={"sandbox_auto": "true"})
    answer = new_person().go(made["authenticationUrl"])
    assert answer.headers["location"] == f"https://shop.example/cb?status=success&sessionId={made['id']}"


def test_the_end_of_time_is_announced_and_then_told(backend, new_person, clock):
    made = backend.create(allowedProviders=["nbid", "sbid"], sessionLifetime=600)
    person = new_person()
    page = person.open(made)
    assert "You have time until 08:10 UTC." in page.words
    assert "almost up" not in page.words
    clock.advance(481)
    person.go(page_of(made))
    assert "Your time is almost up. Finish before 08:10 UTC" in person.page.words
    clock.advance(119)
    person.go(page_of(made))
    assert person.page.heading == "Your time is up"
    assert person.page.links["Continue to shop.example"] == f"https://shop.example/cb?status=error&sessionId={made['id']}"
    assert backend.get(made["id"])["status"] == "EXPIRED"


def test_a_form_that_comes_too_late_leads_to_the_end(backend, new_person, clock):
    made = backend.create(allowedProviders=["nbid", "sbid"], sessionLifetime=300)
    person = new_person()
    person.open(made)
    clock.advance(300)
    answer = person.press("Norwegian BankID")
    assert answer.headers["location"] == f"https://shop.example/cb?status=error&sessionId={made['id']}"
    stranger = new_person()
    assert stranger.go(made["authenticationUrl"]).status_code == 404


def test_a_session_that_ended_opens_in_its_own_browser_only(backend, new_person):
    made = backend.create(allowedProviders=["nbid"])
    person = new_person()
    person.open(made)
    person.press("Continue")
    person.open(made)
    assert person.page.heading == "You have identified yourself"
    assert person.answer.url.query == b""
    assert new_person().go(made["authenticationUrl"]).status_code == 404


def test_the_nonce_goes_with_the_browser_that_finished_and_nobody_else(make_backend, new_person, server):
    backend = make_backend(session_nonce="always", require_session_nonce=True)
    made = backend.create(allowedProviders=["nbid"], externalReference="order 7")
    person = new_person()
    person.open(made)
    answer = person.press("Continue")
    before, _, nonce = answer.headers["location"].partition("&sessionNonce=")
    assert before == f"https://shop.example/cb?status=success&sessionId={made['id']}&externalReference=order%207"
    assert len(nonce) == 22
    assert backend.get(made["id"], sessionNonce=nonce)["sessionNonce"] == nonce
    person.go(page_of(made))
    assert person.page.links["Continue to shop.example"] == answer.headers["location"]
    assert nonce not in str(server.rows("SELECT * FROM rest_sessions")) + str(server.rows("SELECT * FROM sessions"))
    cancelled = backend.create(allowedProviders=["nbid"])
    person.open(cancelled)
    backend.send("POST", f"/{cancelled['id']}/cancel")
    person.go(page_of(cancelled))
    assert "sessionNonce" not in person.page.links["Continue to shop.example"]


def test_callbacks_keep_what_they_had(backend, new_person):
    addresses = {**CALLBACKS, "abort": "https://shop.example/cb?a=%20b&sessionId=old#part"}
    made = backend.create(allowedProviders=["nbid", "sbid"], callbackUrls=addresses)
    person = new_person()
    person.open(made)
    assert person.press("Cancel").headers["location"] == f"https://shop.example/cb?a=%20b&sessionId={made['id']}#part"
