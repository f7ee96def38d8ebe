"""Who may open a template, and for whom: the gate alone (protocol-flow.md sections 2, 3, 5 and 11)."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from accredit import ReferenceSecret, sign_reference, sign_reference_v2
from accredit.errors import AccreditError
from accredit.reference import peek_reference
from accredit.server.gate.admission import Visit
from accredit.server.gate.flow import FlowAdmission, ReferenceProof, User, admit_reference
from accredit.server.integrations.integration import FlowIntegration, prepare_flow
from accredit.server.integrations.parsing import parse_policy
from accredit.server.keyring.scope import Scope

NOW_MS, ORIGIN, TEMPLATE = 1_800_000_000_000, "https://shop.example", "flwtmp_1"
SCOPE = Scope("acc_1", "live")
SECRET = ReferenceSecret.from_text("accredit_live_reference_" + "T" * 40, "rfk_1")
OTHER = ReferenceSecret.from_text("accredit_live_reference_" + "o" * 40, "rfk_2")


def template(**members: Any) -> FlowIntegration:
    policy: Any = parse_policy("flow", {"allowed_origins": [ORIGIN], **members}, now_ms=NOW_MS)
    return prepare_flow(policy, integration_id=TEMPLATE, scope=SCOPE, version=1)


def decide(proof: ReferenceProof, known: FlowIntegration | None = None, **visit: Any) -> FlowAdmission:
    visit = {"origin": ORIGIN, "fetch_dest": "iframe", "audience": "https://id.example", **visit}
    return admit_reference(proof, SCOPE, known or template(), [OTHER, SECRET], Visit(**visit), NOW_MS)


def legacy(reference: str = "user-1", **more: Any) -> ReferenceProof:
    return ReferenceProof(reference, peek_reference(sign_reference(SECRET, "user-1")), **more)


def v2(reference: str | None = None, email: str | None = None, **claims: Any) -> ReferenceProof:
    given = {"environment": "live", "now": NOW_MS // 1000, **claims}
    token = sign_reference_v2(SECRET, "user-1", given.pop("templates", [TEMPLATE]), **given)
    return ReferenceProof(reference, peek_reference(token), email)


def code_of(proof: ReferenceProof, known: FlowIntegration | None = None, **visit: Any) -> str:
    with pytest.raises(AccreditError) as refused:
        decide(proof, known, **visit)
    return refused.value.code


def test_tells_what_admitted() -> None:
    unsigned, signed, token = decide(ReferenceProof("user-1")), decide(legacy()), decide(v2(session_id="flwses_1"))
    assert [each.customer_reference for each in (unsigned, signed, token)] == ["user-1"] * 3
    assert [each.admitted_by for each in (unsigned, signed, token)] == ["unsigned", "legacy", "v2"]
    assert [each.key_index for each in (unsigned, signed, token)] == [None, 1, 1]
    assert (token.session_id, signed.jti, unsigned.jti) == ("flwses_1", None, None)
    assert token.jti is not None


def test_nothing_else_makes_an_admission() -> None:
    with pytest.raises(TypeError):
        FlowAdmission(template(), "user-1", "v2", ORIGIN)


@pytest.mark.parametrize(
    ("proof", "visit", "code"),
    [
        (ReferenceProof(None), {}, "field_missing"),
        (ReferenceProof(None, peek_reference("A" * 43 + "=")), {}, "field_missing"),
        (ReferenceProof("line\nfeed"), {}, "customer_reference_invalid"),
        (ReferenceProof("user-1"), {"origin": None}, "origin_missing"),
        (ReferenceProof("user-1"), {"origin": "https://other.example"}, "origin_not_allowed"),
        (ReferenceProof("user-1"), {"origin": "https://shop.example:8443"}, "origin_not_allowed"),
        (ReferenceProof("user-1"), {"fetch_dest": "document"}, "not_framed"),
        (legacy("user-2"), {}, "mac_mismatch"),
        (v2("user-2"), {}, "customer_reference_mismatch"),
        (v2(templates=["flwtmp_2"]), {}, "token_template_mismatch"),
        (v2(origins=["https://other.example"]), {}, "token_origin_mismatch"),
        (v2(environment="sandbox"), {}, "token_claims_invalid"),
        (v2(now=NOW_MS // 1000 - 3630, lifetime_s=3600), {}, "token_expired"),
        (v2(user={"email": "no address"}), {}, "token_claims_invalid"),
        (ReferenceProof("user-1", None, "no address"), {}, "field_invalid"),
    ],
)
def test_refuses_with_the_first_broken_rule(proof: ReferenceProof, visit: dict[str, Any], code: str) -> None:
    assert code_of(proof, **visit) == code


def test_a_template_is_of_the_key_s_account_and_environment_and_enabled() -> None:
    visit = Visit(ORIGIN, "iframe", "https://id.example")
    cases = [
        (None, template(), "publishable_key_unknown"),
        (SCOPE, None, "integration_unknown"),
        (Scope("acc_1", "sandbox"), template(), "integration_unknown"),
        (Scope("acc_2", "live"), template(), "integration_unknown"),
        (SCOPE, template(enabled=False), "integration_disabled"),
    ]
    for scope, known, code in cases:
        with pytest.raises(AccreditError, match=code):
            admit_reference(legacy(), scope, known, [SECRET], visit, NOW_MS)


@pytest.mark.parametrize("proof", [legacy(), v2()], ids=["legacy", "v2"])
@pytest.mark.parametrize(
    ("scope", "known", "keys", "visit"),
    [
        (None, template(), [], {}),
        (SCOPE, None, [SECRET], {}),
        (Scope("acc_2", "live"), template(), [SECRET], {}),
        (SCOPE, template(enabled=False), [SECRET], {}),
        (SCOPE, template(), [SECRET], {"origin": "https://other.example"}),
        (SCOPE, template(), [], {}),
        (SCOPE, template(), [ReferenceSecret(bytes(32), bytes(32), "rfk_1")], {}),
    ],
    ids=["unknown key", "unknown template", "foreign template", "disabled", "origin", "revoked secret", "wrong signature"],
)
def test_every_refusal_up_to_the_signature_costs_one_mac(
    proof: ReferenceProof,
    scope: Scope | None,
    known: FlowIntegration | None,
    keys: list[ReferenceSecret],
    visit: dict[str, Any],
) -> None:
    """Work is counted, not time, which tells nothing on a machine that others use."""
    here = Visit(**{"origin": ORIGIN, "fetch_dest": "iframe", "audience": "https://id.example", **visit})

    def refuse() -> None:
        with pytest.raises(AccreditError):
            admit_reference(proof, scope, known, keys, here, NOW_MS)

    assert macs(refuse) == 1


def macs(run: Callable[[], None]) -> int:
    """How often a MAC was computed meanwhile."""
    count = 0

    def watch(_frame: Any, event: str, called: Any) -> None:
        nonlocal count
        count += event == "c_call" and called.__name__ == "hmac_digest"

    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("policy", ["optional", "required", "required_v2"])
def test_a_bad_signature_is_refused_under_every_policy(policy: str) -> None:
    assert code_of(legacy("user-2"), template(signature_policy=policy)) == "mac_mismatch"


@pytest.mark.parametrize(
    ("policy", "codes"),
    [
        ("optional", (None, None, None)),
        ("required", ("signature_required", None, None)),
        ("required_v2", ("signature_required", "signature_version", None)),
    ],
)
def test_the_policy_says_which_signatures_do(policy: str, codes: tuple[str | None, ...]) -> None:
    known = template(signature_policy=policy)
    for proof, code in zip((ReferenceProof("user-1"), legacy(), v2()), codes, strict=True):
        if code is None:
            assert decide(proof, known).customer_reference == "user-1"
        else:
            assert code_of(proof, known) == code


def test_the_original_s_signature_ends_at_its_time() -> None:
    until = "2027-01-15T08:00:00Z"
    assert code_of(legacy(), template(legacy_accepted_until=until)) == "signature_version"
    assert decide(legacy(), template(legacy_accepted_until="2027-01-15T08:00:01Z")).admitted_by == "legacy"
    assert decide(v2(), template(legacy_accepted_until=until)).admitted_by == "v2"


def test_signed_prefill_wins_and_the_page_s_email_is_nobody_s_word() -> None:
    direct = "page@example.org"
    assert decide(ReferenceProof("user-1", None, direct)).email == direct
    signed = decide(v2(email=direct, user={"email": "signed@example.org"}))
    assert (signed.user.email, signed.email) == ("signed@example.org", None)
    beside = decide(v2(email=direct, user={"phone": "+4712345678"}))
    assert (beside.user, beside.email) == (User(phone="+4712345678"), direct)


def test_under_required_v2_an_email_comes_in_the_token_only() -> None:
    known = template(signature_policy="required_v2")
    assert code_of(v2(email="page@example.org"), known) == "unsigned_value_refused"
    assert decide(v2(user={"email": "signed@example.org"}), known).user.email == "signed@example.org"


def test_says_nothing_of_the_person_when_printed() -> None:
    assert "user-1" not in repr(decide(v2()))
