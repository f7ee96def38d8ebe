"""The Finnish trust network's profile against a broker with another vendor's JOSE: trust, request, the eight checks, key phases.

Tables are gone through in one test each, and one server serves all tests, but for those that move its clock: a server, a broker and
their keys take longer to make than all rows together.
"""

import asyncio
import json
import shutil
import time
from contextlib import ExitStack

import httpx
import jwcrypto.jws
import pytest
import uvloop

from accredit.errors import MalformedError
from accredit.server.keyring.scope import Scope
from accredit.server.providers import changing
from accredit.server.providers.keys import PHASE_MS
from accredit.server.providers.mapping import map_claims
from accredit.server.providers.provider import Dropped, Ended, Redirect, Verified
from accredit.server.providers.registry import Providers
from accredit.server.store.config_version import find_version

from ..doors.conftest import Clock, start  # the server that publishes our documents
from ..server.providers.conftest import Desk, finished
from ..site import Reply, Site
from .broker import ACR, Broker, encrypt, fingerprint, make, sign, verify

INVALID = "provider_response_invalid"


class Ftn:
    """A server of ours, a broker, and the record that joins them. environment: live needs TLS, so only units of it are tested."""

    def __init__(self, server, site, **members):
        self.server, self.clock = server, server.clock
        self.owner = server.owner(environment="sandbox")
        node = server.node
        self.desk = Desk(server.run, node.store, node.sealer, node.outbound, now_ms=self.clock.now_ms)
        self.desk.providers = node.providers
        self.broker = Broker(site, now=self.clock.now)
        self.enter(**members)

    def enter(self, **members):
        statement = self.broker.statement()
        known = {
            "provider_id": "bank",
            "kind": "oidc",
            "profile": "ftn",
            "sp_name": "Example Ltd",
            "sp_names": ["Example Shop"],
            # Two of our three keys are made in no time then.
            "signing_alg": "ES256",
            "entity_statement": statement,
            "entity_statement_sha256": fingerprint(statement),
        }
        self.shown = self.owner.call("POST", "/v1/providers", 201, {**known, **members})
        self.broker.our_addresses = self.shown["entity_statement_address"], self.shown["jwks_address"]
        self.broker.client_id = members.get("client_id", self.shown["jwks_address"].removesuffix("/jwks"))
        self.load()

    def forget(self):
        """Another process on the same database, which has asked the broker nothing yet."""
        node = self.server.node
        self.desk.providers = Providers(node.store, node.sealer, node.outbound, self.desk.mailer, node.settings.public_url)
        self.load()

    def load(self):
        """The record as it is now; what the server's process changed, this one hears of within a second."""
        store = self.server.node.store
        version = self.desk.run(store.read(find_version, None))
        while store.config_version < version:
            self.desk.run(asyncio.sleep(0.01))
        records = self.desk.run(self.desk.providers.find(self.owner.scope))
        (self.record,) = [record for record in records if record.provider_id == "bank"]
        self.provider = self.desk.open(self.record)

    def start(self, **members):
        self.asked = self.desk.ask(
            self.record, now_ms=self.clock.now_ms, callback_address=self.shown["callback_address"], **members
        )
        self.step = self.desk.run(self.provider.start(self.asked))
        assert isinstance(self.step, Redirect), self.step
        return self.broker.take(self.step.url)

    def come_back(self, token, request, **query):
        self.broker.token = token
        query = {"state": request["state"], "code": "code-1", **query}
        return self.desk.run(self.provider.come_back(self.asked, self.step.state, query))

    def sign_in(self, token=None, **members):
        """One attempt. token: makes the token of the broker and the request; a good one by default."""
        request = self.start(**members)
        sealed = self.broker.seal(self.broker.id_token(request)) if token is None else token(self.broker, request)
        return finished(self.come_back(sealed, request))


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.stop()


