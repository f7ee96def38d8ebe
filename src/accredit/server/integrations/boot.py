"""What an integration of the boot door has of its own: its policy, and the rules that the gate reads.

protocol-boot.md section 1.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, cast

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.identity import Demand, IdentityPolicy
from accredit.server.integrations.policy import FramedPolicy, check_distinct

Level = Literal["SECURE_IDENTITY", "BASIC", "CSP", "SECURE_IDENTITY_DEBUG"]
Native = Literal["any", "listed", "off"]


class NativeApp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app, by what it says of itself. value: its bundle id or package name."""

    type: Literal["ios", "android"]
    value: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,255}\Z")]


@dataclass(frozen=True, slots=True)
class BootRules:
    """What the boot door alone asks. debug_until_ms: 0 unless the level is SECURE_IDENTITY_DEBUG."""

    level: Level
    debug_until_ms: int
    window_s: int
    single_use: bool
    native: Native
    native_apps: frozenset[tuple[str, str]]
    identity_policy: IdentityPolicy

    def level_at(self, now_ms: int) -> Level:
        """The level in force: debugging turns into SECURE_IDENTITY by itself."""
        if self.level == "SECURE_IDENTITY_DEBUG" and now_ms >= self.debug_until_ms:
            return "SECURE_IDENTITY"
        return self.level


class BootPolicy(FramedPolicy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of the boot door; the first value of each choice is the default.

    force: also debug in live; forgotten with that level, so that it is asked for each time.
    """

    level: Level = "SECURE_IDENTITY"
    force: bool = False
    window_s: Annotated[int, msgspec.Meta(ge=10, le=600)] = 60
    replay: Literal["single_use", "window_only"] = "single_use"
    native: Native = "any"
    native_apps: Annotated[tuple[NativeApp, ...], msgspec.Meta(max_length=50)] = ()
    identity_v2: Demand = "off"
    identity_origin: Demand = "off"

    @classmethod
    def read_spellings(cls, members: dict[str, Json]) -> dict[str, Json]:
        """The level may be written in any case."""
        level = members.get("level")
        return {**members, "level": level.upper()} if isinstance(level, str) else members

    @property
    def origin_required(self) -> bool:
        """At level CSP an empty list admits nobody."""
        return self.level == "CSP"

    @property
    def debug_until_ms(self) -> int:
        """Until when a refusal tells its reason: while the level is the debugging one."""
        return super().debug_until_ms if self.level == "SECURE_IDENTITY_DEBUG" else 0

    def normalised(self) -> "BootPolicy":
        """As every policy, and without a `force` that nothing needs. Raises MalformedError `origin_entry_invalid`."""
        policy = cast("BootPolicy", super().normalised())
        return policy if self.level == "SECURE_IDENTITY_DEBUG" else msgspec.structs.replace(policy, force=False)

    def check(self, environment: str, now_ms: int) -> None:
        """As every policy; debugging has an end, and in live it is asked for twice."""
        super().check(environment, now_ms)
        check_distinct("native_apps", [f"{app.type}:{app.value}" for app in self.native_apps])
        if self.level == "SECURE_IDENTITY_DEBUG" and self.debug_until is None:
            raise MalformedError("field_missing", "debug_until")
        if self.level == "SECURE_IDENTITY_DEBUG" and environment == "live" and not self.force:
            raise MalformedError("field_missing", "force")

    def rules(self) -> BootRules:
        """What the gate asks of a boot."""
        return BootRules(
            level=self.level,
            debug_until_ms=self.debug_until_ms,
            window_s=self.window_s,
            single_use=self.replay == "single_use",
            native="listed" if self.level == "CSP" and self.native == "any" else self.native,
            native_apps=frozenset((app.type, app.value) for app in self.native_apps),
            identity_policy=IdentityPolicy(v2=self.identity_v2, origin=self.identity_origin),
        )
