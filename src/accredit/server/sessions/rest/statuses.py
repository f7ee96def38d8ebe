"""What the statuses are called at the rest door, and where each end sends the browser (protocol-rest.md section 10)."""

from typing import Literal

from accredit.server.sessions.record import Status

CallbackKind = Literal["success", "abort", "error"]

WIRE: dict[Status, str] = {
    "created": "CREATED",
    "waiting": "WAITING_FOR_USER",
    "pending_review": "WAITING_FOR_USER",
    "success": "SUCCESS",
    "aborted": "ABORT",
    "error": "ERROR",
    "failed": "INVALID",
    "cancelled": "CANCELLED",
    "expired": "EXPIRED",
}
CALLBACKS: dict[Status, CallbackKind] = {
    "success": "success",
    "aborted": "abort",
    "cancelled": "abort",
    "error": "error",
    "failed": "error",
    "expired": "error",
}
# Those whose answer says what went wrong.
WITH_ERROR: tuple[Status, ...] = ("error", "failed")


def read_wire_status(text: str) -> tuple[Status, ...]:
    """The statuses that one word of the door stands for; none for a word that it does not have."""
    return tuple(status for status, word in WIRE.items() if word == text)
