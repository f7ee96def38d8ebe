"""The signature beside an answer, whose body it leaves as it is: HTTP Message Signatures, or a detached JWS.

RFC 9421 (`accredit.httpsig.messages` has what signed requests share), RFC 9530, RFC 7515 appendix F; protocol-rest.md section 15.
What is written is read back in one form only: the label, the components, their order and the parameters are fixed.

    headers = sign_response(body, exchange, key, now=int(time.time()))           # beside the other headers
    verify_response(headers, body, exchange, jwks, now=int(time.time()))         # at the client, with the headers that came
"""

from collections.abc import Mapping
from dataclasses import dataclass

from accredit.encoding import JsonError, b64url_encode
from accredit.errors import MalformedError, Refused
from accredit.httpsig.messages import LEEWAY_S, MAX_AGE_S, Profile, content_digest, is_fresh, signature_headers
from accredit.sealing.signing import ServerKey, find_server_key, sign_compact, verify_compact

DETACHED_HEADER = "Accredit-Response-JWS"
_DETACHED_TYPE, _DETACHED_MEMBERS = "accredit-response+jws", frozenset(("iat", "sid"))
# RFC 9421 section 6.2.2. Its RSA-PSS has SHA-512, so that no key for PS256 makes one.
_NAMES = {"ES256": "ecdsa-p256-sha256", "RS256": "rsa-v1_5-sha256"}
_PROFILE = Profile(('"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@target-uri";req'), "accredit-rest")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The request and the answer that a signature holds together.

    method: of the request, in upper case. target_uri: its whole address, as the client called it. status, content_type: of the
    answer.
    """

    method: str
    target_uri: str
    status: int
    content_type: str


def sign_response(body: bytes, exchange: Exchange, key: ServerKey, *, now: int) -> dict[str, str]:
    """The headers `Content-Digest`, `Signature-Input` and `Signature` of an answer (RFC 9421).

    body: its octets. exchange: what was asked, and how it is answered. key: the server's, for ES256 or RS256. now: Unix seconds.

    Raises MalformedError: `field_invalid` (a key for PS256, or whose `kid` has no place in a header).
    """
    if key.alg not in _NAMES:
        raise MalformedError("field_invalid", "alg")
    try:
        parameters = _PROFILE.write_parameters(created=now, keyid=key.kid, alg=_NAMES[key.alg])
    except ValueError as error:
        raise MalformedError("field_invalid", "kid") from error
    return signature_headers(body, parameters, key.sign(_signature_base(body, exchange, parameters)))


def verify_response(
    headers: Mapping[str, str],
    body: bytes,
    exchange: Exchange,
    jwks: Mapping[str, object],
    *,
    now: int,
    max_age: int = MAX_AGE_S,
    leeway: int = LEEWAY_S,
) -> None:
    """Check the signature of an answer by its headers (RFC 9421).

    headers: of the answer, names in any case. body: its octets. exchange: what was asked, and how it was answered. jwks: the server's
    key set. now: Unix seconds. max_age: how many seconds ago it may have been signed; leeway: how many seconds ahead.

    Raises Refused: `response_signature_invalid`, whatever does not hold.
    """
    found = {name.lower(): text for name, text in headers.items()}
    if found.get("content-digest") != content_digest(body):
        raise Refused("response_signature_invalid")
    try:
        given = _PROFILE.read(found)
        key = find_server_key(jwks, given.keyid)
    except ValueError:
        raise Refused("response_signature_invalid") from None
    fresh = is_fresh(given.created, now, max_age, leeway)
    base = _signature_base(body, exchange, given.parameters)
    if not fresh or _NAMES.get(key.alg) != given.alg or not key.is_signed(base, given.octets):
        raise Refused("response_signature_invalid")


def _signature_base(body: bytes, exchange: Exchange, parameters: str) -> bytes:
    values = (exchange.status, exchange.content_type, content_digest(body), exchange.method, exchange.target_uri)
    return _PROFILE.signature_base(values, parameters)


def sign_response_detached(body: bytes, key: ServerKey, *, session_id: str, now: int) -> str:
    """The header `Accredit-Response-JWS` of an answer: a JWS without its payload, which is the body.

    key: the server's. session_id: of the session that the answer is about. now: Unix seconds.
    Raises MalformedError: `field_invalid` (a session_id that has no form in JSON).
    """
    try:
        compact = sign_compact(body, key, typ=_DETACHED_TYPE, more={"iat": now, "sid": session_id})
    except JsonError as error:
        raise MalformedError("field_invalid", "session_id") from error
    header, _, signature = compact.split(".")
    return f"{header}..{signature}"


def verify_response_detached(
    detached: str,
    body: bytes,
    jwks: Mapping[str, object],
    *,
    session_id: str,
    now: int,
    max_age: int = MAX_AGE_S,
    leeway: int = LEEWAY_S,
) -> None:
    """Check the header `Accredit-Response-JWS` of an answer.

    detached: its value. body: the answer's octets. jwks: the server's key set. session_id: of the session that was asked for. now:
    Unix seconds. max_age: how many seconds ago it may have been signed; leeway: how many seconds ahead.

    Raises Refused: `response_signature_invalid`, whatever does not hold.
    """
    try:
        header_text, payload, signature = detached.split(".")
        if payload:
            raise ValueError("not detached")
        compact = f"{header_text}.{b64url_encode(body)}.{signature}"
        header = verify_compact(compact, jwks, typ=_DETACHED_TYPE, more=_DETACHED_MEMBERS).header
    except ValueError:
        raise Refused("response_signature_invalid") from None
    issued = header["iat"]
    if not isinstance(issued, int) or isinstance(issued, bool) or not is_fresh(issued, now, max_age, leeway):
        raise Refused("response_signature_invalid")
    if header["sid"] != session_id:
        raise Refused("response_signature_invalid")
