"""The shape of a deployment token: step 1 of protocol-embed.md section 7.

RFC 7515 section 3.1; protocol-embed.md sections 5 and 6. The strict profile stands before the JOSE library: canonical base64url,
exact header members, an algorithm of our table, JSON without duplicate members. Nothing here looks at a key.

    peeked = peek_deployment(token)
    peeked.deployer_id          # claimed, not verified
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from accredit.encoding import DuplicateMemberError, Json, JsonError, b64url_decode, compact_json, parse_json
from accredit.errors import Refused
from accredit.keys import SIGNATURE_ALGORITHMS
from accredit.properties import is_id

MAX_TOKEN_BYTES = 64 * 1024
TOKEN_TYPE = "accredit-deployment+jws"
_EXTENDED_HEADER = frozenset(("alg", "kid", "typ"))


@dataclass(frozen=True, slots=True)
class PeekedDeployment:
    """A token of the right shape. Nothing in it is verified; `peek_deployment` makes it."""

    alg: str
    kid: str | None
    typ: str | None
    payload: dict[str, Json]
    signing_input: bytes
    signature: bytes
    deployer_id: str
    integration_id: str


def peek_deployment(token: str) -> PeekedDeployment:
    """Read the shape of a token: step 1 of protocol-embed.md section 7. Nothing it returns is verified.

    Raises Refused: `jws_malformed`, `jws_header_not_allowed`, `jws_alg_not_allowed`, `payload_malformed`,
    `payload_duplicate_member`, `payload_not_object`, `missing_required_property`.
    """
    parts = token.split(".")
    if len(parts) != 3 or not all(parts) or len(token) > MAX_TOKEN_BYTES:
        raise Refused("jws_malformed")
    try:
        octets, payload_octets, signature = (b64url_decode(part) for part in parts)
        header = _ORIGINAL_HEADERS.get(octets) or parse_json(octets, max_depth=3)
    except ValueError as error:
        raise Refused("jws_malformed") from error
    alg, kid, typ = _check_header(header)
    payload = _parse_payload(payload_octets)
    for name in ("deployer_id", "integration_id"):
        if not is_id(payload.get(name)):
            raise Refused("missing_required_property", name)
    return PeekedDeployment(
        alg=alg,
        kid=kid,
        typ=typ,
        payload=payload,
        signing_input=token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii"),
        signature=signature,
        deployer_id=cast(str, payload["deployer_id"]),
        integration_id=cast(str, payload["integration_id"]),
    )


# What the original's clients send, spelt as their library spells it; saves parsing the same few octets each time.
_ORIGINAL_HEADERS: Mapping[bytes, Json] = {compact_json({"alg": alg}): {"alg": alg} for alg in SIGNATURE_ALGORITHMS}


def _check_header(header: Json) -> tuple[str, str | None, str | None]:
    if not isinstance(header, dict):
        raise Refused("jws_malformed")
    # Absent is not null: `{"alg":"ES512","kid":null}` would be a second spelling of the original's header.
    alg, kid, typ = header.get("alg"), header.get("kid", ""), header.get("typ", TOKEN_TYPE)
    if not header.keys() <= _EXTENDED_HEADER or not isinstance(kid, str) or typ != TOKEN_TYPE:
        raise Refused("jws_header_not_allowed")
    if not isinstance(alg, str) or alg not in SIGNATURE_ALGORITHMS:
        raise Refused("jws_alg_not_allowed")
    return alg, kid if "kid" in header else None, TOKEN_TYPE if "typ" in header else None


def _parse_payload(octets: bytes) -> dict[str, Json]:
    try:
        payload = parse_json(octets, max_depth=3)
    except DuplicateMemberError as error:
        raise Refused("payload_duplicate_member") from error
    except JsonError as error:
        raise Refused("payload_malformed") from error
    if not isinstance(payload, dict):
        raise Refused("payload_not_object")
    return payload
