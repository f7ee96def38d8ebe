"""Verification of customer references: the original's signature, and tokens.

RFC 2104 with SHA-256, RFC 7515 section 5.2; protocol-flow.md sections 2 and 3. Every live key is tried to the end, in constant time
each, and a refusal that tries none costs as much as one that does. Verifying raises or returns a VerifiedReference, which nothing
else can make.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from functools import cache
from typing import Literal, TypeAlias

from accredit.encoding import Json
from accredit.errors import Refused
from accredit.keys import generate_deployment_key, verify_signature
from accredit.reference.claims import check_claims, read_claims
from accredit.reference.customer import read_customer_reference
from accredit.reference.keys import TOKEN_SECRET_ALGORITHM, ReferenceKey, ReferenceSecret, parse_reference_key
from accredit.reference.signature import PeekedReference, peek_original, peek_token

AnyReferenceKey: TypeAlias = ReferenceSecret | ReferenceKey


@dataclass(frozen=True, slots=True)
class VerifiedReference:
    """Which user a deployer vouched for; only `verify_reference` and `verify_reference_v2` make it.

    version: 1 or 2. key_id: of the key that signed. key_index: where that key stands among those given, since several may share an
    id. The others are those of a token, else None: jti: the replay key; expires: Unix seconds; session_id: the only session that it
    opens; user: signed prefill, an object whose members are not judged yet.
    """

    customer_reference: str = field(repr=False)
    version: Literal[1, 2]
    key_id: str
    key_index: int
    jti: str | None = None
    expires: int | None = None
    session_id: str | None = None
    user: dict[str, Json] | None = field(default=None, repr=False)
    # Not kept, so that `dataclasses.replace` cannot make another one out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _VERIFIER:
            raise TypeError("a VerifiedReference comes from verify_reference or verify_reference_v2 only")


_VERIFIER = object()


def verify_reference(
    customer_reference: str, signature: str | PeekedReference, keys: Sequence[AnyReferenceKey]
) -> VerifiedReference:
    """Verify the original's signature of a customer reference.

    customer_reference: as the page passed it. signature: as the page passed it, or what `peek_reference` made of it. keys: the live
    ones of purpose `reference`, of account and environment; only secrets can have made it.

    It proves the reference only: no age, template or origin. Raises MalformedError: `customer_reference_invalid`; Refused:
    `signature_malformed` (also for a token), `mac_mismatch`.
    """
    octets = read_customer_reference(customer_reference)
    peeked = signature if isinstance(signature, PeekedReference) else peek_original(signature)
    if peeked.version != 1:
        raise Refused("signature_malformed", "signature")
    secrets = [(index, key) for index, key in enumerate(keys) if isinstance(key, ReferenceSecret)]
    found: tuple[int, ReferenceSecret] | None = None
    # A match stops nothing: time tells not which it was. Without any the work is that of one.
    for index, secret in secrets or [(0, _DUMMY)]:
        if hmac.compare_digest(hmac.digest(secret.octets, octets, "sha256"), peeked.signature) and found is None:
            found = index, secret
    if found is None or not secrets:
        raise Refused("mac_mismatch", "signature")
    return VerifiedReference(customer_reference, 1, found[1].key_id, found[0], made_by=_VERIFIER)


_DUMMY = ReferenceSecret(bytes(32), bytes(32))


def verify_reference_v2(
    token: str | PeekedReference,
    keys: Sequence[AnyReferenceKey],
    *,
    environment: str,
    template_id: str,
    origin: str | None,
    now: int,
    customer_reference: str | None = None,
) -> VerifiedReference:
    """Verify a reference token and return whom it vouches for.

    token: as the page passed it, at most 8192 characters, or what `peek_reference` made of it. keys: the live ones of purpose
    `reference`, of account and environment. environment: of the publishable key, `live` or `sandbox`. template_id: the one to be
    opened. origin: the admitted page's, None if there is none. now: Unix seconds; 30 s of leeway. customer_reference: what the page
    passed beside the token, None if nothing.

    Numbers are those of protocol-flow.md section 3: (1) shape, (2) signature, (3) claims, (4) reference.
    Raises Refused with the first code that applies: those of `peek_reference`; `jws_key_unknown`, `jws_alg_not_allowed`,
    `jws_signature_invalid`; `token_claims_invalid`, `token_not_yet_valid`, `token_expired`, `token_lifetime`,
    `token_template_mismatch`, `token_origin_mismatch`; `customer_reference_mismatch`. Step (5), the session that `session_id` names
    and replay of `jti`, is the caller's.
    """
    peeked = token if isinstance(token, PeekedReference) else peek_token(token)  # (1)
    if peeked.version != 2:
        raise Refused("jws_malformed", "signature")
    signer = _find_signer(peeked, keys)  # (2)
    index = next(index for index, key in enumerate(keys) if key is signer)
    claims = read_claims(peeked.payload)  # (3)
    check_claims(claims, environment=environment, template_id=template_id, origin=origin, now=now)
    if customer_reference not in (None, claims.customer_reference):  # (4)
        raise Refused("customer_reference_mismatch", "customer_reference")
    return VerifiedReference(
        claims.customer_reference,
        2,
        signer.key_id,
        index,
        jti=claims.jti,
        expires=claims.expires,
        session_id=claims.session_id,
        user=claims.user,
        made_by=_VERIFIER,
    )


def _find_signer(peeked: PeekedReference, keys: Sequence[AnyReferenceKey]) -> AnyReferenceKey:
    """Step 2: the live key of that name that verifies the signature; an API key id may name up to three secrets."""
    named = [key for key in keys if key.key_id == peeked.key_id]
    # The record chooses the algorithm; the header only has to agree with it.
    candidates = [key for key in named if _alg_of(key) == peeked.alg]
    if not candidates:
        spend_reference(peeked, "")
        raise Refused("jws_alg_not_allowed" if named else "jws_key_unknown", "signature")
    verified = [key for key in candidates if _is_signed(peeked, key)]
    if not verified:
        raise Refused("jws_signature_invalid", "signature")
    return verified[0]


def _alg_of(key: AnyReferenceKey) -> str:
    return TOKEN_SECRET_ALGORITHM if isinstance(key, ReferenceSecret) else key.alg


def _is_signed(peeked: PeekedReference, key: AnyReferenceKey) -> bool:
    if isinstance(key, ReferenceSecret):
        return hmac.compare_digest(hmac.digest(key.token_octets, peeked.signing_input, "sha256"), peeked.signature)
    try:
        verify_signature(key, peeked.signing_input, peeked.signature)
    except Refused:
        return False
    return True


def spend_reference(peeked: PeekedReference, customer_reference: str) -> None:
    """Do the work of a verification with a key that signed nothing, so that a refusal before takes as long as one after."""
    if peeked.version == 1:
        with suppress(Refused):
            verify_reference(customer_reference, peeked, ())
    else:
        _is_signed(peeked, _DUMMY if peeked.alg == TOKEN_SECRET_ALGORITHM else _dummy_key(peeked.alg))


@cache
def _dummy_key(alg: str) -> ReferenceKey:
    return parse_reference_key(generate_deployment_key(alg).public_jwk, alg)
