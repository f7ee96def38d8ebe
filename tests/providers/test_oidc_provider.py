"""Signing in at oidc-provider, a certified OpenID provider in a process of its own, and every way in which that goes wrong."""

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwcrypto.jwk
import pytest

from accredit.server.providers import changing
from accredit.server.providers.keys import PHASE_MS
from accredit.server.providers.mapping import map_claims
from accredit.server.providers.provider import Dropped, Ended, Redirect, Verified

from ..server.providers.conftest import SANDBOX, finished
from .conftest import CALLBACK
from .conftest import sign_in as go

NAMES = ["firstName", "lastName", "dateOfBirth", "email"]
EVERYTHING = {
    "client_auth": "private_key_jwt",
    "id_token_encryption": "required",
    "request_object": True,
    "userinfo": "encrypted",
}


class Rp:
    """A record for the provider, and the client there that it describes. client: metadata that differs from what fits the record."""

    def __init__(self, desk, op, *, features=None, answers=None, keys=None, client=None, **members):
        self.desk, self.op = desk, op
        secret = {} if members.get("client_auth") == "private_key_jwt" else {"client_secret": "s3cret-of-the-provider"}
        known = {"kind": "oidc", "issuer": op.issuer, "client_id": "accredit", "loa": "substantial", "signing_alg": "ES256"}
        self.record = desk.create("eid", **{**known, **secret, **members})
        self.client, self.features = client or {}, features
        self.register(answers=answers, keys=keys)
        self.provider = desk.open(self.record)

    def register(self, *, answers=None, keys=None, **client):
        self.op.configure({**self.fitting(), **self.client, **client}, features=self.features, answers=answers, keys=keys)

    def fitting(self):
        settings = self.record.settings
        published = self.desk.run(self.desk.providers.keys_of(self.record)).published
        encrypted = {"id_token": settings["id_token_encryption"] == "required", "userinfo": settings["userinfo"] == "encrypted"}
        return {
            "client_id": "accredit",
            "token_endpoint_auth_method": settings["client_auth"],
            "redirect_uris": [CALLBACK + self.record.ref],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "jwks": {"keys": [*published]},
            **({"client_secret": "s3cret-of-the-provider"} if settings["client_auth"] != "private_key_jwt" else {}),
            **(
                {"require_signed_request_object": True, "request_object_signing_alg": "ES256"}
                if settings["request_object"]
                else {}
            ),
            **({"userinfo_signed_response_alg": "RS256"} if settings["userinfo"] in ("signed", "encrypted") else {}),
            **{f"{name}_encrypted_response_alg": "RSA-OAEP-256" for name, is_so in encrypted.items() if is_so},
        }

    def start(self, **members):
        self.asked = self.desk.ask(self.record, callback_address=CALLBACK + self.record.ref, **members)
        self.step = self.desk.run(self.provider.start(self.asked))
        return self.step

    def come_back(self, query):
        return self.desk.run(self.provider.come_back(self.asked, self.step.state, query))

    def sign_in(self, *, cancel=False, **members):
        step = self.start(**members)
        assert isinstance(step, Redirect), step
        return finished(self.come_back(sign_in(step.url, cancel=cancel)))


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def sign_in(url, **how):
    """What the browser of a person who signed in brings back."""
    return query_of(go(url, **how))


def named(outcome, record):
    return map_claims(record, outcome.claims, NAMES).subject


def test_everything_that_can_be_signed_and_encrypted_is(live, op):
    rp = Rp(live, op, **EVERYTHING, features={"pushedAuthorizationRequests": {"enabled": True}})
    outcome = rp.sign_in()
    assert query_of(rp.step.url).keys() == {"client_id", "request_uri"}
    assert (outcome.idp_id, outcome.loa) == ("person-1", "substantial")
    assert named(outcome, rp.record) == {
        "firstName": "Åse Synnøve",
        "lastName": "Ødegård",
        "dateOfBirth": "1985-03-17",
        "email": "aase@shop.example",
    }
    kept = json.dumps(rp.step.state)
    assert all(text not in kept for text in (query_of(rp.step.url)["request_uri"], "person-1"))


