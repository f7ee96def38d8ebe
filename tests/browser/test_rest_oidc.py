"""A whole redirect flow in a real browser: a customer's page, our page, oidc-provider's pages, and back.

The provider pushes and signs all that can be, and its ID token is encrypted to us; the caller reads its own answer with jwcrypto.
"""

import json
import shutil
import sqlite3
from urllib.parse import parse_qs, urlsplit

import httpx
import jwcrypto.jwe
import jwcrypto.jwk
import pytest
from playwright.async_api import expect

from ..doors.rest.person import Person
from ..program import Program
from ..providers import conftest as providers
from ..rest_backend import make_backend
from .parties import Answer, Party

# The neighbours' fixture: oidc-provider in a process of its own.
op = providers.op

RECORD = {
    "provider_id": "eid",
    "kind": "oidc",
    "display_name": "National eID",
    "client_id": "accredit",
    "client_auth": "private_key_jwt",
    "signing_alg": "ES256",
    "id_token_encryption": "required",
    "request_object": True,
    "userinfo": "encrypted",
    "loa": "substantial",
}
FEATURES = {"pushedAuthorizationRequests": {"enabled": True, "requirePushedAuthorizationRequests": True}}


class Shop(Party):
    """A customer's site: a page with a button, which opens a session. arrived: the addresses at which a browser came back."""

    def __init__(self):
        self.arrived = []
        self.next_url = ""
        super().__init__("localhost")

    def get(self, path):
        if path == "/":
            return Answer(
                '<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1><a href="/start">Identify yourself</a></html>'
            )
        if path == "/start":
            return Answer("", 303, {"Location": self.next_url})
        if path.startswith("/back"):
            self.arrived.append(urlsplit(path))
        return Answer("<!doctype html><html lang=en><title>Shop</title><h1>Welcome back</h1></html>")

    @property
    def callbacks(self):
        return {kind: f"{self.origin}/back/{kind}?order=7#top" for kind in ("success", "abort", "error")}


@pytest.fixture(scope="module")
def server(migrated_sqlite, tmp_path_factory):
    """A server that may ask a provider on this machine."""
    directory = tmp_path_factory.mktemp("oidc")
    shutil.copyfile(migrated_sqlite, directory / "accredit.sqlite")
    program = Program(f"sqlite:///{directory / 'accredit.sqlite'}", directory, ACCREDIT_OUTBOUND_ALLOW="127.0.0.1")
    program.start()
    yield program
    program.close()


@pytest.fixture
def till():
    """The customer's site."""
    till = Shop()
    yield till
    till.close()


@pytest.fixture
def backend(server, op):
    """The customer's backend, whose one provider is oidc-provider, which knows our keys."""
    backend = make_backend(server.owner(environment="sandbox"), providers=["eid"], protection="jwe", session_nonce="always")
    record = backend.owner.call("POST", "/v1/providers", 201, {**RECORD, "issuer": op.issuer})
    published = server.http.get(
        urlsplit(record["callback_address"]).path.replace("/callback/", "/federation/") + "/jwks"
    ).json()
    op.configure(client_of(record, published), features=FEATURES)
    return backend


def client_of(record, published):
    """How the provider knows us."""
    return {
        "client_id": "accredit",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "redirect_uris": [record["callback_address"]],
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "jwks": published,
        "require_signed_request_object": True,
        "request_object_signing_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
    }


@pytest.fixture
def key():
    """The customer's own key pair, as the original has it made."""
    return jwcrypto.jwk.JWK.generate(kty="RSA", size=2048)


def ask(backend, till, key):
    """A session of the customer's, and how it reads of it; the shop's page leads there."""
    public = {**key.export_public(as_dict=True), "alg": "RSA-OAEP", "use": "enc"}
    asked = {"requestedAttributes": ["firstName", "lastName", "dateOfBirth", "email"], "encryptionPublicKey": public}
    answer = backend.post(backend.body(callbackUrls=till.callbacks, externalReference="a/b &c", **asked))
    assert answer.status_code == 200, answer.text
    made = opened(answer, key)
    till.next_url = made["authenticationUrl"]
    return made


