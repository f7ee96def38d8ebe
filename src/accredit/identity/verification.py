"""Verification of identity signatures: steps 4 and 5 of protocol-boot.md section 4.

RFC 2104 with SHA-256. Every live secret is tried to the end, in constant time each, and a refusal that tries none costs as much as
one that does. Verifying raises or returns a VerifiedIdentity, which nothing else can make.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass
from typing import Literal, TypeAlias

from accredit.encoding import JsonError
from accredit.errors import Refused
from accredit.identity.body import BootBody
from accredit.identity.secret import IdentitySecret
from accredit.identity.signature import PeekedIdentity, peek_identity
from accredit.identity.signed_text import signed_texts

WINDOW_S = 60

Demand: TypeAlias = Literal["off", "warn", "require"]


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """What an integration demands of signatures beyond the original; `warn` passes and is told in `warnings`.

    v2: that they are of version 2. origin: that those of version 2 are bound to an origin.
    """

    v2: Demand = "off"
    origin: Demand = "off"


ORIGINAL_POLICY = IdentityPolicy()


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """Whom a deployer vouched for; only `verify_identity` makes it.

    email: the user's, None for an anonymous one. key_id: the secret that signed. nonce: the replay key. timestamp: Unix seconds.
    origin_bound: the signature names the origin of the boot. signed_fields: plain names of the fields that it covers.
    """

    cp_id: str
    cp_deployment_id: str
    email: str | None
    version: Literal[1, 2]
    key_id: str
    nonce: str
    timestamp: int
    origin_bound: bool
    signed_fields: frozenset[str]
    warnings: tuple[str, ...] = ()
    # Not kept, so that `dataclasses.replace` cannot make another one out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _VERIFIER:
            raise TypeError("a VerifiedIdentity comes from verify_identity only")


_VERIFIER = object()


def verify_identity(
    signature: str | PeekedIdentity | None,
    secrets: Sequence[IdentitySecret],
    boot: BootBody,
    *,
    now: int,
    window_s: int = WINDOW_S,
    origin: str | None = None,
    policy: IdentityPolicy = ORIGINAL_POLICY,
) -> VerifiedIdentity:
    """Verify an identity signature and return whom it vouches for.

    signature: as posted, or what `peek_identity` made of it. secrets: the live secrets of the integration, or if it has none of its
    own, of the deployer. boot: what was posted, from `read_boot_body`. now: Unix seconds. window_s: seconds that the timestamp may
    be off, either way. origin: of the page that boots, or `app:ios:{bundle id}`, `app:android:{package}`; None if there is none.
    policy: what is demanded beyond the original.

    Numbers are those of protocol-boot.md section 4: (1) shape, (4) signature, (5) freshness.
    Raises Refused with the first code that applies: those of `peek_identity`; `signature_version`, `identity_key_unknown`,
    `mac_mismatch`, `identity_origin_missing`; `timestamp_out_of_window`. Replay of the nonce is the caller's to check, and so is
    that the integration is the deployer's.
    """
    peeked = signature if isinstance(signature, PeekedIdentity) else peek_identity(signature)  # (1)
    signer, origin_bound = find_signer(peeked, secrets, boot, origin, policy)  # (4)
    check_freshness(peeked, now=now, window_s=window_s)  # (5)
    named = [name for name, value in (("page", boot.page), ("locale", boot.locale)) if value is not None]
    return VerifiedIdentity(
        cp_id=boot.cp_id,
        cp_deployment_id=boot.cp_deployment_id,
        email=boot.customer.email,
        version=peeked.version,
        key_id=signer.key_id,
        nonce=peeked.nonce,
        timestamp=peeked.timestamp,
        origin_bound=origin_bound,
        signed_fields=frozenset((*boot.customer.values, *named) if peeked.version == 2 else ("email",)),
        warnings=_find_warnings(peeked, policy, origin_bound=origin_bound),
        made_by=_VERIFIER,
    )


def find_signer(
    peeked: PeekedIdentity, secrets: Sequence[IdentitySecret], boot: BootBody, origin: str | None, policy: IdentityPolicy
) -> tuple[IdentitySecret, bool]:
    """Step 4: the live secret that yields the MAC, and whether the signature is bound to the origin."""
    if peeked.version == 1 and policy.v2 == "require":
        spend_mac(peeked, boot, origin)
        raise Refused("signature_version", "signature")
    candidates = find_candidates(peeked, secrets)
    if not candidates:
        spend_mac(peeked, boot, origin)
        raise Refused("mac_mismatch" if peeked.key_id is None else "identity_key_unknown", "signature")
    found = _try_secrets(peeked, candidates, boot, origin)
    if found is None:
        raise Refused("mac_mismatch", "signature")
    if peeked.version == 2 and not found[1] and policy.origin == "require":
        raise Refused("identity_origin_missing", "signature")
    return found


def find_candidates(peeked: PeekedIdentity, secrets: Sequence[IdentitySecret]) -> list[IdentitySecret]:
    """The secrets that are tried: all of them in version 1, those of the named key id in version 2."""
    return [secret for secret in secrets if peeked.key_id in (None, secret.key_id)]


def check_freshness(peeked: PeekedIdentity, *, now: int, window_s: int) -> None:
    """Step 5; just so many seconds pass. Raises Refused: `timestamp_out_of_window`."""
    if abs(now - peeked.timestamp) > window_s:
        raise Refused("timestamp_out_of_window", "signature")


def spend_mac(peeked: PeekedIdentity | None, boot: BootBody, origin: str | None) -> None:
    """Do the work of a verification with a key that signed nothing, so that a refusal before takes as long as one after."""
    if peeked is not None:
        _try_secrets(peeked, (_DUMMY,), boot, origin)


_DUMMY = IdentitySecret(bytes(32))


def _try_secrets(
    peeked: PeekedIdentity, candidates: Iterable[IdentitySecret], boot: BootBody, origin: str | None
) -> tuple[IdentitySecret, bool] | None:
    """Whose MAC it is, and whether over the text that names the origin. A match stops nothing: time tells not which it was."""
    try:
        texts = signed_texts(peeked, boot, origin)
    except JsonError:
        # A number in `meta` with more digits than a double keeps: nobody can have signed just that.
        return None
    found: tuple[IdentitySecret, bool] | None = None
    for secret in candidates:
        for position, text in enumerate(texts):
            if hmac.compare_digest(hmac.digest(secret.octets, text, "sha256"), peeked.mac) and found is None:
                found = secret, len(texts) == 2 and position == 0
    return found


def _find_warnings(peeked: PeekedIdentity, policy: IdentityPolicy, *, origin_bound: bool) -> tuple[str, ...]:
    if peeked.version == 1:
        return ("signature_version",) if policy.v2 == "warn" else ()
    return ("identity_origin_missing",) if policy.origin == "warn" and not origin_bound else ()
