"""`accredit webhooks verify`."""

import json

import pytest

import accredit as library

NOW = 1_800_000_000
AT = ("--at", str(NOW))
SECRET, OTHER = "whsec_K0/syqflyXbfg349if2nXGHiYJd8gWWP7wEiJlHYXXA=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
API = "live_secret_" + "abcd1234" * 8
# The final line feed belongs to the body: it was signed.
BODY = b'{"id":"evt_1","type":"session.success","environment":"live","endpoint_id":"whksub_1","name":"Zo\xc3\xab"}\n'


def lines(headers, first="POST /hooks HTTP/1.1\n"):
    return first + "".join(f"{name.title()}: {value}\r\n" for name, value in headers.items())


@pytest.fixture
def receiver(accredit):
    """Commands where a webhook lies in body.json and headers.txt, and secrets in endpoint.secret, other.secret and api.secret."""
    headers = library.sign_webhook(BODY, event_id="evt_1", secrets=[SECRET], now=NOW)
    (accredit.directory / "body.json").write_bytes(BODY)
    (accredit.directory / "headers.txt").write_text(lines(headers))
    for name, text in (("endpoint", SECRET), ("other", OTHER), ("api", API)):
        (accredit.directory / f"{name}.secret").write_text(f"{text}\n")
    return accredit


RECEIVED = ("--body", "body.json", "--headers", "headers.txt")


@pytest.fixture
def verify(receiver):
    """Runs `accredit webhooks verify` on what lies there."""
    return lambda *options, **given: receiver("webhooks", "verify", *RECEIVED, *options, **given)


def test_says_that_a_webhook_is_genuine(receiver, verify):
    facts = verify("--secret", "endpoint.secret", *AT, "--json").json
    assert facts == {
        "holds": True,
        "id": "evt_1",
        "type": "session.success",
        "attempted_at": "2027-01-15T08:00:00Z",
        "environment": "live",
        "endpoint_id": "whksub_1",
        "sealed": False,
        "opened": True,
    }
    done = receiver.process("webhooks", "verify", *RECEIVED, *AT, environ={"WEBHOOK_SECRET": SECRET})
    assert (done.code, done.err) == (0, "")
    assert "Zoë" not in done.out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--secret", "other.secret", *AT), "webhook_signature_mismatch"),
        (("--secret", "endpoint.secret"), "webhook_timestamp_out_of_range"),
        (("--secret", "endpoint.secret", "--at", str(NOW + 31), "--tolerance", "30"), "webhook_timestamp_out_of_range"),
        (("--secret", "endpoint.secret", *AT, "--header", "webhook-id: evt_2"), "webhook_headers_missing"),
        (("--secret", "api.secret", "--target", "/hooks", *AT), "authentication_missing"),
    ],
)
def test_says_what_does_not_hold(verify, options, code):
    assert code in verify(*options, code=1).err


def test_one_of_several_secrets_is_enough(verify):
    assert verify("--secret", "other.secret", "--secret", "endpoint.secret", *AT, "--endpoint-id", "whksub_1").out
    assert "webhook_body_malformed" in verify("--secret", "endpoint.secret", *AT, "--endpoint-id", "whksub_2", code=2).err


def test_a_body_counts_octet_by_octet(receiver, verify):
    (receiver.directory / "body.json").write_bytes(BODY.strip())
    assert "webhook_signature_mismatch" in verify("--secret", "endpoint.secret", *AT, code=1).err


def test_a_body_may_come_on_standard_input_and_headers_in_options(receiver):
    headers = library.sign_webhook(BODY, event_id="evt_1", secrets=[SECRET], now=NOW)
    named = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    done = receiver.process(
        "webhooks", "verify", "--body", "-", *named, "--secret", "endpoint.secret", *AT, stdin=BODY.decode()
    )
    assert (done.code, done.err) == (0, "")