def opened(answer, key):
    assert answer.headers["content-type"] == "application/jose"
    token = jwcrypto.jwe.JWE()
    token.deserialize(answer.text)
    token.decrypt(key)
    return json.loads(token.payload)


async def test_a_person_goes_to_the_provider_and_back_and_only_the_customer_reads_who_it_is(
    page,
    server,
    backend,
    till,
    op,
    key,
    rows_of,
):
    made = ask(backend, till, key)
    told = {"order": ["7"], "sessionId": [made["id"]], "externalReference": ["a/b &c"]}
    asked = await sign_in(page, op, till)
    # Nothing but the reference to what was pushed goes through the browser.
    assert parse_qs(asked).keys() == {"client_id", "request_uri"}
    await page.get_by_placeholder("Enter any login").fill("person-7")
    await page.get_by_placeholder("and password").fill("x")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading")).to_have_text("Welcome back")
    (arrived,) = till.arrived
    assert arrived.path == "/back/success"
    assert urlsplit(page.url).fragment == "top"
    answer = backend.send("GET", f"/{made['id']}")
    session = opened(answer, key)
    assert parse_qs(arrived.query) == {**told, "sessionNonce": [session["sessionNonce"]]}
    assert (session["status"], session["provider"], session["loa"]) == ("SUCCESS", "eid", "substantial")
    person = {"firstName": "Åse Synnøve", "lastName": "Ødegård", "dateOfBirth": "1985-03-17", "email": "aase@shop.example"}
    assert {**session["subject"], "id": ""} == {"id": "", "idpId": "person-7", **person}
    assert backend.send("GET", f"/{made['id']}").content == answer.content
    assert rows_of("SELECT answer FROM sessions WHERE id = ?", made["id"]) == [(answer.content,)]


async def test_who_cancels_at_the_provider_comes_back_as_having_aborted(page, backend, till, op, key):
    made = ask(backend, till, key)
    await sign_in(page, op, till)
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_role("heading")).to_have_text("Welcome back")
    assert [each.path for each in till.arrived] == ["/back/abort"]
    session = opened(backend.send("GET", f"/{made['id']}"), key)
    assert (session["status"], session["statusDetail"]) == ("ABORT", "provider_aborted")
    assert "subject" not in session


async def test_what_another_brought_back_from_the_provider_is_not_taken_in_this_browser(page, backend, till, op, key):
    """An attacker would have the victim's browser go on as the attacker."""
    theirs = ask(backend, till, key)
    with httpx.Client(base_url=backend.server.url) as attacker:
        leaving = Person(attacker).go(theirs["authenticationUrl"])
    callback = backend.owner.call("GET", "/v1/providers/eid")["callback_address"]
    brought = providers.sign_in(leaving.headers["location"], "attacker", callback=callback)
    own = ask(backend, till, key)
    await sign_in(page, op, till)
    answer = await page.goto(brought)
    assert answer.status == 404
    for made in (theirs, own):
        assert opened(backend.send("GET", f"/{made['id']}"), key)["status"] == "WAITING_FOR_USER"
    assert till.arrived == []


async def sign_in(page, op, till):
    """From the customer's page to the provider's; the query with which the browser was sent there."""
    seen = []
    page.on("request", lambda request: seen.append(request.url))
    await page.goto(f"{till.origin}/")
    await page.get_by_role("link", name="Identify yourself").click()
    await expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    assert page.url.startswith(op.issuer)
    (asked,) = (urlsplit(url).query for url in seen if url.startswith(f"{op.issuer}/auth?"))
    return asked


@pytest.fixture
def rows_of(server):
    """Rows of the server's database."""

    def read(sql, *values):
        connection = sqlite3.connect(server.database_url.removeprefix("sqlite:///"))
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    return read
