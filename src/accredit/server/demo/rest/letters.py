"""What went over the wire in a visit, to the letter: for the audience, which may see what no browser would."""

import json
from typing import Any

from accredit.encoding import b64url_decode
from accredit.server.demo.rest.flows import Visit

_LONG = 72


def letters_of(visit: Visit | None) -> list[tuple[str, str]]:
    """Headings with texts: the answer as it came, its header, and what the private key opened."""
    if visit is None or not visit.sealed:
        return []
    header, *parts = visit.sealed.split(".")
    sizes = ", ".join(str(len(part)) for part in (header, *parts))
    came = "\n.".join(_shorten(part) for part in (header, *parts))
    return [
        (f"The answer as it came: five parts of {sizes} characters", came),
        ("Its header", _pretty(json.loads(b64url_decode(header)))),
        ("What the rental’s key opened", _pretty(visit.session)),
    ]


def _pretty(members: dict[str, Any]) -> str:
    return json.dumps(members, indent=2, ensure_ascii=False)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:48]}…{text[-16:]}"
