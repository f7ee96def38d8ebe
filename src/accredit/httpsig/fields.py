"""Header fields as they come: pairs, or a mapping where a framework has merged them; names in any case."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

# Pairs are better: a mapping has lost what came twice.
HeaderFields: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]


def gather_fields(headers: HeaderFields) -> dict[str, list[str]]:
    """The values of each name, names in lower case, values in the order in which they came."""
    gathered: dict[str, list[str]] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        gathered.setdefault(name.lower(), []).append(value)
    return gathered
