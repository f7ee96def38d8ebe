"""The shape of what a page passes as `signature`: the original's, or a token; step 1 of protocol-flow.md section 5.

By shape alone 44 characters of base64 are the original's, and three parts joined by a full stop are a token (RFC 7515 section 3.1).
There is one spelling of each. Nothing here looks at a secret.

    peeked = peek_reference(signature)
    peeked.version, peeked.key_id          # claimed, not verified
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from accredit.encoding import Json, b64_decode, b64url_decode, parse_json
from accredit.errors import Refused
from accredit.keys import SIGNATURE_ALGORITHMS
from accredit.reference.keys import TOKEN_SECRET_ALGORITHM

TOKEN_TYPE = "flow-user+jwt"
_MAX_TOKEN_BYTES, _MAX_DEPTH = 8192, 4
_HEADER = {"alg", "kid", "typ"}
_MAC = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class PeekedReference:
    """A signature of the right shape. Nothing in it is verified; `peek_reference` makes it.

    version: 1 for the original's, 2 for a token. key_id: the key that a token names, else None. signature: its octets. alg, payload,
    signing_input: of a token, else empty.
    """

    version: Literal[1, 2]
    key_id: str | None
    signature: bytes = field(repr=False)
    alg: str = ""
    payload: dict[str, Json] = field(default_factory=dict, repr=False)
    signing_input: bytes = field(default=b"", repr=False)


def peek_reference(signature: str) -> PeekedReference:
    """Read the shape of a signature, of either version. Nothing that it returns is verified.

    signature: as the page passed it. Absence is the caller's to see: empty text is no signature, and is refused.

    Raises Refused: `signature_malformed`; for three parts `jws_malformed`, `jws_header_not_allowed`, `jws_alg_not_allowed`.
    """
    if isinstance(signature, str) and signature.count(".") == 2:
        return peek_token(signature)
    return peek_original(signature)


def peek_original(signature: str) -> PeekedReference:
    """The original's: padded standard base64 of 32 octets. Raises Refused: `signature_malformed`."""
    if not isinstance(signature, str) or not _MAC.fullmatch(signature):
        raise Refused("signature_malformed", "signature")
    try:
        return PeekedReference(1, None, b64_decode(signature))
    except ValueError as error:
        raise Refused("signature_malformed", "signature") from error


def peek_token(token: str) -> PeekedReference:
    """A token: step 1 of protocol-flow.md section 3.

    Raises Refused: `jws_malformed`, `jws_header_not_allowed`, `jws_alg_not_allowed`.
    """
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3 or not all(parts) or len(token) > _MAX_TOKEN_BYTES:
        raise Refused("jws_malformed", "signature")
    try:
        octets, payload_octets, signature = map(b64url_decode, parts)
        header, payload = (parse_json(each, max_depth=_MAX_DEPTH) for each in (octets, payload_octets))
    except ValueError as error:
        raise Refused("jws_malformed", "signature") from error
    if not isinstance(header, dict) or not isinstance(payload, dict):
        raise Refused("jws_malformed", "signature")
    alg, kid = _read_header(header)
    signing_input = token.rpartition(".")[0].encode("ascii")
    return PeekedReference(2, kid, signature, alg, payload, signing_input)


def _read_header(header: dict[str, Json]) -> tuple[str, str]:
    kid, alg = header.get("kid"), header.get("alg")
    if header.keys() != _HEADER or header["typ"] != TOKEN_TYPE or not isinstance(kid, str):
        raise Refused("jws_header_not_allowed", "signature")
    if not isinstance(alg, str) or alg not in (TOKEN_SECRET_ALGORITHM, *SIGNATURE_ALGORITHMS):
        raise Refused("jws_alg_not_allowed", "signature")
    return alg, kid
