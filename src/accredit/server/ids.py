"""Ids of our own: UUIDv7 (RFC 9562 section 5.7), so that they sort by the time at which they were made.

    new_session_id()     "01a1fd9e-6da9-7615-9692-e218bf991b1b"
    new_id("evt_")       "evt_1DBgXuSWkMNjEtWKGmFwzC"

The base58 alphabet is in ASCII order and the text has a fixed length, so its byte order is the order of the numbers.
"""

import secrets

import uuid_utils

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Two digits at a time halve the divisions of a 128-bit number.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_DIGITS = 22


def new_session_id() -> str:
    """The id of a new session: a UUIDv7 of 36 characters."""
    return str(uuid_utils.uuid7())


def new_id(prefix: str) -> str:
    """The prefix, as it is given (`evt_`), and a UUIDv7 as 22 base58 characters."""
    return prefix + _base58(uuid_utils.uuid7().int)


def new_integration_id(door: str) -> str:
    """The id of a new integration: `int_`; as their clients know them, at the boot door `cpd_` and 21 base64url characters, at the
    flow door `flwtmp_`.
    """
    if door == "boot":
        return f"cpd_{secrets.token_urlsafe(16)[:21]}"
    return new_id("flwtmp_" if door == "flow" else "int_")


def new_deployer_id() -> str:
    """The id of a new deployer: `cp_` and 21 base64url characters, as clients of the boot door know them."""
    return f"cp_{secrets.token_urlsafe(16)[:21]}"


def _base58(number: int) -> str:
    """A number below 2^128 as 22 characters, the highest first."""
    pairs = []
    for _ in range(_DIGITS // 2):
        number, pair = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))
