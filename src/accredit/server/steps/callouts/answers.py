"""What a service says of a step, in answer to a call-out or to its callback address later (protocol-webhooks.md section 8).

    {"status": "success", "detail": {...}}                               or failed, or pending_review
    {"status": "pending", "continue_url": "https://kyc.example/go"}      only as an answer

Unknown members are ignored; of `detail` the session keeps what it knows.
"""

from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from accredit.encoding import JsonError, compact_json, parse_json
from accredit.errors import MalformedError
from accredit.server.outbound import Answer
from accredit.server.steps.step import StepOutcome

MAX_ANSWER_BYTES, MAX_DETAIL_BYTES = 32 * 1024, 16 * 1024
_MAX_DEPTH, _MAX_URL = 16, 2048


class _Said(msgspec.Struct, frozen=True):
    status: Literal["success", "failed", "pending_review", "pending"]
    detail: dict[str, Any] | None = None
    continue_url: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The service answers later. continue_url: where the person goes on meanwhile."""

    continue_url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came of it. again: whether another try may bring one."""

    reason: str
    again: bool


def read_answer(answer: Answer, checks: tuple[str, ...], *, plain: bool) -> StepOutcome | Pending | Unanswered:
    """Judge what came back. checks: members of `user` that success vouches for. plain: `continue_url` may be http (sandbox)."""
    if answer.status == 429 or answer.status >= 500:
        return Unanswered(f"status_{answer.status}", again=True)
    if answer.status not in (200, 202):
        return Unanswered(f"status_{answer.status}", again=False)
    try:
        said = _read(answer.body) if answer.complete else None
    except MalformedError:
        said = None
    if said is None or not _fits(said, answer.status, plain=plain):
        return Unanswered("answer_malformed", again=False)
    return Pending(said.continue_url) if said.status == "pending" else _outcome(said, checks)


def read_posted(body: bytes, checks: tuple[str, ...]) -> StepOutcome:
    """Read what a service posts to the callback address.

    Raises MalformedError: `request_malformed`, `body_too_large` (detail), `field_invalid` (status: it cannot be pending).
    """
    said = _read(body)
    if said.status == "pending":
        raise MalformedError("field_invalid", "status")
    return _outcome(said, checks)


def _read(body: bytes) -> _Said:
    try:
        said = msgspec.convert(parse_json(body, max_depth=_MAX_DEPTH), _Said)
    except (JsonError, msgspec.ValidationError) as error:
        raise MalformedError("request_malformed", "body") from error
    if said.detail is not None and len(compact_json(said.detail)) > MAX_DETAIL_BYTES:
        raise MalformedError("body_too_large", "detail")
    return said


def _fits(said: _Said, status: int, *, plain: bool) -> bool:
    if said.status != "pending":
        return status == 200
    return said.continue_url is None or _is_address(said.continue_url, plain=plain)


def _is_address(url: str, *, plain: bool) -> bool:
    """Whether a browser may be sent there: an absolute https URL of visible ASCII, without user information."""
    if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what judges it.
    except ValueError:
        return False
    return parts.scheme in (("https", "http") if plain else ("https",)) and bool(parts.hostname) and "@" not in parts.netloc


def _outcome(said: _Said, checks: tuple[str, ...]) -> StepOutcome:
    assert said.status != "pending"
    return StepOutcome(said.status, said.detail, checks if said.status == "success" else ())
