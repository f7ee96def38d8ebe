"""What is wrong with an identity signature, told to those who mend it: the pure part of the debug report.

protocol-boot.md section 5. Nothing in it helps to forge: no MAC that is expected or corrected, no secret, no key id. The caller
chooses the e-mail, so a MAC that were told would sign for anybody. `mistakes` are for the owner and the deployer, never for a page.

    diagnose_identity(boot.signature, secrets, boot, now=1700000000).code          # "mac_mismatch", or None
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from accredit.encoding import JsonError
from accredit.errors import Refused
from accredit.identity.body import BootBody
from accredit.identity.mistakes import find_mistakes
from accredit.identity.secret import IdentitySecret
from accredit.identity.signature import PeekedIdentity, peek_identity
from accredit.identity.signed_text import signed_texts
from accredit.identity.verification import (
    ORIGINAL_POLICY,
    WINDOW_S,
    IdentityPolicy,
    check_freshness,
    find_candidates,
    find_signer,
)

Result: TypeAlias = Literal["pass", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """One check of a signature: its name, how it went, and the code if it failed."""

    check: str
    result: Result
    code: str | None = None


@dataclass(frozen=True, slots=True)
class IdentityDiagnosis:
    """How a signature fares, check by check. would_admit, code: what level SECURE_IDENTITY would have done.

    timestamp, skew_s: Unix seconds, and by how many the signer is ahead of us (negative: behind). signed_text: what should have been
    signed, with e-mail and key id masked; signed_text_bytes, signed_text_sha256: of the whole text. They are None where the signature
    has no form. mistakes: by name, whether it is a likely cause.
    """

    would_admit: bool
    code: str | None
    timestamp: int | None
    skew_s: int | None
    window_s: int
    secrets_tried: int
    checks: tuple[IdentityCheck, ...]
    signed_text: str | None
    signed_text_bytes: int | None
    signed_text_sha256: str | None
    mistakes: Mapping[str, bool]


def diagnose_identity(
    signature: str | None,
    secrets: Sequence[IdentitySecret],
    boot: BootBody,
    *,
    now: int,
    window_s: int = WINDOW_S,
    origin: str | None = None,
    policy: IdentityPolicy = ORIGINAL_POLICY,
    old_secrets: Sequence[IdentitySecret] = (),
    nonce_used: bool | None = None,
) -> IdentityDiagnosis:
    """Tell how a signature fares and why. It admits nobody: `verify_identity` does.

    signature, secrets, boot, now, window_s, origin, policy: as for `verify_identity`. old_secrets: retired and revoked ones, to tell
    that one is still in use. nonce_used: whether a session was opened with the nonce; None if nobody looked.

    Checks in their order: `origin` (whoever asks has judged it: what it refuses is not diagnosed), `signature_form`, `mac`,
    `freshness`, `replay`. After a failed form all that follow are skipped, after a failed MAC the replay. Raises nothing.
    """
    try:
        peeked = peek_identity(signature)
    except Refused as refused:
        form = IdentityCheck("signature_form", "fail", refused.code)
        skipped = tuple(IdentityCheck(name, "skipped") for name in ("mac", "freshness", "replay"))
        checks = (_ORIGIN_HELD, form, *skipped)
        mistakes = find_mistakes(signature, secrets, boot, origin, old_secrets)
        return IdentityDiagnosis(False, refused.code, None, None, window_s, 0, checks, None, None, None, mistakes)
    mac, origin_bound = _check_mac(peeked, secrets, boot, origin, policy)
    freshness = _check_freshness(peeked, now, window_s)
    checks = (_ORIGIN_HELD, IdentityCheck("signature_form", "pass"), mac, freshness, _check_replay(mac, nonce_used))
    code = next((check.code for check in checks if check.code), None)
    text, masked = _find_texts(peeked, boot, origin, unbound=mac.result == "pass" and not origin_bound)
    return IdentityDiagnosis(
        would_admit=code is None,
        code=code,
        timestamp=peeked.timestamp,
        skew_s=peeked.timestamp - now,
        window_s=window_s,
        secrets_tried=0 if mac.code == "signature_version" else len(find_candidates(peeked, secrets)),
        checks=checks,
        signed_text=masked,
        signed_text_bytes=None if text is None else len(text),
        signed_text_sha256=None if text is None else hashlib.sha256(text).hexdigest(),
        mistakes=find_mistakes(None if mac.result == "pass" else signature, secrets, boot, origin, old_secrets),
    )


_ORIGIN_HELD = IdentityCheck("origin", "pass")


def _check_mac(
    peeked: PeekedIdentity, secrets: Sequence[IdentitySecret], boot: BootBody, origin: str | None, policy: IdentityPolicy
) -> tuple[IdentityCheck, bool]:
    try:
        _signer, origin_bound = find_signer(peeked, secrets, boot, origin, policy)
    except Refused as refused:
        return IdentityCheck("mac", "fail", refused.code), False
    return IdentityCheck("mac", "pass"), origin_bound


def _check_freshness(peeked: PeekedIdentity, now: int, window_s: int) -> IdentityCheck:
    try:
        check_freshness(peeked, now=now, window_s=window_s)
    except Refused as refused:
        return IdentityCheck("freshness", "fail", refused.code)
    return IdentityCheck("freshness", "pass")


def _check_replay(mac: IdentityCheck, nonce_used: bool | None) -> IdentityCheck:
    if mac.result == "fail" or nonce_used is None:
        return IdentityCheck("replay", "skipped")
    return IdentityCheck("replay", "fail", "nonce_replayed") if nonce_used else IdentityCheck("replay", "pass")


def _find_texts(
    peeked: PeekedIdentity, boot: BootBody, origin: str | None, *, unbound: bool
) -> tuple[bytes | None, str | None]:
    """The text that should have been signed, or was, and the same with e-mail and key id masked."""
    bound_to = None if unbound else origin
    try:
        text, *_ = signed_texts(peeked, boot, bound_to)
        shown = peeked if peeked.key_id is None else replace(peeked, key_id="***")
        masked, *_ = signed_texts(shown, boot, bound_to, email=_mask(boot.customer.email))
    except JsonError:
        return None, None
    return text, masked.decode("utf-8")


def _mask(email: str | None) -> str:
    """The first character of local part and domain; enough to see which address it is, and how it begins."""
    if email is None:
        return ""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain[:1]}***" if at else f"{email[:1]}***"