def serving(tmp_path_factory, migrated_sqlite):
    """A server whose clock begins at the present: a broker's tokens live in it."""
    path = tmp_path_factory.mktemp("ftn") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    clock = Clock(time.time_ns() // 1_000_000)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        yield start(ending, runner.run, clock, f"sqlite:///{path}", {"outbound_allow": ("127.0.0.1",)})


@pytest.fixture(scope="module")
def server(tmp_path_factory, migrated_sqlite):
    """One server whose clock stands still; each test has an account of its own."""
    yield from serving(tmp_path_factory, migrated_sqlite)


@pytest.fixture(scope="module")
def entered(server, site):
    return Ftn(server, site)


@pytest.fixture
def ftn(entered, site):
    """A record that is entered once, and its broker, at the site again and asked nothing yet."""
    broker = entered.broker
    entered.broker = Broker(site, broker.client_id, broker.our_addresses, broker.now)
    return entered


@pytest.fixture
def fresh(server, site):
    """A record that the test may change, in a process that has asked the broker nothing."""
    made = Ftn(server, site)
    made.forget()
    return made


@pytest.fixture
def moving(tmp_path_factory, migrated_sqlite, site):
    """The same on a server of the test's own, whose clock it moves."""
    for server in serving(tmp_path_factory, migrated_sqlite):
        yield Ftn(server, site)


def test_a_person_signs_in(ftn):
    outcome = ftn.sign_in(requested_loa="substantial", language="sv-FI", parameters={"ftn_sp_name": "Example Shop"})
    assert isinstance(outcome, Verified)
    assert (outcome.idp_id, outcome.loa) == ("pairwise-1", "substantial")
    wanted = ["nin", "ftnHetu", "firstName", "lastName", "dateOfBirth", "ftnIdp"]
    assert map_claims(ftn.record, outcome.claims, wanted).subject == {
        "nin": {"value": "070770-9019", "issuingCountry": "FI", "type": "PERSON"},
        "ftnHetu": "070770-9019",
        "firstName": "Väinö",
        "lastName": "Äijälä",
        "dateOfBirth": "1970-07-07",
        "ftnIdp": "bank-1",
    }
    assert len(ftn.broker.assertions) == 1


def test_the_request_says_everything_and_nothing_outside(ftn):
    request = ftn.start(requested_loa="high", language="sv-FI", parameters={"ftn_sp_name": "Example Shop"})
    assert ftn.broker.requests[0]["outside"] == {}
    known = {name: request.pop(name) for name in ("state", "nonce", "jti")}
    assert [len(known[name]) for name in ("state", "nonce")] == [64, 43]
    assert request == {
        "iss": ftn.broker.client_id,
        "aud": ftn.broker.issuer,
        "client_id": ftn.broker.client_id,
        "redirect_uri": ftn.shown["callback_address"],
        "response_type": "code",
        "scope": "openid",
        "acr_values": f"{ACR}loatest3",
        "ui_locales": "sv",
        "ftn_spname": "Example Shop",
        "iat": ftn.clock.now,
        "exp": ftn.clock.now + 300,
    }
    kept = json.dumps(ftn.step.state)
    assert known["state"] not in kept
    assert known["nonce"] not in kept


def test_what_the_request_says_otherwise(ftn):
    assert ftn.start(parameters={"ftn_sp_name": "Somebody Else"})["ftn_spname"] == "Example Ltd"
    assert ftn.start(language="nb")["ui_locales"] == "en"
    assert ftn.start(requested_loa=None)["acr_values"] == f"{ACR}loatest2"
    assert ftn.start(requested_loa="low")["acr_values"] == f"{ACR}loatest2"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_each_algorithm_that_we_sign_with(server, site, alg):
    ftn = Ftn(server, site, signing_alg=alg, client_id="accredit-1", send_client_id=True)
    assert isinstance(ftn.sign_in(), Verified)
    assert ftn.broker.requests[0]["outside"] == {"client_id": "accredit-1"}


def test_each_form_that_an_answer_may_have(ftn):
    for how in ({"alg": "RSA-OAEP-256"}, {"enc": "A128GCM"}, {"enc": "A256GCM"}, {"typ": "JWT"}, {"signed_with": "PS256"}):
        assert isinstance(ftn.sign_in(shaped(**how)), Verified), how


def test_an_answer_signed_on_a_curve(fresh):
    fresh.broker.signing = make("sign-ec", "EC", crv="P-256")
    assert isinstance(
        fresh.sign_in(lambda broker, request: broker.seal(broker.id_token(request), signed_with="ES256")), Verified
    )


def stranger_sealed(broker, request):
    stranger = make("sign-1", use="sig")
    return broker.seal(broker.id_token(request), key=stranger)


def to_another_key(broker, request):
    published = broker.our_keys()["keys"]
    (jwk,) = [jwk for jwk in published if jwk["use"] == "enc"]
    other = make(jwk["kid"]).export_public(as_dict=True)
    return encrypt(sign(broker.id_token(request), broker.signing), other)


def good(**claims):
    return lambda broker, request: broker.seal(broker.id_token(request, **claims))


def shaped(**how):
    return lambda broker, request: broker.seal(broker.id_token(request), **how)


BAD = {
    "token_not_encrypted": lambda broker, request: sign(broker.id_token(request), broker.signing),
    "token_malformed": lambda broker, request: "a.b.c.d.e",
    "jwe_header_not_allowed": shaped(cty=None),
    "jwe_key_unknown": shaped(kid="another"),
    "jwe_decrypt_failed": to_another_key,
    "signature_alg_not_allowed": shaped(key=make("sign-1", "EC", crv="P-384"), signed_with="ES384"),
    "signature_key_unknown": shaped(key=make("unheard-of")),
    "signature_invalid": stranger_sealed,
    "issuer_mismatch": good(iss="https://other.example"),
    "audience_mismatch": good(aud="somebody-else"),
    "authorized_party_mismatch": good(azp="somebody-else"),
    "nonce_mismatch": good(nonce="another"),
    "subject_missing": good(sub=None),
    "acr_unknown": good(acr="urn:something"),
}
MORE = [
    ("jwe_header_not_allowed", shaped(enc="A256CBC-HS512")),
    ("jwe_header_not_allowed", shaped(cty="json")),
    ("jwe_header_not_allowed", shaped(iss="https://other.example")),
    ("jwe_key_unknown", shaped(kid=None)),
    ("signature_alg_not_allowed", lambda broker, request: broker.seal(broker.id_token(request), signed_with="RS512")),
    ("audience_mismatch", good(aud=["somebody-else", "and-another"])),
    ("authorized_party_mismatch", lambda broker, request: good(aud=[request["client_id"], "x"])(broker, request)),
    ("nonce_mismatch", good(nonce=None)),
    ("token_malformed", good(iat="now")),
    ("token_malformed", good(exp=None)),
]


def test_each_check_that_fails_has_its_own_reason(ftn):
    rows = [*BAD.items(), *MORE]
    assert [ftn.sign_in(token) for _, token in rows] == [Ended("failed", INVALID, audit) for audit, _ in rows]


def test_times_have_a_minute_of_leeway(ftn):
    rows = [
        *((60, 600, None), (61, 600, "token_not_yet_valid"), (-660, 600, None), (-661, 600, "token_expired")),
        *((-10, -59, None), (-10, -60, "token_expired")),
    ]
    for iat, exp, audit in rows:
        outcome = ftn.sign_in(good(iat=ftn.clock.now + iat, exp=ftn.clock.now + exp))
        assert getattr(outcome, "audit", None) == audit, (iat, exp)


def test_several_audiences_with_us_as_the_authorized_party(ftn):
    def token(broker, request):
        return good(aud=[request["client_id"], "x"], azp=request["client_id"])(broker, request)

    assert isinstance(ftn.sign_in(token), Verified)


def test_the_level_that_was_reached(ftn):
    rows = [("loa2", None, "substantial"), ("loatest3", "high", "high"), ("loa3", "substantial", "high")]
    for acr, requested, reached in (*rows, ("loa2", "low", "substantial")):
        assert ftn.sign_in(good(acr=ACR + acr), requested_loa=requested).loa == reached
    for acr in ("loa2", "loatest2"):
        assert ftn.sign_in(good(acr=ACR + acr), requested_loa="high") == Ended("failed", "loa_too_low", "acr_too_low")


def test_a_test_level_never_counts_in_live(ftn):
    live = Scope(ftn.owner.scope.account_id, "live")
    asked = ftn.desk.ask(ftn.record, scope=live)
    assert ftn.provider._profile.judge(asked, {"acr": f"{ACR}loa3"}) == "high"
    with pytest.raises(Exception, match="acr_test_level"):
        ftn.provider._profile.judge(asked, {"acr": f"{ACR}loatest3"})
    assert ftn.provider._profile._acr_value(asked) == f"{ACR}loa2"


def test_cancelled_at_the_bank(ftn):
    for error in ("cancel", "access_denied"):
        request = ftn.start()
        assert finished(ftn.come_back(None, request, error=error)) == Ended("aborted", "provider_aborted", error)
    assert ftn.broker.assertions == []


def test_answers_of_another_attempt_and_repeated_ones(ftn):
    request = ftn.start()
    token = ftn.broker.seal(ftn.broker.id_token(request))
    assert ftn.come_back(token, {"state": "x" * 64}) == Dropped("state_mismatch")
    assert ftn.come_back(token, request, iss="https://other.example") == Dropped("issuer_mismatch")
    assert isinstance(finished(ftn.come_back(token, request, iss=ftn.broker.issuer)), Verified)
    assert ftn.come_back(token, request) == Dropped("answer_repeated")
    assert len(ftn.broker.assertions) == 1


def test_a_broker_that_refuses_the_code(ftn):
    def refuse(_form):
        return Reply(b'{"error": "invalid_grant"}', status=400)

    assert ftn.sign_in(lambda *_: refuse) == Ended("error", "provider_rejected", "token_invalid_grant")


KEY_SETS = [
    (lambda broker: broker.key_set(key=make("entity-1")), "key_set_untrusted"),
    (lambda broker: broker.key_set(key=make("other")), "key_set_untrusted"),
    (lambda broker: broker.key_set(typ="JWT"), "key_set_untrusted"),
    (lambda broker: broker.key_set(iss="https://other.example"), "key_set_untrusted"),
    (lambda broker: broker.key_set(exp=broker.now), "key_set_expired"),
    (lambda broker: broker.key_set(iat=broker.now + 61), "key_set_expired"),
    (lambda broker: json.dumps({"keys": [broker.signing.export_public(as_dict=True)]}), "key_set_untrusted"),
]


def test_keys_that_the_statement_s_key_did_not_sign_count_for_nothing(fresh):
    for key_set, audit in KEY_SETS:
        said = Reply(key_set(fresh.broker).encode(), media_type="application/jwk-set+jwt")
        fresh.broker.site.paths["/jwks"] = lambda _, said=said: said
        fresh.forget()
        assert fresh.sign_in() == Ended("error", "provider_unavailable", audit)


def test_a_broker_that_changes_its_key(moving):
    assert isinstance(moving.sign_in(), Verified)
    asked = len(moving.broker.site.asked("/jwks"))
    moving.clock.advance(61)
    moving.broker.now = moving.clock.now
    assert isinstance(moving.sign_in(), Verified)
    assert len(moving.broker.site.asked("/jwks")) == asked  # Remembered.
    moving.broker.signing = make("sign-2", use="sig")
    assert isinstance(moving.sign_in(), Verified)
    assert len(moving.broker.site.asked("/jwks")) == asked + 1
    moving.broker.signing = make("sign-3", use="sig")
    assert moving.sign_in().audit == "signature_key_unknown"  # Once a minute, whatever tokens ask for.
    assert len(moving.broker.site.asked("/jwks")) == asked + 1


def test_a_statement_that_has_expired(moving):
    moving.clock.advance(365 * 86400 + 59)
    moving.broker.now = moving.clock.now
    assert isinstance(moving.sign_in(), Verified)
    moving.clock.advance(1)
    asked = moving.desk.ask(moving.record, now_ms=moving.clock.now_ms)
    outcome = finished(moving.desk.run(moving.provider.start(asked)))
    assert outcome == Ended("error", "provider_unavailable", "entity_statement_expired")


def test_through_all_key_phases_no_sign_in_fails(moving):
    """The broker remembers our key set for a day: what it encrypts to, and what it verifies with, may be a day old."""
    remembered = moving.broker.our_keys()
    for _ in range(4):
        fresh = moving.broker.our_keys()
        for keys in (remembered, fresh):
            moving.broker.now = moving.clock.now
            request = moving.start()
            moving.broker.take(moving.step.url, keys)
            sealed = moving.broker.seal(moving.broker.id_token(request), keys)
            assert isinstance(finished(moving.come_back(sealed, request)), Verified)
        remembered = fresh
        moving.clock.advance(PHASE_MS // 1000)
        moving.owner.call("POST", "/v1/providers/bank/keys/rotate")
        moving.load()
    kids = [jwk["kid"] for jwk in moving.broker.our_keys()["keys"]]
    assert len(set(kids)) == len(kids) == 3  # A new exchange is under way: its first key that signs is published already.


def statement_fault(broker, statement, **members):
    known = {"kind": "oidc", "profile": "ftn", "sp_name": "x", "entity_statement": statement}
    return {**known, "entity_statement_sha256": fingerprint(statement), "provider_id": "other", **members}


STATEMENTS = [
    (
        lambda broker: statement_fault(broker, broker.statement(), entity_statement_sha256="00"),
        "entity_fingerprint_mismatch",
    ),
    (lambda broker: statement_fault(broker, broker.statement(key=make("entity-1"))), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(key=make("unheard-of"))), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(typ="JWT")), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(sub="https://other.example")), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(exp=broker.now - 60)), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(metadata={})), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(jwks={"keys": []})), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, "not a statement"), "entity_statement_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(), loa="low"), "field_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(), flows=["embedded"]), "field_invalid"),
    (lambda broker: statement_fault(broker, broker.statement(), sp_name=""), "field_invalid"),
]