@pytest.fixture
def pair(receiver):
    """A key pair whose webhook lies there."""
    made = library.generate_deployment_key("EdDSA")
    headers = library.sign_webhook(BODY, event_id="evt_1", private_keys=[made.private_jwk], now=NOW)
    (receiver.directory / "headers.txt").write_text(lines(headers, first=""))
    return made


def test_verifies_under_a_public_key(receiver, verify, pair):
    (receiver.directory / "jwks.json").write_text(json.dumps({"keys": [pair.public_jwk | {"account_id": "acc_1"}]}))
    text = library.parse_webhook_signing_key(pair.private_jwk).public_text
    for key in ("jwks.json", text):
        assert verify("--public-key", key, *AT, "--json").json["id"] == "evt_1"
    assert "webhook_signature_mismatch" in verify("--secret", "endpoint.secret", *AT, code=1).err
    assert "neither a whpk_ text nor a file" in verify("--public-key", "nothing.json", *AT, code=2).err
    assert "key_" in verify("--public-key", "whpk_AAAA", *AT, code=2).err


def test_opens_what_came_sealed(receiver, verify):
    reader = library.generate_encryption_key("ECDH-ES")
    sealed = library.seal_event(BODY, library.parse_encryption_key(reader.public_jwk))
    (receiver.directory / "body.json").write_bytes(sealed)
    headers = library.sign_webhook(sealed, event_id="evt_1", secrets=[SECRET], now=NOW)
    (receiver.directory / "headers.txt").write_text(lines(headers))
    (receiver.directory / "reader.jwk").write_text(json.dumps(reader.private_jwk))
    closed = verify("--secret", "endpoint.secret", *AT, "--json").json
    assert (closed["sealed"], closed["opened"], closed["type"]) == (True, False, None)
    opened = verify("--secret", "endpoint.secret", "--private-key", "reader.jwk", *AT, "--json").json
    assert (opened["sealed"], opened["opened"], opened["type"]) == (True, True, "session.success")
    (receiver.directory / "reader.jwk").write_text(json.dumps(library.generate_encryption_key("ECDH-ES").private_jwk))
    assert "sealed_invalid" in verify("--secret", "endpoint.secret", "--private-key", "reader.jwk", *AT, code=1).err


def test_verifies_the_original_s_headers(receiver, verify):
    body = b'{"id":"whkevt_1","event":"flow_session.status.updated"}'
    headers = library.sign_flow_webhook(body, target="/hooks?a=1", key_id="live_key_1", secret=API, now=NOW)
    (receiver.directory / "body.json").write_bytes(body)
    (receiver.directory / "headers.txt").write_text(lines(headers))
    facts = verify("--secret", "api.secret", "--target", "/hooks?a=1", "--at", str(NOW + 899), "--json").json
    assert (facts["id"], facts["type"]) == ("whkevt_1", "flow_session.status.updated")
    for options, code in (
        (("--secret", "api.secret", "--target", "/hooks", *AT), "mac_mismatch"),
        (("--secret", "api.secret", "--target", "/hooks?a=1", "--at", str(NOW + 900)), "date_out_of_range"),
        (("--secret", "endpoint.secret", "--target", "/hooks?a=1", *AT), "mac_mismatch"),
        (("--secret", "endpoint.secret", *AT), "webhook_headers_missing"),
    ):
        assert code in verify(*options, code=1).err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--body", "body.json", "--secret", "endpoint.secret"), "Name the headers"),
        (("--body", "body.json", "--header", "no header", "--secret", "endpoint.secret"), "Name: value"),
        ((*RECEIVED,), "WEBHOOK_SECRET"),
        ((*RECEIVED, "--secret", "api.secret"), "secret_malformed"),
        ((*RECEIVED, "--secret", "api.secret", "--target", "/", "--endpoint-id", "whksub_1"), "--target is not"),
        ((*RECEIVED, "--public-key", "whpk_", "--target", "/"), "--target is not"),
    ],
)
def test_says_what_is_missing_or_does_not_go_together(receiver, options, words):
    assert words in receiver("webhooks", "verify", *options, *AT, code=2).err
