"""Lists of hosts: reading their entries, and holding a host, or the entry of another list, against them.

protocol-rest.md sections 1 and 5. A host entry is a name, an IP address, or `*.name`: any name below, not itself. A parent entry is
a host entry, or an origin with one as its host. RFC 3986 section 3.2.2.
"""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_PARENT = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>[0-9]{1,5}))?")
_MAX_NAME = 253
_DEFAULT_PORTS = {"https": 443, "http": 80}


def parse_host(text: str) -> str:
    """A host in its one spelling: lower-case; IPv6 in brackets. Raises ValueError for what is none."""
    lowered = text.lower()
    if lowered.startswith("["):
        if not lowered.endswith("]"):
            raise ValueError("not a host")
        return f"[{IPv6Address(lowered[1:-1])}]"
    # A last label of digits only is an IPv4 address, in its one spelling or in none (WHATWG URL section 3.5).
    if lowered.rpartition(".")[2].isdigit():
        return str(IPv4Address(lowered))
    if len(lowered) > _MAX_NAME or not _NAME.fullmatch(lowered):
        raise ValueError("not a host")
    return lowered


def parse_host_entry(text: str) -> str:
    """An entry of a list of hosts in its one spelling. Raises ValueError."""
    below = text.startswith("*.")
    host = parse_host(text[2:] if below else text)
    if below and (host.startswith("[") or host.rpartition(".")[2].isdigit()):
        raise ValueError("nothing is below an address")
    return f"*.{host}" if below else host


def is_listed(host: str, entries: Collection[str]) -> bool:
    """Whether a host, or a whole `*.name`, is covered by entries that `parse_host_entry` made."""
    if host in entries:
        return True
    name = host.removeprefix("*.")
    return any(entry.startswith("*.") and name.endswith(entry[1:]) and len(name) > len(entry) - 1 for entry in entries)


def parse_parent(text: str) -> str:
    """A page that may frame us, as a source of Content-Security-Policy: `https://host`, with a port where it is not the usual one.

    Without a scheme it is https. Raises ValueError.
    """
    match = _PARENT.fullmatch(text.lower())
    if match is None or (match["scheme"] is None and match["port"] is not None):
        raise ValueError("not a parent")
    scheme, host = match["scheme"] or "https", parse_host_entry(match["host"])
    if match["port"] is None:
        return f"{scheme}://{host}"
    port = int(match["port"])
    if not 1 <= port <= 65535:
        raise ValueError("no such port")
    return f"{scheme}://{host}" + (f":{port}" if port != _DEFAULT_PORTS[scheme] else "")


def is_parent_listed(parent: str, entries: Collection[str]) -> bool:
    """Whether a parent, or all those that it stands for, is covered by entries; `parse_parent` made both."""
    scheme, host, port = _parts(parent)
    return any(
        (scheme, port) == (_parts(entry)[0], _parts(entry)[2]) and is_listed(host, (_parts(entry)[1],)) for entry in entries
    )


def _parts(parent: str) -> tuple[str, str, str]:
    match = _PARENT.fullmatch(parent)
    assert match is not None
    return match["scheme"], match["host"], match["port"] or ""
