"""Logos: small images that an owner hands in as a `data:` URL and that this server serves itself: no page loads foreign files.

RFC 2397. The type is told by the image's own octets, and must be the one that the URL names.
"""

import hashlib
import re
from dataclasses import dataclass

from accredit.encoding import b64_decode
from accredit.errors import MalformedError

MAX_BYTES = 44 * 1024
# What base64 makes of it, and the words before it.
MAX_TEXT = MAX_BYTES * 4 // 3 + 64

_DATA_URL = re.compile(r"data:(image/(?:png|jpeg|webp|svg\+xml));base64,([A-Za-z0-9+/]+={0,2})")
_FORMS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "image/svg+xml": re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml|!--)"),
}


@dataclass(frozen=True, slots=True)
class Logo:
    """An image. digest: SHA-256 in hex, its name in public addresses."""

    media_type: str
    octets: bytes
    digest: str


def parse_logo(text: str) -> Logo:
    """The image of a `data:` URL. Raises MalformedError `logo_invalid`: not an image of these types, or over 44 KiB."""
    match = _DATA_URL.fullmatch(text)
    if match is None:
        raise MalformedError("logo_invalid", "logo")
    try:
        octets = b64_decode(match[2])
    except ValueError as error:
        raise MalformedError("logo_invalid", "logo") from error
    if len(octets) > MAX_BYTES or not _FORMS[match[1]].match(octets):
        raise MalformedError("logo_invalid", "logo")
    return Logo(match[1], octets, hashlib.sha256(octets).hexdigest())
