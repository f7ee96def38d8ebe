"""The boot door's decision: is this boot authorised, and for which user (protocol-boot.md sections 2, 4 and 6)?

Refusals of steps 2 and 3, and deployers without a secret, cost a MAC under a dummy key, so that time tells nothing.
"""

from collections.abc import Sequence

import msgspec

from accredit.errors import Refused
from accredit.identity import BootBody, IdentitySecret, PeekedIdentity, VerifiedIdentity, spend_mac, verify_identity
from accredit.server.gate.admission import (
    GATE,
    NO_PASSPORT,
    Admission,
    App,
    Customer,
    Visit,
    check_integration,
    check_origin,
    trust_of,
)
from accredit.server.integrations.boot import BootRules, Level
from accredit.server.integrations.integration import Integration


class IdentityProof(msgspec.Struct, frozen=True):
    """What the boot door was shown. signature: peeked, None where there is none, or why it has no form."""

    boot: BootBody
    signature: PeekedIdentity | Refused | None = None

    @property
    def peeked(self) -> PeekedIdentity | None:
        """The signature, if it has a form."""
        return self.signature if isinstance(self.signature, PeekedIdentity) else None


def admit_identity(
    proof: IdentityProof, integration: Integration | None, secrets: Sequence[IdentitySecret], visit: Visit, now_ms: int
) -> Admission:
    """Decide whether this page or app may boot this integration, and for whom.

    integration: what `cp_deployment_id` leads to at this door, or None. secrets: the live ones that count for it. While its level is
    SECURE_IDENTITY_DEBUG no signature is held against anybody, and none vouches. Raises Refused with the first broken rule's code.
    """
    level = None if integration is None else rules_of(integration).level_at(now_ms)
    if isinstance(proof.signature, Refused) and level != "SECURE_IDENTITY_DEBUG":  # 1
        raise proof.signature
    origin = bound_origin(proof.boot, visit)
    try:
        known = check_integration(integration, proof.boot.cp_id)  # 2
        _check_asker(proof.boot, known, visit)  # 3
    except Refused:
        spend_mac(proof.peeked, proof.boot, origin)
        raise
    verified = _verify(proof, rules_of(known), secrets, origin, level, now_ms // 1000)  # 4, 5
    view_id, warnings = _choose_view(known, proof.boot.page, verified)  # 6
    return Admission(
        integration=known,
        trust="unverified" if level == "SECURE_IDENTITY_DEBUG" else trust_of(known, visit, signed=verified is not None),
        origin=visit.origin,
        uid=proof.boot.customer.email,
        view_id=view_id,
        passport=NO_PASSPORT,
        customer=_read_customer(proof.boot, visit, verified),
        proof_kind=None if verified is None else "identity_v1" if verified.version == 1 else "identity_v2",
        proof_key_id=None if verified is None else verified.key_id,
        replay_id=verified.nonce if verified is not None and rules_of(known).single_use else None,
        warnings=(() if verified is None else verified.warnings) + warnings + proof.boot.customer.warnings,
        made_by=GATE,
    )


def bound_origin(boot: BootBody, visit: Visit) -> str | None:
    """What a version 2 signature is bound to: the page's origin, or the app by what it says of itself."""
    if visit.from_app and boot.identifier_type in ("ios", "android") and boot.identifier_value:
        return f"app:{boot.identifier_type}:{boot.identifier_value}"
    return visit.origin


def _check_asker(boot: BootBody, integration: Integration, visit: Visit) -> None:
    """Step 3. Raises Refused: `native_not_allowed` for an app, else as `check_origin`."""
    if not visit.from_app:
        check_origin(integration, visit)
        return
    rules = rules_of(integration)
    named = (boot.identifier_type or "", boot.identifier_value or "")
    if rules.native == "off" or (rules.native == "listed" and named not in rules.native_apps):
        raise Refused("native_not_allowed")


def _verify(
    proof: IdentityProof,
    rules: BootRules,
    secrets: Sequence[IdentitySecret],
    origin: str | None,
    level: Level | None,
    now: int,
) -> VerifiedIdentity | None:
    """Steps 4 and 5: a signature is verified whenever it is offered; where the level asks for one, absence is a refusal."""
    if level == "SECURE_IDENTITY_DEBUG":
        return None
    if proof.peeked is None:
        if level == "SECURE_IDENTITY":
            raise Refused("signature_required", "signature")
        return None
    return verify_identity(
        proof.peeked,
        secrets,
        proof.boot,
        now=now,
        window_s=rules.window_s,
        origin=origin,
        policy=rules.identity_policy,
    )


def _choose_view(
    integration: Integration, page: str | None, verified: VerifiedIdentity | None
) -> tuple[str | None, tuple[str, ...]]:
    """The named view; for an unknown name the first, with a warning. Only version 2 signs which one is meant.

    Raises Refused `view_unknown` for a `signed_only` view that no signature names.
    """
    if not integration.views:
        return page, ()
    named = None if page is None else integration.find_view(page)
    view = named or integration.views[0]
    if view.signed_only and (verified is None or verified.version == 1):
        raise Refused("view_unknown", "page")
    return view.id, (() if page is None or named is not None else ("view_unknown:page",))


def _read_customer(boot: BootBody, visit: Visit, verified: VerifiedIdentity | None) -> Customer:
    signed = frozenset() if verified is None else verified.signed_fields
    sent = [*boot.customer.values, *(name for name in ("page", "locale") if getattr(boot, name) is not None)]
    app = App(boot.identifier_type, boot.identifier_value) if visit.from_app and boot.identifier_type else None
    return Customer(boot.customer.customer_info, app, tuple(name for name in sent if name not in signed))


def rules_of(integration: Integration) -> BootRules:
    """What the boot door asks of an integration; the catalog finds no other at this door."""
    assert isinstance(integration.rules, BootRules)
    return integration.rules
