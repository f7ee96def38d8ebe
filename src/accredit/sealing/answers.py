"""Answers, sealed and opened: what the server sends to the holder of a public key, and what its reader makes of it.

RFC 7516, RFC 7519 (nested); protocol-rest.md sections 8, 15 and 16. Anybody who has a public key can seal to it; who wants to know
that an answer comes from the server asks for a signed one, and opens it with a Signer.

    body = seal_response(b'{"id":"s-1"}', parse_encryption_key(public_jwk))
    open_sealed(body, [parse_decryption_key(private_jwk)])            # {"id": "s-1"}
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from accredit.encoding import Json, JsonError, compact_json, parse_json
from accredit.errors import MalformedError, SealedError
from accredit.sealing.algorithms import DEFAULT_ENCRYPTION, ENCRYPTIONS
from accredit.sealing.compact import UnopenedError, open_octets, seal_octets
from accredit.sealing.keys import EncryptionKey
from accredit.sealing.private_keys import DecryptionKey
from accredit.sealing.signing import ServerKey, sign_compact, verify_compact

PADDINGS = (0, 256, 512, 1024)
_TYPE, _MAX_DEPTH = "accredit-session+jwt", 16


@dataclass(frozen=True, slots=True)
class AnswerSignature:
    """What a nested answer is signed with and says beside the session (section 15).

    issuer: `{base}/auth/open`. audience: the account's id. client_id: who created the session. issued, expires: Unix seconds.
    nonce: as the request had it.
    """

    key: ServerKey
    issuer: str
    audience: str
    client_id: str
    session_id: str
    issued: int
    expires: int
    jti: str
    nonce: str | None = None


def seal_response(
    answer: bytes,
    key: EncryptionKey,
    *,
    enc: str = DEFAULT_ENCRYPTION,
    pad_to: int = 0,
    signature: AnswerSignature | None = None,
) -> bytes:
    """Seal an answer to a caller's public key: the body of an answer with `Content-Type: application/jose`.

    answer: the octets of the plain answer, one JSON object, UTF-8 without BOM. enc: `A128CBC-HS256` (default, the original's),
    `A256CBC-HS512`, `A128GCM` or `A256GCM`. pad_to: 0, 256, 512 or 1024; spaces are added up to a multiple of so many octets, so that
    the length tells less. signature: makes a nested answer, signed inside, of which `session` is the answer.

    Raises MalformedError: `field_invalid` (enc, pad_to; for a nested one also an answer that is not the named session's, and a
    signature that has no form in JSON).
    """
    if pad_to not in PADDINGS:
        raise MalformedError("field_invalid", "pad_to")
    if signature is None:
        return seal_octets(_padded(answer, pad_to), key, enc)
    payload = _padded(_claims(answer, signature), pad_to)
    return seal_octets(sign_compact(payload, signature.key, typ=_TYPE).encode("ascii"), key, enc, cty="JWT")


def _padded(octets: bytes, pad_to: int) -> bytes:
    return octets + b" " * (-len(octets) % pad_to) if pad_to else octets


def _claims(answer: bytes, signature: AnswerSignature) -> bytes:
    try:
        session = parse_json(answer, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("field_invalid", "answer") from error
    if not isinstance(session, dict) or session.get("id") != signature.session_id:
        raise MalformedError("field_invalid", "answer")
    claims: dict[str, Json] = {
        "iss": signature.issuer,
        "aud": signature.audience,
        "client_id": signature.client_id,
        "sid": signature.session_id,
        "iat": signature.issued,
        "exp": signature.expires,
        "jti": signature.jti,
    }
    if signature.nonce is not None:
        claims["nonce"] = signature.nonce
    try:
        # The answer itself, not another spelling of it: a caller may compare it with what it has.
        return compact_json(claims)[:-1] + b',"session":' + answer + b"}"
    except JsonError as error:
        raise MalformedError("field_invalid", "signature") from error


@dataclass(frozen=True, slots=True)
class Signer:
    """Who must have signed an answer, and for whom.

    jwks: the server's key set, from `{base}/.well-known/jwks.json`. issuer: `{base}/auth/open`. audience: the account's id.
    session_id: of the session that was asked for; None for the answer to a create, whose id nobody knows before: there a nonce of the
    request's own says that it is the answer to that. now: Unix seconds. nonce: the one that was sent with `responseProtection`, if
    one was. leeway: seconds. Raises MalformedError `field_invalid` for neither session_id nor nonce.
    """

    jwks: Mapping[str, object]
    issuer: str
    audience: str
    session_id: str | None
    now: int
    nonce: str | None = None
    leeway: int = 60

    def __post_init__(self) -> None:
        if self.session_id is None and self.nonce is None:
            raise MalformedError("field_invalid", "session_id")


def open_sealed(
    body: str | bytes,
    keys: Sequence[DecryptionKey],
    *,
    enc: Collection[str] = ENCRYPTIONS,
    signer: Signer | None = None,
    max_bytes: int = 262144,
) -> dict[str, Json]:
    """Open a sealed answer and return the session that it holds.

    body: compact JWE of ASCII, without space around it. keys: the reader's private keys; of those that a header may mean, five are
    tried. enc: the content encryptions that are taken. signer: who must have signed it; without one a nested answer is refused, with
    one a plain answer is. max_bytes: of the body.

    Numbers are those of protocol-rest.md section 16: (1) to (6) opening, (7) a plain answer, (8) a nested one.
    Raises SealedError, always with `sealed_invalid` and one text: who sends an answer learns nothing of the key.
    """
    try:
        opened = open_octets(body, keys, enc=enc, max_bytes=max_bytes)  # (1) to (6)
        cty = opened.header.get("cty")
        if signer is not None and cty == "JWT":  # (8)
            return _verify_nested(opened.plaintext, signer)
        if signer is None and cty is None:  # (7)
            return _parse_object(opened.plaintext)
    except (UnopenedError, ValueError):
        raise SealedError("sealed_invalid") from None
    raise SealedError("sealed_invalid")


def _parse_object(octets: bytes) -> dict[str, Json]:
    parsed = parse_json(octets, max_depth=_MAX_DEPTH)
    if not isinstance(parsed, dict):
        raise JsonError("not an object")
    return parsed


def _verify_nested(plaintext: bytes, signer: Signer) -> dict[str, Json]:
    claims = _parse_object(verify_compact(plaintext.decode("ascii"), signer.jwks, typ=_TYPE).payload)
    session, issued, expires = claims.get("session"), claims.get("iat"), claims.get("exp")
    if not isinstance(session, dict) or not _is_time(issued) or not _is_time(expires):
        raise ValueError("claims")
    session_id = claims.get("sid") if signer.session_id is None else signer.session_id
    named = (claims.get("iss"), claims.get("aud"), claims.get("sid"), session.get("id"), claims.get("nonce"))
    wanted = (signer.issuer, signer.audience, session_id, session_id, signer.nonce)
    if named != wanted or ("nonce" in claims) is (signer.nonce is None) or not isinstance(session_id, str):
        raise ValueError("claims")
    if issued > signer.now + signer.leeway or signer.now >= expires + signer.leeway:
        raise ValueError("time")
    return session


def _is_time(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
