"""What an attacker may send to the rest door, from outside: nothing of it ends in a 5xx, leads elsewhere, or tells what is there."""

import base64
import json
import socket
from string import ascii_letters
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accredit.server.sessions.rest.sweeping import sweep_rest

from ...rest_backend import AUTO, CALLBACKS
from .test_create import problem

TOKEN, SESSIONS = "/auth/open/connect/token", "/auth/rest/sessions"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# One server serves all examples, so that there may be few of them.
FEW = settings(
    max_examples=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NUL = "a\0b"


def test_texts_that_one_engine_does_not_take_name_nothing(backend, new_person):
    """PostgreSQL has no text with U+0000; JSON, forms and queries have."""
    form = {"grant_type": "client_credentials", "client_id": NUL, "client_secret": NUL}
    assert backend.server.http.post(TOKEN, data=form).status_code == 401
    problem(backend.send("GET", params={"provider": NUL}), 400, "invalid_request_parameter")
    problem(backend.send("GET", params={"accountId": NUL}), 403, "invalid_account_id")
    texts = dict.fromkeys(("themeId", "language", "externalReference", "usageReference"), NUL)
    made = backend.create(**texts, tags=[NUL], additionalParameters={NUL: NUL, **AUTO["additionalParameters"]})
    for name, text in {"tag": NUL, "externalReference": NUL}.items():
        (found,) = backend.send("GET", params={name: text}).json()["sessions"]
        assert found["id"] == made["id"]
    assert new_person().open(made).heading == "How do you want to identify yourself?"
    problem(backend.send("POST", json=backend.body(encryptionKeyId=NUL)), 400, "invalid_request_parameter")


def test_a_replay_past_the_sessions_time_shows_its_end(backend, clock):
    first = backend.create(headers={"Idempotency-Key": "order"})
    clock.advance(1200)
    again = backend.post(backend.body(), **{"Idempotency-Key": "order"})
    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, first["id"], "EXPIRED")
    assert backend.send("GET", f"/{first['id']}").content == again.content


def test_what_is_deleted_past_its_time_leaves_nothing_sealed(backend, clock):
    made = backend.create(prefilledInput={"firstName": "Ada"})
    clock.advance(1200)
    assert backend.send("DELETE", f"/{made['id']}").status_code == 204
    assert backend.server.rows("SELECT status, sealed, answer FROM sessions") == [("expired", None, None)]
    # It is not in the way of others that are due, now or later.
    assert backend.server.run(sweep_rest(backend.server.node)) == (0, 0)


def test_a_token_request_shows_credentials_once(backend):
    right = base64.b64encode(f"{backend.client_id}:{backend.secret}".encode()).decode()
    for lines in (("eDp5", right), (right, "eDp5"), (right, right)):
        sent = [("Authorization", f"Basic {line}") for line in lines]
        answer = backend.server.http.post(TOKEN, headers=sent, data={"grant_type": "client_credentials"})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_names_that_no_client_has_are_counted_as_one(backend):
    """Or each would take memory of its own, thousands of letters long."""
    for number in range(11):
        answer = backend.server.http.post(TOKEN, data={"client_id": f"{number} " * 2000, "client_secret": "x"})
        expected = (429, "rate_limited") if number == 10 else (401, "invalid_client")
        assert (answer.status_code, answer.json()["error"]) == expected
    assert backend.token


@pytest.mark.parametrize(
    "path", ["/auth/session/%00", "/auth/callback/%00", f"{SESSIONS}/%00", "/auth/session/\xff", f"{SESSIONS}/\xff"]
)
def test_paths_that_are_no_names(start_server, sqlite_url, path):
    url = httpx.URL(start_server(sqlite_url).url)
    for method in ("GET", "POST", "HEAD", "DELETE", "OPTIONS"):
        with socket.create_connection((url.host, url.port)) as peer, peer.makefile("rb") as answer:
            peer.sendall(
                f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")
            )
            assert 200 <= int(answer.readline().split()[1]) < 500


def test_everything_below_auth_is_kept_by_nobody_and_read_by_no_other_origin(backend):
    made, http = backend.create(), backend.server.http
    paths = ["/auth", "/auth/x", TOKEN, SESSIONS, "/auth/session/x", "/auth/session/x/y/z", "/auth/callback/x"]
    paths += ["/auth/federation/x/jwks", "/auth/open/.well-known/openid-configuration", made["authenticationUrl"]]
    for path in paths:
        for method in ("GET", "OPTIONS", "POST"):
            answer = http.request(method, path, headers={"Origin": "https://shop.example"})
            assert answer.headers["cache-control"] == "no-store", (method, path)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert len(answer.headers["x-request-id"]) == 32
            assert not [name for name in answer.headers if name.startswith("access-control-")]


