"""Web origins: reading allow-list entries, reading `Origin`, and holding one against the other.

RFC 6454; protocol-embed.md section 1 (`allowed_origins`). An entry is `https://host[:port]`, `https://*.host[:port]` (names below
the host, not the host itself), `http://localhost[:port]` or `http://127.0.0.1[:port]`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from accredit.errors import MalformedError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A last label of digits only would be an IPv4 address in one of its spellings.
_HOST = rf"(?:{_LABEL}\.)*(?!\d+(?:[:/]|$)){_LABEL}"
_ENTRY = re.compile(
    rf"(?P<scheme>https)://(?P<below>\*\.)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?/?"
    r"|(?P<local_scheme>http)://(?P<local>localhost|127\.0\.0\.1)(?::(?P<local_port>\d{1,5}))?/?"
)
# What a browser sends for a page with a real origin (RFC 6454 section 6.2): lower-case, no default port, no path.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,31}://(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?")
_DEFAULT_PORTS = {"https": "443", "http": "80"}


@dataclass(frozen=True, slots=True)
class OriginList:
    """An integration's allowed origins, ready for comparison. frame_ancestors: the same as a CSP source list."""

    exact: frozenset[str]
    below: tuple[tuple[str, str], ...]
    frame_ancestors: str

    def __bool__(self) -> bool:
        return bool(self.exact or self.below)

    def holds(self, origin: str) -> bool:
        """Whether the origin of a request is on the list."""
        if origin in self.exact:
            return True
        return any(
            origin.startswith("https://") and origin.endswith(ending) and len(origin) > len("https://") + len(ending)
            for _entry, ending in self.below
        )


def parse_entry(text: str) -> str:
    """An allow-list entry in its one spelling: lower-case, A-labels, no default port, no trailing slash.

    Raises MalformedError `origin_entry_invalid`.
    """
    try:
        lowered = text.encode("idna").decode("ascii").lower() if not text.isascii() and "/" not in text else _to_ascii(text)
    except UnicodeError as error:
        raise MalformedError("origin_entry_invalid", "allowed_origins") from error
    match = _ENTRY.fullmatch(lowered)
    if match is None:
        raise MalformedError("origin_entry_invalid", "allowed_origins")
    scheme = match["scheme"] or match["local_scheme"]
    host = (match["below"] or "") + (match["host"] or match["local"])
    port = match["port"] or match["local_port"]
    if port is not None and not 1 <= int(port) <= 65535:
        raise MalformedError("origin_entry_invalid", "allowed_origins")
    return f"{scheme}://{host}" + (f":{int(port)}" if port and port != _DEFAULT_PORTS[scheme] else "")


def _to_ascii(text: str) -> str:
    """The entry with its host as A-labels (RFC 5891)."""
    if text.isascii():
        return text.lower()
    scheme, separator, rest = text.partition("://")
    below, rest = ("*.", rest[2:]) if rest.startswith("*.") else ("", rest)
    host, colon, port = rest.partition(":")
    return f"{scheme}{separator}{below}{host.encode('idna').decode('ascii')}{colon}{port}".lower()


def origin_list(entries: Iterable[str], *, required: bool = False) -> OriginList:
    """The list for entries that `parse_entry` made. required: if it is empty, nobody is to frame anything."""
    entries = tuple(entries)
    below = tuple((entry, entry.removeprefix("https://*")) for entry in entries if entry.startswith("https://*."))
    exact = frozenset(entry for entry in entries if not entry.startswith("https://*."))
    return OriginList(exact, below, " ".join(entries) or ("'none'" if required else "*"))


def read_origin(header: str | None) -> str | None:
    """The origin that a request names, or None where it is absent, `null`, or no tuple origin at all."""
    return header if header is not None and _ORIGIN.fullmatch(header) else None
