"""The gate: the one pure decision `proof x policy x origin x now -> Admission`, or a refusal with a stable code.

design.md section 5; protocol-embed.md section 7. It has no clock, no database and no log: it gets the integration, its live keys
and the time as arguments. Order, always: (1) shape was judged by the door, (2) integration, (3) origin, (4) signature,
(5) freshness, (6) properties and passports. Quota, replay and uniqueness (7, 8) are judged in the transaction that opens the
session, because only there they can be.

A refusal of steps 2 to 4 before a key was tried costs one verification with a dummy key, so that time tells nothing.
"""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from typing import Literal

import msgspec

from accredit.deployment import PeekedDeployment, VerifiedDeployment, spend_verification, verify_deployment
from accredit.errors import Refused
from accredit.keys import DeploymentKey
from accredit.passport import PUBLIC_KEY_ALGORITHMS, CheckedPassport, PassportKey, check_passport, open_passport, peek_passport
from accredit.properties import DirectProperties, Properties, take_direct
from accredit.server.integrations.integration import Integration
from accredit.server.integrations.policy import Trust


class Visit(msgspec.Struct, frozen=True):
    """The circumstances of a request. origin: a well-formed tuple origin or None. fetch_dest: `Sec-Fetch-Dest`, None if not sent.

    audience: our public URL. renewal: asked by fetch from a page that is framing already.
    """

    origin: str | None
    fetch_dest: str | None
    audience: str
    renewal: bool = False


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


@dataclass(frozen=True, slots=True)
class Admission:
    """The gate's verdict. A session is opened from nothing else, and nothing but the gate makes one.

    proof_kind, proof_key_id: what held, None without a proof. jti: single-use id of the proof. server_only: passport keys whose
    values go to a backend only. warnings: codes, with names of members.
    """

    integration: Integration
    trust: Trust
    origin: str | None
    uid: str | None
    view_id: str | None
    passport: CheckedPassport
    proof_kind: Literal["deployment"] | None = None
    proof_key_id: str | None = None
    jti: str | None = None
    warnings: tuple[str, ...] = ()
    # Not kept, so that `dataclasses.replace` cannot make another admission out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _GATE:
            raise TypeError("an Admission comes from the gate only")


_GATE = object()


def admit(proof: DeploymentProof, integration: Integration | None, keys: LiveKeys, visit: Visit, now_ms: int) -> Admission:
    """Decide whether this page may embed this integration, and for whom.

    integration: what the claimed id leads to at this door, or None. Raises Refused with the first broken rule's code.
    """
    try:
        known = check_integration(integration, proof.deployer_id)  # 2
        if proof.token is None and known.token_required:
            raise Refused("signed_deployment_required", "signed_deployment")
        check_origin(known, visit)  # 3
    except Refused:
        spend_verification(proof.token)
        raise
    verified, properties = _verify(proof, known, keys, visit, now_ms // 1000)  # 4, 5
    if properties.owner_id != known.owner_id:  # 6
        raise Refused("owner_mismatch", "owner_id")
    passport, warnings = _read_passport(properties, known, keys.passport, verified is not None, now_ms // 1000)
    view_id = _choose_view(known, properties, verified is not None)
    return Admission(
        integration=known,
        trust=_trust(known, visit, verified is not None),
        origin=visit.origin,
        uid=properties.uid,
        view_id=view_id,
        passport=passport,
        proof_kind="deployment" if verified else None,
        proof_key_id=verified.key_id if verified else None,
        jti=verified.jti if verified else None,
        warnings=(verified.warnings if verified else ()) + warnings + passport.warnings,
        made_by=_GATE,
    )


def check_integration(integration: Integration | None, deployer_id: str | None) -> Integration:
    """Step 2: it exists at this door, belongs to the named deployer, and is enabled.

    Raises Refused: `integration_unknown`, `deployer_mismatch`, `integration_disabled`.
    """
    if integration is None:
        raise Refused("integration_unknown", "integration_id")
    if integration.deployer_id != deployer_id:
        raise Refused("deployer_mismatch", "deployer_id")
    if not integration.enabled:
        raise Refused("integration_disabled", "integration_id")
    return integration


def check_origin(integration: Integration, visit: Visit) -> None:
    """Step 3: a list that is not empty is always enforced; where an origin is required, an empty list admits nobody.

    Raises Refused: `origin_missing`, `origin_not_allowed`, `not_framed`.
    """
    if not integration.origins and not integration.origin_required:
        return
    if visit.origin is None:
        raise Refused("origin_missing")
    if not integration.origins.holds(visit.origin):
        raise Refused("origin_not_allowed")
    if visit.fetch_dest not in (None, "iframe") and not visit.renewal:
        raise Refused("not_framed")


def _verify(
    proof: DeploymentProof, integration: Integration, keys: LiveKeys, visit: Visit, now: int
) -> tuple[VerifiedDeployment | None, Properties]:
    """Steps 4 and 5: a token is verified whenever it is sent; a bad one never falls back to direct values."""
    if proof.token is None:
        return None, take_direct(proof.direct)
    verified = verify_deployment(
        proof.token,
        keys.deployment,
        now=now,
        policy=integration.token_policy,
        audience=visit.audience,
        origin=visit.origin,
        direct=proof.direct,
        strict_direct=integration.strict_direct,
        verified_by=proof.verified_by,
    )
    return verified, verified.properties


def _read_passport(
    properties: Properties, integration: Integration, keys: Sequence[PassportKey], signed: bool, now: int
) -> tuple[CheckedPassport, tuple[str, ...]]:
    encrypted, rules = properties.encrypted_passport, integration.passport_rules
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


NO_PASSPORT = CheckedPassport()


def _choose_view(integration: Integration, properties: Properties, signed: bool) -> str | None:
    """The named view, else the first; a `signed_only` one is reached neither by a direct name nor without a token."""
    if not integration.views:
        return properties.view_id
    view = integration.views[0] if properties.view_id is None else integration.find_view(properties.view_id)
    named_directly = properties.view_id is not None and not properties.view_signed
    if view is None or (view.signed_only and (named_directly or not signed)):
        raise Refused("view_unknown", "view_id")
    return view.id


def _trust(integration: Integration, visit: Visit, signed: bool) -> Trust:
    if signed:
        return "signed"
    # A list that is not empty was enforced in step 3, so an origin that came this far is on it.
    return "origin" if integration.origins and visit.origin else "unverified"
