"""Members given on the command line: `NAME=VALUE`, where VALUE is JSON, and text that is no JSON counts as a string."""

from collections.abc import Iterable

import click

from accredit.cli.files import INPUT, read_text
from accredit.encoding import Json, JsonError, parse_json

_MAX_DEPTH = 8


def parse_members(texts: Iterable[str]) -> dict[str, Json]:
    """The members. Raises BadParameter for a text without `=`, or a name that comes twice."""
    members: dict[str, Json] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise click.BadParameter(f"{name or text!r} is not of the form NAME=VALUE.")
        if name in members:
            raise click.BadParameter(f"{name} is given twice.")
        members[name] = _read_value(value)
    return members


def read_members(texts: Iterable[str]) -> dict[str, Json]:
    """The members, where a value `@FILE` stands for what is in the file, as text. Raises BadParameter as `parse_members`."""
    members = parse_members(texts)
    return {
        name: read_text(INPUT.convert(value[1:], None, None)) if isinstance(value, str) and value.startswith("@") else value
        for name, value in members.items()
    }


def _read_value(text: str) -> Json:
    try:
        return parse_json(text.encode("utf-8", "surrogateescape"), max_depth=_MAX_DEPTH)
    except JsonError:
        return text
