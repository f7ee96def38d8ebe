"""The vectors of webhooks that are the library's, every one of them, as its users call it.

Kinds of the server: `event_mapping` stands in tests/server/events/test_bodies.py, `schedule` in tests/server/deliveries,
`address_guard` and `url_guard` in tests/server/test_outbound.py.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.webhooks import verify_webhook_signature

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("webhooks.json").read_text(encoding="utf-8"))["cases"]
OF_THE_LIBRARY = {"standard": 28, "standard_asymmetric": 9, "flow_headers": 10, "sealed_body": 3}
OF_THE_SERVER = {"schedule": 21, "event_mapping": 10, "address_guard": 22, "url_guard": 18}
STANDARD = ("standard", "standard_asymmetric", "sealed_body")


def cases_of(*kinds: str, valid_only: bool = False) -> list[Any]:
    cases = [case for case in CASES if case["kind"] in kinds and (case["expect"] == "valid" or not valid_only)]
    return [pytest.param(case, id=case["name"]) for case in cases]


def test_knows_the_kind_of_every_case() -> None:
    assert Counter(case["kind"] for case in CASES) == OF_THE_LIBRARY | OF_THE_SERVER


def verify(inputs: dict[str, Any]) -> accredit.VerifiedEvent | None:
    """What a receiver does with a request, to the end; None where only the signature is asked for."""
    body, headers = inputs["body"].encode(), inputs["headers"]
    arguments = {name: inputs[name] for name in ("secrets", "public_keys", "now", "tolerance_s") if name in inputs}
    if inputs.get("raw_only"):
        assert verify_webhook_signature(body, headers, **arguments) == dict(headers)["webhook-id"]
        return None
    event = accredit.verify_webhook(body, headers, endpoint_id=inputs.get("endpoint_id"), **arguments)
    if "private_jwk" not in inputs:
        return event
    assert (event.payload, event.sealed) == (None, body)
    return accredit.open_event(event, inputs["private_jwk"])


@pytest.mark.parametrize("case", cases_of(*STANDARD))
def test_standard(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    if case["expect"] == "valid":
        event = verify(inputs)
        if event is not None:
            assert event.payload == json.loads(case["result"].get("body", inputs["body"]))
            headers = {name.lower(): value for name, value in inputs["headers"]}
            assert (event.id, str(event.attempted_at)) == (headers["webhook-id"], headers["webhook-timestamp"])
    else:
        with pytest.raises(accredit.AccreditError) as refusal:
            verify(inputs)
        assert refusal.value.code == case["expect"]


@pytest.mark.parametrize("case", cases_of("standard", "sealed_body", valid_only=True))
def test_we_sign_to_the_letter_what_is_valid(case: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in case["inputs"]["headers"]}
    made = accredit.sign_webhook(
        case["inputs"]["body"].encode(),
        event_id=headers["webhook-id"],
        secrets=case["inputs"]["secrets"],
        now=int(headers["webhook-timestamp"]),
    )
    assert set(made["webhook-signature"].split(" ")) & set(headers["webhook-signature"].split(" "))


def verify_flow(inputs: dict[str, Any]) -> accredit.VerifiedEvent:
    arguments = {name: inputs[name] for name in ("target", "keys", "now", "tolerance_s")}
    return accredit.verify_flow_webhook(inputs["body"].encode(), inputs["headers"], **arguments)


@pytest.mark.parametrize("case", cases_of("flow_headers"))
def test_flow_headers(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        event = verify_flow(case["inputs"])
        assert event.payload == json.loads(case["inputs"]["body"])
        assert event.id == "whkevt_11111111111111"
    else:
        with pytest.raises(accredit.AccreditError) as refusal:
            verify_flow(case["inputs"])
        assert refusal.value.code == case["expect"]


@pytest.mark.parametrize("case", cases_of("flow_headers", valid_only=True))
def test_we_write_the_original_s_headers_to_the_letter(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    sent = dict(inputs["headers"])
    made = [
        accredit.sign_flow_webhook(
            inputs["body"].encode(), target=inputs["target"], key_id=key_id, secret=secret, now=verify_flow(inputs).attempted_at
        )
        for key_id, secrets in inputs["keys"].items()
        for secret in secrets
    ]
    assert sent | {"Cognito-Version": "2020-08-14"} in made