@pytest.mark.parametrize(
    ("auth", "alg"),
    [
        *((auth, "RS256") for auth in ("client_secret_basic", "client_secret_post", "private_key_jwt")),
        *(("client_secret_basic", alg) for alg in ("PS256", "ES256", "EdDSA")),
    ],
)
def test_each_way_to_show_who_we_are_and_each_signature(live, op, auth, alg):
    rsa = jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="op-ps", use="sig")
    keys = [*op.keys.values(), rsa] if alg == "PS256" else None
    rp = Rp(live, op, client_auth=auth, client={"id_token_signed_response_alg": alg}, keys=keys)
    assert rp.sign_in().idp_id == "person-1"


@pytest.mark.parametrize(
    "members", [{}, {"request_object": True}, {"assertion_audience": "token_endpoint", "client_auth": "private_key_jwt"}]
)
def test_requests_in_clear_and_signed(live, op, members):
    rp = Rp(live, op, **members)
    assert rp.sign_in(language="nb").idp_id == "person-1"
    sent = query_of(rp.step.url)
    if "request_object" in members:
        assert sent.keys() == {"client_id", "response_type", "scope", "request"}
    else:
        assert (sent["code_challenge_method"], sent["ui_locales"], sent["response_type"]) == ("S256", "nb", "code")
        assert len(sent["state"]) == 64
        assert len(sent["nonce"]) == 43


@pytest.mark.parametrize("userinfo", ["plain", "signed", "encrypted"])
def test_userinfo_in_each_form(live, op, userinfo):
    rp = Rp(live, op, userinfo=userinfo)
    assert named(rp.sign_in(), rp.record)["email"] == "aase@shop.example"


@pytest.mark.parametrize(
    ("wanted", "sent", "audit"),
    [
        ("signed", {"userinfo_signed_response_alg": None}, "userinfo_not_signed"),
        ("plain", {"userinfo_signed_response_alg": "RS256"}, "userinfo_malformed"),
        ("encrypted", {"userinfo_encrypted_response_alg": None}, "token_not_encrypted"),
        ("signed", {"userinfo_encrypted_response_alg": "RSA-OAEP"}, "token_encrypted"),
    ],
)
def test_userinfo_of_another_form_is_none(live, op, wanted, sent, audit):
    rp = Rp(live, op, userinfo=wanted, id_token_encryption="required")
    client = {name: value for name, value in {**rp.fitting(), **sent}.items() if value is not None}
    op.configure(client)
    assert rp.sign_in() == Ended("failed", "provider_response_invalid", audit)


def test_a_token_is_encrypted_or_it_is_not_never_either(live, op):
    rp = Rp(live, op, id_token_encryption="required")
    op.configure({name: value for name, value in rp.fitting().items() if name != "id_token_encrypted_response_alg"})
    assert rp.sign_in() == Ended("failed", "provider_response_invalid", "token_not_encrypted")
    live.change("eid", id_token_encryption="off")
    rp.provider = live.open(live.run(live.providers.find(SANDBOX))[0])
    rp.register(id_token_encrypted_response_alg="RSA-OAEP")
    assert rp.sign_in() == Ended("failed", "provider_response_invalid", "token_encrypted")


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"])
def test_every_content_encryption(live, op, enc):
    rp = Rp(live, op, id_token_encryption="required", client={"id_token_encrypted_response_enc": enc})
    assert rp.sign_in().idp_id == "person-1"


def test_a_person_who_cancels(live, op):
    assert Rp(live, op).sign_in(cancel=True) == Ended("aborted", "provider_aborted", "access_denied")


def test_a_nonce_of_another_request(live, op):
    rp = Rp(live, op)
    rp.start()
    stranger = query_of(rp.step.url) | {"nonce": "another"}
    query = sign_in(f"{rp.step.url.partition('?')[0]}?{urlencode(stranger)}")
    assert finished(rp.come_back(query)) == Ended("failed", "provider_response_invalid", "nonce_mismatch")


def test_a_state_of_another_request(live, op):
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url)
    rp.start()
    assert rp.come_back(query) == Dropped("state_mismatch")
    assert rp.come_back({"code": query["code"]}) == Dropped("state_mismatch")


def test_an_answer_of_another_issuer(live, op):
    """RFC 9207: this provider always names itself."""
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url)
    assert query["iss"] == op.issuer
    assert rp.come_back({**query, "iss": "https://other.example"}) == Dropped("issuer_mismatch")
    assert rp.come_back({name: value for name, value in query.items() if name != "iss"}) == Dropped("issuer_mismatch")
    assert isinstance(finished(rp.come_back(query)), Verified)


