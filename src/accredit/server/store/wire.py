"""Our five types in PostgreSQL's wire formats, and `?` as its `$1`.

Integers and floats go out as text, because that form fits every numeric column; text and bytes go out binary, which
carries their length, so that a NUL is refused by the server and never cuts a value short. Answers come binary.
Source: https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES
"""

import re
import struct
from collections.abc import Callable, Sequence
from itertools import count

from .transaction import Value

_TEXT, _BINARY = 0, 1
# A literal, a quoted name or a comment may hold a question mark that is no placeholder.
_PLACEHOLDER = re.compile(r"""'[^']*'|"[^"]*"|--[^\n]*|\?""")


def numbered(sql: str) -> str:
    """The statement with $1, $2 ... for its placeholders."""
    number = count(1)
    return _PLACEHOLDER.sub(lambda found: f"${next(number)}" if found[0] == "?" else found[0], sql)


def encoded(params: Sequence[Value]) -> tuple[list[bytes | None], list[int]]:
    """The values and their format codes."""
    values: list[bytes | None] = []
    formats: list[int] = []
    for value in params:
        if isinstance(value, str):
            values.append(value.encode())
            formats.append(_BINARY)
        elif value is None or isinstance(value, bytes):
            values.append(value)
            formats.append(_BINARY)
        else:
            values.append(b"%d" % value if isinstance(value, int) else repr(value).encode())
            formats.append(_TEXT)
    return values, formats


def _integer(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


def _float(value: bytes) -> float:
    return float(struct.unpack("!d", value)[0])


# By type OID (pg_type.dat): bool, bytea, name, int8, int2, int4, text, float8, varchar. A truth value is 0 or 1, as
# SQLite has it.
DECODERS: dict[int, Callable[[bytes], Value]] = {
    16: lambda value: value[0],
    17: bytes,
    19: bytes.decode,
    20: _integer,
    21: _integer,
    23: _integer,
    25: bytes.decode,
    701: _float,
    1043: bytes.decode,
}
