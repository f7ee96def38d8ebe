"""Answers that only their reader opens, who knows from whom they are."""

import base64
import json

import pytest

from accredit import (
    AnswerSignature,
    generate_encryption_key,
    generate_server_key,
    parse_encryption_key,
    parse_server_key,
    seal_response,
)
from accredit.client import CallMalformedError, ResponseProtection, SessionRequest
from accredit.errors import FailureError, MalformedError, Refused, SealedError

from .conftest import AUTO, BACK, KEY, visit

REQUEST = SessionRequest(
    callback_urls=BACK, requested_attributes=("firstName",), additional_parameters=AUTO, allowed_providers=("nbid",)
)


@pytest.fixture
def options(shop):
    """Of a client that takes nothing but what the server signed."""
    return {"keys": [KEY], "verify_sender": True, "account_id": shop.owner.owner_id, "public_url": shop.server.url}


@pytest.mark.parametrize(
    "shape",
    [
        {"alg": "RSA-OAEP"},
        {"alg": "RSA-OAEP-256", "size": 3072},
        {"alg": "ECDH-ES+A256KW", "crv": "P-521"},
        {"alg": "ECDH-ES", "crv": "X25519", "kid": "k"},
    ],
)
def test_every_kind_of_key_opens_what_was_sealed_to_it(make_client, shape):
    client = make_client(keys=[generate_encryption_key(**shape).private_jwk])
    started = client.create(REQUEST)
    visit(started)
    assert client.get(started.id).subject.text("firstName") == "Åse Synnøve"


def test_keys_that_were_used_before_still_open(make_client):
    old, new = (generate_encryption_key("ECDH-ES").private_jwk for _ in range(2))
    started = make_client(keys=[old]).create(REQUEST)
    assert make_client(keys=[new, old]).get(started.id).id == started.id
    with pytest.raises(SealedError):
        make_client(keys=[new]).get(started.id)
    with pytest.raises(SealedError):
        make_client().get(started.id)


def test_a_registered_key_is_named(make_client, shop):
    public = {name: KEY[name] for name in ("kty", "crv", "x", "y", "alg", "use")}
    shop.owner.call("POST", "/v1/encryption_keys", 201, {"public_jwk": public, "key_id": "2027-01"})
    client = make_client(keys=[KEY], encryption_key_id="current")
    assert client.get(client.create(REQUEST).id).protection == "jwe"
    with pytest.raises(CallMalformedError) as refused:
        make_client(keys=[KEY], encryption_key_id="2028-01").create(REQUEST)
    assert [(each.name, each.code) for each in refused.value.invalid_params] == [("encryptionKeyId", "key_not_registered")]


def test_a_request_may_have_a_key_of_its_own(make_client):
    mine = generate_encryption_key("ECDH-ES")
    client = make_client(keys=[KEY, mine.private_jwk])
    started = client.create(SessionRequest(callback_urls=BACK, encryption_public_key=mine.public_jwk))
    with pytest.raises(SealedError):
        make_client(keys=[KEY]).get(started.id)
    assert make_client(keys=[mine.private_jwk]).get(started.id).id == started.id


def test_without_a_key_answers_are_plain(make_client):
    started = make_client().create(REQUEST)
    assert started.protection is None
    with pytest.raises(SealedError):
        make_client(keys=[KEY]).get(started.id)
    assert make_client(keys=[KEY], allow_plain=True).get(started.id).id == started.id


def test_a_plain_answer_in_place_of_a_sealed_one_is_refused(make_client, between):
    """Whoever stands between could make one without knowing anything."""
    plain = make_client().create(REQUEST)
    told = json.dumps({"id": plain.id, "accountId": plain.account_id, "status": "SUCCESS", "flow": "redirect"}).encode()
    client = make_client(between.url, keys=[KEY])
    client.list()
    between.change, between.headers = lambda _: told, {"content-type": "application/json"}
    for call in (lambda: client.get(plain.id), lambda: client.create(REQUEST), lambda: client.cancel(plain.id)):
        with pytest.raises(SealedError):
            call()


