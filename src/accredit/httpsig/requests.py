"""Signed requests as the original's clients send them, and verifies its webhooks: `Date`, `Digest`, `(request-target)`.

draft-cavage-http-signatures-12 with HMAC-SHA-256; steps 3 to 5 of protocol-flow.md section 8. The key is the text of the secret as it
is written. Verifying raises or returns a VerifiedRequest, which nothing else can make.

    headers = sign_request("POST", "/flow_sessions", body, key_id="live_key_...", secret=text, now=int(time.time()))
    verify_request("POST", "/flow_sessions", headers, body, {"live_key_...": [text]}, now=int(time.time())).key_id
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass

from accredit.encoding import b64_decode, b64_encode
from accredit.errors import MalformedError, Refused
from accredit.httpsig.authorization import ALGORITHM, REQUEST_TARGET, PeekedRequest, peek_request
from accredit.httpsig.dates import format_http_date, parse_http_date
from accredit.httpsig.fields import HeaderFields
from accredit.keys import read_written_secret

TOLERANCE_S = 900
_SIGNED = (REQUEST_TARGET, "date", "digest")
_KEY_ID = re.compile(r"[!#-\[\]-~]{1,128}")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
# As the request line has it: octets, of which none is a space or a control.
_TARGET = re.compile(r"[!-~\x80-\xff]+")
_DIGEST = re.compile(r"(sha-256)=([A-Za-z0-9+/]{43}=)", re.IGNORECASE | re.ASCII)
# Visible at both ends: proxies and servers take other space away.
_FIELD_NAME, _FIELD_VALUE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+"), re.compile(r"[!-~](?:[\t -~]*[!-~])?")
_MOST_SIGNED = 10
_DUMMY = bytes(32)


@dataclass(frozen=True, slots=True)
class VerifiedRequest:
    """Whose request it is; only `verify_request` and `verify_request_v2` make it.

    key_id: of the key that signed. secret_index: which of its secrets, from 0. signature: base64; with key_id the replay key.
    signed_at: Unix seconds. signed: the names that it covers.
    """

    key_id: str
    secret_index: int
    signature: str
    signed_at: int
    signed: tuple[str, ...]
    # Not kept, so that `dataclasses.replace` cannot make another one out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not VERIFIER:
            raise TypeError("a VerifiedRequest comes from verify_request only")


VERIFIER = object()


def sign_request(
    method: str,
    target: str,
    body: bytes,
    *,
    key_id: str,
    secret: str,
    now: int,
    also: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers `Date`, `Digest` and `Authorization` of a request, spelt as the original spells them.

    method: in any case. target: path and query exactly as they are sent. body: its octets, empty where there is none. key_id: of the
    API key. secret: its text, as written. now: Unix seconds; a server takes the request for 15 minutes. also: up to 7 further headers
    that the request has, which are signed behind the three.

    Raises MalformedError: `secret_malformed`; `field_invalid` (method, target, key_id, now, also).
    """
    if not _KEY_ID.fullmatch(key_id):
        raise MalformedError("field_invalid", "key_id")
    for name, form, text in (("method", _METHOD, method), ("target", _TARGET, target)):
        if not form.fullmatch(text):
            raise MalformedError("field_invalid", name)
    try:
        date = format_http_date(now)
    except ValueError as error:
        raise MalformedError("field_invalid", "now") from error
    further = _read_further(also or {})
    signed = (*_SIGNED, *further)
    digest = f"SHA-256={b64_encode(hashlib.sha256(body).digest())}"
    signing_string = _signing_string(signed, method, target, {**further, "date": date, "digest": digest})
    signature = b64_encode(hmac.digest(read_written_secret(secret), signing_string, "sha256"))
    parameters = f'keyId="{key_id}",algorithm="{ALGORITHM}",headers="{" ".join(signed)}",signature="{signature}"'
    return {"Date": date, "Digest": digest, "Authorization": f"Signature {parameters}"}


