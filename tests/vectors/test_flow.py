"""The vectors of the flow door that are the library's, every one of them, as its users call it.

Those of the server are in tests/server/flow/test_vectors.py: `origin_entry` (the allow-list of a template), `session_limit` and
`retry_strategy` (what is decided about sessions), `id_number` (a member of a session's user). `leak_report` (what is revoked) and
`tunnel_host` (the going-live checklist) are the server's too. `secret_shape` is what the browser SDK withholds.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("flow.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]
OF_THE_LIBRARY = {"reference": 27, "hkdf": 2, "token_v2": 54, "api_request": 43}
OF_THE_SERVER = {
    "origin_entry": 21,
    "session_limit": 12,
    "retry_strategy": 24,
    "leak_report": 2,
    "id_number": 7,
    "tunnel_host": 6,
}
OF_THE_SDK = {"secret_shape": 7}
SECRET_IDS = [record["key_id"] for record in VECTORS["keys"].values() if "jwk" not in record]


def cases_of(kind: str, *, valid_only: bool = False) -> list[Any]:
    cases = [case for case in CASES if case["kind"] == kind and (case["expect"] == "valid" or not valid_only)]
    return [pytest.param(case, id=case["name"]) for case in cases]


def test_knows_the_kind_of_every_case() -> None:
    assert Counter(case["kind"] for case in CASES) == OF_THE_LIBRARY | OF_THE_SERVER | OF_THE_SDK


def secrets_of(inputs: dict[str, Any]) -> list[accredit.ReferenceSecret]:
    return [accredit.ReferenceSecret.from_text(each["secret"], each["key_id"]) for each in inputs["secrets"]]


@pytest.mark.parametrize("case", cases_of("reference"))
def test_reference(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    if case["expect"] == "valid":
        verified = accredit.verify_reference(inputs["customer_reference"], inputs["signature"], secrets_of(inputs))
        assert (verified.customer_reference, verified.version) == (inputs["customer_reference"], 1)
        assert verified.key_id == case["result"]["key_id"]
    else:
        with pytest.raises(accredit.AccreditError) as refusal:
            accredit.verify_reference(inputs["customer_reference"], inputs["signature"], secrets_of(inputs))
        assert refusal.value.code == case["expect"]


@pytest.mark.parametrize("case", cases_of("reference", valid_only=True))
def test_we_sign_references_to_the_letter(case: dict[str, Any]) -> None:
    signer = next(secret for secret in secrets_of(case["inputs"]) if secret.key_id == case["result"]["key_id"])
    assert accredit.sign_reference(signer, case["inputs"]["customer_reference"]) == case["inputs"]["signature"]


@pytest.mark.parametrize(
    "case", [case for case in cases_of("reference") if case.values[0]["expect"] == "customer_reference_invalid"]
)
def test_we_sign_no_reference_that_is_none(case: dict[str, Any]) -> None:
    with pytest.raises(accredit.MalformedError, match="customer_reference_invalid"):
        accredit.sign_reference(secrets_of(case["inputs"])[0], case["inputs"]["customer_reference"])


@pytest.mark.parametrize("case", cases_of("hkdf"))
def test_hkdf(case: dict[str, Any]) -> None:
    assert accredit.ReferenceSecret.from_text(case["inputs"]["secret"]).token_octets.hex() == case["result"]["key_hex"]


def key_of(name: str) -> accredit.ReferenceSecret | accredit.ReferenceKey:
    record = VECTORS["keys"][name]
    if "jwk" in record:
        return accredit.parse_reference_key(record["jwk"], record["alg"], key_id=record["key_id"])
    # The bridge is given by what is derived; it is that of the sample secret.
    secret = accredit.ReferenceSecret.from_text(record.get("secret") or SAMPLE_SECRET, record["key_id"])
    assert record.get("derived_hex") in (None, secret.token_octets.hex())
    return secret


SAMPLE_SECRET = next(case["inputs"]["secret"] for case in CASES if (case["kind"], case["name"]) == ("hkdf", "sample_secret"))


def live_keys(inputs: dict[str, Any]) -> list[accredit.ReferenceSecret | accredit.ReferenceKey]:
    """What a store hands out: live keys of the purpose and of the environment, and no others."""
    records = {name: VECTORS["keys"][name] for name in inputs["keys"]}
    live = [name for name, record in records.items() if record["state"] in ("active", "retiring")]
    fitting = [name for name in live if records[name]["purpose"] == "reference"]
    return [key_of(name) for name in fitting if records[name]["environment"] == inputs["environment"]]


def verify_token(inputs: dict[str, Any]) -> accredit.VerifiedReference:
    asked = {name: inputs[name] for name in ("environment", "template_id", "origin", "customer_reference", "now")}
    return accredit.verify_reference_v2(inputs["token"], live_keys(inputs), **asked)


@pytest.mark.parametrize("case", cases_of("token_v2"))
def test_token_v2(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        verified = verify_token(case["inputs"])
        expected = case["result"]
        assert (verified.key_id, verified.customer_reference) == (expected["key_id"], expected["customer_reference"])
        assert (verified.jti, verified.user, verified.version) == (expected["jti"], expected["usr"], 2)
    else:
        with pytest.raises(accredit.Refused) as refusal:
            verify_token(case["inputs"])
        assert refusal.value.code == case["expect"]


# Of the others the vectors hold the public half only, or claims that nobody signs with us.
SIGNED_BY_SECRETS = [case for case in cases_of("token_v2", valid_only=True) if case.values[0]["result"]["key_id"] in SECRET_IDS]


@pytest.mark.parametrize("case", [case for case in SIGNED_BY_SECRETS if case.values[0]["result"]["usr"] is None])
def test_we_sign_tokens_to_the_letter(case: dict[str, Any]) -> None:
    token = case["inputs"]["token"]
    claims = json.loads(b64url_decode(token.split(".")[1]))
    verified = verify_token(case["inputs"])
    signer = next(key for key in live_keys(case["inputs"]) if key.key_id == verified.key_id)
    assert isinstance(signer, accredit.ReferenceSecret)
    signed = accredit.sign_reference_v2(
        signer,
        claims["sub"],
        claims["tpl"],
        environment=claims["env"],
        now=claims["iat"],
        lifetime_s=claims["exp"] - claims["iat"],
        origins=claims.get("ori", ()),
        jti=claims["jti"],
    )
    assert signed == token


def verify_request(inputs: dict[str, Any]) -> accredit.VerifiedRequest:
    method, target, headers, keys = (inputs[name] for name in ("method", "target", "headers", "keys"))
    return accredit.verify_request(method, target, headers, inputs["body"].encode(), keys, now=inputs["now"])


@pytest.mark.parametrize("case", cases_of("api_request"))
def test_api_request(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        verified = verify_request(case["inputs"])
        assert verified.key_id in case["inputs"]["keys"]
        assert [line.split(": ")[0] for line in case["result"]["signing_string"].split("\n")] == list(verified.signed)
    else:
        with pytest.raises(accredit.Refused) as refusal:
            verify_request(case["inputs"])
        assert refusal.value.code == case["expect"]


@pytest.mark.parametrize("case", cases_of("api_request", valid_only=True))
def test_we_sign_requests_to_the_letter(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    verified, sent = verify_request(inputs), dict(inputs["headers"])
    secret = inputs["keys"][verified.key_id][verified.secret_index]
    headers = accredit.sign_request(
        inputs["method"],
        inputs["target"],
        inputs["body"].encode(),
        key_id=verified.key_id,
        secret=secret,
        now=verified.signed_at,
    )
    assert headers["Date"] == sent["Date"]
    if verified.signed == ("(request-target)", "date", "digest") and sent["Digest"] == headers["Digest"]:
        assert f'signature="{verified.signature}"' in headers["Authorization"]
    if case["name"] in ("get_session", "create_session", "retry_session"):
        assert headers == sent