def test_a_code_is_redeemed_once(live, op):
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url)
    assert isinstance(finished(rp.come_back(query)), Verified)
    assert rp.come_back(query) == Dropped("answer_repeated")


def test_a_wrong_code(live, op):
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url) | {"code": "x" * 43}
    assert finished(rp.come_back(query)) == Ended("error", "provider_rejected", "token_invalid_grant")


def test_a_token_that_is_no_longer_good(live, op):
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url)
    live.now_ms += 2 * 3600 * 1000
    rp.asked = live.ask(rp.record, callback_address=rp.asked.callback_address)
    assert finished(rp.come_back(query)) == Ended("failed", "provider_response_invalid", "token_expired")


def test_a_token_of_tomorrow(live, op):
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url)
    rp.asked = live.ask(rp.record, now_ms=live.now_ms - 3600 * 1000, callback_address=rp.asked.callback_address)
    assert finished(rp.come_back(query)) == Ended("failed", "provider_response_invalid", "token_not_yet_valid")


def test_a_signature_of_a_stranger(live, op):
    """The provider publishes another key under the name of the one that signs."""
    stranger = jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="op-rs", alg="RS256", use="sig")
    body = json.dumps({"keys": [stranger.export_public(as_dict=True)]})
    rp = Rp(live, op, answers={"/jwks": {"body": body}})
    assert rp.sign_in() == Ended("failed", "provider_response_invalid", "signature_invalid")


def test_a_provider_that_changes_its_key(live, op):
    rp = Rp(live, op)
    assert rp.sign_in().idp_id == "person-1"
    fresh = jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="op-next", alg="RS256", use="sig")
    rp.register(keys=[fresh])
    live.now_ms += 60_000
    assert rp.sign_in().idp_id == "person-1"
    # Asked for once more within the minute, it is not fetched: what is not known stays so.
    newest = jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="op-newest", alg="RS256", use="sig")
    rp.register(keys=[newest])
    assert rp.sign_in() == Ended("failed", "provider_response_invalid", "signature_key_unknown")


def test_our_keys_change_and_no_sign_in_fails(live, op):
    """The provider knows our keys as they were up to a day ago."""
    rp = Rp(live, op, **{**EVERYTHING, "userinfo": "off"})
    remembered = rp.fitting()
    real_ms = live.now_ms
    for _ in range(4):
        live.now_ms += PHASE_MS
        live.run(changing.rotate_provider(live.parts, SANDBOX, "eid", live.cause()))
        for client in (remembered, rp.fitting()):
            op.configure(client)
            rp.provider = live.open(rp.record)
            assert rp.sign_in(now_ms=real_ms).idp_id == "person-1"
        remembered = rp.fitting()


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"/.well-known/openid-configuration": {"status": 500}}, ("provider_unavailable", "status_5xx")),
        ({"/.well-known/openid-configuration": {"status": 404}}, ("provider_unavailable", "document_missing")),
        ({"/.well-known/openid-configuration": {"status": 302}}, ("provider_unavailable", "redirect_refused")),
        ({"/.well-known/openid-configuration": {"body": "<html>"}}, ("provider_unavailable", "document_malformed")),
        ({"/.well-known/openid-configuration": {"body": '{"issuer":"x"}'}}, ("provider_unavailable", "document_malformed")),
        (
            {"/.well-known/openid-configuration": {"body": " " * (1024 * 1024 + 1)}},
            ("provider_unavailable", "response_too_large"),
        ),
    ],
)
def test_a_provider_without_metadata(live, op, answers, outcome):
    rp = Rp(live, op, answers=answers)
    assert finished(rp.start()) == Ended("error", *outcome)


