"""Backends of the flow door's customers: the code that the original prints, and what Node makes of the protocol pages."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode

from .conftest import find_command

Call = Callable[..., Any]
RUBY = Path(__file__).with_name("ruby")
NOW = 1_611_438_194
KEY_ID, SECRET = "live_key_deadbeefcafedeadbeefcafedeadbeef", "live_secret_" + "abcd1234" * 8
SAMPLE, PRINTED = "3a409367-a417-4d46-9a92-3d7bc5dc4605", "yw0hqBPOIWcHPFZBsaMPnxktOrWwWkZcWP+TneV5D48="
REFERENCES = [SAMPLE, "42", " 42 ", "user-é", "user-e\u0301", "😀", "a" * 255, "a:b/c+d=e", "\xa0", '"', "\\n"]
HELD = accredit.ReferenceSecret.from_text(SECRET, KEY_ID)
NAMES = ["(request-target)", "date", "digest"]


def ruby(*arguments: str | Path, given: str = "") -> list[str]:
    command = find_command("ruby", "tools/install-system installs it, and customers sign in it")
    # Its text is UTF-8 whatever the machine's locale is.
    whole = [command, "-E", "UTF-8:UTF-8", *map(str, arguments)]
    done = subprocess.run(whole, input=given, capture_output=True, text=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()


def test_the_printed_signature_comes_out_of_python_node_and_ruby(node: Call) -> None:
    assert accredit.sign_reference(HELD, SAMPLE) == PRINTED
    assert node("reference", secret=SECRET, reference=SAMPLE) == PRINTED
    # The original's own code, as it is printed, prints it.
    assert ruby(RUBY / "signed_flow.rb") == [PRINTED]


def test_references_of_the_original_s_code_are_verified() -> None:
    text = json.dumps({"secret": SECRET, "references": REFERENCES})
    printed, signatures = ruby("-r", RUBY / "signed_flow.rb", RUBY / "reference.rb", given=text)
    assert printed == PRINTED
    for reference, signature in zip(REFERENCES, json.loads(signatures), strict=True):
        assert accredit.verify_reference(reference, signature, [HELD]).key_id == KEY_ID
        assert accredit.sign_reference(HELD, reference) == signature


def test_references_of_a_node_backend_are_verified(node: Call) -> None:
    for reference in REFERENCES:
        assert accredit.sign_reference(HELD, reference) == node("reference", secret=SECRET, reference=reference)


def test_openssl_yields_our_signature(openssl: Call) -> None:
    for reference in REFERENCES:
        mac = openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"key:{SECRET}", "-binary", given=reference.encode())
        assert accredit.sign_reference(HELD, reference) == b64_encode(mac)


def claims(reference: str) -> dict[str, Any]:
    times = {"iat": NOW, "exp": NOW + 600}
    return {"aud": "flow", "env": "live", "sub": reference, "tpl": ["flwtmp_1"], "jti": "AAECAwQFBgcICQoLDA0ODw", **times}


HERE: dict[str, Any] = {"environment": "live", "template_id": "flwtmp_1", "origin": None, "now": NOW}


def test_tokens_of_a_node_backend_are_verified(node: Call) -> None:
    for reference in REFERENCES:
        token = node("referenceToken", secret=SECRET, kid=KEY_ID, claims=claims(reference))
        assert accredit.verify_reference_v2(token, [HELD], **HERE).customer_reference == reference


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA"])
def test_tokens_go_both_ways(node: Call, alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    key = accredit.parse_reference_key(made.public_jwk, alg, key_id="rfk_1")
    header = {"alg": alg, "kid": "rfk_1", "typ": "flow-user+jwt"}
    theirs = node("sign", payload=json.dumps(claims("user-é")), header=header, jwk=made.private_jwk)
    assert accredit.verify_reference_v2(theirs, [key], **HERE).customer_reference == "user-é"
    ours = accredit.sign_reference_v2(made.private_jwk, "user-é", ["flwtmp_1"], environment="live", now=NOW, kid="rfk_1")
    assert json.loads(node("verify", compact=ours, jwk=made.public_jwk, alg=alg))["sub"] == "user-é"


REQUESTS = [
    ("POST", "/flow_sessions?idempotent=true", '{"user":{"customer_reference":"user-é"}}'),
    ("GET", "/flow_sessions/flwses_1", ""),
    ("GET", "/flow_sessions?customer_reference=a%2Fb%20c&tag=%C3%A9", ""),
]


@pytest.mark.parametrize(("method", "target", "body"), REQUESTS)
def test_requests_of_a_node_backend_are_verified(node: Call, method: str, target: str, body: str) -> None:
    given = {"method": method, "target": target, "body": body, "keyId": KEY_ID, "secret": SECRET, "now": NOW}
    assert node("request", **given, names=NAMES) == accredit.sign_request(
        method, target, body.encode(), key_id=KEY_ID, secret=SECRET, now=NOW
    )
    for names in (NAMES, ["date", "digest", "(request-target)"]):
        headers = node("request", **given, names=names)
        verified = accredit.verify_request(method, target, headers, body.encode(), {KEY_ID: [SECRET]}, now=NOW)
        assert verified.signed == tuple(names)


def test_a_receiver_that_compares_whole_headers_is_content(node: Call) -> None:
    """As old receivers do: they make the headers themselves, and compare them as texts."""
    body = '{"id":"whkevt_1","data":{"customer_reference":"user-é"}}'
    for off in range(0, 400 * 86400, 3 * 86401):
        given = {"target": "/hooks?a=1", "keyId": KEY_ID, "secret": SECRET, "now": NOW + off}
        theirs = node("request", method="POST", body=body, names=NAMES, **given)
        ours = accredit.sign_flow_webhook(body.encode(), target="/hooks?a=1", key_id=KEY_ID, secret=SECRET, now=NOW + off)
        assert ours == {"Cognito-Version": "2020-08-14", **theirs}
