"""Whose a record is: an account and one of its environments. Nothing crosses a scope."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """environment: `live` or `sandbox`."""

    account_id: str
    environment: str


# What belongs to no account but to the server itself.
SERVER = Scope("", "")
