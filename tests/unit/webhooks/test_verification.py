"""What a receiver believes of what it is sent."""

import dataclasses
import json
from typing import Any

import pytest

import accredit
from accredit.webhooks import verify_webhook_signature

NOW = 1_800_000_000
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_K0/syqflyXbfg349if2nXGHiYJd8gWWP7wEiJlHYXXA="
EVENT = {"id": "evt_1", "type": "session.success", "endpoint_id": "whksub_1", "data": {"name": "Zoë"}}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()
HEADERS = accredit.sign_webhook(BODY, event_id="evt_1", secrets=[SECRET], now=NOW)


def sign(body: bytes, event_id: str = "evt_1", **changes: Any) -> dict[str, str]:
    return accredit.sign_webhook(body, event_id=event_id, **{"secrets": [SECRET], "now": NOW, **changes})


def verify(body: bytes = BODY, headers: Any = HEADERS, **changes: Any) -> accredit.VerifiedEvent:
    return accredit.verify_webhook(body, headers, **{"secrets": [SECRET], "now": NOW, **changes})


def refusal_of(body: bytes = BODY, headers: Any = HEADERS, **changes: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.AccreditError) as refusal:
        verify(body, headers, **changes)
    return refusal.value.code, refusal.value.member


def test_what_is_signed_is_verified() -> None:
    event = verify()
    assert (event.id, event.attempted_at, event.payload, event.sealed) == ("evt_1", NOW, EVENT, None)
    assert event.endpoint_id is None
    assert verify(endpoint_id="whksub_1").endpoint_id == "whksub_1"
    assert "Zoë" not in repr(event)
    assert verify(headers=[(name.title(), value) for name, value in HEADERS.items()]) == event
    assert verify(secrets=[accredit.WebhookSecret.from_text(SECRET)]) == event


def test_one_secret_or_key_of_the_receiver_s_is_enough() -> None:
    made, foreign = (accredit.generate_deployment_key("EdDSA") for _ in range(2))
    both = sign(BODY, secrets=[OTHER, SECRET], private_keys=[foreign.private_jwk, made.private_jwk])
    public = accredit.parse_webhook_key(made.public_jwk)
    given: list[dict[str, Any]] = [
        {"secrets": [SECRET]},
        {"secrets": [OTHER]},
        {"secrets": [accredit.generate_webhook_secret(), SECRET]},
        {"secrets": [], "public_keys": [public]},
        {"secrets": [], "public_keys": [foreign.public_jwk, made.public_jwk]},
        {"secrets": [accredit.generate_webhook_secret()], "public_keys": [public]},
    ]
    for keys in given:
        assert verify(headers=both, **keys).id == "evt_1"
    for keys in ({"secrets": []}, {"secrets": [], "public_keys": [accredit.generate_deployment_key("EdDSA").public_jwk]}):
        assert refusal_of(headers=both, **keys) == ("webhook_signature_mismatch", "webhook-signature")


@pytest.mark.parametrize("name", HEADERS)
def test_each_header_is_there_once(name: str) -> None:
    assert refusal_of(headers={other: text for other, text in HEADERS.items() if other != name}) == (
        "webhook_headers_missing",
        name,
    )
    assert refusal_of(headers=[*HEADERS.items(), (name.upper(), HEADERS[name])]) == ("webhook_headers_missing", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("webhook-id", value) for value in ("", "evt.1", "evt-1", "a" * 65, "evt_1 ", "evt_1\n", "é")),
        *(("webhook-timestamp", value) for value in ("", "+1", "-1", "1.0", " 1", "1\n", "1" * 13, "١", "1e9", "0x1")),
        ("webhook-signature", " ".join(["v1,AAAA"] * 11)),
        ("webhook-signature", " " * 10),
    ],
)
def test_each_header_has_its_form(name: str, value: str) -> None:
    assert refusal_of(headers=HEADERS | {name: value}) == ("webhook_headers_malformed", name)


def test_an_attempt_is_fresh_on_both_sides() -> None:
    for off in (-300, 0, 300):
        assert verify(now=NOW + off).attempted_at == NOW
    for off in (-301, 301):
        assert refusal_of(now=NOW + off) == ("webhook_timestamp_out_of_range", "webhook-timestamp")
    assert verify(now=NOW + 301, tolerance_s=301).attempted_at == NOW


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_and_time_are_signed(name: str) -> None:
    assert refusal_of(headers=HEADERS | {name: HEADERS[name][:-1] + "9"})[0] == "webhook_signature_mismatch"