def test_a_statement_that_does_not_hold_is_not_entered(server, site):
    broker, owner = Broker(site, now=server.clock.now), server.owner(environment="sandbox")
    codes = [owner.call("POST", "/v1/providers", 400, change(broker))["code"] for change, _ in STATEMENTS]
    assert codes == [code for _, code in STATEMENTS]


def test_an_algorithm_that_the_broker_does_not_name(server, site):
    broker = Broker(site, now=server.clock.now, request_algs=("RS256",))
    body = statement_fault(broker, broker.statement(), signing_alg="ES256")
    answer = server.owner(environment="sandbox").call("POST", "/v1/providers", 400, body)
    assert (answer["code"], answer["member"]) == ("field_invalid", "signing_alg")


def test_what_we_publish(ftn):
    statement = httpx.get(ftn.shown["entity_statement_address"])
    assert statement.headers["cache-control"] == "no-store"
    payload, _ = verify(statement.text, payload_of(statement.text)["jwks"], "entity-statement+jwt")
    relying = payload["metadata"]["openid_relying_party"]
    assert relying["client_registration_types"] == []
    assert relying["redirect_uris"] == [ftn.shown["callback_address"]]
    assert {jwk["use"] for jwk in ftn.broker.our_keys()["keys"]} == {"sig", "enc"}
    assert all(key.keys().isdisjoint({"d", "p", "q"}) for key in ftn.broker.our_keys()["keys"])


