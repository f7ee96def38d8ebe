"""The embed door's decision: may this page embed this integration, for whom, and with which data (protocol-embed.md section 7)?

A refusal of steps 2 to 4 before a key was tried costs one verification with a dummy key, so that time tells nothing.
"""

from collections.abc import Sequence

import msgspec

from accredit.deployment import PeekedDeployment, VerifiedDeployment, spend_verification, verify_deployment
from accredit.errors import Refused
from accredit.keys import DeploymentKey
from accredit.passport import PUBLIC_KEY_ALGORITHMS, CheckedPassport, PassportKey, check_passport, open_passport, peek_passport
from accredit.properties import DirectProperties, Properties, take_direct
from accredit.server.gate.admission import (
    GATE,
    NO_PASSPORT,
    Admission,
    Visit,
    check_integration,
    check_origin,
    choose_view,
    trust_of,
)
from accredit.server.integrations.embed import EmbedRules
from accredit.server.integrations.integration import Integration


class DeploymentProof(msgspec.Struct, frozen=True):
    """What the embed door was shown. token: peeked, or None where there is none. verified_by: the key that verified these octets."""

    token: PeekedDeployment | None
    direct: DirectProperties
    verified_by: str | None = None

    @property
    def deployer_id(self) -> str | None:
        """The deployer that is claimed: by the token, else by the page."""
        return self.direct.deployer_id if self.token is None else self.token.deployer_id

    @property
    def integration_id(self) -> str | None:
        """The integration that is claimed: by the token, else by the page."""
        return self.direct.integration_id if self.token is None else self.token.integration_id


class LiveKeys(msgspec.Struct, frozen=True):
    """The keys of the right purpose that live now: those that verify, and those that open passports."""

    deployment: Sequence[DeploymentKey] = ()
    passport: Sequence[PassportKey] = ()


def admit_deployment(
    proof: DeploymentProof, integration: Integration | None, keys: LiveKeys, visit: Visit, now_ms: int
) -> Admission:
    """Decide whether this page may embed this integration, and for whom.

    integration: what the claimed id leads to at this door, or None. Raises Refused with the first broken rule's code.
    """
    try:
        known = check_integration(integration, proof.deployer_id)  # 2
        if proof.token is None and rules_of(known).token_required:
            raise Refused("signed_deployment_required", "signed_deployment")
        check_origin(known, visit)  # 3
    except Refused:
        spend_verification(proof.token)
        raise
    verified, properties = _verify(proof, known, keys, visit, now_ms // 1000)  # 4, 5
    if properties.owner_id != known.owner_id:  # 6
        raise Refused("owner_mismatch", "owner_id")
    passport, warnings = _read_passport(properties, known, keys.passport, verified is not None, now_ms // 1000)
    view_id = choose_view(known, properties.view_id, by_proof=properties.view_signed, signed=verified is not None)
    return Admission(
        integration=known,
        trust=trust_of(known, visit, signed=verified is not None),
        origin=visit.origin,
        uid=properties.uid,
        view_id=view_id,
        passport=passport,
        proof_kind="deployment" if verified else None,
        proof_key_id=verified.key_id if verified else None,
        replay_id=verified.jti if verified else None,
        warnings=(verified.warnings if verified else ()) + warnings + passport.warnings,
        made_by=GATE,
    )


def _verify(
    proof: DeploymentProof, integration: Integration, keys: LiveKeys, visit: Visit, now: int
) -> tuple[VerifiedDeployment | None, Properties]:
    """Steps 4 and 5: a token is verified whenever it is sent; a bad one never falls back to direct values."""
    if proof.token is None:
        return None, take_direct(proof.direct)
    rules = rules_of(integration)
    verified = verify_deployment(
        proof.token,
        keys.deployment,
        now=now,
        policy=rules.token_policy,
        audience=visit.audience,
        origin=visit.origin,
        direct=proof.direct,
        strict_direct=rules.strict_direct,
        verified_by=proof.verified_by,
    )
    return verified, verified.properties


def _read_passport(
    properties: Properties, integration: Integration, keys: Sequence[PassportKey], signed: bool, now: int
) -> tuple[CheckedPassport, tuple[str, ...]]:
    encrypted, rules = properties.encrypted_passport, rules_of(integration).passport_rules
    if encrypted is None:
        if not properties.data_passport and rules.schema is None:
            return NO_PASSPORT, ()
        return check_passport(properties.data_passport, {}, rules), ()
    header, _segments = peek_passport(encrypted)
    # Anybody can encrypt to a public key, so such a passport proves nothing unless a token vouches for it.
    if header["alg"] in PUBLIC_KEY_ALGORITHMS and not signed:
        raise Refused("unsigned_value_refused", "encrypted_passport")
    opened = open_passport(
        encrypted,
        keys,
        integration_id=integration.integration_id,
        uid=properties.uid,
        now=now,
        envelope=rules.envelope,
    )
    return check_passport(properties.data_passport, opened.passport, rules), opened.warnings


def rules_of(integration: Integration) -> EmbedRules:
    """What the embed door asks of an integration; the catalog finds no other at this door."""
    assert isinstance(integration.rules, EmbedRules)
    return integration.rules
