"""Faults of a request's members, as an answer tells them: names, reasons and codes, never a value."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError

FaultCode = Literal["required", "type", "format", "length", "value", "not_allowed", "conflict"]
MAX_FAULTS = 20

_REASONS: dict[str, str] = {
    "required": "This member is required.",
    "type": "This member has the wrong JSON type.",
    "format": "This member does not have its form.",
    "length": "This member is too long or too short, or has too many or too few entries.",
    "value": "This member has none of the values that are listed for it.",
    "not_allowed": "This value is not allowed by the policy.",
    "conflict": "This member does not go with another one.",
}


class Fault(msgspec.Struct, frozen=True):
    """One fault. name: a path, as in `tags[3]`. code: a FaultCode, or the code of what was judged elsewhere."""

    name: str
    reason: str
    code: str


def fault(name: str, code: FaultCode, reason: str | None = None) -> Fault:
    """A fault with the sentence of its code, unless it has a better one."""
    return Fault(name, reason or _REASONS[code], code)


class FaultyRequestError(MalformedError):
    """A request that is refused for its members. faults: at most twenty, in the order in which they are read; never empty.

    key: a key that came along, where it was not judged because of other faults.
    """

    def __init__(self, faults: Sequence[Fault], code: str = "invalid_request_parameter", key: Json = None) -> None:
        super().__init__(code, faults[0].name)
        self.faults = tuple(faults[:MAX_FAULTS])
        self.key = key

    def __reduce__(self) -> Any:
        return type(self), (self.faults, self.code)
