"""The page in a frame: who may frame it, what the page around it is told, and browsers that return no cookie (section 11)."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from .test_person_page import page_of


def policy_of(answer):
    return answer.headers["content-security-policy"]


def told(person):
    """What the page's script is to tell, and whom."""
    script = json.loads(re.search(r'id="script">(.*?)</script>', person.answer.text)[1])
    return script.get("message"), script.get("parents")


@pytest.fixture
def embed(backend):
    """A session for a frame: embed(**members)."""
    return lambda **members: backend.create(
        **{"flow": "embedded", "allowedProviders": ["nbid"], "callbackUrls": None, **members}
    )


def test_the_parents_that_the_session_names_may_frame_it(embed, new_person):
    made = embed(embeddedParentDomains=["shop.example", "*.shop.example", "http://localhost:3000"])
    person = new_person()
    person.open(made)
    assert policy_of(person.answer).endswith(
        "frame-ancestors https://shop.example https://*.shop.example http://localhost:3000"
    )
    assert policy_of(person.press("Continue")).endswith("http://localhost:3000")


def test_in_the_sandbox_anybody_may_frame_a_session_that_names_nobody(embed, new_person):
    person = new_person()
    person.open(embed())
    assert policy_of(person.answer).endswith("frame-ancestors *")


def test_nobody_may_frame_the_page_of_another_flow_nor_the_one_that_is_not_there(backend, new_person):
    person = new_person()
    person.open(backend.create(allowedProviders=["nbid"], embeddedParentDomains=["shop.example"]))
    assert policy_of(person.answer).endswith("frame-ancestors 'none'")
    assert policy_of(person.go("/auth/session/x")).endswith("frame-ancestors 'none'")


def test_a_frame_gets_a_cookie_of_its_own_jar(embed, server):
    made = embed()
    answer = server.http.get(made["authenticationUrl"])
    cookie, attributes = answer.headers["set-cookie"].split("; ", 1)
    assert re.fullmatch(r"accredit_frame=[A-Za-z0-9_-]{22}", cookie)
    assert attributes == "Path=/; HttpOnly; SameSite=None; Secure; Partitioned"
    location = answer.headers["location"]
    assert location == f"{page_of(made)}?browser={cookie.partition('=')[2]}"
    clean = server.http.get(location, headers={"Cookie": cookie})
    assert (clean.status_code, clean.headers["location"]) == (303, page_of(made))
    page = server.http.get(page_of(made), headers={"Cookie": cookie})
    assert "browser=" not in page.text


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
def test_the_end_is_shown_and_told_to_the_parents(backend, embed, new_person, cookies):
    """Where no cookie comes back, addresses and forms do what it would."""
    made = embed(embeddedParentDomains=["shop.example"])
    person = new_person(cookies=cookies)
    person.open(made)
    person.follow("Deutsch")
    assert person.page.heading == "Wer möchten Sie sein?"
    answer = person.press("Weiter", person="no-1")
    assert answer.status_code == 200
    assert person.page.heading == "Sie haben sich ausgewiesen"
    assert "Sie können diese Seite schließen." in person.page.words
    body, parents = told(person)
    nonce = backend.get(made["id"])["sessionNonce"]
    assert body == {
        "accredit": 1,
        "door": "rest",
        "type": "session",
        "sessionId": made["id"],
        "status": "SUCCESS",
        "sessionNonce": nonce,
    }
    assert parents == ["https://shop.example"]
    assert "refresh" not in answer.headers
    person.go(str(person.answer.url))
    assert told(person)[0] == body


def test_the_end_leads_to_the_return_address(backend, embed, new_person):
    made = embed(returnUrl="https://shop.example/done?x=1", externalReference="o7", embeddedParentDomains=["shop.example"])
    person = new_person()
    person.open(made)
    person.press("Continue", outcome="provider_rejected")
    address = person.answer.headers["refresh"].removeprefix("0; url=")
    query = parse_qs(urlsplit(address).query)
    nonce = backend.get(made["id"])["sessionNonce"]
    assert query == {"x": ["1"], "sessionId": [made["id"]], "externalReference": ["o7"], "sessionNonce": [nonce]}
    assert person.page.links["Continue to shop.example"] == address
    assert told(person)[0]["status"] == "ERROR"


def test_cancelling_in_a_frame_shows_that(embed, new_person):
    person = new_person(cookies=False)
    person.open(embed())
    person.press("Cancel")
    assert person.page.heading == "You have cancelled"
    assert told(person)[0]["status"] == "ABORT"


def test_the_secret_in_an_address_is_good_for_its_own_session_only(embed, backend, new_person):
    one, other = embed(), embed()
    redirect = backend.create(allowedProviders=["nbid"])
    person = new_person(cookies=False)
    person.open(one)
    secret = parse_qs(person.answer.url.query.decode())["browser"][0]
    for made in (other, redirect):
        new_person().open(made)
        assert person.go(f"{page_of(made)}?browser={secret}").status_code == 404


def test_a_redirect_session_needs_the_cookie(backend, new_person):
    """Its address stands in the open, where the secret has no place."""
    made = backend.create(allowedProviders=["nbid"])
    person = new_person(cookies=False)
    answer = person.go(made["authenticationUrl"])
    assert answer.status_code == 404
    assert "let this browser keep cookies" in answer.text
    keeper = new_person()
    keeper.open(made)
    secret = keeper.http.cookies["accredit_browser"]
    assert person.go(f"{page_of(made)}?browser={secret}").status_code == 404
    assert keeper.go(page_of(made)).status_code == 200


def test_a_nonce_that_was_made_up_is_not_repeated(embed, new_person, backend):
    made = embed()
    person = new_person(cookies=False)
    person.open(made)
    secret = parse_qs(person.answer.url.query.decode())["browser"][0]
    backend.send("POST", f"/{made['id']}/cancel")
    person.go(f"{page_of(made)}?browser={secret}&nonce={'A' * 22}")
    assert person.page.heading == "You are no longer asked"
    assert "sessionNonce" not in told(person)[0]
