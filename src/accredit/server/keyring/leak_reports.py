"""Reports of leaked secrets by a partner that scans public places for them: who signed one, and what it tells.

GitHub's secret scanning partner programme; protocol-flow.md section 12. A report is a JSON array of `{token,type,url,source}`; two
headers name the sender's key and carry base64 of a DER signature, ECDSA with P-256 and SHA-256, of the octets of the body.

    verify_report(body, signed, {"f9525bf0...": "-----BEGIN PUBLIC KEY-----..."})
    for told in read_report(body): ...
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from accredit.encoding import Json, JsonError, b64_decode, parse_json
from accredit.errors import MalformedError, Refused

# A P-256 signature in DER has at most 72 octets; a key identifier is SHA-256 in hex, and may change its form.
_MAX_SIGNATURE, _MAX_IDENTIFIER = 100, 128
_MAX_DEPTH, _MAX_TOKEN, _MAX_TYPE, _MAX_URL = 4, 64 * 1024, 200, 2048


@dataclass(frozen=True, slots=True)
class ReportSignature:
    """What the headers say: which key signed, and the signature as base64."""

    key_identifier: str
    signature: str


@dataclass(frozen=True, slots=True)
class LeakedToken:
    """One find. token: what was found, maybe nothing of ours. url: where; None where it is not told, or holds the token itself."""

    token: str = field(repr=False)
    token_type: str
    url: str | None


def verify_report(body: bytes, signed: ReportSignature, public_keys: Mapping[str, str]) -> None:
    """Check the sender's signature. public_keys: its keys as PEM, by their identifiers. Raises Refused `leak_report_unverified`."""
    pem = public_keys.get(signed.key_identifier)
    if pem is None or len(signed.signature) > _MAX_SIGNATURE:
        raise Refused("leak_report_unverified")
    try:
        key = load_pem_public_key(pem.encode())
        signature = b64_decode(signed.signature)
    except ValueError as error:
        raise Refused("leak_report_unverified") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Refused("leak_report_unverified")
    try:
        key.verify(signature, body, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise Refused("leak_report_unverified") from error


def could_be_signed(signed: ReportSignature) -> bool:
    """Whether the headers have their form, so that the body is worth reading."""
    return 0 < len(signed.key_identifier) <= _MAX_IDENTIFIER and 0 < len(signed.signature) <= _MAX_SIGNATURE


def read_report(body: bytes) -> list[LeakedToken]:
    """What a verified report tells. Unknown members are ignored. Raises MalformedError `request_malformed`."""
    try:
        items = parse_json(body, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    if not isinstance(items, list):
        raise MalformedError("request_malformed")
    return [_read_token(item) for item in items]


def _read_token(item: Json) -> LeakedToken:
    told = item if isinstance(item, dict) else {}
    token, token_type, url = told.get("token"), told.get("type", ""), told.get("url")
    if not isinstance(token, str) or not 0 < len(token) <= _MAX_TOKEN:
        raise MalformedError("request_malformed", "token")
    if not isinstance(token_type, str) or len(token_type) > _MAX_TYPE:
        raise MalformedError("request_malformed", "type")
    # The address goes into the event and the letter, the token must not.
    usable = isinstance(url, str) and 0 < len(url) <= _MAX_URL and url.isprintable() and token not in url
    return LeakedToken(token, token_type, str(url) if usable else None)
