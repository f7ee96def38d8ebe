"""Which user a deployer vouched for: under every live key, at this moment, for this template and page."""

import dataclasses
import hmac
import json
from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode, b64url_encode
from accredit.reference import spend_reference

NOW = 1_800_000_000
ONE = accredit.ReferenceSecret.from_text("live_secret_" + "abcd1234" * 8, "live_key_1")
TWO = accredit.ReferenceSecret.from_text("live_secret_" + "0123cdef" * 8, "live_key_1")
OWN = accredit.ReferenceSecret.from_text("accredit_live_reference_" + "x" * 49, "rfs_1")
V1 = accredit.sign_reference(ONE, "user-1")
HERE: dict[str, Any] = {"environment": "live", "template_id": "flwtmp_1", "origin": "https://shop.example", "now": NOW}
CLAIMS: dict[str, Any] = {
    "aud": "flow",
    "env": "live",
    "exp": NOW + 600,
    "iat": NOW,
    "jti": "AAECAwQFBgcICQoLDA0ODw",
    "ori": ["https://shop.example"],
    "sub": "user-1",
    "tpl": ["flwtmp_1"],
}


def write(claims: Any, secret: accredit.ReferenceSecret = ONE, **header: Any) -> str:
    """A token with just these claims, soundly signed: what a deployer's own code may produce."""
    members = {"alg": "HS256", "kid": secret.key_id, "typ": "flow-user+jwt", **header}
    signing_input = ".".join(b64url_encode(json.dumps(each).encode()) for each in (members, claims))
    return f"{signing_input}.{b64url_encode(hmac.digest(secret.token_octets, signing_input.encode(), 'sha256'))}"


def verify_v2(token: Any, keys: Any = (ONE,), **changes: Any) -> accredit.VerifiedReference:
    return accredit.verify_reference_v2(token, keys, **HERE | changes)


