"""What is kept of a receiver's answer: the beginning of its text, without what nobody should read there.

protocol-webhooks.md section 9, Log. At most 1 KiB, text types only; control characters are replaced, and words that have the form of
a secret are masked: receivers put tokens, keys and whole stack traces into their errors, and whoever reads a log is not always who
may see those.

    response_excerpt("application/json", b'{"error":"bad signature"}')     # '{"error":"bad signature"}'
"""

import re
import unicodedata

MAX_EXCERPT_BYTES = 1024
MASK = "***"
_TEXT_TYPE = re.compile(
    r"(?i:text/[\w.+-]+|application/(?:[\w.+-]+\+)?(?:json|xml)|application/x-www-form-urlencoded)\s*(?:;.*)?"
)
_REPLACEMENT = "\ufffd"
_IDS = r"(?:[a-z]{2,8}_[1-9A-HJ-NP-Za-km-z]{22}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![A-Za-z0-9_+/=-])"
# Known prefixes; tokens of three or five parts; what stands behind `Bearer` and its like, or behind the name of a secret; and
# whatever is as long as a key and no id of ours: hexadecimal, base64, base64url.
_SECRETS = re.compile(
    r"accredit_(?:live|sandbox)_[A-Za-z0-9_-]+|whsec_[A-Za-z0-9+/=_-]+|[a-z]+_secret_[A-Za-z0-9_-]+|[sr]k_(?:live|test)_\w+"
    r"|eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)+"
    r"|(?i:(?<=bearer )|(?<=basic ))(?=\S*[0-9A-Z=])[A-Za-z0-9._~+/=-]{8,}"
    r"""|(?i:(?:password|passwd|secret|token|api_?key|authorization|signature)["']?\s*[:=]\s*["']?)(?P<value>[^\s"',;&<>]{4,})"""
    rf"|(?<![A-Za-z0-9_+/=-])(?!{_IDS})[A-Za-z0-9_+/-]{{32,}}={{0,2}}"
)


def response_excerpt(content_type: str | None, body: bytes) -> str | None:
    """The text of an answer as it may be kept; None where it has none, or is of no text type. body: its first octets."""
    if not body or content_type is None or not _TEXT_TYPE.fullmatch(content_type.strip()):
        return None
    text = "".join(map(_shown, body[:MAX_EXCERPT_BYTES].decode("utf-8", "replace")))
    # What was replaced or masked may have become longer.
    return _cut(_SECRETS.sub(_masked, text))


def _shown(character: str) -> str:
    if character in "\t\r\n":
        return " "
    # Controls, and what changes how the text around it is shown: a log is read in terminals and pages.
    return _REPLACEMENT if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") else character


def _masked(found: re.Match[str]) -> str:
    value = found["value"]
    return MASK if value is None else found[0][: -len(value)] + MASK


def _cut(text: str) -> str:
    return text.encode()[:MAX_EXCERPT_BYTES].decode("utf-8", "ignore")
