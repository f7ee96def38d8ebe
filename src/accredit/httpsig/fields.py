"""Header fields as they come: pairs, or what a framework keeps them in; names in any case."""

from collections.abc import Iterable
from typing import Protocol, TypeAlias, TypeVar

_Text_co = TypeVar("_Text_co", bound=str | bytes, covariant=True)


class HasItems(Protocol[_Text_co]):
    """What has pairs: mappings, also those of Starlette, Django and aiohttp, and the multi-dictionaries that are none."""

    def items(self) -> Iterable[tuple[_Text_co, _Text_co]]: ...


# Pairs are better: a plain mapping has lost what came twice. Octets, as ASGI has them, are read as Latin-1, as HTTP has it.
HeaderFields: TypeAlias = HasItems[str] | HasItems[bytes] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]


def gather_fields(headers: HeaderFields) -> dict[str, list[str]]:
    """The values of each name, names in lower case, values in the order in which they came."""
    gathered: dict[str, list[str]] = {}
    for name, value in headers.items() if hasattr(headers, "items") else headers:
        gathered.setdefault(_read(name).lower(), []).append(_read(value))
    return gathered


def _read(text: str | bytes) -> str:
    return text.decode("latin-1") if isinstance(text, bytes) else text
