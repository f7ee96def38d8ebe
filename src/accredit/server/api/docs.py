"""`/docs`: the API and its errors as pages to read, made of the same declarations as the OpenAPI document; no script."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from accredit import __version__
from accredit.errors import CODES
from accredit.server.api.openapi import codes_of, parameters_of, schemas_of, topic_of
from accredit.server.api.operations import Call, Operation, operation
from accredit.server.api.pages import page_reply
from accredit.server.api.replies import Reply
from accredit.server.headers import NO_SNIFF

_STYLE = Path(__file__).parent / "templates" / "style.css"
# What each family of errors means to whoever meets it.
_FAMILIES = {
    "malformed": "The request is not of the form that the protocol asks for; mend it and send it again.",
    "refused": "A proof, a right or a limit does not hold. Frames only hear `admission_refused`; the code is in the audit record.",
    "not_found": "There is no such thing, or it is not yours.",
    "conflict": "The request is sound but does not fit the present state.",
    "failure": "Our fault, or that of something we stand on. Nothing is half-done; try again.",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a type's name; ref: the struct that it names."""

    text: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct, or a parameter, as a row of a table."""

    name: str
    type: list[Piece]
    required: bool
    default: str
    description: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Object:
    """A struct that is read or written."""

    name: str
    description: str
    members: list[Member]


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as the page shows it. body, answer: names of structs, or a word for what is none."""

    operation: Operation
    summary: str
    text: str
    parameters: list[Member]
    body: str
    answer: str
    codes: tuple[str, ...]


def entries_of(operations: Sequence[Operation]) -> list[tuple[str, list[Entry]]]:
    """The operations by topic, in the order in which they are declared."""
    listed = [each for each in operations if each.listed]
    return [(topic, [_entry(each) for each in group]) for topic, group in groupby(listed, topic_of)]


def _entry(each: Operation) -> Entry:
    first, _, rest = each.summary.partition("\n")
    return Entry(
        operation=each,
        summary=first,
        text=" ".join(rest.split()),
        parameters=[_parameter(described) for described in parameters_of(each)],
        body=_names_of(each.reads or (each.body,)),
        answer=_names_of(get_args(each.answer) or (each.answer,)),
        codes=codes_of(each),
    )


def _names_of(kinds: tuple[Any, ...]) -> str:
    return " or ".join(map(_name_of, kinds))


def _name_of(kind: Any) -> str:
    if kind is None:
        return ""
    return str(kind.__name__) if hasattr(kind, "__struct_fields__") else "a JSON object"


def _parameter(described: dict[str, Any]) -> Member:
    schema = described["schema"]
    default = _default(schema)
    text = described.get("description") or schema.get("description", "")
    return Member(described["name"], _type(schema), described["required"], default, text, described["in"])


def objects_of(operations: Sequence[Operation]) -> list[Object]:
    """The structs that the operations read and write, by name."""
    _, components = schemas_of([each for each in operations if each.listed])
    return [
        Object(
            name,
            schema.get("description", ""),
            [
                Member(member, _type(described), member in schema.get("required", ()), _default(described), "")
                for member, described in schema.get("properties", {}).items()
            ],
        )
        for name, schema in sorted(components.items())
    ]


def _default(schema: dict[str, Any]) -> str:
    return json.dumps(schema["default"]) if "default" in schema else ""


def _type(schema: dict[str, Any]) -> list[Piece]:
    """The type in words."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return [Piece(name, name)]
    if "anyOf" in schema:
        return _joined([_type(choice) for choice in schema["anyOf"]])
    if "enum" in schema:
        return [Piece(" | ".join(json.dumps(value) for value in schema["enum"]))]
    if schema.get("type") == "array":
        return [Piece("list of "), *_type(schema.get("items") or {})]
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS if key in schema]
    kind = schema.get("format") or schema.get("type") or "anything"
    return [Piece(f"{kind} ({', '.join(limits)})" if limits else str(kind))]


_LIMITS = (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))


def _joined(choices: list[list[Piece]]) -> list[Piece]:
    pieces = choices[0]
    for choice in choices[1:]:
        pieces = [*pieces, Piece(" | "), *choice]
    return pieces


@operation("GET", "/docs/errors", public=True, listed=False, page=True)
async def read_errors(call: Call) -> Reply:
    """Every stable code; its anchor is the `type` of problem documents."""
    families = [
        (family, _FAMILIES[family], [(name, code) for name, code in CODES.items() if code.family.family == family])
        for family in _FAMILIES
    ]
    return page_reply(call.node.settings, call.request_id, "errors.html", families=families)


@operation("GET", "/docs/style.css", public=True, listed=False)
async def read_style(call: Call) -> Reply:
    """The stylesheet of all pages outside frames."""
    lines = [
        (b"content-type", b"text/css; charset=utf-8"),
        (b"cache-control", b"public, max-age=3600"),
        (b"x-request-id", call.request_id.encode("ascii")),
        NO_SNIFF,
    ]
    return Reply(200, lines, _STYLE.read_bytes())


def operations_over(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The pages that tell of these operations."""

    @operation("GET", "/docs", public=True, listed=False, page=True)
    async def read_docs(call: Call) -> Reply:
        """The API, operation by operation."""
        return page_reply(
            call.node.settings,
            call.request_id,
            "docs.html",
            topics=entries_of(operations),
            objects=objects_of(operations),
            version=__version__,
            public_url=call.node.settings.public_url,
        )

    return (read_docs, read_errors, read_style)
