"""Key sets that a server publishes, from a file or from its address."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import click

from accredit.cli.files import parse_keys, read_keys
from accredit.encoding import Json
from accredit.errors import FailureError

_TIMEOUT_S, _MAX_BYTES = 10, 1024 * 1024
_CONNECTIONS = {"https": HTTPSConnection, "http": HTTPConnection}


def load_key_set(source: str) -> dict[str, Json]:
    """The JWKS at an address, or of a file (`-`: standard input).

    An address is asked once, for 10 s and 1 MiB at most, and not followed elsewhere. Raises MalformedError `key_malformed`,
    FailureError `key_set_unreadable`; UsageError where there is no such file.
    """
    if source.startswith(("https://", "http://")):
        return {"keys": [*parse_keys(_load(source), source)]}
    path = Path(source)
    if source != "-" and not path.is_file():
        raise click.UsageError(f"{source} is neither an address nor a file.")
    return {"keys": [*read_keys(path)]}


def _load(address: str) -> bytes:
    try:
        split = urlsplit(address)
        connection = _CONNECTIONS[split.scheme](split.hostname or "", split.port, timeout=_TIMEOUT_S)
        connection.request("GET", f"{split.path or '/'}?{split.query}" if split.query else split.path or "/")
        answer = connection.getresponse()
        octets = bytes(answer.read(_MAX_BYTES + 1))
        connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise FailureError("key_set_unreadable", address) from error
    if answer.status != 200 or len(octets) > _MAX_BYTES:
        raise FailureError("key_set_unreadable", address)
    return octets
