"""The person's page: who may open it, whose it is, and what does not count as opening (protocol-rest.md section 11)."""

import re
from urllib.parse import urlsplit

import pytest

from .conftest import CALLBACKS

UNKNOWN = "019aa5b2-6c00-7d3e-8f4a-5b6c7d8e9f01"


def page_of(made):
    """The path of a session's page, without its key."""
    return urlsplit(made["authenticationUrl"]).path


def test_opening_takes_the_key_out_of_the_address_and_gives_a_cookie(backend, server):
    made = backend.create()
    answer = server.http.get(made["authenticationUrl"], headers={"User-Agent": "Test/1"})
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(made))
    name, attributes = re.fullmatch(r"([a-z_]+)=[A-Za-z0-9_-]{22}; (.*)", answer.headers["set-cookie"]).groups()
    assert (name, attributes) == ("accredit_browser", "Path=/; HttpOnly; SameSite=Lax")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    told = backend.get(made["id"])
    assert told["status"] == "WAITING_FOR_USER"
    assert told["environment"] == {"ipAddress": "127.0.0.1", "userAgent": "Test/1"}
    page = server.http.get(answer.headers["location"])
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "form-action 'self' https: http:;" in policy
    assert policy.endswith("frame-ancestors 'none'")
    assert made["authenticationUrl"].partition("key=")[2] not in page.text


def test_over_https_the_cookie_is_bound_to_the_host_and_pages_stay_below_their_path(start_server, sqlite_url, make_backend_of):
    server = start_server(sqlite_url, public_url="https://id.example/proofs")
    backend = make_backend_of(server, environment="live")
    made = backend.create(allowedProviders=["mail"])
    assert made["authenticationUrl"].startswith("https://id.example/proofs/auth/session/")
    answer = server.http.get(f"/auth/session/{made['id']}?{urlsplit(made['authenticationUrl']).query}")
    assert answer.headers["location"] == f"/proofs/auth/session/{made['id']}"
    assert re.fullmatch(
        r"__Host-accredit_browser=[A-Za-z0-9_-]{22}; Path=/; HttpOnly; SameSite=Lax; Secure", answer.headers["set-cookie"]
    )
    cookie = answer.headers["set-cookie"].partition(";")[0]
    began = server.http.get(f"/auth/session/{made['id']}?language=de", headers={"Cookie": cookie})
    assert (began.status_code, began.headers["location"]) == (303, f"/proofs/auth/session/{made['id']}")
    page = server.http.get(f"/auth/session/{made['id']}?language=de", headers={"Cookie": cookie})
    assert f'action="/proofs/auth/session/{made["id"]}/provider"' in page.text
    assert "form-action 'self' https:; base-uri" in page.headers["content-security-policy"]
    assert page.headers["set-cookie"] == (
        f"accredit_language=de; Path=/proofs/auth/session/{made['id']}; HttpOnly; SameSite=Lax; Secure"
    )


@pytest.fixture
def make_backend_of():
    """A backend of a server that is not the usual one, whose one provider is `mail` where it is live."""
    from .conftest import Backend

    def make(server, environment):
        owner = server.owner(environment=environment)
        owner.call("POST", "/v1/providers", 201, {"provider_id": "mail", "kind": "email_otp"})
        client_id = owner.call("POST", "/v1/api_clients", 201, {})["client_id"]
        secret = owner.call("POST", f"/v1/api_clients/{client_id}/secrets", 201, {})["secret"]
        return Backend(owner, client_id, secret)

    return make


