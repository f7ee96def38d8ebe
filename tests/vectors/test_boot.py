"""The vectors of the boot door, every one of them, through the library as its users call it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import accredit
from accredit.encoding import JsonError, b64_encode, parse_json
from accredit.identity.signed_text import fields_text, signed_texts

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("boot.json").read_text(encoding="utf-8"))["cases"]
SIGNATURES = ("identity_v1", "identity_v2")


def cases_of(*kinds: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] in kinds]


def test_knows_the_kind_of_every_case() -> None:
    kinds = {"identity_v1": 26, "identity_v2": 17, "identity_secret": 6, "boot_body": 20}
    assert Counter(case["kind"] for case in CASES) == kinds


@pytest.mark.parametrize("case", cases_of(*SIGNATURES))
def test_identity_signature(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    if case["expect"] == "valid":
        verified = admit(inputs)
        assert (verified.email or "") == inputs["email"]
        assert verified.version == (1 if case["kind"] == "identity_v1" else 2)
        assert text_that_was_signed(inputs, verified) == case["result"]["signed_text"]
    else:
        with pytest.raises(accredit.Refused) as refusal:
            admit(inputs)
        assert refusal.value.code == case["expect"]


def admit(inputs: dict[str, Any]) -> accredit.VerifiedIdentity:
    """What a server does with a signature: the steps of protocol-boot.md section 4 that are about it."""
    boot = boot_of(inputs)
    verified = accredit.verify_identity(
        accredit.peek_identity(boot.signature),
        secrets_of(inputs),
        boot,
        now=inputs["now"],
        window_s=inputs["window_s"],
        origin=inputs.get("origin"),
        policy=policy_of(inputs),
    )
    if verified.nonce in inputs.get("nonces_seen", ()):
        raise accredit.Refused("nonce_replayed")
    return verified


def boot_of(inputs: dict[str, Any]) -> accredit.BootBody:
    fields = inputs.get("fields", {"email": inputs["email"]})
    return accredit.read_boot_body({name: inputs[name] for name in ("cp_id", "cp_deployment_id", "signature")} | fields)


def secrets_of(inputs: dict[str, Any]) -> list[accredit.IdentitySecret]:
    return [accredit.IdentitySecret.from_base64(each["secret_base64"], each["key_id"]) for each in inputs["secrets"]]


def policy_of(inputs: dict[str, Any]) -> accredit.IdentityPolicy:
    return accredit.IdentityPolicy(inputs.get("identity_v2", "off"), inputs.get("identity_origin", "off"))


def text_that_was_signed(inputs: dict[str, Any], verified: accredit.VerifiedIdentity) -> str:
    texts = signed_texts(accredit.peek_identity(inputs["signature"]), boot_of(inputs), inputs.get("origin"))
    return texts[0 if verified.origin_bound else -1].decode()


@pytest.mark.parametrize("case", [case for case in cases_of(*SIGNATURES) if case.values[0]["expect"] == "valid"])
def test_we_sign_to_the_letter_what_is_valid(case: dict[str, Any]) -> None:
    inputs, peeked = case["inputs"], accredit.peek_identity(case["inputs"]["signature"])
    candidates = secrets_of(inputs)
    ids = (inputs["cp_id"], inputs["cp_deployment_id"])
    if case["kind"] == "identity_v1":
        stamp: dict[str, Any] = {"now": peeked.timestamp, "nonce": peeked.nonce}
        signed = {accredit.sign_identity(secret, *ids, inputs["email"], **stamp) for secret in candidates}
    else:
        info = dict(inputs["fields"])
        beside = {name: info.pop(name, None) for name in ("page", "locale")}
        origin = inputs["origin"] if admit(inputs).origin_bound else None
        stamp = {"now": peeked.timestamp, "nonce": peeked.nonce, "origin": origin, **beside}
        signed = {accredit.sign_identity_v2(secret, *ids, info, **stamp) for secret in candidates}
    assert inputs["signature"] in signed


@pytest.mark.parametrize("case", cases_of("identity_v2"))
def test_fields_text(case: dict[str, Any]) -> None:
    assert fields_text(boot_of(case["inputs"])).decode() == case["inputs"]["fields_text"]


@pytest.mark.parametrize("case", cases_of(*SIGNATURES))
def test_a_diagnosis_agrees_and_tells_no_mac(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    nonce_used = bool(inputs.get("nonces_seen"))
    diagnosis = accredit.diagnose_identity(
        inputs["signature"],
        secrets_of(inputs),
        boot_of(inputs),
        now=inputs["now"],
        window_s=inputs["window_s"],
        origin=inputs.get("origin"),
        policy=policy_of(inputs),
        nonce_used=nonce_used,
    )
    assert diagnosis.would_admit is (case["expect"] == "valid")
    assert diagnosis.code == (None if case["expect"] == "valid" else case["expect"])
    assert diagnosis.mistakes["mac_hex"] is (case["name"] == "v1_mac_hex")
    assert diagnosis.mistakes["timestamp_milliseconds"] is (case["name"] == "v1_ms_ts")
    assert diagnosis.mistakes["email_case_or_space"] is (case["name"] == "v1_email_case_differs")
    assert diagnosis.mistakes["email_missing"] is (case["name"] == "v1_email_added_to_anonymous")
    try:
        mac = accredit.peek_identity(inputs["signature"]).mac
    except accredit.Refused:
        return
    assert b64_encode(mac).rstrip("=") not in repr(diagnosis)


@pytest.mark.parametrize("case", cases_of("identity_secret"))
def test_identity_secret(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        secret = accredit.IdentitySecret.from_base64(case["inputs"]["secret_base64"])
        assert secret.octets.hex() == case["result"]["secret_hex"]
    else:
        with pytest.raises(accredit.MalformedError) as error:
            accredit.IdentitySecret.from_base64(case["inputs"]["secret_base64"])
        assert error.value.code == case["expect"]


@pytest.mark.parametrize("case", cases_of("boot_body"))
def test_boot_body(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        boot = read(case["inputs"])
        names = ("cp_id", "cp_deployment_id", "page", "locale", "identifier_type", "identifier_value")
        # `environment` is read by nobody, so it is not kept.
        expected = {name: text for name, text in case["result"]["boot"].items() if name != "environment"}
        assert {name: value for name in names if (value := getattr(boot, name)) is not None} == expected
        assert boot.signature is None
        assert boot.customer.values == case["result"]["customer_info"]
        dropped = [f"field_dropped:{name}" for name in case["result"]["dropped"]]
        assert [warning for warning in boot.customer.warnings if warning.startswith("field_dropped")] == dropped
    else:
        with pytest.raises(accredit.MalformedError) as error:
            read(case["inputs"])
        assert (error.value.code, error.value.member) == (case["expect"], case.get("member"))


def read(inputs: dict[str, Any]) -> accredit.BootBody:
    """What a door does with a body: its octets are decoded there, its names and values by the library."""
    if inputs["content_type"] == "application/json":
        try:
            body = parse_json(inputs["body"].encode(), max_depth=6)
        except JsonError as error:
            raise accredit.MalformedError("request_malformed") from error
        assert isinstance(body, dict)
        return accredit.read_boot_body(body)
    if inputs["content_type"] != "application/x-www-form-urlencoded":
        raise accredit.MalformedError("media_type_unsupported")
    return accredit.read_boot_body(parse_qsl(inputs["body"], keep_blank_values=True))
