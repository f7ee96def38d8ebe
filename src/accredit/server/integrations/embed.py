"""What an integration of the embed door has of its own: its policy, and the rules that the gate reads.

protocol-embed.md section 1.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import msgspec

from accredit.deployment import ORIGINAL_POLICY, Demand, TokenPolicy
from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.passport import PassportKeyRule, PassportRules
from accredit.server.integrations.policy import FramedPolicy, check_distinct

_ASPECTS = ("token_key_id", "token_expiry", "token_single_use", "token_audience", "token_origins")


@dataclass(frozen=True, slots=True)
class EmbedRules:
    """What the embed door alone asks."""

    token_required: bool
    token_policy: TokenPolicy
    passport_rules: PassportRules
    strict_direct: bool


class SchemaKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One declared key of the data passport."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
    type: Literal["any", "string", "number", "boolean"] = "any"
    required: bool = False
    encrypted_only: bool = False


class EmbedPolicy(FramedPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of the embed door; the first value of each choice is the default."""

    origin_check: Literal["off", "require"] = "off"
    signed_deployment: Literal["off", "required"] = "off"
    token_key_id: Demand = "off"
    token_expiry: Demand = "off"
    token_single_use: Demand = "off"
    token_audience: Demand = "off"
    token_origins: Demand = "off"
    passport_schema: Annotated[tuple[SchemaKey, ...], msgspec.Meta(max_length=100)] | None = None
    passport_envelope: Demand = "off"
    strict_passport: bool = False
    strict_direct: bool = False

    @classmethod
    def read_spellings(cls, members: dict[str, Json]) -> dict[str, Json]:
        """`token_profile` sets the five token aspects."""
        members = dict(members)
        profile = members.pop("token_profile", None)
        if profile is not None and profile not in get_args(Demand):
            raise MalformedError("field_invalid", "token_profile")
        return members if profile is None else members | dict.fromkeys(_ASPECTS, profile)

    @property
    def origin_required(self) -> bool:
        """Whether an empty list of origins admits nobody."""
        return self.origin_check == "require"

    def check(self, environment: str, now_ms: int) -> None:
        """As every policy; and no passport key is declared twice."""
        super().check(environment, now_ms)
        check_distinct("passport_schema", [key.name for key in self.passport_schema or ()])

    def rules(self) -> EmbedRules:
        """What the gate asks of a deployment."""
        return EmbedRules(
            token_required=self.signed_deployment == "required",
            token_policy=self._token_policy(),
            passport_rules=self._passport_rules(),
            strict_direct=self.strict_direct,
        )

    def _token_policy(self) -> TokenPolicy:
        """What the core demands of tokens; the very object of the original where nothing is demanded."""
        demanded = TokenPolicy(
            key_id=self.token_key_id,
            expiry=self.token_expiry,
            single_use=self.token_single_use,
            audience=self.token_audience,
            origins=self.token_origins,
        )
        return ORIGINAL_POLICY if demanded == ORIGINAL_POLICY else demanded

    def _passport_rules(self) -> PassportRules:
        """How the core reads passports."""
        declared = self.passport_schema
        schema = None if declared is None else tuple(PassportKeyRule(**msgspec.structs.asdict(key)) for key in declared)
        return PassportRules(schema, self.strict_passport, self.passport_envelope)