def test_there_is_one_page_for_all_that_a_browser_may_not_see(backend, new_person):
    open_one, ended, headless = backend.create(), backend.create(), backend.create(flow="headless", allowedProviders=["sbid"])
    new_person().open(open_one)
    new_person().open(ended)
    assert backend.send("POST", f"/{ended['id']}/cancel").status_code == 200
    key = open_one["authenticationUrl"].partition("key=")[2]
    stranger = new_person()
    texts = set()
    for address in (
        f"/auth/session/{UNKNOWN}",
        f"/auth/session/{UNKNOWN}?key={key}",
        "/auth/session/x",
        "/auth/session/%00?key=%ff",
        page_of(open_one),
        f"{page_of(open_one)}?key={key[:-1]}",
        f"{page_of(open_one)}?key=",
        f"{page_of(open_one)}?key={key}&key={key}",
        f"{page_of(open_one)}?browser={key}",
        headless["authenticationUrl"],
        ended["authenticationUrl"],
        page_of(ended),
        "/auth/callback/prv_x?state=x",
        "/auth/callback/prv_x",
        f"{page_of(open_one)}/state",
    ):
        answer = stranger.go(address)
        assert answer.status_code == 404, address
        assert "set-cookie" not in answer.headers
        # Where there is a page, its languages are links to it.
        texts.add(re.sub(r'nonce="[^"]*"|<nav.*?</nav>|\s', "", answer.text, flags=re.DOTALL))
    assert len(texts) == 1
    assert "Thereisnothinghere" in texts.pop()


def test_the_browser_that_opened_last_owns_the_session(backend, new_person):
    made = backend.create(allowedProviders=["nbid", "sbid"])
    first, second = new_person(), new_person()
    first.open(made)
    first.press("Norwegian BankID")
    # What another browser began, nobody goes on with: not even who sees the same person's page.
    assert second.open(made).heading == "How do you want to identify yourself?"
    assert "transactionId" not in backend.get(made["id"])
    assert first.go(page_of(made)).status_code == 404
    assert first.open(made).heading == "How do you want to identify yourself?"
    assert second.go(page_of(made)).status_code == 404


def test_a_form_of_a_browser_that_was_overtaken_does_nothing(backend, new_person):
    made = backend.create(allowedProviders=["nbid", "sbid"])
    first, second = new_person(), new_person()
    first.open(made)
    second.open(made)
    assert first.press("Cancel").status_code == 404
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"
    answer = second.press("Cancel")
    assert answer.headers["location"] == f"https://shop.example/cb?status=abort&sessionId={made['id']}"
    told = backend.get(made["id"])
    assert (told["status"], told["statusDetail"]) == ("ABORT", "user_aborted")


