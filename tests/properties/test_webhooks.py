"""Webhooks: what was signed verifies, each octet counts, and whatever is sent ends in an event or in our errors."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import accredit
from accredit.encoding import b64_encode

NOW = 1_800_000_000
SECRETS = st.binary(min_size=24, max_size=64).map(lambda octets: f"whsec_{b64_encode(octets)}")
IDS = st.text(st.sampled_from("aZ09_"), min_size=1, max_size=64)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
SECRET, PAIR = "whsec_K0/syqflyXbfg349if2nXGHiYJd8gWWP7wEiJlHYXXA=", accredit.generate_deployment_key("EdDSA")
PUBLIC = accredit.parse_webhook_key(PAIR.public_jwk)
BODY = b'{"id":"evt_1","type":"test.ping"}'
EACH_VERSION = pytest.mark.parametrize("version", ["v1", "v1a"])
API = "live_secret_" + "abcd1234" * 8


@given(
    st.dictionaries(TEXTS, VALUES, max_size=4),
    IDS,
    st.lists(SECRETS, min_size=1, max_size=10),
    st.integers(0, 10**12 - 1),
    st.data(),
)
def test_what_is_signed_is_verified(
    event: dict[str, Any], event_id: str, secrets: list[str], now: int, data: st.DataObject
) -> None:
    event["id"] = event_id
    body = json.dumps(event, ensure_ascii=data.draw(st.booleans())).encode()
    headers = accredit.sign_webhook(body, event_id=event_id, secrets=secrets, now=now)
    at = now + data.draw(st.integers(-300, 300))
    verified = accredit.verify_webhook(body, headers, secrets=[data.draw(st.sampled_from(secrets))], now=at)
    assert (verified.id, verified.attempted_at, verified.payload) == (event_id, now, event)


@given(st.dictionaries(TEXTS, VALUES, max_size=4), IDS, st.integers(0, 4_000_000_000))
def test_so_is_what_is_signed_as_the_original_signs(event: dict[str, Any], event_id: str, now: int) -> None:
    body = json.dumps(event | {"id": event_id}).encode()
    headers = accredit.sign_flow_webhook(body, target="/hooks", key_id="live_key_1", secret=API, now=now)
    verified = accredit.verify_flow_webhook(body, headers, target="/hooks", keys={"live_key_1": [API]}, now=now)
    assert (verified.id, verified.payload) == (event_id, event | {"id": event_id})


@cache
def signed(version: str) -> dict[str, str]:
    keys: dict[str, Any] = {"secrets": [SECRET]} if version == "v1" else {"private_keys": [PAIR.private_jwk]}
    return accredit.sign_webhook(BODY, event_id="evt_1", **keys, now=NOW)


def refused(headers: Any, body: bytes = BODY) -> bool:
    """Whether it is refused; any exception that is not ours fails the test."""
    try:
        accredit.verify_webhook(body, headers, secrets=[SECRET], public_keys=[PUBLIC], now=NOW, tolerance_s=10**13)
    except accredit.AccreditError:
        return True
    return False


@EACH_VERSION
def test_each_single_bit_counts(version: str) -> None:
    headers = signed(version)
    assert not refused(headers)
    for name, value in headers.items():
        octets = value.encode()
        for position in range(len(octets)):
            for bit in range(8):
                flipped = bytearray(octets)
                flipped[position] ^= 1 << bit
                assert refused(headers | {name: flipped.decode("latin-1")}), (name, position, bit)
    for position in range(len(BODY)):
        for bit in range(8):
            flipped = bytearray(BODY)
            flipped[position] ^= 1 << bit
            assert refused(headers, bytes(flipped)), (position, bit)


@EACH_VERSION
@given(data=st.data())
def test_no_second_spelling_is_verified(version: str, data: st.DataObject) -> None:
    headers = signed(version)
    name = data.draw(st.sampled_from(sorted(headers)))
    respelt = headers[name]
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(respelt)))
        removed = data.draw(st.integers(0, 2))
        new = data.draw(st.sampled_from(["", "=", ",", "\n", "\x00", "+", "0", ".", "v1a", "é", "\u200b", "%3D", "A"]))
        respelt = respelt[:position] + new + respelt[position + removed :]
    assert refused(headers | {name: respelt}) is (respelt != headers[name])


NAMES = st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature", "Date", "Digest", "Authorization"]) | st.text(
    max_size=4
)
TEXT = st.text(max_size=30) | st.sampled_from(["evt_1", str(NOW), *signed("v1").values(), "v1,", "v1a, v1,====", "v1,é \ud800"])
BODIES = st.binary(max_size=40) | st.sampled_from([BODY, b"a.b.c.d.e", b'{"id":"evt_1"}', b"[" * 99])


@settings(max_examples=500)
@given(st.lists(st.tuples(NAMES, TEXT), max_size=6), BODIES)
def test_whatever_is_sent_is_an_event_or_refused(headers: list[tuple[str, str]], body: bytes) -> None:
    try:
        event = accredit.verify_webhook(body, headers, secrets=[SECRET], public_keys=[PUBLIC], now=NOW)
    except accredit.AccreditError:
        pass
    else:
        assert (event.id, body) == ("evt_1", BODY)
    with pytest.raises(accredit.AccreditError):
        accredit.verify_flow_webhook(body, headers, target="/", keys={"live_key_1": [API]}, now=NOW)


@cache
def reader() -> accredit.GeneratedKey:
    return accredit.generate_encryption_key("ECDH-ES")


@given(BODIES | st.binary(max_size=60).map(lambda octets: b"eyJhbGciOiJFQ0RILUVTIn0..." + b64_encode(octets).encode() + b"."))
def test_whatever_was_signed_opens_or_is_refused(body: bytes) -> None:
    """A sender with the right secret who sends no sound body."""
    headers = accredit.sign_webhook(body, event_id="evt_1", secrets=[SECRET], now=NOW)
    try:
        event = accredit.verify_webhook(body, headers, secrets=[SECRET], now=NOW)
        opened = accredit.open_event(event, reader().private_jwk)
    except accredit.AccreditError:
        return
    assert opened.payload is not None
    assert opened.payload["id"] == "evt_1"


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_sealed_is_opened(event: dict[str, Any]) -> None:
    body = json.dumps(event | {"id": "evt_1"}).encode()
    sealed = accredit.seal_event(body, accredit.parse_encryption_key(reader().public_jwk))
    headers = accredit.sign_webhook(sealed, event_id="evt_1", secrets=[SECRET], now=NOW)
    verified = accredit.verify_webhook(sealed, headers, secrets=[SECRET], now=NOW)
    assert accredit.open_event(verified, reader().private_jwk).payload == event | {"id": "evt_1"}