def test_a_signed_answer_says_that_it_comes_from_the_server(make_client, options):
    client = make_client(**options)
    started = client.create(REQUEST)
    assert started.protection == "jws+jwe"
    visit(started)
    assert client.get(started.id).subject.text("firstName") == "Åse Synnøve"
    assert (
        client.create(SessionRequest(callback_urls=BACK, response_protection=ResponseProtection(pad_to=512))).protection
        == "jws+jwe"
    )


def test_a_nonce_comes_back(make_client, options):
    client = make_client(**options)
    started = client.create(SessionRequest(callback_urls=BACK, response_protection=ResponseProtection(nonce="n-1")))
    assert client.get(started.id, nonce="n-1").id == started.id
    assert client.cancel(started.id, nonce="n-1").status == "CANCELLED"
    for nonce in (None, "n-2"):
        with pytest.raises(SealedError):
            client.get(started.id, nonce=nonce)


def test_an_answer_that_anybody_could_have_made_is_refused(make_client, between, options, server):
    """Sealed to the right key, for the right session, but signed by nobody or by a stranger."""
    trusting, client = make_client(between.url, keys=[KEY]), make_client(between.url, **options)
    started = client.create(REQUEST)
    told = {"id": started.id, "accountId": started.account_id, "authenticationUrl": "a", "statusUrl": "s", "flow": "redirect"}
    person = {"status": "SUCCESS", "subject": {"id": "x", "idpId": "y"}, "expiresAt": "2027-01-15T08:20:00.000+00:00"}
    body = json.dumps({**told, **person}).encode()
    key = parse_encryption_key({name: KEY[name] for name in ("kty", "crv", "x", "y", "alg", "use")})
    stranger = parse_server_key(generate_server_key().private_jwk)
    signature = AnswerSignature(
        key=stranger,
        issuer=f"{server.url}/auth/open",
        audience=started.account_id,
        client_id="shop",
        session_id=started.id,
        issued=server.clock.now,
        expires=server.clock.now + 60,
        jti="j",
    )
    trusting.list()
    between.change = lambda _: seal_response(body, key)
    assert trusting.get(started.id).subject.idp_id == "y"
    with pytest.raises(SealedError):
        client.get(started.id)
    between.change = lambda answer: answer if b'"keys"' in answer else seal_response(body, key, signature=signature)
    with pytest.raises(SealedError):
        client.get(started.id)


def test_the_answer_about_another_session_is_refused(make_client, between, options):
    client = make_client(between.url, **options)
    first, second = client.create(REQUEST), client.create(REQUEST)
    kept: list[bytes] = []
    between.change = lambda body: kept.append(body) or body
    client.get(first.id)
    between.change = lambda _: kept[-1]
    with pytest.raises(SealedError):
        client.get(second.id)
    # One that is only sealed says of itself whose it is.
    sealed = make_client(between.url, keys=[KEY])
    between.change = bytes
    third, fourth = sealed.create(REQUEST), sealed.create(REQUEST)
    between.change = lambda body: kept.append(body) or body
    sealed.get(third.id)
    between.change = lambda _: kept[-1]
    with pytest.raises(FailureError, match="answer_malformed: id"):
        sealed.get(fourth.id)


def test_a_new_key_of_the_server_is_found(make_client, options, shop):
    client, server = make_client(**options), shop.server
    started = client.create(REQUEST)
    server.run(server.node.server_keys.rotate("signing", server.cause()))
    client.client._operations.calling._fetched_s -= 6
    answered = [client.get(client.create(REQUEST).id).protection for _ in range(3)]
    assert answered == ["jws+jwe"] * 3
    assert client.get(started.id).id == started.id


@pytest.mark.parametrize("form", ["rfc9421", "jws"])
def test_signatures_beside_answers(make_client, shop, between, form):
    shop.publish(response_signature=form)
    client = make_client(keys=[KEY], response_signature=form)
    started = client.create(REQUEST)
    assert client.get(started.id).id == started.id
    elsewhere = make_client(between.url, keys=[KEY], response_signature=form, public_url=f"{shop.server.url}/")
    assert elsewhere.get(started.id).id == started.id
    assert [item.id for item in client.list_all()] == [started.id]
    assert client.cancel(started.id).status == "CANCELLED"
    assert client.redact(started.id).id == started.id


