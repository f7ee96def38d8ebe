"""The likely mistake behind a token that has not the shape of one: step 1 of protocol-embed.md section 7."""

import binascii

from accredit.deployment import MAX_TOKEN_BYTES, TOKEN_TYPE
from accredit.encoding import Json, JsonError, b64url_decode, b64url_encode, parse_json
from accredit.errors import Refused

_SIGNED = ("deployer_id", "integration_id")
_TEXT_RULES = (
    (lambda token: not token.strip(), "The token is empty."),
    (lambda token: token.startswith("{{"), "That is the snippet's placeholder; a server has to put the token there."),
    (lambda token: token.startswith("{"), "That is JSON; the token must be a compact JWS: header.payload.signature."),
    (lambda token: token[:1] in "\"'", "The token is in quotes; leave them out."),
    (lambda token: token.lower().startswith("bearer "), "The token begins with Bearer; leave that out."),
    (lambda token: any(character.isspace() for character in token), "There is white space or a line break in the token."),
    (lambda token: not token.isascii(), "There are characters in the token that no base64url has."),
    (lambda token: len(token) > MAX_TOKEN_BYTES, f"The token is longer than {MAX_TOKEN_BYTES} characters."),
)


def find_shape_hint(refusal: Refused, token: str) -> str | None:
    """One sentence, or None."""
    if refusal.code == "jws_malformed":
        return _hint_malformed(token)
    if refusal.code == "jws_header_not_allowed":
        return _hint_header(_peek(token, 0))
    if refusal.code == "jws_alg_not_allowed":
        return _hint_algorithm(_peek(token, 0))
    if refusal.code == "missing_required_property":
        return _hint_missing(refusal.member or "", _peek(token, 1))
    if refusal.code == "payload_not_object" and isinstance(_peek(token, 1), str):
        return "The payload is a text: it was turned into JSON twice."
    if refusal.code == "payload_malformed":
        return _hint_payload(token)
    if refusal.code == "payload_duplicate_member":
        return "Some member stands twice; two readers could each take another one."
    return None


def _hint_malformed(token: str) -> str:
    for applies, sentence in _TEXT_RULES:
        if applies(token):
            return sentence
    parts = token.split(".")
    if len(parts) == 5:
        return "That has five segments: it is a JWE, such as an encrypted passport, not a signed deployment."
    if len(parts) != 3:
        return f"That has {len(parts)} of the three segments: was it cut off?"
    return _hint_segments(parts)


def _hint_segments(parts: list[str]) -> str:
    if not parts[2]:
        return "The signature is missing: the token was not signed."
    if not parts[1]:
        return "The payload is missing: a detached signature is not taken."
    for name, part in zip(("header", "payload", "signature"), parts, strict=True):
        if "=" in part:
            return f"The {name} is padded with =; base64url in a JWS has no padding."
        if "+" in part or "/" in part:
            return f"The {name} is base64; a JWS wants base64url, with - and _ in place of + and /."
        if len(part) % 4 == 1:
            return f"The {name} has a length that no base64url has: was it cut off?"
        try:
            b64url_decode(part)
        except ValueError:
            if _is_lenient(part):
                return f"The last character of the {name} has bits that mean nothing: the token was cut off or changed."
            return f"The {name} has characters that no base64url has."
    return "The header is not a JSON object without duplicate members."


def _is_lenient(part: str) -> bool:
    try:
        octets = binascii.a2b_base64(part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4), strict_mode=False)
    except binascii.Error:
        return False
    return len(b64url_encode(octets)) == len(part)


def _hint_header(header: Json) -> str | None:
    if not isinstance(header, dict):
        return None
    if header.get("typ") == "JWT":
        return "The library signed a JWT (typ); sign a plain JWS, whose header is alg alone."
    if "typ" in header and header["typ"] != TOKEN_TYPE:
        return f"typ may only be {TOKEN_TYPE}."
    if "kid" in header and not isinstance(header["kid"], str):
        return "kid must be text."
    odd = [name for name in header if name not in ("alg", "kid", "typ")]
    named = ", ".join(name for name in odd if name.isascii() and name.isprintable())[:100]
    return f"The header has {named or 'another member'}; it may have alg, kid and typ only."


def _hint_algorithm(header: Json) -> str | None:
    alg = header.get("alg") if isinstance(header, dict) else None
    if not isinstance(alg, str):
        return "The header has no alg; it must be ES512."
    if alg.lower() == "none":
        return "The token is not signed (alg none); sign it with ES512 and the deployer's private key."
    if alg.upper() in ("ES512", "ES256", "EDDSA"):
        return "alg is spelt with other letters; it must be exactly ES512."
    family = {"HS": "a shared secret (HMAC)", "RS": "an RSA key", "PS": "an RSA key", "ES": "a key on another curve"}.get(
        alg[:2].upper()
    )
    return f"It was signed with {family or 'another algorithm'}; sign with ES512 and a key on P-521."


def _hint_missing(name: str, payload: Json) -> str | None:
    if not isinstance(payload, dict):
        return None
    if name in payload:
        return f"{name} must be text of 1 to 128 of A-Z a-z 0-9 _ . - and nothing else."
    spelt = name.replace("_", "").lower()
    similar = next((key for key in payload if key.replace("_", "").replace("-", "").lower() == spelt), None)
    if similar is not None:
        return f"The payload has {similar} in place of {name}."
    return f"Sign {' and '.join(_SIGNED)} too: the page does not pass them beside a token."


def _hint_payload(token: str) -> str:
    octets = b64url_decode(token.split(".")[1])
    if octets.startswith(b"ey"):
        return "The payload was encoded as base64url twice."
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return "The payload is not UTF-8."
    if any(word in octets for word in (b"NaN", b"Infinity")):
        return "The payload has NaN or Infinity, which JSON does not know."
    return "The payload is not JSON, or is nested more than three levels deep."


def _peek(token: str, index: int) -> Json:
    """A segment's JSON; None where it is none."""
    try:
        return parse_json(b64url_decode(token.split(".")[index]), max_depth=8)
    except (JsonError, ValueError, IndexError):
        return None
