"""Where a code can be sent: the two kinds of addresses, and what takes it there.

EMAIL.read(" Ada@shop.example ")     "Ada@shop.example"
PHONE.read("+47 123 45 678")         "+4712345678"
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from accredit.server.gate.flow.user import User
from accredit.server.mail import is_address
from accredit.server.otp.codes import mask_email, mask_phone
from accredit.server.steps.fields import read_phone
from accredit.server.steps.step import Asked

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class AddressKind:
    """member: of `user`. ask, enter: the screens. read: the address in a text, None if it is none. mask: what a page may show."""

    member: Literal["email", "phone"]
    ask: str
    enter: str
    read: Callable[[str], str | None]
    mask: Callable[[str], str]

    def of(self, user: User) -> str | None:
        """The address that is known."""
        return user.email if self.member == "email" else user.phone

    def user_with(self, address: str) -> User:
        """The member alone."""
        return User(email=address) if self.member == "email" else User(phone=address)


class UndeliveredError(Exception):
    """A code could not be sent. reason: for the audit record.

    fault: `refused` for this address, by whoever sends; `down` just now; `missing`, there is nothing that sends.
    """

    def __init__(self, reason: str, fault: Literal["refused", "down", "missing"]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault


class Carrier(Protocol):
    """What takes codes to addresses of one kind. fixed_code: the one that it always takes; None for one that nobody can guess."""

    fixed_code: str | None

    async def send(self, asked: Asked, address: str, code: str) -> None:
        """Send it. Raises UndeliveredError."""


def _read_email(text: str) -> str | None:
    email = text.strip()
    return email if is_address(email) else None


def _read_number(text: str) -> str | None:
    phone = read_phone(text)
    return phone if _E164.fullmatch(phone) else None


EMAIL = AddressKind("email", "email_address", "email_code", _read_email, mask_email)
PHONE = AddressKind("phone", "phone_number", "phone_code", _read_number, mask_phone)
