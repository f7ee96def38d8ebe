"""Faults of a create request, as `invalidParams` tells them: names, reasons and codes, never a value.

protocol-rest.md sections 5, 6 and 14.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.sealing import EncryptionKeyError

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
    """One fault. name: a path, as in `tags[3]`. code: a FaultCode, or a code of section 6."""

    name: str
    reason: str
    code: str


def fault(name: str, code: FaultCode, reason: str | None = None) -> Fault:
    """A fault with the sentence of its code, unless it has a better one."""
    return Fault(name, reason or _REASONS[code], code)


class FaultyRequestError(MalformedError):
    """A request that is refused for its members. faults: at most twenty, in the order of the table; never empty.

    key: `encryptionPublicKey` as it came, where it was not judged because of other faults.
    """

    def __init__(self, faults: Sequence[Fault], code: str = "invalid_request_parameter", key: Json = None) -> None:
        super().__init__(code, faults[0].name)
        self.faults = tuple(faults[:MAX_FAULTS])
        self.key = key

    def __reduce__(self) -> Any:
        return type(self), (self.faults, self.code)


def key_fault(error: EncryptionKeyError, member: str = "encryptionPublicKey") -> FaultyRequestError:
    """The one fault of a key that is not taken (section 6)."""
    name = member if error.member is None else f"{member}.{error.member}"
    return FaultyRequestError([Fault(name, error.reason, error.code)])
