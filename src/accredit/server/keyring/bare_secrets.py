"""Secrets that no prefix tells from other text, where a browser sent them: identity secrets, which are plain base64, and API secrets
that were brought along, which may be any visible ASCII characters.

Only runs of base64, and texts, of a length that secrets in use have are worth a look-up, and only so many in one request; a
signature's MAC and a token are no such runs. It costs a few passes over the text, whatever stands in it.

    for octets in find_bare_secrets(form.values(), sizes=frozenset({32})): ...
"""

import re
from collections.abc import Collection, Iterable, Iterator

from accredit.encoding import b64_decode

# More in one request is no accident, and each is looked up.
_MAX_FOUND = 32
# 16 octets, the fewest that a secret has, and 64, the most.
_SHORTEST, _LONGEST = 24, 88
# An issued secret: 32 octets. It is also known where other base64 characters stand right before it, as in a path.
_ISSUED_BYTES, _ISSUED_LENGTH = 32, 44
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_ONLY_BASE64 = bytes(octet if octet in _ALPHABET else ord(" ") for octet in range(256))
_RUN = re.compile(rb"[A-Za-z0-9+/]{22,}+={0,2}")
# A nonce may be made of any characters; one that other text follows ends where those end of which nonces are made mostly.
_SIGNATURE = re.compile(
    r"[1-9][0-9]{9}:[A-Za-z0-9+/]{43}=:(?:[!-9;-~]{30,50}\Z|[A-Za-z0-9_-]{30,50})?"
    r"|v2\.[A-Za-z0-9_-]{1,64}\.[1-9][0-9]{9}\.[A-Za-z0-9_-]{30,50}\.[A-Za-z0-9_-]{43}"
)
# JSON begins with a brace, so a token's header begins with these.
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_.-]+")
# A secret that was brought along is known where it stands alone, and where one of these is before and behind it.
_DELIMITERS = str.maketrans(dict.fromkeys("\t\n\r\"'`=&?#:,;<>()[]{}|\\", " "))
# How JSON and addresses write the characters of base64 that they need not leave as they are.
_ESCAPED = (
    *(("\\/", "/"), ("\\u002f", "/"), ("\\u002F", "/"), ("%2f", "/"), ("%2F", "/")),
    *(("\\u002b", "+"), ("\\u002B", "+"), ("%2b", "+"), ("%2B", "+")),
    *(("\\u003d", "="), ("\\u003D", "="), ("%3d", "="), ("%3D", "=")),
)


def find_bare_secrets(texts: Iterable[str], sizes: Collection[int]) -> list[bytes]:
    """What may be a secret of one of these sizes (in octets) in the texts, decoded; at most 32."""
    if not sizes:
        return []
    padded = all(size % 3 for size in sizes)
    found: dict[bytes, None] = {}
    for text in texts:
        for octets in _read(text, sizes, padded) if len(text) >= _SHORTEST else ():
            found[octets] = None
            if len(found) == _MAX_FOUND:
                return list(found)
    return list(found)


def find_written_secrets(texts: Iterable[str], sizes: Collection[int]) -> list[str]:
    """What may be a secret of one of these lengths (in characters), as it is written in the texts; at most 32."""
    shortest = min(sizes, default=0)
    found: dict[str, None] = {}
    for text in texts:
        # Tokens are long, many, and none.
        if len(text) < shortest or (text.startswith("eyJ") and len(text) not in sizes):
            continue
        pieces = [text, *text.translate(_DELIMITERS).split()]
        found |= dict.fromkeys(piece for piece in pieces if len(piece) in sizes and piece.isascii())
        if len(found) >= _MAX_FOUND:
            return list(found)[:_MAX_FOUND]
    return list(found)


def _read(text: str, sizes: Collection[int], padded: bool) -> Iterator[bytes]:
    """padded: secrets of all these sizes end in `=`."""
    if "\\" in text or "%" in text:
        for written, meant in _ESCAPED:
            text = text.replace(written, meant)
    if padded and "=" not in text:
        return
    if "=:" in text or text.startswith("v2."):
        text = _SIGNATURE.sub(" ", text)
    if text.startswith("eyJ") and _TOKEN.fullmatch(text):
        return
    if " " in text and text.endswith("=") and len(text) <= _LONGEST:
        # A form in which nobody escaped the plus signs.
        text = f"{text} {text.replace(' ', '+')}"
    pieces = text.encode("ascii", "replace").translate(_ONLY_BASE64).split()
    for piece in [piece for piece in pieces if len(piece) >= _SHORTEST]:
        for run in _RUN.findall(piece):
            yield from _decode(run, sizes)


def _decode(run: bytes, sizes: Collection[int]) -> Iterator[bytes]:
    padding = len(run) - len(run.rstrip(b"="))
    candidates = [run] if len(run) % 4 == 0 and len(run) // 4 * 3 - padding in sizes else []
    if padding == 1 and len(run) > _ISSUED_LENGTH and _ISSUED_BYTES in sizes:
        candidates.append(run[-_ISSUED_LENGTH:])
    for candidate in candidates:
        try:
            yield b64_decode(candidate.decode("ascii"))
        except ValueError:
            # Spare bits: no secret is kept that is written so.
            continue
