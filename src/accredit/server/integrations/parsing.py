"""Reading a policy as an owner writes it: one type for each door, and errors that name the member."""

import re
from typing import TypeAlias, cast

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.integrations.boot import BootPolicy
from accredit.server.integrations.embed import EmbedPolicy
from accredit.server.integrations.flow import FlowPolicy, read_toggle
from accredit.server.integrations.rest import RestPolicy

Policy: TypeAlias = EmbedPolicy | BootPolicy | RestPolicy | FlowPolicy

POLICIES: dict[str, type[Policy]] = {"embed": EmbedPolicy, "boot": BootPolicy, "rest": RestPolicy, "flow": FlowPolicy}


def parse_policy(door: str, members: dict[str, Json], *, now_ms: int, environment: str = "live") -> Policy:
    """Check what an owner writes and return the policy in its one spelling.

    members: the policy's JSON members, absent ones at their default.
    Raises MalformedError: `field_invalid` and `field_missing` with the member, `origin_entry_invalid`.
    """
    kind = POLICIES[door]
    try:
        policy = msgspec.convert(kind.read_spellings(members), kind).normalised()
    except msgspec.ValidationError as error:
        raise MalformedError("field_invalid", member_at_fault(error)) from error
    policy.check(environment, now_ms)
    return cast("Policy", policy)


def merge_members(door: str, present: dict[str, Json], members: dict[str, Json]) -> dict[str, Json]:
    """The members of a policy with new ones in the place of the present. Raises MalformedError `field_invalid`."""
    return present | (read_toggle(members, present.get("signature_policy")) if door == "flow" else members)


def other_spellings(policy: Policy) -> dict[str, Json]:
    """Members that an owner reads beside those of a policy, because they say the same in other words."""
    return {"require_signed_requests": policy.require_signed_requests} if isinstance(policy, FlowPolicy) else {}


def member_at_fault(error: msgspec.ValidationError) -> str:
    """The member that a msgspec error names, without any value: `views[0].id` from "... - at `$.views[0].id`"."""
    path = re.search(r"at `(?:key(?:` in `| in ))?\$\.?([^`]*)`", str(error))
    named = re.search(r"(?:missing required|unknown) field `([^`]*)`", str(error))
    return ".".join(part for part in (path[1] if path else "", named[1] if named else "") if part)[:128]
