"""The pages in a frame: refusal, the question for the origin, and the page of an integration without an application.

Each is one template, filled and escaped by Jinja2; scripts read their values from a JSON block, never from markup.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from accredit.errors import CODES
from accredit.server import headers
from accredit.server.refusals import Refusal

TEMPLATES = Environment(
    loader=PackageLoader("accredit.server.hosted"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered answer: status, headers, body."""

    status: int
    headers: headers.Headers
    body: bytes


def refusal_page(refusal: Refusal, *, door: str, channel: str | None, origin: str | None) -> Page:
    """The page of a refusal, which also tells the SDK at the origin that asked. It has no control, and names no rule."""
    nonce = secrets.token_urlsafe(16)
    body = TEMPLATES.get_template("refusal.html").render(
        nonce=nonce,
        title=CODES[refusal.code].title,
        refusal=refusal,
        reason_title=None if refusal.reason is None else CODES[refusal.reason].title,
        target=origin,
        message={
            "accredit": 1,
            "door": door,
            "type": "refused",
            "channel": channel,
            "code": refusal.code,
            "request_id": refusal.request_id,
            **({} if refusal.message is None else {"message": refusal.message}),
            **({} if refusal.reason is None else {"reason": refusal.reason}),
        },
    )
    lines = headers.framed_page(refusal.request_id, origin or "'none'", nonce)
    if refusal.retry_after_s is not None:
        lines.append((b"retry-after", str(refusal.retry_after_s).encode("ascii")))
    return Page(refusal.status, lines, body.encode())


def origin_wanted_page(
    fields: Mapping[str, str], *, action: str, door: str, ticket: str, channel: str, request_id: str
) -> Page:
    """The page that hears from the browser which origin embeds it, and posts the same form again with the ticket.

    It is shown to any page, as it holds nothing but what that page has just posted.
    """
    nonce = secrets.token_urlsafe(16)
    body = TEMPLATES.get_template("origin_wanted.html").render(
        nonce=nonce,
        action=action,
        fields={name: value for name, value in fields.items() if name not in ("parent_origin", "origin_ticket")},
        ticket=ticket,
        message={"accredit": 1, "door": door, "type": "origin_wanted", "channel": channel},
    )
    return Page(200, headers.framed_page(request_id, "*", nonce, referrer_policy="same-origin"), body.encode())


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the hosted page of an admitted frame shows and tells the page around it."""

    request_id: str
    ancestors: str
    origin: str | None
    channel: str | None
    door: str
    integration_id: str
    deployer_id: str
    uid: str | None
    view_id: str | None
    trust: str


def hosted_page(welcome: Welcome, *, script: str) -> Page:
    """The page of an integration without an application of its own: which application was opened, for whom.

    script: the address of the SDK.
    """
    nonce = secrets.token_urlsafe(16)
    body = TEMPLATES.get_template("hosted.html").render(
        nonce=nonce,
        welcome=welcome,
        script=script,
        connection={"origin": welcome.origin, "channel": welcome.channel, "door": welcome.door},
    )
    return Page(200, headers.framed_page(welcome.request_id, welcome.ancestors, nonce), body.encode())
