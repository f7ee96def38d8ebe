"""Provider records: what an owner says of each provider of an account and environment, cached as the configuration is.

records = await find_providers(node, scope)        # in the order of their ids, disabled ones too
"""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec

from accredit.encoding import Json
from accredit.server.keyring.scope import Scope

if TYPE_CHECKING:
    from accredit.server.node import Node

Kind: TypeAlias = Literal["sandbox", "oidc", "email_otp", "callout"]
Flow: TypeAlias = Literal["redirect", "headless", "embedded"]
Loa: TypeAlias = Literal["low", "substantial", "high"]

FLOWS: tuple[Flow, ...] = ("redirect", "headless", "embedded")
# In their order: each fulfils those before it.
LOAS: tuple[Loa, ...] = ("low", "substantial", "high")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one attribute is had from a provider's claims (protocol-rest.md section 13): by a claim, or always the same value."""

    claim: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    read_as: Literal["string", "date", "nin", "bool", "json"] = msgspec.field(default="string", name="as")
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    type: Literal["PERSON", "BIRTH"] | None = None
    const: str | bool | int | None = None


class ProviderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as stored. ref: its name in public addresses. loa: the highest that it reaches. settings: what its kind needs."""

    scope: Scope
    provider_id: str
    ref: str
    kind: Kind
    display_name: str
    flows: tuple[Flow, ...]
    loa: Loa
    logo: str | None = None
    enabled: bool = True
    requires_encryption: bool = False
    mapping: dict[str, Rule] = {}
    required_attributes: tuple[str, ...] = ()
    settings: dict[str, Json] = {}
    created_ms: int = 0
    updated_ms: int = 0


async def find_providers(node: "Node", scope: Scope) -> tuple[ProviderRecord, ...]:
    """The providers of an account and environment, in the order of their ids, disabled ones too."""
    raise NotImplementedError
