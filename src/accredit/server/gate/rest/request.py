"""A create request as it was read, and what it is read against (protocol-rest.md section 5).

It says what the caller asked for; what becomes of that under the policy is decided in `deciding.py`. The key is kept as it came: it
is judged when all else is sound.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from accredit.encoding import Json
from accredit.sealing import SERVER_ALGORITHMS
from accredit.server.integrations.rest import RestRules

Flow = Literal["redirect", "headless", "embedded"]
Loa = Literal["low", "substantial", "high"]
Mode = Literal["jwe", "jws+jwe"]

FLOWS: tuple[Flow, ...] = get_args(Flow)
LOAS: tuple[Loa, ...] = get_args(Loa)
DEFAULT_LIFETIME_S = 1200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a request is read against. providers: the ids that it may name. signing: algorithms that we have an active key for."""

    rules: RestRules
    environment: str
    providers: Collection[str]
    signing: Collection[str] = tuple(SERVER_ALGORITHMS)

    @property
    def sandbox(self) -> bool:
        """Whether what is only for trying out may be."""
        return self.environment == "sandbox"


class AskedProtection(msgspec.Struct, frozen=True, kw_only=True):
    """`responseProtection`: what the caller chose of it."""

    mode: Mode | None = None
    enc: str | None = None
    signing_alg: str | None = None
    pad_to: int | None = None
    nonce: str | None = None


class RestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A create request. callbacks: success, abort, error. key: `encryptionPublicKey` unread. lifetime_s, parents: effective already.

    Two requests are the same if they are equal.
    """

    flow: Flow
    requested_attributes: tuple[str, ...] = ()
    callbacks: tuple[str, str, str] | None = None
    allowed_providers: tuple[str, ...] | None = None
    prefilled: dict[str, str] = {}
    parameters: dict[str, str] = {}
    key: dict[str, Json] | str | int | float | bool | list[Json] | None = None
    requested_loa: Loa | None = None
    tags: tuple[str, ...] = ()
    return_url: str | None = None
    parents: tuple[str, ...] = ()
    language: str | None = None
    theme_id: str | None = None
    external_reference: str | None = None
    usage_reference: str | None = None
    lifetime_s: int = DEFAULT_LIFETIME_S
    request_domain: str | None = None
    key_id: str | None = None
    protection: AskedProtection = msgspec.field(default_factory=AskedProtection)

    @property
    def has_key(self) -> bool:
        """Whether it brings or names a key."""
        return self.key is not None or self.key_id is not None
