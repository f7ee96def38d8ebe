"""What a signed request says of its own signature: steps 1 and 2 of protocol-flow.md section 8.

draft-cavage-http-signatures-12 section 3.1, as the original writes it. Nothing here looks at a secret or at a clock.

    peeked = peek_request(headers)
    peeked.key_id          # claimed, not verified
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from accredit.encoding import b64_decode
from accredit.errors import Refused
from accredit.httpsig.fields import HeaderFields, gather_fields

REQUEST_TARGET = "(request-target)"
ALGORITHM = "hmac-sha256"
_NEEDED = (REQUEST_TARGET, "date", "digest")
_MAX_LENGTH, _MAX_SIGNED = 4096, 10
_SCHEME = re.compile(r"signature +", re.IGNORECASE | re.ASCII)
_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]{0,31})="([^"\\]*)"')
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_KEY_ID = re.compile("[!-~]{1,128}")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=")
# No line break, so that no value makes a second line of the signing string.
_FIELD_VALUE = re.compile(r"[\t -~\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class PeekedRequest:
    """The signature of a request, of the right form. Nothing in it is verified; `peek_request` makes it.

    key_id: whose secret is to be tried. signature: 44 characters of base64. signed: the names that it covers, in their order.
    values: by name, of each header among them.
    """

    key_id: str
    signature: str
    signed: tuple[str, ...]
    values: Mapping[str, str]


def peek_request(headers: HeaderFields) -> PeekedRequest:
    """Read the signature of a request from its headers. Nothing that it returns is verified.

    headers: of the request, pairs or a mapping.

    Raises Refused: `authentication_missing` (no `Date`, `Digest` or `Authorization`), `authorization_malformed` (one of them came
    twice, or `Authorization` has another form); the member is the header.
    """
    fields = gather_fields(headers)
    for name in ("date", "digest", "authorization"):  # (1)
        if name not in fields:
            raise Refused("authentication_missing", name)
    for name in ("date", "digest", "authorization"):
        if len(fields[name]) > 1:
            raise _malformed(name)
    parameters = _read_parameters(fields["authorization"][0])  # (2)
    signed = tuple(parameters.get("headers", "").split(" "))
    key_id, signature = parameters.get("keyId", ""), parameters.get("signature", "")
    if parameters.get("algorithm", ALGORITHM) != ALGORITHM or not _KEY_ID.fullmatch(key_id) or not _is_mac(signature):
        raise _malformed("authorization")
    return PeekedRequest(key_id, signature, signed, _read_signed(signed, fields))


def _malformed(member: str) -> Refused:
    return Refused("authorization_malformed", member)


def _read_parameters(text: str) -> dict[str, str]:
    """The quoted parameters behind the scheme, each once; what is unknown is kept and means nothing."""
    scheme = _SCHEME.match(text)
    if scheme is None or len(text) > _MAX_LENGTH:
        raise _malformed("authorization")
    parameters: dict[str, str] = {}
    position = scheme.end()
    while True:
        found = _PARAMETER.match(text, position)
        if found is None or found[1] in parameters:
            raise _malformed("authorization")
        parameters[found[1]] = found[2]
        comma = _COMMA.match(text, found.end())
        if comma is None:
            break
        position = comma.end()
    if found.end() != len(text):
        raise _malformed("authorization")
    return parameters


def _is_mac(text: str) -> bool:
    if not _SIGNATURE.fullmatch(text):
        return False
    try:
        return len(b64_decode(text)) == 32
    except ValueError:
        return False


def _read_signed(signed: tuple[str, ...], fields: Mapping[str, list[str]]) -> dict[str, str]:
    """The values of the signed headers. Who signs less than the three, or what did not come once, has signed something else."""
    if len(signed) > _MAX_SIGNED or len(set(signed)) != len(signed) or not set(_NEEDED) <= set(signed):
        raise _malformed("authorization")
    values: dict[str, str] = {}
    for name in signed:
        if name == REQUEST_TARGET:
            continue
        if not _FIELD_NAME.fullmatch(name) or len(fields.get(name, ())) != 1:
            raise _malformed("authorization")
        values[name] = fields[name][0]
        # Of date and digest a stricter form is asked for later, under codes of their own.
        if name not in _NEEDED and not _FIELD_VALUE.fullmatch(values[name]):
            raise _malformed(name)
    return values