ELSEWHERE = [
    "https://shop.example@evil.example/",
    "https://shop.example:x@evil.example/",
    "https://evil.example#@shop.example/",
    "https://evil.example?@shop.example/",
    "https://evil.example\\@shop.example/",
    "https://evil.example/\\shop.example",
    "https:\\\\shop.example/",
    "https:/shop.example/",
    "https:shop.example/",
    "https:///shop.example/",
    "//shop.example/",
    "/back",
    "https://shop.example.evil.example/",
    "https://evilshop.example/",
    "https://shop.example%2eevil.example/",
    "https://shop.example%00.evil.example/",
    "https://shop.example\0.evil.example/",
    "https://shop.example\t.evil.example/",
    "https://shop.example\r\nLocation: https://evil.example/",
    "https://shop.example:443:80/",
    "https://shop.example:0/",
    "https://shop.example:65536/",
    "https://[shop.example]/",
    "https://[::1]@shop.example/",
    "https://shop\u3002example/",
    "https://ｓhop.example/",
    "https://sub.shop.example/",
    " https://shop.example/",
    "https://shop.example/ ",
    "javascript://shop.example/%0aalert(1)",
    "data:text/html,shop.example",
    "ftp://shop.example/",
]


def test_the_browser_is_sent_to_the_owners_hosts_only(make_backend):
    backend = make_backend(callback_hosts=["shop.example"])
    assert backend.create(callbackUrls=CALLBACKS)["status"] == "CREATED"
    for address in ELSEWHERE:
        for name in CALLBACKS:
            answer = backend.post(backend.body(callbackUrls={**CALLBACKS, name: address}))
            (fault,) = problem(answer, 400, "invalid_request_parameter")["invalidParams"]
            assert (fault["name"], fault["code"] in ("format", "not_allowed")) == (f"callbackUrls.{name}", True), address
        answer = backend.post(backend.body(flow="embedded", returnUrl=address))
        assert problem(answer, 400, "invalid_request_parameter")["invalidParams"][0]["name"] == "returnUrl", address


def test_the_page_sends_nobody_where_a_query_wants(backend, new_person):
    made = backend.create(allowedProviders=["nbid"])
    person, more = (
        new_person(),
        {"returnUrl": "https://evil.example/", "callbackUrls": "x", "next": "//evil.example", "provider": "//x"},
    )
    person.open(made)
    person.go(f"{person.answer.url}?{urlencode(more)}")
    assert "evil.example" not in person.answer.text
    answer = person.press("Continue", person="no-1", **more)
    assert answer.headers["location"].startswith(CALLBACKS["success"])
    assert "evil" not in answer.headers["location"]


def test_one_browser_with_two_sessions_mixes_nothing_up(backend, new_person):
    """The cookie is one, the forms and the ends are those of each session."""
    person = new_person()
    first, second = (backend.create(allowedProviders=["nbid"], externalReference=name) for name in ("first", "second"))
    forms = []
    for made in (first, second):
        person.open(made)
        forms.append(person.find_button("Continue")[0])
    crossed = person.http.post(forms[0].action, data={**forms[1].fields, "person": "no-1"})
    assert crossed.status_code == 404
    ended = person.http.post(forms[0].action, data={**forms[0].fields, "person": "se-1"})
    assert f"sessionId={first['id']}&externalReference=first" in ended.headers["location"]
    assert [backend.get(each["id"])["status"] for each in (first, second)] == ["SUCCESS", "WAITING_FOR_USER"]


def test_a_cookie_from_elsewhere_owns_no_session(backend, new_person):
    """Who plants a cookie before the person comes, and knows it, still owns nothing that the person opens with another."""
    made, person, attacker = backend.create(allowedProviders=["nbid"]), new_person(), new_person()
    attacker.open(made)
    (planted,) = attacker.http.cookies.jar
    person.http.cookies.set(planted.name, "A" * 22)
    person.open(made)
    assert attacker.http.get(f"/auth/session/{made['id']}").status_code == 404
    for secret in ("", "A", "A" * 21, "A" * 23, f"{'A' * 21}B", quote("\0" * 22), '"' + "A" * 22 + '"'):
        with httpx.Client(base_url=backend.server.url, headers={"Cookie": f"{planted.name}={secret}"}) as http:
            assert http.get(f"/auth/session/{made['id']}").status_code == 404