def test_a_time_is_signed_as_it_is_written() -> None:
    assert (
        refusal_of(headers=HEADERS | {"webhook-timestamp": "0" + HEADERS["webhook-timestamp"]})[0]
        == "webhook_signature_mismatch"
    )


ITEM = HEADERS["webhook-signature"]


@pytest.mark.parametrize(
    "items", [f"v1,AAAA {ITEM}", f"v9,x v1 v1, , v1a,!!! {ITEM}", f" {ITEM} ", f"v1a,{'A' * 86}== {ITEM}", f"é {ITEM}"]
)
def test_what_cannot_be_read_is_skipped(items: str) -> None:
    assert verify(headers=HEADERS | {"webhook-signature": items}).id == "evt_1"


@pytest.mark.parametrize(
    "items",
    ["", "v1", "v1,", ITEM.replace("v1", "V1"), ITEM.replace("v1", "v1a"), ITEM.replace("v1,", "v1, "), ITEM.replace(",", "="),
     ITEM[3:], ITEM[:-1], ITEM + "=", ITEM + ",", f"v1,AAAA,{ITEM}", f"{ITEM}\n", f"\t{ITEM}"],
)  # fmt: skip
def test_a_signature_has_one_spelling(items: str) -> None:
    assert refusal_of(headers=HEADERS | {"webhook-signature": items}) == ("webhook_signature_mismatch", "webhook-signature")


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.replace(b" ", b""), BODY.replace("ë".encode(), b"\\u00eb")])
def test_the_octets_count_not_what_they_mean(body: bytes) -> None:
    assert refusal_of(body) == ("webhook_signature_mismatch", "webhook-signature")


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (b"", "body"),
        (b"ok", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"id":"evt_1","id":"evt_1"}', "body"),
        (b'{"id":"evt_1","a":NaN}', "body"),
        (b'\xef\xbb\xbf{"id":"evt_1"}', "body"),
        (b'{"id":"evt_1","a":"\xff"}', "body"),
        (b'{"id":"evt_1","a":' + b"[" * 16 + b"]" * 16 + b"}", "body"),
        (b"{}", "id"),
        (b'{"id":1}', "id"),
        (b'{"id":"evt_2"}', "id"),
        (b'{"id":"evt_1 "}', "id"),
        (b'{"ID":"evt_1"}', "id"),
        (b'{"id":"evt_1"}', "endpoint_id"),
        (b'{"id":"evt_1","endpoint_id":null}', "endpoint_id"),
        (b'{"id":"evt_1","endpoint_id":"whksub_2"}', "endpoint_id"),
    ],
)
def test_the_body_is_the_event_that_the_headers_name(body: bytes, member: str) -> None:
    assert refusal_of(body, sign(body), endpoint_id="whksub_1") == ("webhook_body_malformed", member)


def test_the_headers_alone_can_be_verified() -> None:
    headers = sign(b'{"status":"success"}', "cal_1")
    assert verify_webhook_signature(b'{"status":"success"}', headers, secrets=[SECRET], now=NOW) == "cal_1"
    with pytest.raises(accredit.Refused, match="webhook_signature_mismatch"):
        verify_webhook_signature(b'{"status":"failed"}', headers, secrets=[SECRET], now=NOW)


@pytest.mark.parametrize("given", [{"secrets": ["whsec_"]}, {"secrets": SECRET}])
def test_what_is_no_secret_is_told_to_whoever_gives_it(given: dict[str, Any]) -> None:
    assert refusal_of(**given) == ("secret_malformed", None)


@pytest.fixture(scope="module")
def reader() -> accredit.GeneratedKey:
    return accredit.generate_encryption_key("ECDH-ES", kid="receiver-1")


def sealed(body: bytes, reader: accredit.GeneratedKey) -> bytes:
    return accredit.seal_response(body, accredit.parse_encryption_key(reader.public_jwk))


def test_a_sealed_event_is_verified_then_opened(reader: accredit.GeneratedKey) -> None:
    body = accredit.seal_event(BODY, accredit.parse_encryption_key(reader.public_jwk))
    event = verify(body, sign(body), endpoint_id="whksub_1")
    assert (event.payload, event.sealed) == (None, body)
    opened = accredit.open_event(event, reader.private_jwk)
    assert (opened.id, opened.attempted_at, opened.payload, opened.sealed) == ("evt_1", NOW, EVENT, body)
    assert accredit.open_event(event, accredit.parse_decryption_key(reader.private_jwk)) == opened
    with pytest.raises(accredit.SealedError, match="sealed_invalid"):
        accredit.open_event(event, accredit.generate_encryption_key("ECDH-ES").private_jwk)


