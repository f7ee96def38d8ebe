"""The guard of outgoing requests: which URLs may be saved and called, and which network addresses may be reached.

protocol-webhooks.md section 7, rules 1, 3 and 5; used for whatever an account may name: key sets, webhook endpoints, call-outs. Pure:
`outbound.py` resolves names and connects.

    target = check_url("https://shop.example/keys.json")
    check_addresses(["93.184.215.14"], target.host)
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import idna

from accredit.errors import FailureError, MalformedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 2048

_URL = re.compile(r"(?i:(https?)://)([^/?#]*)((?:/[^?#]*)?)((?:\?[^#]*)?)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(?::(\d{1,5}))?")
# RFC 3986 section 3.3 and 3.4: what may stand in a path or query; anything else has no one spelling on the wire.
_TARGET = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
# A name that ends in a number is an IPv4 address in some spelling (WHATWG URL, "ends in a number"): 127.1, 0x7f000001, 2130706433.
_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")

_FORBIDDEN_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        ),
    )
)  # fmt: skip
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where clouds tell their machines' secrets.
_LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator lets outgoing requests reach beyond public addresses (ACCREDIT_OUTBOUND_ALLOW)."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Read networks (`10.0.0.0/8`, `::1`) and host names. Raises MalformedError settings_invalid."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                hosts.add(_read_name(entry, MalformedError("settings_invalid", "ACCREDIT_OUTBOUND_ALLOW")))
        return cls(tuple(networks), frozenset(hosts))

    def holds(self, address: Address) -> bool:
        """Whether a network of the list holds the address; a link-local one counts only if it is listed itself."""
        return any(
            address in network
            for network in self.networks
            if address.version == network.version
            and (address not in _LINK_LOCAL or (network.version == 4 and network.subnet_of(_LINK_LOCAL)))
        )


NOTHING_ALLOWED = Allowed()


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be called. host: a name as A-labels, or an allowed literal without brackets. request_target: path and query."""

    scheme: str
    host: str
    port: int
    request_target: str

    @property
    def literal(self) -> Address | None:
        """The address that stands in place of a name."""
        return _read_literal(self.host)

    @property
    def authority(self) -> str:
        """Host, and the port where it is not the scheme's own: the value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"https": 443, "http": 80}


def check_url(url: str, *, plain: bool = False, allowed: Allowed = NOTHING_ALLOWED) -> Target:
    """Rule 1: https, a host name, no user information, no fragment, an unprivileged or the usual port.

    plain: http and port 80 may be too (sandbox). Raises MalformedError endpoint_url_invalid.
    """
    invalid = MalformedError("endpoint_url_invalid")
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    parts = _AUTHORITY.fullmatch(match[2]) if match else None
    if match is None or parts is None or not _TARGET.fullmatch(match[3] + match[4]):
        raise invalid
    scheme = match[1].lower()
    if scheme == "http" and not plain:
        raise invalid
    literal = _read_literal(parts[1].strip("[]"))
    host = _read_name(parts[1], invalid) if literal is None else str(literal)
    port = int(parts[2] or _PORTS[scheme])
    listed = host in allowed.hosts if literal is None else _is_allowed(literal, allowed)
    usual = 1024 <= port <= 65535 or port == 443 or (plain and port == 80)
    if not (listed or (usual and literal is None)) or not 1 <= port <= 65535:
        raise invalid
    return Target(scheme, host, port, _target_of(match))


def request_target(url: str) -> str:
    """Path and query of a URL that was checked, exactly as it was configured: what signatures cover. Raises ValueError for no URL."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("not a URL")
    return _target_of(match)


def _target_of(match: re.Match[str]) -> str:
    return (match[3] or "/") + match[4]


def check_addresses(addresses: Sequence[str], host: str, allowed: Allowed = NOTHING_ALLOWED) -> None:
    """Rule 3: every address that a name resolves to must be public or allowed. Raises FailureError address_forbidden."""
    if not addresses or not all(_may_reach(ipaddress.ip_address(address), host, allowed) for address in addresses):
        raise FailureError("address_forbidden")


def _may_reach(address: Address, host: str, allowed: Allowed) -> bool:
    inside = _inside(address)
    if inside in _LINK_LOCAL:
        return allowed.holds(inside)
    return _is_public(inside) or host in allowed.hosts or _is_allowed(address, allowed)


def _is_allowed(address: Address, allowed: Allowed) -> bool:
    return allowed.holds(_inside(address))


def _inside(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped or a NAT64 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(address.packed[-4:])
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _FORBIDDEN_V6)


def _read_literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _read_name(text: str, invalid: MalformedError) -> str:
    """A host name as lower-case A-labels (UTS 46). Raises `invalid` for anything else, numbers of any spelling included."""
    try:
        name = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except UnicodeError as error:
        raise invalid from error
    if not _NAME.fullmatch(name) or _NUMBER.fullmatch(name):
        raise invalid
    return name