def test_metadata_of_somebody_else(live, op):
    body = {"issuer": "https://other.example", "authorization_endpoint": "https://other.example/a"}
    body |= {"token_endpoint": "https://other.example/t", "jwks_uri": "https://other.example/j"}
    rp = Rp(live, op, answers={"/.well-known/openid-configuration": {"body": json.dumps(body)}})
    assert finished(rp.start()) == Ended("error", "provider_unavailable", "discovery_issuer_mismatch")


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"/token": {"status": 503}}, ("error", "provider_unavailable", "status_5xx")),
        ({"/token": {"body": "no json"}}, ("error", "provider_unavailable", "response_malformed")),
        ({"/token": {"body": "[]"}}, ("error", "provider_unavailable", "response_malformed")),
        ({"/token": {"body": "{}"}}, ("failed", "provider_response_invalid", "id_token_missing")),
        ({"/token": {"body": '{"id_token": 7}'}}, ("failed", "provider_response_invalid", "id_token_missing")),
        ({"/token": {"body": '{"id_token": "a.b"}'}}, ("failed", "provider_response_invalid", "token_malformed")),
        (
            {"/token": {"status": 400, "body": '{"error": "invalid_client"}'}},
            ("error", "provider_rejected", "token_invalid_client"),
        ),
        ({"/token": {"status": 400, "body": '{"error": "person-1 is odd"}'}}, ("error", "provider_rejected", "token_error")),
        ({"/jwks": {"status": 500}}, ("error", "provider_unavailable", "status_5xx")),
        ({"/jwks": {"body": "{}"}}, ("error", "provider_unavailable", "key_set_malformed")),
        ({"/jwks": {"body": '{"keys": []}'}}, ("failed", "provider_response_invalid", "signature_key_unknown")),
        ({"/me": {"status": 401}}, ("failed", "provider_response_invalid", "userinfo_refused")),
        ({"/me": {"body": '{"sub": "person-2"}'}}, ("failed", "provider_response_invalid", "subject_mismatch")),
        ({"/me": {"body": "[1]"}}, ("failed", "provider_response_invalid", "subject_mismatch")),
    ],
)
def test_a_provider_that_answers_strangely(live, op, answers, outcome):
    rp = Rp(live, op, answers=answers, userinfo="plain")
    assert rp.sign_in() == Ended(*outcome)


def test_a_pushed_request_that_is_not_taken(live, op):
    rp = Rp(
        live, op, features={"pushedAuthorizationRequests": {"enabled": True}}, client={"client_secret": "another-secret-of-it"}
    )
    assert finished(rp.start()) == Ended("error", "provider_rejected", "par_invalid_client")


def test_a_provider_that_is_gone(live, op):
    rp = Rp(live, op)
    rp.start()
    query = sign_in(rp.step.url)
    rp.op.configure(answers={"/token": {"status": 500}})
    assert finished(rp.come_back(query)).detail == "provider_unavailable"
    gone = live.create("gone", kind="oidc", issuer="http://127.0.0.1:1025", client_id="x", client_secret="x")
    asked = live.ask(gone)
    assert finished(live.run(live.open(gone).start(asked))) == Ended("error", "provider_unavailable", "connect_failed")


@pytest.mark.parametrize(("requested", "sent"), [(None, None), ("low", "urn:level:2 urn:level:3"), ("high", "urn:level:3")])
def test_asks_for_what_fulfils_the_level(live, op, requested, sent):
    rp = Rp(live, op, acr_values={"substantial": "urn:level:2", "high": "urn:level:3"}, loa="high", login_hint="email")
    rp.start(requested_loa=requested, prefilled={"email": "aase@shop.example"})
    assert query_of(rp.step.url).get("acr_values") == sent
    assert query_of(rp.step.url)["login_hint"] == "aase@shop.example"


def test_a_level_that_the_provider_does_not_vouch_for(live, op):
    """This provider tells no `acr` that it was not asked for as essential."""
    rp = Rp(live, op, acr_values={"substantial": "urn:level:2"}, loa="substantial")
    assert rp.sign_in(requested_loa="substantial") == Ended("failed", "loa_too_low", "acr_unknown")
    assert rp.sign_in().loa == "low"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("access_denied", ("aborted", "provider_aborted", "access_denied")),
        ("cancel", ("aborted", "provider_aborted", "cancel")),
        ("login_required", ("error", "provider_rejected", "authorization_login_required")),
        ("server_error", ("error", "provider_error", "authorization_server_error")),
        ("temporarily_unavailable", ("error", "provider_unavailable", "authorization_temporarily_unavailable")),
        ("<script>", ("error", "provider_rejected", "authorization_error")),
    ],
)
def test_an_error_at_the_provider(live, op, error, outcome):
    rp = Rp(live, op)
    rp.start()
    state = query_of(rp.step.url)["state"]
    assert finished(rp.come_back({"state": state, "iss": op.issuer, "error": error})) == Ended(*outcome)
