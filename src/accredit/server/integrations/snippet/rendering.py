"""Rendering of snippets and samples: HTML and programs are templates beside this file, a folder for each door.

Whatever comes from a record goes through a filter of the language that it stands in, so that no name, however it got there, ends a
string or a tag.
"""

import json
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

LANGUAGES = ("python", "node", "ruby", "php")
VALUE, ORIGIN = "{{YOUR-VALUE}}", "{{YOUR-ORIGIN}}"


def render_template(name: str, values: Mapping[str, object]) -> str:
    """A template of this folder with its values."""
    return _TEMPLATES.get_template(name).render(values)


def exact_origins(allowed_origins: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a list that name one origin each; a placeholder where there is none."""
    return tuple(entry for entry in allowed_origins if "*" not in entry) or (ORIGIN,)


def _literal(text: str) -> Markup:
    """A string of JavaScript or Python that can stand inside a script element too."""
    escaped = json.dumps(text)
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return Markup(escaped)  # noqa: S704 - what would be markup was escaped just above


def _quoted(text: str) -> str:
    """A string of Ruby or PHP, in which nothing is interpolated."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_TEMPLATES = Environment(
    loader=PackageLoader("accredit.server.integrations.snippet"),
    autoescape=select_autoescape(enabled_extensions=("html.jinja",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {"literal": _literal, "quoted": _quoted}
