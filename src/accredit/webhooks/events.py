"""Events as receivers have them: whose signature held, still sealed or read.

Step 4 of protocol-webhooks.md section 11. An event comes from verification or from opening one that was verified, and from
nothing else.
"""

import re
from dataclasses import InitVar, dataclass, field

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError
from accredit.webhooks.signature import ID

_MAX_DEPTH = 16
_SEALED = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){4}")


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """An event of whose sender there is no doubt; verification makes it, and `open_event`.

    id: keep it for seven days and drop what comes again. attempted_at: Unix seconds of this attempt; when it happened is in the
    payload. payload: the body, None while it is sealed. sealed: the JWE, None where the body came plain. endpoint_id: the one that
    was asked for, None if none was.
    """

    id: str
    attempted_at: int
    payload: dict[str, Json] | None = field(repr=False)
    sealed: bytes | None = field(repr=False)
    endpoint_id: str | None = None
    # Not kept, so that `dataclasses.replace` cannot make another one out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not VERIFIER:
            raise TypeError("a VerifiedEvent comes from verification only")


VERIFIER = object()


def is_sealed(body: bytes) -> bool:
    """Whether a body has the shape of a compact JWE; the `Content-Type` is not signed and says nothing."""
    return _SEALED.fullmatch(body) is not None


def read_event(body: bytes) -> dict[str, Json]:
    """Step 4, its first half: a JSON object without duplicate members. Raises MalformedError: `webhook_body_malformed`."""
    try:
        payload = parse_json(body, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("webhook_body_malformed", "body") from error
    if not isinstance(payload, dict):
        raise MalformedError("webhook_body_malformed", "body")
    return payload


def check_event(payload: dict[str, Json], *, event_id: str | None, endpoint_id: str | None) -> str:
    """Step 4, its second half: the object is of that event and for that endpoint, where None asks for no particular one.

    Returns the event's id. Raises MalformedError: `webhook_body_malformed`.
    """
    stated = payload.get("id")
    if not isinstance(stated, str) or not ID.fullmatch(stated) or event_id not in (None, stated):
        raise MalformedError("webhook_body_malformed", "id")
    if endpoint_id is not None and payload.get("endpoint_id") != endpoint_id:
        raise MalformedError("webhook_body_malformed", "endpoint_id")
    return stated