def test_an_event_that_came_plain_is_opened_already(reader: accredit.GeneratedKey) -> None:
    event = verify()
    assert accredit.open_event(event, reader.private_jwk) is event


@pytest.mark.parametrize(
    ("inside", "member"),
    [({"id": "evt_2"}, "id"), ({"endpoint_id": "whksub_2"}, "endpoint_id"), ({"endpoint_id": None}, "endpoint_id")],
)
def test_what_was_sealed_is_checked_as_what_came_plain(
    reader: accredit.GeneratedKey, inside: dict[str, Any], member: str
) -> None:
    body = sealed(json.dumps(EVENT | inside).encode(), reader)
    event = verify(body, sign(body), endpoint_id="whksub_1")
    with pytest.raises(accredit.MalformedError, match=f"webhook_body_malformed: {member}"):
        accredit.open_event(event, reader.private_jwk)


@pytest.mark.parametrize("plain", [b"[]", b"ok", b'{"id":"evt_1","id":"evt_1"}'])
def test_what_was_sealed_is_an_object(reader: accredit.GeneratedKey, plain: bytes) -> None:
    body = sealed(plain, reader)
    with pytest.raises(accredit.SealedError):
        accredit.open_event(verify(body, sign(body)), reader.private_jwk)


@pytest.mark.parametrize("body", [b"a.b.c.d", b"a.b.c.d.e.f", b"a.b.c.d.e=", b".b.c.d.e", b'"a.b.c.d.e"', b"a.b.c.d.e\n"])
def test_what_has_not_the_shape_of_a_sealed_body_is_none(body: bytes) -> None:
    assert refusal_of(body, sign(body)) == ("webhook_body_malformed", "body")


KEY_ID, API = "live_key_1", "live_secret_" + "abcd1234" * 8
FLOW_BODY = b'{"id":"whkevt_1","event":"flow_session.status.updated","environment":"live"}'
FLOW_HEADERS = accredit.sign_flow_webhook(FLOW_BODY, target="/hooks?a=1", key_id=KEY_ID, secret=API, now=NOW)


def verify_flow(body: bytes = FLOW_BODY, headers: Any = FLOW_HEADERS, **changes: Any) -> accredit.VerifiedEvent:
    given = {"target": "/hooks?a=1", "keys": {KEY_ID: [API]}, "now": NOW, **changes}
    return accredit.verify_flow_webhook(body, headers, **given)


def test_the_original_s_headers_are_verified() -> None:
    event = verify_flow()
    assert (event.id, event.attempted_at, event.payload) == ("whkevt_1", NOW, json.loads(FLOW_BODY))
    assert (event.sealed, event.endpoint_id) == (None, None)
    assert verify_flow(headers=FLOW_HEADERS | HEADERS) == event


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"target": "/hooks"}, "mac_mismatch"),
        ({"target": "/hooks?a=2"}, "mac_mismatch"),
        ({"keys": {KEY_ID: ["live_secret_" + "0123cdef" * 8]}}, "mac_mismatch"),
        ({"keys": {}}, "key_unknown"),
        ({"now": NOW + 900}, "date_out_of_range"),
        ({"now": NOW + 899, "tolerance_s": 899}, "date_out_of_range"),
        ({"body": FLOW_BODY + b" "}, "digest_mismatch"),
        ({"headers": HEADERS}, "authentication_missing"),
    ],
)
def test_the_original_s_headers_are_refused_with_the_api_s_codes(change: dict[str, Any], code: str) -> None:
    with pytest.raises(accredit.Refused) as refusal:
        verify_flow(**change)
    assert refusal.value.code == code


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id":"a b"}', b'{"id":"x","id":"x"}'])
def test_so_is_a_body_that_is_no_event(body: bytes) -> None:
    headers = accredit.sign_flow_webhook(body, target="/hooks?a=1", key_id=KEY_ID, secret=API, now=NOW)
    with pytest.raises(accredit.MalformedError, match="webhook_body_malformed"):
        verify_flow(body, headers)


def test_an_event_comes_from_verification_only() -> None:
    with pytest.raises(TypeError, match="verification"):
        accredit.VerifiedEvent("evt_1", NOW, {}, None)
    with pytest.raises(TypeError, match="verification"):
        dataclasses.replace(verify(), id="evt_2")
