"""The situations that a customer's page can be put into: which calls it makes, through which name, under which headers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from accredit.server.demo.demo import Demo
from accredit.server.demo.visitors import ADA, NOBODY, Visitor


@dataclass(frozen=True, slots=True)
class Call:
    """One `accredit.init` of the page. note: how its fields came about, for the audience."""

    fields: Mapping[str, object]
    note: str
    label: str = ""


Calls = Callable[[Demo, Visitor], tuple[Call, ...]]


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation. fresh: what the customer signs when a session is to be renewed. sdk: the name that the page calls the SDK by.

    needs: who has to be at the page for it, where that matters. policy: CSP directives beyond those that every page has.
    """

    calls: Calls
    fresh: Calls
    needs: Literal["anybody", "customer", "nobody"] = "anybody"
    sdk: Literal["accredit", "mmob"] = "accredit"
    referrer_policy: str = ""
    policy: Mapping[str, str] = field(default_factory=dict)

    def seat(self, visitor: Visitor) -> Visitor:
        """Who is at the page: this visitor, if the situation allows."""
        if self.needs == "nobody":
            return NOBODY
        return ADA if self.needs == "customer" and visitor is NOBODY else visitor