def test_the_same_browser_may_open_its_page_again_and_have_several(backend, new_person):
    one, other = backend.create(allowedProviders=["nbid", "sbid"]), backend.create(allowedProviders=["nbid", "sbid"])
    person = new_person()
    person.open(one)
    person.open(other)
    person.open(one)
    for made in (one, other):
        assert person.go(page_of(made)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
    ],
)
def test_a_prefetch_does_nothing(backend, server, new_person, headers):
    made = backend.create(allowedProviders=["nbid"])
    answer = server.http.get(made["authenticationUrl"], headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "set-cookie" not in answer.headers
    assert backend.get(made["id"])["status"] == "CREATED"
    person = new_person()
    person.open(made)
    assert server.http.get(made["authenticationUrl"], headers=headers).status_code == 204
    assert person.go(page_of(made)).status_code == 200


def test_head_does_nothing_and_tells_nothing(backend, server):
    made = backend.create()
    for address in (made["authenticationUrl"], page_of(made), f"/auth/session/{UNKNOWN}", "/auth/callback/prv_x?state=x"):
        answer = server.http.head(address)
        assert (answer.status_code, answer.content) == (200, b"")
        assert "set-cookie" not in answer.headers
    assert backend.get(made["id"])["status"] == "CREATED"


def test_a_scanner_that_follows_links_does_not_stop_the_person(backend, new_person):
    """It opens the page, and even begins at the one provider; the person takes over."""
    made = backend.create(allowedProviders=["nbid"])
    scanner, person = new_person(), new_person()
    scanner.open(made)
    assert scanner.page.heading == "Who do you want to be?"
    person.open(made)
    answer = person.press("Continue", person="no-1")
    assert answer.headers["location"] == f"https://shop.example/cb?status=success&sessionId={made['id']}"
    assert backend.get(made["id"])["status"] == "SUCCESS"


def test_a_scanner_has_no_letters_sent_to_a_prefilled_address(make_backend_of, server, new_person):
    backend = make_backend_of(server, "sandbox")
    made = backend.create(allowedProviders=["mail"], prefilledInput={"email": "ada@shop.example"})
    scanner = new_person()
    assert scanner.open(made).heading == "How do you want to identify yourself?"
    assert backend.get(made["id"]).get("provider") is None
    person = new_person()
    person.open(made)
    person.press("mail")
    assert "a•••@s•••.example" in person.page.words


def test_other_methods_are_told_which_there_are(backend, server):
    made = backend.create()
    for method, address, allowed in (
        ("POST", page_of(made), "GET"),
        ("GET", f"{page_of(made)}/cancel", "POST"),
        ("DELETE", "/auth/callback/prv_x", "GET, POST"),
    ):
        answer = server.http.request(method, address)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"token=x", "application/x-www-form-urlencoded", 404),
        (b"", "application/x-www-form-urlencoded", 404),
        (b"token=%ff", "application/x-www-form-urlencoded", 400),
        (b"token=x&token=y", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"token=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_form_that_is_not_of_the_page_is_none(start_server, sqlite_url, backend, new_person, body, content_type, status):
    """Also from the right browser: another site can make it post, but does not know the token."""
    made = backend.create(allowedProviders=["nbid", "sbid"])
    person = new_person()
    person.open(made)
    answer = person.http.post(f"{page_of(made)}/cancel", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert "text/html" in answer.headers["content-type"]
    assert backend.get(made["id"])["status"] == "WAITING_FOR_USER"


def test_a_token_of_one_session_is_none_of_another(backend, new_person):
    one, other = backend.create(allowedProviders=["nbid", "sbid"]), backend.create(allowedProviders=["nbid", "sbid"])
    person = new_person()
    person.open(one)
    token = person.page.forms[0].fields["token"]
    person.open(other)
    answer = person.http.post(f"{page_of(other)}/cancel", data={"token": token})
    assert answer.status_code == 404
    assert backend.get(other["id"])["status"] == "WAITING_FOR_USER"


def test_what_the_page_does_not_have_is_not_there(backend, new_person):
    made = backend.create(allowedProviders=["nbid", "sbid"])
    person = new_person()
    person.open(made)
    fields = person.page.forms[0].fields
    assert person.go(f"{page_of(made)}/finish", data=fields).status_code == 404
    for posted in ({"provider": "ftn"}, {"provider": ""}, {}):
        person.go(f"{page_of(made)}/choose", data={**fields, **posted})
        assert person.page.heading == "How do you want to identify yourself?"
    for verb in ("provider", "look"):
        person.go(f"{page_of(made)}/{verb}", data=fields)
        assert person.page.heading == "How do you want to identify yourself?"
    assert backend.get(made["id"]).get("provider") is None


def test_pages_tell_nothing_of_the_person_but_to_the_person(backend, server, new_person):
    """What a caller prefilled is on no page, and no key, secret or token is in a place that is logged."""
    made = backend.create(
        allowedProviders=["nbid"], prefilledInput={"nin": "17838549969", "email": "ada@shop.example"}, callbackUrls=CALLBACKS
    )
    person = new_person()
    person.open(made)
    assert "17838549969" not in person.answer.text
    assert "ada@shop.example" not in person.answer.text
    shown = str(backend.owner.call("GET", "/v1/audit"))
    for secret in (made["authenticationUrl"].partition("key=")[2], person.http.cookies["accredit_browser"]):
        assert secret not in shown
        assert secret not in str(server.rows("SELECT browser_hash, control, attempt_id FROM rest_sessions"))
