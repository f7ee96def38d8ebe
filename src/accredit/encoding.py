"""Strict base64, base64url and JSON: one reading for each text, and for JSON that is signed as a value one writing (RFC 8785).

RFC 4648 sections 3.5, 4 and 5, RFC 8259. What lenient decoders let pass (padding, spare bits, white space, duplicate members,
NaN, lone surrogates) is a second spelling of a signed value, so here it is an error.

    >>> b64url_decode("AQAB")
    b'\\x01\\x00\\x01'
"""

import binascii
import json
import math
import re
from typing import NoReturn, TypeAlias, Union

Json: TypeAlias = Union["dict[str, Json]", "list[Json]", str, int, float, bool, None]


class JsonError(ValueError):
    """The bytes are not strict UTF-8 JSON of the allowed depth."""


class DuplicateMemberError(JsonError):
    """An object names a member twice."""


def b64url_encode(octets: bytes) -> str:
    """Unpadded base64url (RFC 7515 section 2)."""
    return binascii.b2a_base64(octets, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Read canonical unpadded base64url. Raises ValueError for padding, spare bits and foreign characters."""
    if not text.isascii() or len(text) % 4 == 1:
        raise ValueError("not base64url")
    octets = binascii.a2b_base64(text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4), strict_mode=True)
    # Spare bits: the decoder drops them, so a second spelling would pass; only what encodes back is canonical.
    spare = len(text) % 4
    if spare and b64url_encode(octets[1 - spare :]) != text[-spare:]:
        raise ValueError("spare bits in base64url")
    return octets


def b64_encode(octets: bytes) -> str:
    """Padded standard base64 (RFC 4648 section 4)."""
    return binascii.b2a_base64(octets, newline=False).decode("ascii")


def b64_decode(text: str) -> bytes:
    """Read canonical padded standard base64. Raises ValueError for anything else."""
    octets = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    if b64_encode(octets) != text:
        raise ValueError("not canonical base64")
    return octets


# The url alphabet maps onto the standard one; the standard one's own two letters map to a byte that strict decoding refuses.
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/\x00\x00\x00")


def parse_json(octets: bytes, *, max_depth: int) -> Json:
    """Read one strict JSON text.

    octets: UTF-8 without BOM. max_depth: how many objects and arrays may stand inside one another, the outermost counted.
    Raises DuplicateMemberError, or JsonError for all else (RFC 8259; RFC 7493 section 2.3 forbids duplicates); also for numbers
    beyond a double's range or 40 digits.
    """
    # The cheap bound comes first: it caps the recursion of the parser before anything is parsed.
    if octets.count(b"[") + octets.count(b"{") > max_depth and _is_deeper(octets, max_depth):
        raise JsonError("too deep")
    try:
        text = octets.decode("utf-8")
        parsed: Json = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise JsonError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise JsonError("not JSON") from error
    except RecursionError as error:  # pragma: no cover - the bound above comes first
        raise JsonError("too deep") from error
    # A lone surrogate can only come from an escape; it has no UTF-8 form, so it could not be stored or compared.
    if "\\u" in text and _has_lone_surrogate(parsed):
        raise JsonError("lone surrogate")
    return parsed


def compact_json(value: object) -> bytes:
    """UTF-8 JSON without white space, characters beyond ASCII unescaped.

    Raises JsonError for NaN, lone surrogates, circles and whatever else has no JSON form.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise JsonError("cannot be JSON") from error


def canonical_json(value: object) -> bytes:
    """The one text of a JSON value: members sorted by UTF-16 code units, numbers as ECMAScript writes them (RFC 8785).

    Raises JsonError for what has no such text: NaN, lone surrogates, circles, whole numbers with more digits than a double keeps.
    """
    try:
        return _canonical_text(value).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise JsonError("cannot be canonical JSON") from error


def _canonical_text(value: object) -> str:
    if value is None or isinstance(value, bool | str):
        # RFC 8785 section 3.2.2.2: of what JSON lets one choose, Python escapes just as ECMAScript does.
        return _write_scalar(value)
    if isinstance(value, int | float):
        return _number_text(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_canonical_text, value)) + "]"
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_canonical_text(name)}:{_canonical_text(value[name])}" for name in names) + "}"
    raise JsonError("not a JSON value")


_write_scalar = json.JSONEncoder(ensure_ascii=False).encode


def _number_text(value: int | float) -> str:
    """ECMA-262, Number::toString: Python finds the same shortest digits, and only places point and exponent elsewhere."""
    try:
        number = float(value)
    except OverflowError as error:
        raise JsonError("number out of range") from error
    if not math.isfinite(number):
        raise JsonError("NaN or Infinity")
    if number == 0:
        return "0"
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent or 0)  # The number is 0.{digits} times 10 to this power.
    digits = digits.rstrip("0")
    # RFC 8785 section 3.2.2.3: every number is a double. An integer that is not what is written would be signed as another.
    if isinstance(value, int) and int(digits) * 10 ** (point - len(digits)) != abs(value):
        raise JsonError("more digits than a double keeps")
    return ("-" if number < 0 else "") + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    if 0 < point <= 21:
        whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
        return f"{whole}.{fraction}" if fraction else whole
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


# Possessive, and the closing quote may be missing: so each octet is looked at once, whatever the text.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[\[\]{}]', re.DOTALL)


def _is_deeper(octets: bytes, max_depth: int) -> bool:
    """Whether brackets outside strings are nested deeper; exact up to the first octet at which the text stops being JSON."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(octets):
        depth += _STEPS.get(found[0], 0)
        if depth > max_depth:
            return True
    return False


_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def _without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMemberError("duplicate member")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise JsonError("NaN or Infinity")


def _parse_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise JsonError("number out of range")
    return number


def _parse_int(text: str) -> int:
    # Bounded before conversion: int() of a long text is quadratic.
    if len(text) > 40:
        raise JsonError("number out of range")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_constant=_refuse_constant,
    parse_float=_parse_float,
    parse_int=_parse_int,
)


def _has_lone_surrogate(value: Json) -> bool:
    if isinstance(value, str):
        return not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return any(_has_lone_surrogate(key) or _has_lone_surrogate(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_lone_surrogate, value))
