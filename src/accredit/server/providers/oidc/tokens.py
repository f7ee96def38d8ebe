"""ID tokens and signed UserInfo: opening, verifying and judging them, each failure with a reason of its own for the audit record.

OpenID Connect Core 1.0 sections 3.1.3.7 and 5.3; protocol-rest.md section 12, whose numbers 4 to 7 stand here.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from accredit.encoding import Json, b64url_encode
from accredit.sealing.compact import Step, UnopenedError, open_octets
from accredit.sealing.private_keys import DecryptionKey
from accredit.server.providers.oidc.signatures import (
    ALGORITHMS,
    MAX_TOKEN_BYTES,
    AnswerError,
    PeerKey,
    find_key,
    peek_jws,
    verify_jws,
)

LEEWAY_S = 60
MAX_AGE_S = 600
# RFC 7519 section 5.3: claims that a provider may repeat in the header of what it encrypts.
_REPLICATED = frozenset(("iss", "sub", "aud"))
_UNOPENED: dict[Step, str] = {
    "form": "token_malformed",
    "header": "jwe_header_not_allowed",
    "key": "jwe_key_unknown",
    "decryption": "jwe_decrypt_failed",
}

# The issuer's keys; True where those that are known lack the one that is needed.
KeySource = Callable[[bool], Awaitable[Sequence[PeerKey]]]


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must be. encrypted: five parts, or three, never either. kid_required, strict_header: as the ftn profile has it.

    encs: content encryptions that are taken. max_age_s: of `iat`, None where `exp` alone limits it.
    """

    issuer: str
    client_id: str
    encrypted: bool
    opening: Sequence[DecryptionKey]
    encs: Collection[str]
    algs: Collection[str] = tuple(ALGORITHMS)
    kid_required: bool = False
    strict_header: bool = False
    max_age_s: int | None = None


async def read_token(token: str, rules: TokenRules, source: KeySource) -> dict[str, Json]:
    """The claims of a token that was encrypted and signed as it must be: steps 4 to 6. Raises AnswerError."""
    parts = token.count(".") + 1
    if rules.encrypted and parts == 3:
        raise AnswerError("token_not_encrypted")  # (4)
    if not rules.encrypted and parts == 5:
        raise AnswerError("token_encrypted")
    signed = _open(token, rules) if rules.encrypted else token  # (5)
    peeked = peek_jws(signed)  # (6)
    if peeked.header.get("alg") not in rules.algs:
        raise AnswerError("signature_alg_not_allowed")
    keys = await source(False)
    if find_key(peeked, keys, kid_required=rules.kid_required) is None:
        keys = await source(True)
    return verify_jws(peeked, keys, algs=rules.algs, kid_required=rules.kid_required)


def _open(token: str, rules: TokenRules) -> str:
    more = frozenset() if rules.strict_header else _REPLICATED
    try:
        opened = open_octets(
            token, rules.opening, enc=rules.encs, max_bytes=MAX_TOKEN_BYTES, kid_required=rules.kid_required, more=more
        )
    except UnopenedError as error:
        raise AnswerError(_UNOPENED[error.step]) from None
    header = opened.header
    repeated = {"iss": rules.issuer, "aud": rules.client_id}
    if header.get("cty") != "JWT" or any(header.get(name, value) not in (value, [value]) for name, value in repeated.items()):
        raise AnswerError("jwe_header_not_allowed")
    try:
        return opened.plaintext.decode("ascii")
    except UnicodeDecodeError as error:
        raise AnswerError("token_malformed") from error


def check_claims(claims: dict[str, Json], rules: TokenRules, nonce_hash: str, now: int) -> str:
    """Step 7: issuer, audience, times, nonce; the subject. now: Unix seconds. Raises AnswerError."""
    if claims.get("iss") != rules.issuer:
        raise AnswerError("issuer_mismatch")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if rules.client_id not in audiences:
        raise AnswerError("audience_mismatch")
    authorized = claims.get("azp")
    if authorized != rules.client_id and (authorized is not None or len(audiences) > 1):
        raise AnswerError("authorized_party_mismatch")
    _check_times(claims, rules, now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(hash_text(nonce), nonce_hash):
        raise AnswerError("nonce_mismatch")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 512:
        raise AnswerError("subject_missing")
    return subject


def _check_times(claims: dict[str, Json], rules: TokenRules, now: int) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not _is_time(issued) or not _is_time(expires):
        raise AnswerError("token_malformed")
    assert isinstance(issued, int | float)
    assert isinstance(expires, int | float)
    if issued > now + LEEWAY_S:
        raise AnswerError("token_not_yet_valid")
    too_old = rules.max_age_s is not None and now > issued + rules.max_age_s + LEEWAY_S
    if now >= expires + LEEWAY_S or too_old:
        raise AnswerError("token_expired")


def _is_time(value: Json) -> bool:
    # RFC 7519 section 2: a NumericDate may have a fraction.
    return isinstance(value, int | float) and not isinstance(value, bool)


def hash_text(text: str) -> str:
    """How a state or a nonce is kept: SHA-256, enough for 256 random bits."""
    return b64url_encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
