"""The likely mistake behind an identity signature that has not its form: step 1 of protocol-boot.md section 4, and its section 7."""

import binascii
import re
from collections.abc import Callable, Sequence

_QUOTES, _QUOTED = ('"', "'"), "The signature is in quotes; leave them out."
_TEXT_RULES: Sequence[tuple[Callable[[str], bool], str]] = (
    (lambda text: "{{" in text, "That is the snippet's placeholder; your backend has to put the signature there."),
    (lambda text: text.lower() in ("undefined", "none", "nil", "false"), "That is an empty variable turned into text."),
    (lambda text: text.startswith(_QUOTES), _QUOTED),
    (lambda text: text.startswith("{"), "That is JSON; pass the signature alone."),
    (lambda text: "%3a" in text.lower(), "The signature was percent-encoded once too often."),
    (
        lambda text: "\n" in text or "\r" in text,
        "There is a line break in it, as some base64 encoders add; use one that adds none.",
    ),
    (lambda text: " " in text, "There is a space in it: a form reads + as a space, so its values must be encoded (%2B)."),
    (lambda text: not text.isascii() or not text.isprintable(), "There are characters in it that no signature has."),
    (lambda text: len(text) > 256, "The signature is longer than 256 characters."),
)
_TEN_DIGITS = re.compile(r"[1-9][0-9]{9}")


def find_form_hint(code: str, signature: str) -> str | None:
    """One sentence, or None. signature: as posted, empty where it is absent."""
    hint = _HINTS.get(code)
    return None if hint is None else hint(signature)


def _hint_required(_signature: str) -> str:
    return "Nothing came as signature: the page must pass what your backend signed, beside customerInfo."


def _hint_malformed(signature: str) -> str:
    for applies, sentence in _TEXT_RULES:
        if applies(signature):
            return sentence
    if signature.startswith("v2."):
        parts = signature.split(".")
        if len(parts) == 5:
            return "The key id is 1 to 64 of A-Z a-z 0-9 _ and -."
        return f"That has {len(parts)} parts; version 2 has five: v2.keyid.timestamp.nonce.mac."
    parts = signature.split(":")
    if len(parts) in (4, 5):
        return "That looks like the text that is signed; pass timestamp:mac:nonce."
    return f"That has {len(parts)} part{'s' if len(parts) > 1 else ''}; version 1 has three: timestamp:mac:nonce."


def _hint_timestamp(signature: str) -> str:
    parts = _split(signature)
    stated = parts["timestamp"]
    if stated.startswith(_QUOTES):
        return _QUOTED
    if any(_TEN_DIGITS.fullmatch(part) for name, part in parts.items() if name != "timestamp"):
        return "The parts are in another order: version 1 is timestamp:mac:nonce, version 2 v2.keyid.timestamp.nonce.mac."
    if re.fullmatch(r"[0-9]{16,}", stated):
        return "The timestamp is in micro- or nanoseconds; it must be whole Unix seconds."
    if re.fullmatch(r"[0-9]+[.,][0-9]*", stated):
        return "The timestamp has a fraction; it must be whole Unix seconds."
    if stated.startswith("0"):
        return "The timestamp has leading zeros; write it without."
    return "The timestamp must be Unix seconds in decimal, ten digits."


def _hint_nonce_length(signature: str) -> str:
    length = len(_split(signature)["nonce"])
    return f"The nonce has {length} characters: take 16 random bytes as hexadecimal digits, which are 32."


def _hint_nonce_charset(_signature: str) -> str:
    return "Take 16 random bytes as hexadecimal digits; a colon, +, / or = has no place in the nonce of version 2."


def _hint_mac(signature: str) -> str:
    version_2, mac = signature.startswith("v2."), _split(signature)["mac"]
    wanted = "43 characters of base64url without padding" if version_2 else "44 characters of standard base64"
    octets = _decode(mac)
    if octets is None:
        return f"The MAC is no base64: 32 octets are {wanted}."
    if len(octets) == 64 and all(octet in b"0123456789abcdefABCDEF" for octet in octets):
        return "The MAC was turned into hexadecimal digits before it was encoded; encode its 32 octets."
    if len(octets) != 32:
        made = {20: "SHA-1", 48: "SHA-384", 64: "SHA-512"}.get(len(octets))
        return f"The MAC has {len(octets)} octets{f', as {made} has' if made else ''}; HMAC-SHA-256 has 32."
    if version_2 and re.search(r"[+/=]", mac):
        return f"The MAC is standard base64; version 2 has {wanted}, with - and _."
    return "The last character of the MAC has bits that mean nothing: it was cut off or changed."


def _split(signature: str) -> dict[str, str]:
    """The parts by name, once their number is right."""
    if signature.startswith("v2."):
        return dict(zip(("version", "key_id", "timestamp", "nonce", "mac"), signature.split("."), strict=True))
    return dict(zip(("timestamp", "mac", "nonce"), signature.split(":"), strict=True))


def _decode(mac: str) -> bytes | None:
    """The octets of either base64, padded or not; None where it is neither."""
    text = mac.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        return None


_HINTS: dict[str, Callable[[str], str]] = {
    "signature_required": _hint_required,
    "signature_malformed": _hint_malformed,
    "timestamp_malformed": _hint_timestamp,
    "nonce_length": _hint_nonce_length,
    "nonce_charset": _hint_nonce_charset,
    "mac_encoding": _hint_mac,
}
