import copy
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import accredit
from accredit.deployment import ORIGINAL_POLICY, TOKEN_TYPE, spend_verification
from accredit.encoding import b64url_decode, b64url_encode

PAYLOAD = {"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": "u"}
KEY_ID_WARN, KEY_ID_REQUIRE = accredit.TokenPolicy(key_id="warn"), accredit.TokenPolicy(key_id="require")
Write = Callable[..., str]


def refusal_of(token: str, keys: Sequence[accredit.DeploymentKey], **arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        accredit.verify_deployment(token, keys, now=0, **arguments)
    return refusal.value.code, refusal.value.member


def test_verifies_what_a_deployer_signed(write: Write, key: accredit.DeploymentKey) -> None:
    verified = accredit.verify_deployment(write(PAYLOAD), [key], now=0)
    assert (verified.key_id, verified.jti, verified.expires, verified.warnings) == ("key_1", None, None, ())
    assert verified.properties.uid == "u"


def test_verifies_what_was_peeked_at_before(write: Write, key: accredit.DeploymentKey) -> None:
    token = write(PAYLOAD)
    assert accredit.verify_deployment(accredit.peek_deployment(token), [key], now=0) == accredit.verify_deployment(
        token, [key], now=0
    )


def test_tells_the_claims_that_matter_later(write: Write, key: accredit.DeploymentKey) -> None:
    verified = accredit.verify_deployment(write(PAYLOAD | {"iat": 1, "exp": 9, "jti": "j" * 16}), [key], now=2)
    assert (verified.jti, verified.expires) == ("j" * 16, 9)


def test_bytes_are_verified_as_received(write: Write, key: accredit.DeploymentKey) -> None:
    payload = b'\r\n{ "uid":"\\u0075" ,"integration_id":"i", "owner_id":"o","deployer_id":"d" }\t'
    header = b' { "alg" : "\\u0045S512" } '
    assert accredit.verify_deployment(write(payload, header), [key], now=0).properties.uid == "u"


def test_every_live_key_is_tried(write: Write, key: accredit.DeploymentKey) -> None:
    others = [accredit.parse_deployment_key(accredit.generate_deployment_key().public_jwk) for _ in range(4)]
    assert accredit.verify_deployment(write(PAYLOAD), [*others, key], now=0).key_id == "key_1"
    assert refusal_of(write(PAYLOAD), others) == ("jws_signature_invalid", None)


def test_without_a_live_key_nothing_is_verified(write: Write) -> None:
    assert refusal_of(write(PAYLOAD), []) == ("jws_signature_invalid", None)


def test_the_record_chooses_the_algorithm(write: Write, made: accredit.GeneratedKey, key: accredit.DeploymentKey) -> None:
    es256 = accredit.generate_deployment_key("ES256")
    token = write(PAYLOAD, {"alg": "ES256"}, es256.private_jwk)
    assert refusal_of(token, [key]) == ("jws_alg_not_allowed", None)
    assert accredit.verify_deployment(token, [key, accredit.parse_deployment_key(es256.public_jwk, "ES256")], now=0)
    # A header of one algorithm over a signature of another is no signature of either.
    assert refusal_of(write(PAYLOAD, {"alg": "ES256"}), [accredit.parse_deployment_key(es256.public_jwk, "ES256")]) == (
        "jws_signature_invalid",
        None,
    )
    assert refusal_of(write(PAYLOAD, {"alg": "EdDSA"}), [key]) == ("jws_alg_not_allowed", None)


def test_a_signature_over_other_octets_is_refused(write: Write, key: accredit.DeploymentKey) -> None:
    header, payload, signature = write(PAYLOAD).split(".")
    _, other, _ = write(PAYLOAD | {"uid": "victim"}).split(".")
    assert refusal_of(f"{header}.{other}.{signature}", [key]) == ("jws_signature_invalid", None)
    spaced = b64url_encode(b64url_decode(header) + b" ")
    assert refusal_of(f"{spaced}.{payload}.{signature}", [key]) == ("jws_signature_invalid", None)


@pytest.mark.parametrize("header", [{"kid": "key"}, {"typ": TOKEN_TYPE}])
def test_the_original_profile_has_no_kid_and_no_typ(write: Write, key: accredit.DeploymentKey, header: dict[str, str]) -> None:
    assert refusal_of(write(PAYLOAD, {"alg": "ES512", **header}), [key]) == ("jws_header_not_allowed", None)


def test_kid_picks_the_key_by_thumbprint_or_registered_name(write: Write, made: accredit.GeneratedKey) -> None:
    named = accredit.parse_deployment_key(made.public_jwk, key_id="key_2", kid="shop-2026")
    other = accredit.parse_deployment_key(accredit.generate_deployment_key().public_jwk)
    for kid in (made.thumbprint, "shop-2026"):
        token = write(PAYLOAD, {"alg": "ES512", "kid": kid, "typ": TOKEN_TYPE})
        assert accredit.verify_deployment(token, [other, named], now=0, policy=KEY_ID_REQUIRE).key_id == "key_2"
    for kid in ("key_2", "", "SHOP-2026"):
        assert refusal_of(write(PAYLOAD, {"alg": "ES512", "kid": kid}), [other, named], policy=KEY_ID_WARN) == (
            "jws_key_unknown",
            None,
        )
    assert refusal_of(write(PAYLOAD, {"alg": "ES512", "kid": other.thumbprint}), [other, named], policy=KEY_ID_WARN) == (
        "jws_signature_invalid",
        None,
    )


def test_a_missing_kid_or_typ_is_told_under_warn_and_refused_under_require(
    write: Write, made: accredit.GeneratedKey, key: accredit.DeploymentKey
) -> None:
    for header, missing in (
        ({}, ("kid", "typ")),
        ({"kid": made.thumbprint}, ("typ",)),
        ({"typ": TOKEN_TYPE}, ("kid",)),
        ({"kid": made.thumbprint, "typ": TOKEN_TYPE}, ()),
    ):
        token = write(PAYLOAD, {"alg": "ES512", **header})
        verified = accredit.verify_deployment(token, [key], now=0, policy=KEY_ID_WARN)
        assert verified.warnings == tuple(f"token_claim_missing:{name}" for name in missing)
        if missing:
            assert refusal_of(token, [key], policy=KEY_ID_REQUIRE) == ("token_claim_missing", missing[0])


def test_a_bad_signature_is_told_before_a_missing_claim(write: Write, key: accredit.DeploymentKey) -> None:
    token = write(PAYLOAD | {"exp": None}, jwk=accredit.generate_deployment_key().private_jwk)
    assert refusal_of(token, [key], policy=KEY_ID_REQUIRE) == ("jws_signature_invalid", None)


def test_freshness_is_judged_before_properties(write: Write, key: accredit.DeploymentKey) -> None:
    assert refusal_of(write(PAYLOAD | {"aud": "x", "location": "#app"}), [key]) == ("token_audience_mismatch", "aud")


def test_a_null_end_is_not_endless(write: Write, key: accredit.DeploymentKey) -> None:
    assert refusal_of(write(PAYLOAD | {"exp": None}), [key]) == ("token_claims_invalid", "exp")


def test_direct_values_are_merged(write: Write, key: accredit.DeploymentKey) -> None:
    anonymous = write({"deployer_id": "d", "integration_id": "i"})
    direct = accredit.DirectProperties(owner_id="o", view_id="v")
    assert accredit.verify_deployment(anonymous, [key], now=0, direct=direct).properties.view_id == "v"
    assert refusal_of(anonymous, [key]) == ("missing_required_property", "owner_id")
    stolen = accredit.DirectProperties(owner_id="o", uid="victim")
    assert refusal_of(anonymous, [key], direct=stolen) == ("unsigned_value_refused", "uid")


def test_direct_conflicts_are_warned_of_or_refused(write: Write, key: accredit.DeploymentKey) -> None:
    direct = accredit.DirectProperties(uid="victim")
    verified = accredit.verify_deployment(write(PAYLOAD), [key], now=0, direct=direct)
    assert (verified.properties.uid, verified.warnings) == ("u", ("direct_ignored:uid",))
    assert refusal_of(write(PAYLOAD), [key], direct=direct, strict_direct=True) == ("direct_conflict", "uid")


def test_a_remembered_verification_counts_only_for_a_live_key(write: Write, key: accredit.DeploymentKey) -> None:
    """Another key signed this token, so only memory can have admitted it; everything but the signature is still checked."""
    token = write(PAYLOAD, jwk=accredit.generate_deployment_key().private_jwk)
    assert accredit.verify_deployment(token, [key], now=0, verified_by="key_1").key_id == "key_1"
    assert refusal_of(token, [key], verified_by="key_revoked") == ("jws_signature_invalid", None)
    assert refusal_of(token, [], verified_by="key_1") == ("jws_signature_invalid", None)
    expired = write(PAYLOAD | {"exp": 1}, jwk=accredit.generate_deployment_key().private_jwk)
    with pytest.raises(accredit.Refused, match="token_expired"):
        accredit.verify_deployment(expired, [key], now=40, verified_by="key_1")


def test_nothing_but_verification_makes_a_verified_deployment(write: Write, key: accredit.DeploymentKey) -> None:
    verified = accredit.verify_deployment(write(PAYLOAD), [key], now=0)
    with pytest.raises(TypeError, match="verify_deployment only"):
        accredit.VerifiedDeployment(verified.properties, "key_1", None, None)
    with pytest.raises(TypeError, match="verify_deployment only"):
        dataclasses.replace(verified, properties=dataclasses.replace(verified.properties, uid="victim"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        verified.key_id = "key_2"  # type: ignore[misc]
    assert copy.copy(verified) == verified


@pytest.mark.parametrize("alg", ["ES512", "ES256", "EdDSA"])
def test_a_refusal_before_any_key_was_tried_costs_a_verification(alg: str, write: Write) -> None:
    """Without it, the ratio would be below 1 to 5: nothing is as dear as a verification."""
    signer, other = accredit.generate_deployment_key(alg), accredit.generate_deployment_key(alg)
    token = write(PAYLOAD, {"alg": alg}, signer.private_jwk)
    wrong = [accredit.parse_deployment_key(other.public_jwk, alg)]
    tried = fastest(lambda: refusal_of(token, wrong))
    assert fastest(lambda: refusal_of(token, [])) > tried / 2
    assert fastest(lambda: spend_verification(accredit.peek_deployment(token))) > tried / 2
    spend_verification(None)


def fastest(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(30):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def test_the_original_policy_demands_nothing() -> None:
    assert accredit.TokenPolicy() == ORIGINAL_POLICY
