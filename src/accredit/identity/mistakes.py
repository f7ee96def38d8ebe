"""What people get wrong when they sign an identity, each tried out on the signature at hand.

protocol-boot.md section 5. The MAC that came is held against what each mistake would yield; what comes out are names and booleans.
A mistake in the form is seen by the form alone.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from accredit.encoding import JsonError, b64_encode, b64url_decode
from accredit.identity.body import BootBody
from accredit.identity.secret import IdentitySecret
from accredit.identity.signature import PREFIX_V2, PeekedIdentity
from accredit.identity.signed_text import signed_texts
from accredit.identity.verification import find_candidates

MISTAKES = (
    *("secret_not_decoded", "mac_hex", "mac_base64url", "timestamp_milliseconds"),
    *("email_case_or_space", "email_missing", "ids_swapped", "old_secret"),
)
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
# Of 32 octets, unpadded or with one of the two letters that only base64url has.
_BASE64URL = re.compile(r"[A-Za-z0-9+/_-]{43}|(?=.*[_-])[A-Za-z0-9_-]{43}=")
_MILLISECONDS = re.compile(r"[1-9][0-9]{12}")
_MAX_SIGNATURE = 256


@dataclass(frozen=True, slots=True)
class _Parts:
    """A signature taken apart without asking whether its parts are right."""

    version: Literal[1, 2]
    key_id: str | None
    timestamp: str
    mac: str
    nonce: str


def find_mistakes(
    signature: str | None,
    secrets: Sequence[IdentitySecret],
    boot: BootBody,
    origin: str | None,
    old_secrets: Sequence[IdentitySecret] = (),
) -> Mapping[str, bool]:
    """Which mistakes a signature that does not hold was likely made with, by name; none for one that is absent."""
    found: set[str] = set()
    parts = _take_apart(signature)
    if parts is not None:
        found.update(_find_in_form(parts))
        peeked = _read_leniently(parts)
        if peeked is not None:
            found.update(_find_in_mac(peeked, secrets, boot, origin, old_secrets))
    return {name: name in found for name in MISTAKES}


def _take_apart(signature: str | None) -> _Parts | None:
    if signature is None or len(signature) > _MAX_SIGNATURE or not signature.isascii():
        return None
    if signature.startswith(PREFIX_V2):
        parts = signature.split(".")
        return _Parts(2, parts[1], parts[2], parts[4], parts[3]) if len(parts) == 5 else None
    parts = signature.split(":")
    return _Parts(1, None, parts[0], parts[1], parts[2]) if len(parts) == 3 else None


def _find_in_form(parts: _Parts) -> Iterator[str]:
    if _HEX.fullmatch(parts.mac):
        yield "mac_hex"
    if parts.version == 1 and _BASE64URL.fullmatch(parts.mac):
        yield "mac_base64url"
    if _MILLISECONDS.fullmatch(parts.timestamp):
        yield "timestamp_milliseconds"


def _read_leniently(parts: _Parts) -> PeekedIdentity | None:
    """The parts as values, in whichever encoding the MAC came, so that a second mistake shows behind the first."""
    if not re.fullmatch(r"[1-9][0-9]{0,15}", parts.timestamp):
        return None
    try:
        mac = bytes.fromhex(parts.mac) if _HEX.fullmatch(parts.mac) else b64url_decode(parts.mac.rstrip("=").translate(_TO_URL))
    except ValueError:
        return None
    return PeekedIdentity(parts.version, int(parts.timestamp), parts.nonce, parts.key_id, mac)


_TO_URL = str.maketrans("+/", "-_")


def _find_in_mac(
    peeked: PeekedIdentity,
    secrets: Sequence[IdentitySecret],
    boot: BootBody,
    origin: str | None,
    old_secrets: Sequence[IdentitySecret],
) -> Iterator[str]:
    live = find_candidates(peeked, secrets)
    keys, as_text = [secret.octets for secret in live], [b64_encode(secret.octets).encode("ascii") for secret in live]
    old = [secret.octets for secret in find_candidates(peeked, old_secrets)]
    swapped = replace(boot, cp_id=boot.cp_deployment_id, cp_deployment_id=boot.cp_id)
    tried: tuple[tuple[str, Sequence[bytes], Iterable[bytes]], ...] = (
        ("secret_not_decoded", as_text, _texts(peeked, [boot], origin)),
        ("email_case_or_space", keys, _texts(peeked, _respelt(boot), origin)),
        ("email_missing", keys, _texts_without_email(peeked, boot, origin)),
        ("ids_swapped", keys, _texts(peeked, [swapped], origin)),
        ("old_secret", old, _texts(peeked, [boot], origin)),
    )
    for name, with_keys, texts in tried:
        macs = [hmac.digest(key, text, "sha256") for text in texts for key in with_keys]
        if sum(hmac.compare_digest(mac, peeked.mac) for mac in macs):
            yield name


def _texts(peeked: PeekedIdentity, boots: Iterable[BootBody], origin: str | None) -> list[bytes]:
    try:
        return [text for boot in boots for text in signed_texts(peeked, boot, origin)]
    except JsonError:
        return []


def _texts_without_email(peeked: PeekedIdentity, boot: BootBody, origin: str | None) -> list[bytes]:
    """As for an anonymous user, and in version 1 as people write it who leave out a colon with the e-mail."""
    texts = _texts(peeked, [_with_email(boot, None)], origin) if boot.customer.email else []
    if peeked.version == 1:
        texts.append(f"{peeked.timestamp}:{boot.cp_id}:{boot.cp_deployment_id}:{peeked.nonce}".encode())
    return texts


def _respelt(boot: BootBody) -> Iterator[BootBody]:
    """The boot with its e-mail in other case, without or with space around it, and in the other Unicode forms."""
    email = boot.customer.email
    if email is None:
        return
    stripped = email.strip()
    local, at, domain = stripped.rpartition("@")
    spellings = {
        *(stripped, stripped.lower(), email.lower(), stripped.upper(), stripped.capitalize(), stripped.title()),
        *(local + at + domain.lower(), f"{email} ", f" {email}", f"{email}\n"),
        *(unicodedata.normalize(form, email) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    }
    for spelling in sorted(spellings - {email}):
        yield _with_email(boot, spelling)


def _with_email(boot: BootBody, email: str | None) -> BootBody:
    values = {name: value for name, value in boot.customer.values.items() if name != "email"}
    return replace(boot, customer=replace(boot.customer, values=values | ({"email": email} if email else {})))
