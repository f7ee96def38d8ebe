"""What every door's decision is made of and ends in: the visit, the steps that all share, and the admission.

Order, always: (1) shape was judged by the door, (2) integration, (3) origin, (4) signature, (5) freshness, (6) what was passed
along. Quota, replay and uniqueness (7, 8) are judged in the transaction that opens the session, because only there they can be.
"""

from dataclasses import InitVar, dataclass
from typing import Literal

import msgspec

from accredit.encoding import Json
from accredit.errors import Refused
from accredit.passport import CheckedPassport
from accredit.server.integrations.integration import Integration
from accredit.server.integrations.policy import Trust


class Visit(msgspec.Struct, frozen=True):
    """The circumstances of a request. origin: a well-formed tuple origin or None. fetch_dest: `Sec-Fetch-Dest`, None if not sent.

    audience: our public URL. renewal: asked by fetch from a page that is framing already. from_app: nothing but an app's own request
    looks like it, though anybody's can.
    """

    origin: str | None
    fetch_dest: str | None
    audience: str
    renewal: bool = False
    from_app: bool = False


class App(msgspec.Struct, frozen=True):
    """An app, by what it says of itself."""

    type: str
    value: str | None


class Customer(msgspec.Struct, frozen=True):
    """What the boot door hears of a customer. info: typed. unverified: names of fields that no signature covers."""

    info: dict[str, Json]
    app: App | None = None
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """The gate's verdict. A session is opened from nothing else, and nothing but the gate makes one.

    proof_kind, proof_key_id: what held, None without a proof. replay_id: what may open one session only. warnings: codes, with
    names of members.
    """

    integration: Integration
    trust: Trust
    origin: str | None
    uid: str | None
    view_id: str | None
    passport: CheckedPassport
    customer: Customer | None = None
    proof_kind: Literal["deployment", "identity_v1", "identity_v2"] | None = None
    proof_key_id: str | None = None
    replay_id: str | None = None
    warnings: tuple[str, ...] = ()
    # Not kept, so that `dataclasses.replace` cannot make another admission out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not GATE:
            raise TypeError("an Admission comes from the gate only")


GATE = object()


NO_PASSPORT = CheckedPassport()


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


def trust_of(integration: Integration, visit: Visit, *, signed: bool) -> Trust:
    """How far the session may be believed: a proof held, a listed origin vouches, or nobody does."""
    if signed:
        return "signed"
    # A list that is not empty was enforced in step 3, so an origin that came this far is on it.
    return "origin" if integration.origins and visit.origin else "unverified"


def choose_view(integration: Integration, named: str | None, *, by_proof: bool, signed: bool) -> str | None:
    """The named view, else the first; a `signed_only` one is reached neither by a direct name nor without a proof.

    by_proof: the proof covers the name. Raises Refused `view_unknown`.
    """
    if not integration.views:
        return named
    view = integration.views[0] if named is None else integration.find_view(named)
    named_directly = named is not None and not by_proof
    if view is None or (view.signed_only and (named_directly or not signed)):
        raise Refused("view_unknown", "view_id")
    return view.id
