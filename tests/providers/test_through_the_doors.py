"""From a backend's request to its sealed answer, by way of other people's providers: nothing of ours is left out."""

import time

import httpx
import pytest

from ..doors.conftest import Clock, start_server  # noqa: F401
from ..rest_backend import make_backend, visit
from ..site import Site
from .broker import Broker, fingerprint, sign
from .conftest import sign_in

WANTED = ["firstName", "lastName", "nin"]


@pytest.fixture
def clock():
    return Clock(time.time_ns() // 1_000_000)


@pytest.fixture
def server(start_server, sqlite_url):  # noqa: F811
    return start_server(sqlite_url, outbound_allow=("127.0.0.1",))


@pytest.fixture
def site():
    site = Site()
    yield site
    site.stop()


class Browser:
    """A person's browser at our page: it keeps the cookie while the person is with the provider."""

    def __init__(self, http, made):
        self.http = http
        self.answer = self.go(made["authenticationUrl"])

    def go(self, address):
        """Follow our own redirects; the first answer that leads away from us, or shows something."""
        answer = self.http.get(address)
        while answer.status_code == 303 and answer.url.join(answer.headers["location"]).host == answer.url.host:
            if answer.url.join(answer.headers["location"]).port != answer.url.port:
                break
            answer = self.http.get(answer.url.join(answer.headers["location"]))
        return answer

    @property
    def location(self):
        assert self.answer.status_code == 303, self.answer.text
        return self.answer.headers["location"]


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.url) as http:
        yield http


def test_at_a_certified_openid_provider(server, op, http):
    owner = server.owner(environment="sandbox")
    body = {
        "provider_id": "eid",
        "kind": "oidc",
        "issuer": op.issuer,
        "client_id": "accredit",
        "client_auth": "private_key_jwt",
        "id_token_encryption": "required",
        "request_object": True,
        "userinfo": "signed",
        "signing_alg": "ES256",
        "scopes": ["openid", "profile", "email", "pid"],
        "mapping": {"nin": {"claim": "pid", "as": "nin", "country": "NO"}},
    }
    shown = owner.call("POST", "/v1/providers", 201, body)
    op.configure(
        {
            "client_id": "accredit",
            "token_endpoint_auth_method": "private_key_jwt",
            "redirect_uris": [shown["callback_address"]],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "jwks_uri": shown["jwks_address"],
            "require_signed_request_object": True,
            "request_object_signing_alg": "ES256",
            "id_token_encrypted_response_alg": "RSA-OAEP",
            "userinfo_signed_response_alg": "RS256",
        },
        features={"pushedAuthorizationRequests": {"enabled": True}},
    )
    backend = make_backend(owner)
    made = backend.create(allowedProviders=["eid"], requestedAttributes=WANTED, encryptionPublicKey=backend.key())
    browser = Browser(http, made)
    back = sign_in(browser.location, callback=shown["callback_address"])
    browser.answer = browser.go(back)
    assert browser.location.startswith("https://shop.example/cb?status=success&sessionId=")
    session = backend.get(made["id"])
    assert (session["status"], session["provider"], session["loa"]) == ("SUCCESS", "eid", "low")
    assert {name: value for name, value in session["subject"].items() if name != "id"} == {
        "idpId": "person-1",
        "firstName": "Åse Synnøve",
        "lastName": "Ødegård",
        "nin": {"value": "17838549969", "issuingCountry": "NO", "type": "PERSON"},
    }


@pytest.fixture
def ftn(server, site, http):
    """A backend whose account signs in at a broker: the broker, the backend, and the session's browser."""
    owner = server.owner(environment="sandbox")
    broker = Broker(site, now=server.clock.now)
    statement = broker.statement()
    body = {
        "provider_id": "bank",
        "kind": "oidc",
        "profile": "ftn",
        "sp_name": "Example Ltd",
        "signing_alg": "ES256",
        "requires_encryption": True,
        "entity_statement": statement,
        "entity_statement_sha256": fingerprint(statement),
    }
    shown = owner.call("POST", "/v1/providers", 201, body)
    broker.our_addresses = shown["entity_statement_address"], shown["jwks_address"]
    broker.client_id = shown["jwks_address"].removesuffix("/jwks")
    backend = make_backend(owner)
    made = backend.create(allowedProviders=["bank"], requestedAttributes=WANTED, encryptionPublicKey=backend.key())
    return broker, backend, made, Browser(http, made), shown["callback_address"]


def test_at_a_broker_of_the_finnish_trust_network(ftn):
    broker, backend, made, browser, callback = ftn
    request = broker.take(browser.location)
    broker.token = broker.seal(broker.id_token(request))
    browser.answer = browser.go(f"{callback}?code=c-1&state={request['state']}")
    assert "status=success" in browser.location
    session = backend.get(made["id"])
    assert (session["status"], session["loa"], session["subject"]["firstName"]) == ("SUCCESS", "substantial", "Väinö")
    assert session["subject"]["nin"] == {"value": "070770-9019", "issuingCountry": "FI", "type": "PERSON"}


@pytest.mark.parametrize("fault", ["unencrypted", "nonce"])
def test_a_broker_s_answer_that_does_not_hold(server, ftn, fault):
    broker, backend, made, browser, callback = ftn
    request = broker.take(browser.location)
    claims = broker.id_token(request)
    broker.token = sign(claims, broker.signing) if fault == "unencrypted" else broker.seal({**claims, "nonce": "x"})
    browser.answer = browser.go(f"{callback}?code=c-1&state={request['state']}")
    assert "status=error" in browser.location
    session = backend.get(made["id"])
    assert (session["status"], session["statusDetail"]) == ("INVALID", "provider_response_invalid")
    assert "subject" not in session
    told = [row[0] for row in server.rows("SELECT detail FROM audit WHERE session_id = ?", made["id"])]
    assert any({"unencrypted": "token_not_encrypted", "nonce": "nonce_mismatch"}[fault] in detail for detail in told)


def test_cancelled_at_the_broker(ftn):
    broker, backend, made, browser, callback = ftn
    request = broker.take(browser.location)
    browser.answer = browser.go(f"{callback}?error=cancel&state={request['state']}")
    assert "status=abort" in browser.location
    assert backend.get(made["id"])["statusDetail"] == "provider_aborted"


def test_a_broker_without_a_key_is_refused(server, ftn):
    _, backend, *_ = ftn
    problem = backend.create(status=400, allowedProviders=["bank"])
    assert problem["code"] == "encryption_required"
    open_choice = backend.create()
    answer = visit(open_choice)
    assert answer.status_code == 200
    assert "bank" not in answer.text
