"""What a caller who was refused may be told, as a value: doors decide it, pages and problems show it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused frame may be told. code: the outer one; reason: the audit code while debugging, else None.

    message: a sentence for the page around the frame, at doors that tell it one.
    """

    status: int
    code: str
    request_id: str
    member: str | None = None
    reason: str | None = None
    retry_after_s: int | None = None
    message: str | None = None
