"""Who may open a template, and for which user: steps 2 to 6 of protocol-flow.md section 5.

Quota, replay and uniqueness (7, 8) are judged in the transaction that opens the session. A refusal of steps 2 and 3 costs as much as
one of step 4, so that time tells nothing.
"""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from typing import Literal

import msgspec

from accredit.errors import MalformedError, Refused
from accredit.reference import (
    PeekedReference,
    ReferenceKey,
    ReferenceSecret,
    VerifiedReference,
    read_customer_reference,
    spend_reference,
    verify_reference,
    verify_reference_v2,
)
from accredit.server.gate.admission import GATE, Visit
from accredit.server.gate.flow.user import User, parse_member, parse_user
from accredit.server.integrations.integration import FlowIntegration
from accredit.server.keyring.scope import Scope

AdmittedBy = Literal["unsigned", "legacy", "v2", "api", "retry"]


class ReferenceProof(msgspec.Struct, frozen=True):
    """What the flow door was shown. customer_reference: as the page passed it, None where only a token names it.

    signature: peeked, or None where there is none. email: as the page passed it.
    """

    customer_reference: str | None
    signature: PeekedReference | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class FlowAdmission:
    """The gate's verdict. key_index: where the key that signed stands among those given, None without a signature.

    jti: what may open one session only. session_id: the only one that may be opened. user: what a token says of the person. email:
    what the page says and nobody signed.
    """

    integration: FlowIntegration
    customer_reference: str = field(repr=False)
    admitted_by: AdmittedBy
    origin: str | None
    key_index: int | None = None
    jti: str | None = None
    session_id: str | None = None
    user: User = field(default_factory=User, repr=False)
    email: str | None = field(default=None, repr=False)
    # Not kept, so that `dataclasses.replace` cannot make another admission out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not GATE:
            raise TypeError("a FlowAdmission comes from the gate only")


def admit_reference(
    proof: ReferenceProof,
    scope: Scope | None,
    integration: FlowIntegration | None,
    keys: Sequence[ReferenceSecret | ReferenceKey],
    visit: Visit,
    now_ms: int,
) -> FlowAdmission:
    """Decide whether this page may open this template, and for which user.

    scope: what the publishable key names, None for an unknown one. integration: what the template id leads to, or None. keys: the
    live ones of purpose `reference` of the scope. Raises Refused with the first broken rule's code; MalformedError
    `customer_reference_invalid`, `field_missing` and `field_invalid`.
    """
    if proof.customer_reference is None and (proof.signature is None or proof.signature.version == 1):  # 1
        raise MalformedError("field_missing", "customerReference")
    if proof.customer_reference is not None:
        read_customer_reference(proof.customer_reference)
    try:
        known = _check_integration(scope, integration)  # 2
        _check_origin(known, visit)  # 3
    except Refused:
        spend_reference(proof.signature or _NO_SIGNATURE, proof.customer_reference or "")
        raise
    verified = _verify(proof, known, keys, visit, now_ms // 1000)  # 4, 5
    _check_policy(known, verified, now_ms)  # 6
    user, email = _read_user(proof, known, verified)
    return FlowAdmission(
        integration=known,
        customer_reference=str(proof.customer_reference) if verified is None else verified.customer_reference,
        admitted_by="unsigned" if verified is None else "legacy" if verified.version == 1 else "v2",
        origin=visit.origin,
        key_index=None if verified is None else verified.key_index,
        jti=None if verified is None else verified.jti,
        session_id=None if verified is None else verified.session_id,
        user=user,
        email=email,
        made_by=GATE,
    )


_NO_SIGNATURE = PeekedReference(1, None, bytes(32))


def _check_integration(scope: Scope | None, integration: FlowIntegration | None) -> FlowIntegration:
    """Step 2. Raises Refused: `publishable_key_unknown`, `integration_unknown`, `integration_disabled`."""
    if scope is None:
        raise Refused("publishable_key_unknown", "publishableKey")
    if integration is None or integration.scope != scope:
        raise Refused("integration_unknown", "templateId")
    if not integration.enabled:
        raise Refused("integration_disabled", "templateId")
    return integration


def _check_origin(integration: FlowIntegration, visit: Visit) -> None:
    """Step 3. Raises Refused: `origin_missing`, `origin_not_allowed`, `not_framed`."""
    if visit.origin is None:
        raise Refused("origin_missing")
    if not integration.admits_origin(visit.origin):
        raise Refused("origin_not_allowed")
    if visit.fetch_dest not in (None, "iframe"):
        raise Refused("not_framed")


def _verify(
    proof: ReferenceProof,
    integration: FlowIntegration,
    keys: Sequence[ReferenceSecret | ReferenceKey],
    visit: Visit,
    now: int,
) -> VerifiedReference | None:
    """Steps 4 and 5: a signature that is offered is verified under every policy."""
    peeked, reference = proof.signature, proof.customer_reference
    if peeked is None:
        return None
    if peeked.version == 1:
        return verify_reference(str(reference), peeked, keys)
    return verify_reference_v2(
        peeked,
        keys,
        environment=integration.scope.environment,
        template_id=integration.integration_id,
        origin=visit.origin,
        now=now,
        customer_reference=reference,
    )


def _check_policy(integration: FlowIntegration, verified: VerifiedReference | None, now_ms: int) -> None:
    """Step 6. Raises Refused: `signature_required`, `signature_version`."""
    rules = integration.rules
    if verified is None:
        if rules.signature_policy != "optional":
            raise Refused("signature_required", "signature")
        return
    until_ms = rules.legacy_accepted_until_ms
    if verified.version == 1 and (rules.signature_policy == "required_v2" or (until_ms is not None and now_ms >= until_ms)):
        raise Refused("signature_version", "signature")


def _read_user(
    proof: ReferenceProof, integration: FlowIntegration, verified: VerifiedReference | None
) -> tuple[User, str | None]:
    """What is signed of the person, and the e-mail address that is not: signed prefill wins over what the page passes beside it.

    Raises Refused: `token_claims_invalid`, `unsigned_value_refused`; MalformedError `field_invalid`.
    """
    prefill = User()
    if verified is not None and verified.user is not None:
        try:
            prefill = parse_user(verified.user)
        except MalformedError as error:
            raise Refused("token_claims_invalid", "usr") from error
    if proof.email is None or prefill.email is not None:
        return prefill, None
    if integration.rules.signature_policy == "required_v2":
        raise Refused("unsigned_value_refused", "email")
    try:
        return prefill, parse_member("email", proof.email).email
    except MalformedError as error:
        raise MalformedError("field_invalid", "email") from error
