import base64
import hashlib
import hmac
from typing import Any

import pytest

import accredit

NOW = 1_800_000_000
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_K0/syqflyXbfg349if2nXGHiYJd8gWWP7wEiJlHYXXA="
BODY = '{"id":"evt_1","name":"Zoë"}'.encode()


def test_signs_as_the_specification_prints_it() -> None:
    """The fixed sample of the Standard Webhooks libraries."""
    headers = accredit.sign_webhook(
        b'{"test": 2432232314}', event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", secrets=[SECRET], now=1614265330
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_signs_under_each_secret_then_under_each_key() -> None:
    first, second = (accredit.generate_deployment_key("EdDSA") for _ in range(2))
    keys = [first.private_jwk, accredit.parse_webhook_signing_key(second.private_jwk)]
    secrets = [accredit.WebhookSecret.from_text(SECRET), OTHER]
    items = accredit.sign_webhook(BODY, event_id="evt_1", secrets=secrets, private_keys=keys, now=NOW)[
        "webhook-signature"
    ].split(" ")
    octets = b"evt_1.1800000000." + BODY
    for item, text in zip(items[:2], (SECRET, OTHER), strict=True):
        mac = hmac.digest(base64.b64decode(text.removeprefix("whsec_")), octets, "sha256")
        assert item == "v1," + base64.b64encode(mac).decode()
    assert [item.split(",")[0] for item in items] == ["v1", "v1", "v1a", "v1a"]
    for item, made in zip(items[2:], (first, second), strict=True):
        assert accredit.parse_webhook_key(made.public_jwk).is_signed(octets, base64.b64decode(item.removeprefix("v1a,")))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"event_id": ""}, "field_invalid: event_id"),
        ({"event_id": "evt.1"}, "field_invalid: event_id"),
        ({"event_id": "a" * 65}, "field_invalid: event_id"),
        ({"event_id": "evt_1\n"}, "field_invalid: event_id"),
        ({"now": -1}, "field_invalid: now"),
        ({"now": 10**12}, "field_invalid: now"),
        ({"secrets": []}, "field_missing: secrets"),
        ({"secrets": [SECRET] * 11}, "field_invalid: secrets"),
        ({"secrets": SECRET}, "field_invalid: secrets"),
        ({"secrets": [SECRET[6:]]}, "secret_malformed"),
        ({"private_keys": [{}]}, "key_malformed"),
    ],
)
def test_nothing_is_signed_that_no_receiver_takes(change: dict[str, Any], told: str) -> None:
    with pytest.raises(accredit.MalformedError, match=told):
        accredit.sign_webhook(BODY, **{"event_id": "evt_1", "secrets": [SECRET], "now": NOW, **change})


def test_writes_the_original_s_headers_in_their_order() -> None:
    secret = "live_secret_" + "abcd1234" * 8
    headers = accredit.sign_flow_webhook(BODY, target="/hooks?a=1", key_id="live_key_1", secret=secret, now=1_611_438_194)
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    lines = f"(request-target): post /hooks?a=1\ndate: Sat, 23 Jan 2021 21:43:14 GMT\ndigest: SHA-256={digest}"
    mac = base64.b64encode(hmac.digest(secret.encode(), lines.encode(), "sha256")).decode()
    assert list(headers.items()) == [
        ("Cognito-Version", "2020-08-14"),
        ("Date", "Sat, 23 Jan 2021 21:43:14 GMT"),
        ("Digest", f"SHA-256={digest}"),
        (
            "Authorization",
            'Signature keyId="live_key_1",algorithm="hmac-sha256",headers="(request-target) date digest",'
            + f'signature="{mac}"',
        ),
    ]


@pytest.fixture(scope="module")
def reader() -> accredit.GeneratedKey:
    return accredit.generate_encryption_key("ECDH-ES", kid="receiver-1")


def test_seals_what_an_answer_s_reader_opens(reader: accredit.GeneratedKey) -> None:
    sealed = accredit.seal_event(BODY, accredit.parse_encryption_key(reader.public_jwk))
    assert accredit.open_sealed(sealed, [accredit.parse_decryption_key(reader.private_jwk)]) == {"id": "evt_1", "name": "Zoë"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":1}', b'{"id":"evt.1"}', b'{"id":"evt_1","id":"evt_1"}', b"\xff"])
def test_seals_events_only(reader: accredit.GeneratedKey, body: bytes) -> None:
    with pytest.raises(accredit.MalformedError, match="webhook_body_malformed"):
        accredit.seal_event(body, accredit.parse_encryption_key(reader.public_jwk))


def test_seals_as_much_as_an_event_may_hold(reader: accredit.GeneratedKey) -> None:
    key = accredit.parse_encryption_key(reader.public_jwk)
    largest = b'{"id":"evt_1"}' + b" " * (256 * 1024 - 14)
    sealed = accredit.seal_event(largest, key)
    headers = accredit.sign_webhook(sealed, event_id="evt_1", secrets=[SECRET], now=NOW)
    event = accredit.verify_webhook(sealed, headers, secrets=[SECRET], now=NOW)
    assert accredit.open_event(event, reader.private_jwk).payload == {"id": "evt_1"}
    with pytest.raises(accredit.MalformedError, match="body_too_large: body"):
        accredit.seal_event(largest + b" ", key)
