"""Where the parties of the demo live: one origin each, on sockets that are theirs before anything is set up.

An integration has to name the origin of the bank and the address of the report, so the ports are known first.
"""

import socket
from dataclasses import astuple, dataclass

from accredit.errors import FailureError

# As many ports behind the first are looked at as a machine full of demos would take.
_TRIES = 64


@dataclass(frozen=True, slots=True)
class Addresses:
    """The origin of each party, as browsers write it."""

    accredit: str
    bank: str
    application: str
    copycat: str
    utility: str
    rental: str
    exchange: str


@dataclass(frozen=True, slots=True)
class Listening:
    """Addresses, and the listening socket behind each in the same order."""

    addresses: Addresses
    sockets: tuple[socket.socket, ...]

    def port_of(self, party: int) -> int:
        """The port of a party, by its place in Addresses."""
        port: int = self.sockets[party].getsockname()[1]
        return port

    def close(self) -> None:
        """Give the ports back."""
        for each in self.sockets:
            each.close()


def listen(host: str, port: int) -> Listening:
    """Take seven ports, each the next free one from `port` on; port 0 takes any.

    host: where to listen; browsers call it localhost if it says so, else 127.0.0.1. Raises FailureError `address_in_use`.
    """
    taken: list[socket.socket] = []
    try:
        for _ in Addresses.__dataclass_fields__:
            taken.append(_next_free(host, port))
            port = port and int(taken[-1].getsockname()[1]) + 1
    except FailureError:
        for each in taken:
            each.close()
        raise
    named = "localhost" if host == "localhost" else "127.0.0.1"
    addresses = Addresses(*(f"http://{named}:{each.getsockname()[1]}" for each in taken))
    return Listening(addresses, tuple(taken))


def _next_free(host: str, port: int) -> socket.socket:
    for candidate in range(port, port + _TRIES) if port else (0,):
        try:
            return socket.create_server((host, candidate), backlog=256)
        except (OSError, OverflowError):
            continue
    raise FailureError("address_in_use", f"{host}:{port}")


def host_of(origin: str) -> str:
    """The origin as an address bar shows it."""
    return origin.partition("://")[2]


def origins(addresses: Addresses) -> tuple[str, ...]:
    """All origins, in the order of Addresses."""
    return astuple(addresses)
