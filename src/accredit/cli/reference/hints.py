"""The likely mistake behind a signature of a customer reference that does not hold, and how to mend it. Values are never told."""

import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from accredit.cli.reference.judging import Judging
from accredit.reference import PeekedReference, ReferenceSecret, peek_reference

MENDING = {
    "secret_hex_decoded": "The hexadecimal digits of the secret were decoded; the key is the text as it is written.",
    "secret_without_prefix": "The prefix of the secret was left out; the key is the whole text, as it was shown.",
    "hash_without_key": "A plain SHA-256 was computed; it must be an HMAC with the secret as its key.",
    "arguments_swapped": "Key and message were swapped: the secret is the key, the reference the message.",
    "line_feed_signed": "A line feed was signed behind the reference, as `echo` adds it; sign the reference alone (`echo -n`).",
    "reference_quoted": "The reference was signed as JSON, in quotes; sign the text alone.",
    "reference_respelt": "The reference was signed in another spelling than the page passes (case, space around it, Unicode form); "
    "sign it exactly as it is passed.",
    "old_secret": "It was signed with the old secret; give the backend the one that counts now.",
}
_LAST_GUESS = (
    "Another secret, or another reference was signed: compare length and SHA-256 below with those of what the backend signs."
)
_FORM_RULES: Sequence[tuple[Callable[[str], object], str]] = (
    (lambda text: text == "", "Nothing came as signature: the page must pass what your backend signed, as user.signature."),
    (lambda text: "{{" in text, "That is a placeholder; your backend has to put the signature there."),
    (lambda text: text.lower() in ("undefined", "null", "none", "nil", "false"), "That is an empty variable turned into text."),
    (lambda text: text.startswith(('"', "'")), "The signature is in quotes; leave them out."),
    (lambda text: "%" in text, "The signature was percent-encoded once too often."),
    (
        lambda text: re.search(r"\s", text),
        "There is white space in it: a form reads + as a space, and some encoders add line feeds.",
    ),
    (lambda text: re.fullmatch("[0-9a-fA-F]{64}", text), "That is hexadecimal; write the 32 octets of the MAC as base64."),
    (
        lambda text: _is_base64_of_hex(text),
        "The MAC was turned into hexadecimal digits before it was encoded; encode its 32 octets.",
    ),
    (lambda text: re.search("[-_]", text), "That is base64url; it must be standard base64, with + / and = at the end."),
    (lambda text: re.fullmatch("[A-Za-z0-9+/]{43}", text), "The padding is missing: 44 characters, with = at the end."),
    (
        lambda text: re.fullmatch("[A-Za-z0-9+/]{43}=", text),
        "The last character has bits that mean nothing: it was cut off or changed.",
    ),
    (lambda text: text.count(".") == 1, "A token has three parts, joined by full stops; one is missing."),
)
_FORM_GUESS = "It must be the base64 of 32 octets, 44 characters, or a token of three parts."
_OF_TOKENS = {
    "jws_malformed": "A token is three parts of base64url without padding; header and claims are JSON objects, no member twice.",
    "jws_header_not_allowed": "The header has alg, kid and typ, and no other member; typ is flow-user+jwt, not JWT.",
    "jws_alg_not_allowed": "Sign with HS256 under a secret, or with ES256, ES512 or EdDSA under the key that is recorded.",
    "token_claims_invalid": "aud is flow, env live or sandbox, tpl a list of ids, jti 22 to 64 characters; times are whole seconds.",
    "token_not_yet_valid": "The backend's clock is ahead (NTP), or iat is in milliseconds.",
    "token_expired": "Sign when the page is rendered, or when it asks (getSignature), and check the clock of the backend (NTP).",
    "token_lifetime": "exp must be 1 to 3600 seconds behind iat.",
    "token_template_mismatch": "Name in tpl each template that the page may open.",
    "token_origin_mismatch": "Name in ori the page's origin as a browser sends it, such as https://shop.example; or leave ori out.",
    "customer_reference_mismatch": "The page passes another customerReference than the token has as sub: leave it out, or pass that.",
}
_NOT_DERIVED = (
    "The secret itself signed the token; sign with the key that is derived from it (HKDF-SHA256, flow/customer-token/v2)."
)


def _is_base64_of_hex(text: str) -> bool:
    try:
        return re.fullmatch(b"[0-9a-fA-F]{64}", binascii.a2b_base64(text, strict_mode=True)) is not None
    except (binascii.Error, ValueError):
        return False


def find_hint(code: str, judging: Judging, old_secrets: Sequence[ReferenceSecret]) -> str | None:
    """What to mend, or None."""
    if code == "signature_malformed":
        return next((sentence for applies, sentence in _FORM_RULES if applies(judging.signature)), _FORM_GUESS)
    if code == "mac_mismatch":
        return " ".join(MENDING[name] for name in find_mistakes(judging, old_secrets)) or _LAST_GUESS
    if code == "jws_signature_invalid":
        return _hint_token(judging, old_secrets)
    return _OF_TOKENS.get(code)


def find_mistakes(judging: Judging, old_secrets: Sequence[ReferenceSecret]) -> list[str]:
    """The names of those mistakes that yield just this signature."""
    mac, reference = peek_reference(judging.signature).signature, judging.reference or ""
    secrets = [key for key in judging.keys if isinstance(key, ReferenceSecret)]
    found = [name for secret in secrets for name, made in _mistaken(secret.octets, reference) if hmac.compare_digest(made, mac)]
    if any(hmac.compare_digest(_hmac(secret.octets, reference), mac) for secret in old_secrets):
        found.append("old_secret")
    return list(dict.fromkeys(found))


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")


def _mistaken(key: bytes, reference: str) -> Iterator[tuple[str, bytes]]:
    digits = key.rpartition(b"_")[2]
    if re.fullmatch(b"(?:[0-9a-fA-F]{2})+", digits):
        yield "secret_hex_decoded", _hmac(bytes.fromhex(digits.decode()), reference)
    if digits != key:
        yield "secret_without_prefix", _hmac(digits, reference)
    message = reference.encode()
    for octets in (message, key + message, message + key):
        yield "hash_without_key", hashlib.sha256(octets).digest()
    yield "arguments_swapped", hmac.digest(message, key, "sha256")
    yield "line_feed_signed", _hmac(key, reference + "\n")
    yield "reference_quoted", _hmac(key, json.dumps(reference))
    yield "reference_quoted", _hmac(key, json.dumps(reference, ensure_ascii=False))
    for respelt in _spellings(reference):
        yield "reference_respelt", _hmac(key, respelt)


def _spellings(reference: str) -> set[str]:
    forms = {unicodedata.normalize(form, reference) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    cased = {text for form in (*forms, reference) for text in (form, form.lower(), form.upper())}
    return (cased | {text.strip() for text in cased}) - {reference}


def _hint_token(judging: Judging, old_secrets: Sequence[ReferenceSecret]) -> str:
    peeked = peek_reference(judging.signature)
    if any(isinstance(key, ReferenceSecret) and _signs(peeked, key.octets) for key in judging.keys):
        return _NOT_DERIVED
    if any(_signs(peeked, secret.token_octets) for secret in old_secrets):
        return MENDING["old_secret"]
    return "Another key, or another text was signed; an HS256 key of an API secret is derived (HKDF-SHA256, flow/customer-token/v2)."


def _signs(peeked: PeekedReference, key: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(key, peeked.signing_input, "sha256"), peeked.signature)
