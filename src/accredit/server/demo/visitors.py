"""Who may be at a customer's page: two people whom it knows, and somebody who is not signed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Visitor:
    """One person. uid: the bank's name for a customer, None without one. passport: plain values; card_number: goes encrypted.

    email: the utility's name for the same customer.
    """

    visitor_id: str
    name: str
    uid: str | None = None
    passport: Mapping[str, str] = field(default_factory=dict)
    card_number: str | None = None
    email: str | None = None

    @property
    def customer_info(self) -> dict[str, str]:
        """What the utility tells of a customer."""
        if self.email is None:
            return {}
        return {"email": self.email, "first_name": self.passport["first_name"], "surname": self.passport["last_name"]}


ADA = Visitor(
    "ada", "Ada Lovelace", "ada-1815", {"first_name": "Ada", "last_name": "Lovelace"}, "4111111111111111", "ada@example.com"
)
GRACE = Visitor(
    "grace",
    "Grace Hopper",
    "grace-1906",
    {"first_name": "Grace", "last_name": "Hopper"},
    "5555555555554444",
    "grace@example.com",
)
NOBODY = Visitor("nobody", "Nobody signed in")
VISITORS = {visitor.visitor_id: visitor for visitor in (ADA, GRACE, NOBODY)}


def find_visitor(visitor_id: str | None) -> Visitor:
    """The visitor of that id, else Ada."""
    return VISITORS.get(visitor_id or "", ADA)


def another_than(visitor: Visitor) -> Visitor:
    """The customer that this visitor would like to pass for."""
    return GRACE if visitor is ADA else ADA