def refusal_of(token: Any, keys: Any = (ONE,), **changes: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        verify_v2(token, keys, **changes)
    return refusal.value.code, refusal.value.member


def test_verifies_what_the_original_signs() -> None:
    verified = accredit.verify_reference("user-1", V1, [ONE])
    assert (verified.customer_reference, verified.version, verified.key_id) == ("user-1", 1, "live_key_1")
    assert (verified.jti, verified.expires, verified.session_id, verified.user) == (None, None, None, None)
    assert accredit.verify_reference("user-1", accredit.peek_reference(V1), [ONE]) == verified


def test_every_live_secret_is_tried() -> None:
    public = accredit.parse_reference_key(accredit.generate_deployment_key("ES256").public_jwk)
    assert accredit.verify_reference("user-1", V1, [public, OWN, TWO, ONE]).key_id == "live_key_1"
    assert accredit.verify_reference("user-1", accredit.sign_reference(OWN, "user-1"), [ONE, OWN]).key_id == "rfs_1"
    for keys in ([], [TWO], [OWN, TWO], [public]):
        with pytest.raises(accredit.Refused, match="mac_mismatch: signature"):
            accredit.verify_reference("user-1", V1, keys)


def test_a_key_that_signed_nothing_signs_nothing() -> None:
    """What is computed where there is no secret vouches for nobody."""
    dummy = b64_encode(hmac.digest(bytes(32), b"user-1", "sha256"))
    with pytest.raises(accredit.Refused, match="mac_mismatch"):
        accredit.verify_reference("user-1", dummy, [])


@pytest.mark.parametrize("other", ["User-1", "user-1 ", "user-2", "user-１"])
def test_a_signature_is_of_one_reference(other: str) -> None:
    with pytest.raises(accredit.Refused, match="mac_mismatch"):
        accredit.verify_reference(other, V1, [ONE])


def test_the_reference_is_judged_before_the_signature() -> None:
    with pytest.raises(accredit.MalformedError, match="customer_reference_invalid"):
        accredit.verify_reference("a\nb", "no signature", [ONE])


def test_a_token_is_no_signature_of_the_original_and_the_other_way_round() -> None:
    with pytest.raises(accredit.Refused, match="signature_malformed"):
        accredit.verify_reference("user-1", write(CLAIMS), [ONE])
    with pytest.raises(accredit.Refused, match="signature_malformed"):
        accredit.verify_reference("user-1", accredit.peek_reference(write(CLAIMS)), [ONE])
    assert refusal_of(V1) == ("jws_malformed", "signature")
    assert refusal_of(accredit.peek_reference(V1)) == ("jws_malformed", "signature")


def test_verifies_tokens() -> None:
    verified = verify_v2(write(CLAIMS))
    assert (verified.customer_reference, verified.version, verified.key_id) == ("user-1", 2, "live_key_1")
    assert (verified.jti, verified.expires) == (CLAIMS["jti"], NOW + 600)
    assert verify_v2(accredit.peek_reference(write(CLAIMS))) == verified


def test_several_secrets_may_have_one_key_id() -> None:
    for keys in ([ONE, TWO], [TWO, ONE], [TWO, OWN, ONE]):
        assert verify_v2(write(CLAIMS), keys).key_id == "live_key_1"
    assert refusal_of(write(CLAIMS), [TWO]) == ("jws_signature_invalid", "signature")


def test_the_key_that_is_named_verifies_and_no_other() -> None:
    assert refusal_of(write(CLAIMS), [OWN]) == ("jws_key_unknown", "signature")
    assert refusal_of(write(CLAIMS), []) == ("jws_key_unknown", "signature")
    assert refusal_of(write(CLAIMS, kid=""), [ONE]) == ("jws_key_unknown", "signature")
    assert refusal_of(write(CLAIMS, kid="rfs_1"), [ONE, OWN]) == ("jws_signature_invalid", "signature")


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA"])
def test_the_record_chooses_the_algorithm(alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    key = accredit.parse_reference_key(made.public_jwk, alg, key_id="rfk_1")
    signed = accredit.sign_reference_v2(made.private_jwk, "user-1", ["flwtmp_1"], environment="live", now=NOW, kid="rfk_1")
    assert verify_v2(signed, [ONE, key]).key_id == "rfk_1"
    assert refusal_of(write(CLAIMS, kid="rfk_1"), [key]) == ("jws_alg_not_allowed", "signature")
    other = accredit.parse_reference_key(accredit.generate_deployment_key(alg).public_jwk, alg, key_id="rfk_1")
    assert refusal_of(signed, [other]) == ("jws_signature_invalid", "signature")
    assert refusal_of(signed, [accredit.ReferenceSecret(bytes(32), bytes(32), "rfk_1")])[0] == "jws_alg_not_allowed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("aud", None), ("aud", ["flow"]), ("aud", "Flow"), ("env", "test"), ("env", "sandbox"), ("env", None),
        ("sub", None), ("sub", ""), ("sub", "a\nb"), ("sub", 42), ("sub", "a" * 256),
        ("jti", "a" * 21), ("jti", "a" * 65), ("jti", "a" * 21 + "="), ("jti", 1),
        ("iat", "1"), ("iat", True), ("iat", None), ("iat", 1.5), ("exp", "1"), ("exp", False), ("exp", NOW + 0.5),
        ("tpl", []), ("tpl", "flwtmp_1"), ("tpl", ["flwtmp_1"] * 21), ("tpl", ["flwtmp_1", 1]), ("tpl", ["a-b"]), ("tpl", None),
        ("ori", []), ("ori", None), ("ori", "https://shop.example"), ("ori", ["https://shop.example", None]), ("ori", ["a b"]),
        ("usr", None), ("usr", []), ("usr", "a"), ("sid", None), ("sid", ""), ("sid", "a-b"), ("sid", 1),
    ],
)  # fmt: skip
def test_each_claim_has_its_form(name: str, value: Any) -> None:
    assert refusal_of(write(CLAIMS | {name: value})) == ("token_claims_invalid", name)


@pytest.mark.parametrize("name", ["aud", "env", "sub", "jti", "iat", "exp", "tpl"])
def test_these_claims_are_not_left_out(name: str) -> None:
    assert refusal_of(write({other: value for other, value in CLAIMS.items() if other != name})) == (
        "token_claims_invalid",
        name,
    )


