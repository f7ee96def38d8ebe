"""The names in a boot body: the spellings that clients have for one field, brought to its plain name.

protocol-boot.md section 3. `x`, `[x]`, `customerInfo[x]` and a member of an object `customerInfo` are one name; so are
`broadband[x]`, a member of an object `broadband`, and the flat names of old clients. A name that comes twice is refused: nobody may
sign one `email` and send another.

    collect_names([("[email]", "jane@example.com"), ("shoe_size", "44")])
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from accredit.encoding import Json
from accredit.errors import MalformedError

# The decoded pairs of a form in their order, or the JSON object.
Body: TypeAlias = Sequence[tuple[str, str]] | Mapping[str, Json]

BOOT_NAMES = frozenset(
    [
        *("cp_id", "cp_deployment_id", "signature", "page", "locale", "identifier_type", "identifier_value", "environment"),
        *("response_mode", "channel", "sdk", "parent_origin", "origin_ticket"),
    ]
)
_OLD_NAMES = {
    "broadbandProvider": "broadband.provider",
    "broadbandPpm": "broadband.ppm",
    "broadbandDownSpeed": "broadband.down_speed",
}
_BRACKETS = re.compile(r"([^\[\]]*)((?:\[[^\[\]]+\])+)")
# A name that may be repeated to others; whatever else a body calls its fields may be data.
_TELLABLE = re.compile(r"[A-Za-z0-9_.$\[\]-]{1,64}")


@dataclass(frozen=True, slots=True)
class Collected:
    """A body by plain names. boot: the boot's own fields; customer: the customer's; meta: members of `meta` by brackets.

    dropped: names that mean nothing here; None for one that is not to be repeated.
    """

    boot: dict[str, Json]
    customer: dict[str, Json]
    meta: dict[str, Json]
    dropped: list[str | None]


def collect_names(body: Body, known: Collection[str]) -> Collected:
    """Bring every name of a body to its plain form. known: the plain names of customer fields.

    Raises MalformedError: `request_malformed` for a name that comes twice, `field_invalid` for a container that is none.
    """
    collected, meant = Collected({}, {}, {}, []), set[str]()
    for name, value in body.items() if isinstance(body, Mapping) else body:
        # Most names are plain already, and this is on the way of every boot.
        plain = collected.boot if name in BOOT_NAMES else collected.customer if name in known else None
        if plain is None:
            _collect_spelt(name, value, known, collected, meant)
        elif name in plain:
            raise MalformedError("request_malformed", name)
        else:
            plain[name] = value
    if collected.meta and "meta" in collected.customer:
        raise MalformedError("request_malformed", "meta")
    return collected


def _collect_spelt(name: str, value: Json, known: Collection[str], collected: Collected, meant: set[str]) -> None:
    """A name that is not plain, or stands for several. meant: those that no field is known by, so far."""
    for path, inner in _walk(name, value):
        plain = _OLD_NAMES.get(path[0], path[0]) if len(path) == 1 else ".".join(path)
        if plain in known:
            if plain in collected.customer:
                raise MalformedError("request_malformed", plain)
            collected.customer[plain] = inner
            continue
        posted = _as_posted(path)
        if posted in meant:
            raise MalformedError("request_malformed", _tellable(posted))
        meant.add(posted)
        if len(path) == 2 and path[0] == "meta":
            collected.meta[path[1]] = inner
        else:
            collected.dropped.append(_tellable(posted))


def _walk(name: str, value: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Each leaf of a member of a body: its path of names, and its value."""
    path, bare = _split(name)
    if path == ("customerInfo",) and bare:
        for member, inner in _open_container("customerInfo", value).items():
            yield from _leaves((member,), inner)
    else:
        yield from _leaves(path, value)


def _leaves(path: tuple[str, ...], value: Json) -> Iterable[tuple[tuple[str, ...], Json]]:
    """The value itself, or the members of `broadband`."""
    if path != ("broadband",):
        return ((path, value),)
    return ((("broadband", member), inner) for member, inner in _open_container("broadband", value).items())


def _open_container(name: str, value: Json) -> Mapping[str, Json]:
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(member, str) for member in value):
        raise MalformedError("field_invalid", name)
    return value


def _split(name: str) -> tuple[tuple[str, ...], bool]:
    """The path that a name spells: `customerInfo[broadband][ppm]` is broadband, ppm. A name of another form is one by itself."""
    match = _BRACKETS.fullmatch(name) if name.endswith("]") else None
    if match is None:
        return (name,), True
    head, inner = match[1], tuple(match[2][1:-1].split("]["))
    return (inner if head in ("", "customerInfo") else (head, *inner)), False


def _as_posted(path: tuple[str, ...]) -> str:
    # Only by brackets does a boot field become none; the bare name would tell of the field that was read.
    if len(path) == 1 and path[0] in BOOT_NAMES:
        return f"customerInfo[{path[0]}]"
    return path[0] + "".join(f"[{part}]" for part in path[1:])


def _tellable(name: str) -> str | None:
    return name if _TELLABLE.fullmatch(name) else None