def _read_further(also: Mapping[str, str]) -> dict[str, str]:
    """Further headers by their names in lower case. Raises MalformedError `field_invalid` (also)."""
    further = {name.lower(): value for name, value in also.items()}
    signed = {*_SIGNED, *further}
    once = len(signed) == len(_SIGNED) + len(also) <= _MOST_SIGNED
    if not once or not all(_FIELD_NAME.fullmatch(name) and _FIELD_VALUE.fullmatch(value) for name, value in further.items()):
        raise MalformedError("field_invalid", "also")
    return further


def verify_request(
    method: str,
    target: str,
    headers: HeaderFields | PeekedRequest,
    body: bytes,
    keys: Mapping[str, Sequence[str]],
    *,
    now: int,
    tolerance_s: int = TOLERANCE_S,
) -> VerifiedRequest:
    """Verify a signed request and return whose it is.

    method: of the request. target: its raw path and query, never decoded or encoded again. headers: pairs or a mapping, or what
    `peek_request` made of them. body: its octets as they came. keys: the texts of the live secrets, by key id. now: Unix seconds.
    tolerance_s: the date must be less than so many seconds off, either way.

    Numbers are those of protocol-flow.md section 8: (1), (2) form, (3) date, (4) digest, (5) signature.
    Raises Refused with the first code that applies: those of `peek_request`; `date_malformed`, `date_out_of_range`;
    `digest_malformed`, `digest_mismatch`; `key_unknown`, `mac_mismatch`; MalformedError: `secret_malformed` (of a given key). That a
    request takes effect once is the caller's to see to.
    """
    peeked = headers if isinstance(headers, PeekedRequest) else peek_request(headers)  # (1), (2)
    signed_at = _read_date(peeked.values["date"])  # (3)
    if abs(now - signed_at) >= tolerance_s:
        raise Refused("date_out_of_range", "date")
    digest = _check_digest(peeked.values["digest"], body)  # (4)
    text = _text_that_was_signed(peeked, method, target, digest)  # (5)
    index = find_secret(keys.get(peeked.key_id, ()), text, b64_decode(peeked.signature))
    return VerifiedRequest(peeked.key_id, index, peeked.signature, signed_at, peeked.signed, made_by=VERIFIER)


def _read_date(text: str) -> int:
    try:
        return parse_http_date(text)
    except ValueError as error:
        raise Refused("date_malformed", "date") from error


def _check_digest(text: str, body: bytes) -> str:
    """The header as it must be, made anew from the body; its name keeps its spelling, which was signed."""
    found = _DIGEST.fullmatch(text)
    if found is None:
        raise Refused("digest_malformed", "digest")
    digest = f"{found[1]}={b64_encode(hashlib.sha256(body).digest())}"
    if digest != text:
        raise Refused("digest_mismatch", "digest")
    return digest


def _text_that_was_signed(peeked: PeekedRequest, method: str, target: str, digest: str) -> bytes:
    """Empty where nobody can have signed it; a MAC over it is computed all the same."""
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(target):
        return b""
    return _signing_string(peeked.signed, method, target, {**peeked.values, "digest": digest})


def _signing_string(signed: Iterable[str], method: str, target: str, values: Mapping[str, str]) -> bytes:
    """draft-cavage-http-signatures-12 section 2.3; no line feed at the end. What frameworks decode is the octets as Latin-1."""
    of_names = {**values, REQUEST_TARGET: f"{method.lower()} {target}"}
    return "\n".join(f"{name}: {of_names[name]}" for name in signed).encode("latin-1")


def find_secret(secrets: Sequence[str], text: bytes, mac: bytes) -> int:
    """The place of the secret that yields the MAC. A match stops nothing, and no secret costs as much as one.

    Raises Refused: `key_unknown` (there is none), `mac_mismatch`; MalformedError: `secret_malformed`.
    """
    found: int | None = None
    for place, key in enumerate([read_written_secret(secret) for secret in secrets] or [_DUMMY]):
        if hmac.compare_digest(hmac.digest(key, text, "sha256"), mac) and text and found is None:
            found = place
    if not secrets:
        raise Refused("key_unknown", "authorization")
    if found is None:
        raise Refused("mac_mismatch", "authorization")
    return found