def test_optional_claims() -> None:
    verified = verify_v2(write(CLAIMS | {"usr": {"email": "a@example.com"}, "sid": "flwses_1", "more": 1}))
    assert (verified.user, verified.session_id) == ({"email": "a@example.com"}, "flwses_1")
    assert "example.com" not in repr(verified)
    assert "user-1" not in repr(verified)


def test_it_is_of_its_time() -> None:
    for now in (NOW - 30, NOW, NOW + 629):
        assert verify_v2(write(CLAIMS), now=now).expires == NOW + 600
    assert refusal_of(write(CLAIMS), now=NOW - 31) == ("token_not_yet_valid", "iat")
    assert refusal_of(write(CLAIMS), now=NOW + 630) == ("token_expired", "exp")
    for span in (0, -1, 3601, 10**30):
        assert refusal_of(write(CLAIMS | {"exp": NOW + span})) == ("token_lifetime", "exp")
    assert verify_v2(write(CLAIMS | {"exp": NOW + 3600}))


def test_it_is_for_its_templates_origins_and_environment() -> None:
    several = CLAIMS | {"tpl": ["flwtmp_2", "flwtmp_1"], "ori": ["https://a.example", "https://shop.example"]}
    assert verify_v2(write(several))
    assert refusal_of(write(several), template_id="flwtmp_3") == ("token_template_mismatch", "tpl")
    assert refusal_of(write(several), origin="https://b.example") == ("token_origin_mismatch", "ori")
    assert refusal_of(write(several), origin=None) == ("token_origin_mismatch", "ori")
    assert refusal_of(write(several), environment="sandbox") == ("token_claims_invalid", "env")
    anywhere = {name: value for name, value in CLAIMS.items() if name != "ori"}
    assert verify_v2(write(anywhere), origin=None)
    assert verify_v2(write(anywhere), origin="https://b.example")


def test_it_names_the_user() -> None:
    assert verify_v2(write(CLAIMS), customer_reference="user-1")
    assert refusal_of(write(CLAIMS), customer_reference="user-2") == ("customer_reference_mismatch", "customer_reference")
    assert refusal_of(write(CLAIMS), customer_reference="") == ("customer_reference_mismatch", "customer_reference")


def test_the_first_fault_is_told() -> None:
    """In the order of protocol-flow.md section 3."""
    faults: list[tuple[dict[str, Any], str]] = [
        ({"aud": 1}, "token_claims_invalid"),
        ({"iat": NOW + 31, "exp": NOW + 5000}, "token_not_yet_valid"),
        ({"exp": NOW - 5000}, "token_expired"),
        ({"exp": NOW + 3601}, "token_lifetime"),
        ({"tpl": ["flwtmp_2"]}, "token_template_mismatch"),
        ({"ori": ["https://other.example"]}, "token_origin_mismatch"),
    ]
    assert refusal_of(write(CLAIMS, TWO), customer_reference="user-2")[0] == "jws_signature_invalid"
    for first in range(len(faults)):
        claims = CLAIMS | {name: value for changes, _ in reversed(faults[first:]) for name, value in changes.items()}
        assert refusal_of(write(claims), customer_reference="user-2")[0] == faults[first][1]


def test_work_is_done_where_nothing_can_be_verified() -> None:
    made = accredit.generate_deployment_key("ES256")
    signed = accredit.sign_reference_v2(made.private_jwk, "user-1", ["flwtmp_1"], environment="live", now=NOW)
    for signature in (V1, write(CLAIMS), signed):
        spend_reference(accredit.peek_reference(signature), "user-1")


def test_a_verified_reference_comes_from_verification_only() -> None:
    with pytest.raises(TypeError, match="verify_reference"):
        accredit.VerifiedReference("user-1", 1, "live_key_1", 0)
    with pytest.raises(TypeError, match="verify_reference"):
        dataclasses.replace(verify_v2(write(CLAIMS)), customer_reference="user-2")
