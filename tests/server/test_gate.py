"""The gate as a pure decision: its order, what it lets nobody build, and what a refusal costs."""

import sys
from dataclasses import replace

import pytest

from accredit import DirectProperties, Refused, generate_deployment_key, parse_deployment_key, peek_deployment, sign_deployment
from accredit.server.gate import Admission, DeploymentProof, LiveKeys, Visit, admit_deployment
from accredit.server.integrations.integration import Integration, prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.keyring.scope import Scope

NOW_MS = 1_800_000_000_000
PAIR = generate_deployment_key()
KEYS = LiveKeys([parse_deployment_key(PAIR.public_jwk)])
VISIT = Visit("https://shop.example", "iframe", "https://accredit.example")
IDS = {"deployer_id": "d", "integration_id": "i", "owner_id": "o"}


def integration(**members) -> Integration:
    policy = parse_policy("embed", members, now_ms=NOW_MS)
    return prepare(policy, integration_id="i", scope=Scope("a", "live"), door="embed", deployer_id="d", owner_id="o", version=1)


def proof(key=PAIR, direct: DirectProperties | None = None, **properties) -> DeploymentProof:
    token = sign_deployment({**IDS, **properties}, key.private_jwk)
    return DeploymentProof(peek_deployment(token), direct or DirectProperties())


def refusal(*arguments) -> str:
    with pytest.raises(Refused) as refused:
        admit_deployment(*arguments, NOW_MS)
    return refused.value.code


def test_admits_what_a_live_key_signed():
    admission = admit_deployment(proof(uid="user-1"), integration(), KEYS, VISIT, NOW_MS)
    assert (admission.uid, admission.trust, admission.proof_key_id) == ("user-1", "signed", PAIR.thumbprint)


def test_nothing_else_makes_an_admission():
    admission = admit_deployment(proof(), integration(), KEYS, VISIT, NOW_MS)
    with pytest.raises(TypeError):
        Admission(admission.integration, "signed", None, "victim", None, admission.passport)
    with pytest.raises((TypeError, ValueError)):
        replace(admission, uid="victim")


def test_the_first_broken_rule_in_order_is_told():
    foreign = proof(key=generate_deployment_key())
    disabled = integration(enabled=False, allowed_origins=["https://other.example"], signed_deployment="required")
    unsigned = DeploymentProof(None, DirectProperties(**IDS))
    assert refusal(foreign, None, KEYS, VISIT) == "integration_unknown"
    assert refusal(foreign, replace(disabled, deployer_id="x"), KEYS, VISIT) == "deployer_mismatch"
    assert refusal(foreign, disabled, KEYS, VISIT) == "integration_disabled"
    assert refusal(unsigned, replace(disabled, enabled=True), KEYS, VISIT) == "signed_deployment_required"
    assert refusal(foreign, replace(disabled, enabled=True), KEYS, VISIT) == "origin_not_allowed"
    assert refusal(foreign, integration(), KEYS, VISIT) == "jws_signature_invalid"


def test_trust_without_a_token_comes_from_a_list_only():
    unsigned = DeploymentProof(None, DirectProperties(**IDS))
    assert admit_deployment(unsigned, integration(), KEYS, VISIT, NOW_MS).trust == "unverified"
    listed = integration(allowed_origins=["https://shop.example"])
    assert admit_deployment(unsigned, listed, KEYS, VISIT, NOW_MS).trust == "origin"


def test_an_owner_that_is_another_is_refused():
    assert refusal(proof(owner_id="x"), integration(), KEYS, VISIT) == "owner_mismatch"


@pytest.mark.parametrize(
    ("given", "keys", "visit"),
    [
        (None, KEYS, VISIT),
        (integration(enabled=False), KEYS, VISIT),
        (replace(integration(), deployer_id="x"), KEYS, VISIT),
        (integration(allowed_origins=["https://other.example"]), KEYS, VISIT),
        (integration(origin_check="require"), KEYS, Visit(None, None, "https://accredit.example")),
        (integration(), LiveKeys(), VISIT),
        (integration(), LiveKeys([parse_deployment_key(generate_deployment_key("EdDSA").public_jwk, "EdDSA")]), VISIT),
        (integration(), LiveKeys([parse_deployment_key(generate_deployment_key().public_jwk)]), VISIT),
    ],
    ids=["unknown", "disabled", "deployer", "origin", "no origin", "no keys", "other algorithm", "wrong key"],
)
def test_every_refusal_up_to_the_signature_costs_one_verification(given, keys, visit):
    shown = proof()
    refusal(shown, given, keys, visit)  # The dummy key is made the first time.
    assert verifications(lambda: refusal(shown, given, keys, visit)) == 1


def verifications(run) -> int:
    """How often the primitives were asked to verify an ECDSA signature meanwhile."""
    count = 0

    def watch(_frame, event, called) -> None:
        nonlocal count
        if event == "c_call" and called.__name__ == "verify" and type(called.__self__).__name__ == "ECPublicKey":
            count += 1

    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def test_a_remembered_token_costs_none_and_needs_its_key_alive():
    shown = proof()
    remembered = DeploymentProof(shown.token, shown.direct, PAIR.thumbprint)
    assert verifications(lambda: admit_deployment(remembered, integration(), KEYS, VISIT, NOW_MS)) == 0
    other = LiveKeys([parse_deployment_key(generate_deployment_key().public_jwk)])
    assert refusal(remembered, integration(), other, VISIT) == "jws_signature_invalid"