TEXT = st.text(max_size=40) | st.sampled_from(
    ["", NUL, "\ud800", "\u202e", "é" * 300, "9" * 5000, "true", "https://x.example/", "{{7*7}}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**45), 10**45) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
MEMBERS = [
    *("flow", "requestedAttributes", "callbackUrls", "allowedProviders", "prefilledInput", "additionalParameters"),
    *("encryptionPublicKey", "requestedLoa", "tags", "returnUrl", "embeddedParentDomains", "language", "themeId"),
    *("externalReference", "usageReference", "sessionLifetime", "requestDomain", "encryptionKeyId", "responseProtection"),
]
INNER = [
    *("success", "abort", "error", "nin", "email", "mobile", "sandbox_after", "sandbox_person", "kty", "use", "alg", "key_ops"),
    *("kid", "crv", "x", "y", "n", "e", "d", "mode", "padTo", "nonce"),
]
NAME = st.sampled_from(MEMBERS) | TEXT
VALUE = JSON | st.dictionaries(st.sampled_from(INNER), JSON, max_size=6)


def as_form(fields: dict[str, str]) -> str:
    """A form of these fields, lone surrogates and all."""
    return urlencode([tuple(text.encode("utf-8", "surrogatepass") for text in pair) for pair in fields.items()])


def spelled(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The names, some with letters of another case."""
    return st.builds(lambda name, flip: name.swapcase() if flip else name, names, st.booleans())


@FEW
@given(sound=st.booleans(), members=st.dictionaries(spelled(NAME), VALUE, max_size=6), tail=st.binary(max_size=4), replay=TEXT)
def test_no_create_body_ends_in_a_5xx(backend, sound, members, tail, replay):
    body = {**backend.body(), **members} if sound else members
    content = json.dumps(body).encode() + tail
    key = {"Idempotency-Key": replay.encode("utf-8", "surrogatepass").strip()} if replay.isprintable() and replay else {}
    headers = {"Content-Type": "application/json", **key}
    answer = backend.send("POST", content=content, headers=headers)
    assert answer.status_code in (200, 400, 422), answer.text
    if answer.status_code == 200:
        assert backend.send("GET", f"/{answer.json()['id']}").status_code == 200


@FEW
@given(
    st.dictionaries(st.sampled_from(["grant_type", "client_id", "client_secret", "scope"]) | TEXT, TEXT),
    st.binary(max_size=60),
    TEXT,
)
def test_no_token_request_ends_in_a_5xx(backend, form, raw, credentials):
    sent = [as_form(form).encode(), raw]
    basic = base64.b64encode(credentials.encode("utf-8", "surrogatepass"))
    for content in sent:
        for headers in (
            {},
            {"Authorization": (b"Basic " + basic).strip()},
            {"Authorization": (b"basic " + raw.hex().encode()).strip()},
        ):
            answer = backend.server.http.post(TOKEN, content=content, headers={**FORM, **headers})
            assert answer.status_code in (400, 401, 413, 429), answer.text


@FEW
@given(
    verb=st.sampled_from(["", "/state", "/choose", "/provider", "/look", "/cancelled", "/x"]),
    fields=st.dictionaries(
        st.sampled_from(["person", "outcome", "provider", "agree", "other", "code", "email"]) | TEXT, TEXT, max_size=4
    ),
    query=st.dictionaries(
        st.sampled_from(["key", "browser", "language", "nonce", "provider", "state"]) | TEXT, TEXT, max_size=3
    ),
    header=st.text(ascii_letters + " ;=,\t\"'\xe9\xff<>", max_size=40),
    owned=st.booleans(),
)
def test_no_page_request_ends_in_a_5xx(backend, new_person, verb, fields, query, header, owned):
    made, person = backend.create(), new_person()
    if owned:
        person.open(made)
        fields = {**person.page.forms[0].fields, **fields}
    sent = {name: header.strip().encode("latin-1") for name in ("Accept-Language", "User-Agent", "Sec-Purpose")}
    searched = as_form(query)
    content = as_form(fields)
    for address in (f"/auth/session/{made['id']}{verb}", "/auth/callback/prv_1", f"/auth/session/{quote(header, safe='')}x"):
        for method in ("GET", "POST", "HEAD"):
            body = {"content": content, "headers": {**FORM, **sent}} if method == "POST" else {"headers": sent}
            answer = person.http.request(method, f"{address}?{searched}", **body)
            assert answer.status_code < 500, (method, address, answer.text)
            assert "evil" not in answer.headers.get("location", "")