@pytest.mark.parametrize("form", ["rfc9421", "jws"])
def test_a_signature_that_is_missing_is_refused(make_client, form):
    with pytest.raises(Refused, match="response_signature_invalid"):
        make_client(keys=[KEY], response_signature=form).create(REQUEST)


def test_an_answer_that_was_changed_under_its_signature_is_refused(make_client, between, shop):
    shop.publish(response_signature="jws")
    client = make_client(between.url, response_signature="jws")
    started = client.create(REQUEST)
    between.change = lambda body: body.replace(b'"CREATED"', b'"SUCCESS"')
    with pytest.raises(Refused, match="response_signature_invalid"):
        client.get(started.id)
    between.change = bytes
    stale = make_client(response_signature="jws", clock=lambda: shop.server.clock.now + 3600)
    with pytest.raises(Refused, match="response_signature_invalid"):
        stale.get(started.id)


def test_what_the_key_set_does_not_hold_verifies_nothing(make_client, between, options):
    foreign = generate_server_key()
    client = make_client(between.url, **options)
    between.change = lambda body: json.dumps({"keys": [foreign.public_jwk]}).encode() if b'"keys"' in body else body
    with pytest.raises(SealedError):
        client.create(REQUEST)
    between.change = lambda body: b"{}" if b'"keys"' in body else body
    with pytest.raises(FailureError, match="answer_malformed"):
        make_client(between.url, **options).create(REQUEST)


def test_a_request_that_only_the_server_opens(make_client, between, shop):
    shop.publish(plain_personal_input="refuse")
    asked = SessionRequest(callback_urls=BACK, additional_parameters={"sandbox_person": "no-1"}, tags=("secret-tag",))
    client = make_client(between.url, keys=[KEY], encrypted_requests=True)
    started = client.create(asked)
    assert started.tags == ("secret-tag",)
    assert ("POST", "/auth/rest/sessions") in between.seen
    # The server's keys change: what was sealed to one that is gone is sealed anew.
    server = shop.server
    server.run(server.node.server_keys.rotate("request", server.cause()))
    server.clock.advance(8 * 86_400)
    client.client._operations.calling._fetched_s -= 6
    assert client.create(asked).tags == ("secret-tag",)


def test_a_server_without_a_key_for_requests(make_client, between):
    client = make_client(between.url, encrypted_requests=True)
    between.change = lambda body: b'{"keys":[]}' if b'"keys"' in body else body
    with pytest.raises(FailureError, match="answer_malformed: keys"):
        client.create(REQUEST)


@pytest.mark.parametrize(
    ("changed", "member"),
    [
        ({"base_url": "http://accredit.example"}, "base_url"),
        ({"base_url": "https://user@accredit.example"}, "base_url"),
        ({"base_url": "https://accredit.example?a=b"}, "base_url"),
        ({"base_url": "accredit.example"}, "base_url"),
        ({"base_url": "https://[::1"}, "base_url"),
        ({"client_secret": None}, "client_secret"),
        ({"client_id": None}, "client_id"),
        ({"verify_sender": True, "keys": [KEY]}, "account_id"),
        ({"verify_sender": True, "account_id": "a"}, "keys"),
        ({"encryption_key_id": "current"}, "keys"),
        ({"keys": [{name: text for name, text in KEY.items() if name != "d"}]}, "d"),
    ],
)
def test_options_that_do_not_go_together(make_client, changed, member):
    given = {"base_url": "https://accredit.example", "client_id": "a", "client_secret": "b", **changed}
    with pytest.raises(MalformedError) as error:
        make_client(**given)
    assert error.value.member == member


def test_http_to_another_machine_has_to_be_wanted(make_client):
    assert make_client("http://accredit.internal:8400/", allow_http=True).client is not None


def test_credentials_may_hold_any_character(make_client, between):
    client = make_client(between.url, client_id="a:b ü", client_secret="c%d+e")
    seen: list[str] = []
    between.change = lambda body: seen.append(base64.b64encode(body).decode()) or body
    with pytest.raises(Refused, match="invalid_client"):
        client.list()
    assert len(seen) == 1
