"""The addresses that a request may bring, and where the browser may be sent (protocol-rest.md section 5, RFC 3986).

An address is judged by its octets and kept as it came: no two readers may see two hosts in it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from accredit.server.gate.faults import FaultCode
from accredit.server.hosts import is_listed, parse_host

MAX_ADDRESS = 2000
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[^\]/?#@]*\]|[^/?#@:\[\]]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?"
)
_OCTETS = re.compile(r"[!#-;=?-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What an address may be. hosts: entries that cover it, empty for any. plain: `http` may be, as in sandbox."""

    hosts: Collection[str]
    plain: bool


def address_fault(text: str, rules: AddressRules) -> FaultCode | None:
    """What is wrong with an address, None if nothing is."""
    if not 1 <= len(text) <= MAX_ADDRESS:
        return "length"
    match = _ADDRESS.fullmatch(text) if _OCTETS.fullmatch(text) else None
    if match is None:
        return "format"
    scheme, port = match["scheme"].lower(), match["port"]
    try:
        host = parse_host(match["host"])
    except ValueError:
        return "format"
    if scheme not in ("https", "http") or (port is not None and not 1 <= int(port) <= 65535):
        return "format"
    if scheme == "http" and not rules.plain:
        return "not_allowed"
    return None if not rules.hosts or is_listed(host, rules.hosts) else "not_allowed"