def payload_of(compact):
    token = jwcrypto.jws.JWS()
    token.deserialize(compact)
    return json.loads(token.objects["payload"])


@pytest.mark.parametrize("path", ["jwks", "entity-statement"])
def test_nobody_else_has_documents(server, path):
    owner = server.owner(environment="sandbox")
    plain = owner.call("GET", "/v1/providers/nbid")["callback_address"].rpartition("/")[2]
    for ref in (plain, "prv_" + "1" * 22, "prv_1", "..", "a%2Fb"):
        answer = server.http.get(f"/auth/federation/{ref}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "page_not_found"), ref
    refused = server.http.post(f"/auth/federation/{plain}/{path}")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_an_authorization_endpoint_that_browsers_must_not_reach(fresh, site):
    statement = fresh.broker.statement()
    metadata = payload_of(statement)["metadata"]
    metadata["openid_provider"]["authorization_endpoint"] = "javascript:alert(1)"
    broken = fresh.broker.statement(metadata=metadata)
    members = {"entity_statement": broken, "entity_statement_sha256": fingerprint(broken)}
    fresh.owner.call("PATCH", "/v1/providers/bank", 200, members)
    fresh.load()
    outcome = finished(fresh.desk.run(fresh.provider.start(fresh.desk.ask(fresh.record, now_ms=fresh.clock.now_ms))))
    assert outcome == Ended("error", "provider_unavailable", "authorization_endpoint_invalid")


def test_the_command_that_moves_the_keys(fresh):
    made = fresh.desk.run(changing.rotate_provider(fresh.desk.parts, fresh.owner.scope, "bank", fresh.desk.cause()))
    assert sorted((key.role, key.phase) for key in made) == [
        *(("enc", "normal"), ("enc", "warm_up"), ("entity", "normal"), ("sig", "normal"), ("sig", "warm_up"))
    ]


def test_an_unknown_member_of_the_record(ftn):
    with pytest.raises(MalformedError, match="field_invalid: issuer"):
        ftn.desk.change("bank", ftn.owner.scope, issuer="https://id.example")
