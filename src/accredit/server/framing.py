"""What the doors share whose request comes from a frame: who asks from where, and the answers that a frame shows.

protocol-embed.md sections 3, 4 and 9. A page whose `Referrer-Policy` strips `Origin` is asked once more, by a page of ours that
hears the origin from the browser itself and posts the form again with a ticket.
"""

import re
from collections.abc import Mapping
from hmac import compare_digest

import msgspec

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import MalformedError
from accredit.server.gate import Visit
from accredit.server.keyring.sealing import Sealer
from accredit.server.origins import read_origin

TICKET_LIFETIME_MS = 60_000
_CHANNEL = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


class OriginWanted(Exception):
    """No error: the request names no origin, and a page of ours can find it out. fields: what it is to post again."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("origin_wanted")
        self.fields = fields


class Asker(msgspec.Struct, frozen=True):
    """Who asks: the visit as the gate sees it, and the channel of the frame."""

    visit: Visit
    channel: str | None


def read_asker(
    headers: Mapping[bytes, bytes],
    fields: Mapping[str, str],
    *,
    sealer: Sealer,
    public_url: str,
    public_origin: str,
    now_ms: int,
    renewal: bool = False,
) -> Asker:
    """Read who asks. Raises MalformedError `field_invalid` for a channel that is none."""
    channel = fields.get("channel") or None
    if channel is not None and not is_channel(channel):
        raise MalformedError("field_invalid", "channel")
    origin = origin_of(headers)
    ticket = fields.get("origin_ticket")
    ours = _own_origins(headers, public_origin)
    if ticket and origin in ours and channel is not None and ticket_holds(sealer, ticket, channel, now_ms):
        origin = read_origin(fields.get("parent_origin"))
    fetch_dest = _text(headers.get(b"sec-fetch-dest"))
    from_app = channel is None and headers.get(b"origin", b"null") == b"null" and fetch_dest in (None, "document")
    return Asker(Visit(origin, fetch_dest, public_url, renewal, from_app), channel)


def origin_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The well-formed origin that a request names in its header, or None."""
    return read_origin(_text(headers.get(b"origin")))


def ask_origin(asker: Asker, fields: Mapping[str, str]) -> None:
    """Raises OriginWanted where the origin of a frame was stripped on the way. fields: the form as it was posted.

    A renewal is asked by a fetch, which shows no page and whose origin nothing strips (Fetch section 3.2, CORS requests).
    """
    visit = asker.visit
    if asker.channel is not None and visit.origin is None and not visit.renewal and not fields.get("origin_ticket"):
        raise OriginWanted(fields)


def _own_origins(headers: Mapping[bytes, bytes], public_origin: str) -> tuple[str, str]:
    """The origins of pages of ours: the public one, and the one under whose host name this very request came.

    Deployers point names of their own at this server. No page can choose the `Host` that its browser sends.
    """
    scheme = public_origin.partition(":")[0]
    return public_origin, f"{scheme}://{_text(headers.get(b'host'))}"


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def is_channel(text: str) -> bool:
    """Whether the text is 16 octets as 22 canonical base64url characters: the last one carries two bits."""
    return _CHANNEL.fullmatch(text) is not None


def issue_ticket(sealer: Sealer, channel: str, now_ms: int) -> str:
    """What proves that our own page asked the browser for this channel's origin, good for 60 s."""
    time = now_ms.to_bytes(8, "big")
    return b64url_encode(time + sealer.server_mac("origin_ticket", time + channel.encode("ascii")))


def ticket_holds(sealer: Sealer, ticket: str, channel: str, now_ms: int) -> bool:
    """Whether we issued the ticket for this channel within the last 60 s; what does not hold is ignored, never trusted."""
    try:
        octets = b64url_decode(ticket)
    except ValueError:
        return False
    time = octets[:8]
    mac = sealer.server_mac("origin_ticket", time + channel.encode("ascii"))
    # The ticket admits nobody by itself: it only lets our own page say which origin the browser named.
    return compare_digest(octets[8:], mac) and 0 <= now_ms - int.from_bytes(time, "big") <= TICKET_LIFETIME_MS
