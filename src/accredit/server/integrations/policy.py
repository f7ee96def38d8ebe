"""What the policies of all doors have whose application stands in a frame of the deployer's page, with its defaults and limits.

protocol-embed.md section 1. A policy is written as JSON, checked once when it is written, kept as text with a version, and made
ready for the gate once per version. `embed.py` and `boot.py` beside this file hold what one door alone has.
"""

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.origins import parse_entry

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,128}\Z")]
Url = Annotated[str, msgspec.Meta(max_length=2048)]
Trust = Literal["unverified", "origin", "signed"]
MAX_DEBUG_MS = 24 * 3600 * 1000

# Visible ASCII only: the address becomes a `Location` line, and a control in it would end the answer.
_URL = re.compile(
    r"(https://[A-Za-z0-9._:\[\]-]+|http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?)"
    r"(/[!-\"$->@-\[\]-~]*)?(\?[!-\"$-\[\]-~]*)?"
)


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One view of the application. url: takes the place of `application_url`, same origin. signed_only: only a proof names it."""

    id: Id
    url: Url | None = None
    signed_only: bool = False


class FramedPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every integration has whose application stands in a frame of the deployer's page."""

    enabled: bool = True
    application_url: Url | None = None
    views: Annotated[tuple[View, ...], msgspec.Meta(max_length=50)] = ()
    allowed_origins: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()
    session_lifetime_s: Annotated[int, msgspec.Meta(ge=60, le=43200)] = 1800
    user_data_min_trust: Trust = "unverified"
    quota_per_day: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    debug_until: datetime | None = None

    @classmethod
    def read_spellings(cls, members: dict[str, Json]) -> dict[str, Json]:
        """The members in their one spelling, where a door has others beside it."""
        return members

    @property
    def origin_required(self) -> bool:
        """Whether an empty list of origins admits nobody."""
        raise NotImplementedError

    @property
    def debug_until_ms(self) -> int:
        """Until when a refusal tells its reason, milliseconds UTC; 0 if never."""
        return 0 if self.debug_until is None else int(self.debug_until.timestamp() * 1000)

    def normalised(self) -> "FramedPolicy":
        """With each allowed origin in its one spelling, once. Raises MalformedError `origin_entry_invalid`."""
        entries = tuple(dict.fromkeys(map(parse_entry, self.allowed_origins)))
        return msgspec.structs.replace(self, allowed_origins=entries)

    def check(self, environment: str, now_ms: int) -> None:
        """Check what no type says. Raises MalformedError `field_invalid` with the member."""
        _check_addresses(self)
        check_distinct("views", [view.id for view in self.views])
        until = self.debug_until
        if until is not None and (until.tzinfo is None or until.timestamp() * 1000 > now_ms + MAX_DEBUG_MS):
            raise MalformedError("field_invalid", "debug_until")


def check_distinct(member: str, names: list[str]) -> None:
    """Raises MalformedError `field_invalid` with the member where a name comes twice."""
    if len(set(names)) != len(names):
        raise MalformedError("field_invalid", member)


def _check_addresses(policy: FramedPolicy) -> None:
    origin = _address_origin(policy.application_url, "application_url")
    for index, view in enumerate(policy.views):
        if view.url is not None and (origin is None or _address_origin(view.url, f"views[{index}].url") != origin):
            raise MalformedError("field_invalid", f"views[{index}].url")


def _address_origin(url: str | None, member: str) -> str | None:
    """The origin of an address that a frame may be sent to: https, or http on this machine; no fragment, no `code`."""
    if url is None:
        return None
    match = _URL.fullmatch(url)
    if match is None or not url.isascii() or re.search(r"[?&]code(=|&|$)", match[3] or ""):
        raise MalformedError("field_invalid", member)
    return match[1].lower()
