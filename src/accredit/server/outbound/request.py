"""One outgoing request and its answer, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.errors import FailureError

CONNECT_S = 5


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """One attempt. plain: http may be (sandbox). timeout_s: for all of it. max_body_bytes: where the answer's body is cut."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    plain: bool = False
    timeout_s: float = 5
    max_body_bytes: int = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. complete: the body is all there. address: who answered, None behind a proxy."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool
    address: str | None


class Redirected(FailureError):
    """`redirect_refused`: the answer is a redirect, which nobody follows."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("redirect_refused")
        self.answer = answer
