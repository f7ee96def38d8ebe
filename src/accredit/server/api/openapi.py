"""`/openapi.json`: the API described by its own declarations (OpenAPI 3.1, JSON Schema 2020-12).

Nothing is written twice: addresses, inputs, answers and codes come from the operations, schemas from the structs that are read and
written.
"""

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any, Union, get_origin

import msgspec

from accredit import __version__
from accredit.errors import CODES
from accredit.server import headers
from accredit.server.api.operations import PARAMETERS, Call, Operation, operation
from accredit.server.api.replies import Reply
from accredit.server.problems import Problem

_REF = "#/components/schemas/{name}"
_ANY_CALL = ("query_invalid", "internal_error", "service_unavailable", "sealed_damaged", "root_key_missing")
_ANY_AUTHENTICATED = ("invalid_token", "secret_exposed", "permission_denied", "browser_not_allowed")
_ANY_BODY = ("request_malformed", "body_too_large", "media_type_unsupported")
_ANY_STRUCT = ("field_missing", "field_invalid")

_TAG: dict[str, Any] = {"in": "header", "required": False, "schema": {"type": "string"}}
_CONDITIONS = [
    {**_TAG, "name": "If-Match", "description": "Only if one of these entity tags is that of what is stored."},
    {**_TAG, "name": "If-None-Match", "description": "`*`: only if nothing is stored. Reading: entity tags that are known."},
]


def codes_of(each: Operation) -> tuple[str, ...]:
    """Everything that an operation may be refused with."""
    codes = [*each.codes, *(() if each.public else _ANY_AUTHENTICATED), *_ANY_CALL]
    if not each.public and not each.limited:
        codes.append("api_key_limited")
    if each.body is not None:
        codes += _ANY_BODY if each.body is bytes else (*_ANY_BODY, *_ANY_STRUCT)
    return tuple(dict.fromkeys(codes))


def topic_of(each: Operation) -> str:
    """What an operation is about, from the module that declares it."""
    return each.run.__module__.rpartition(".")[2].replace("_", " ")


def schemas_of(operations: Sequence[Operation]) -> tuple[dict[Any, dict[str, Any]], dict[str, dict[str, Any]]]:
    """A schema for each struct that is read or written, and the components that they refer to."""
    used = (kind for one in operations for kind in (*(one.reads or (one.body,)), one.answer))
    types = list(dict.fromkeys([Problem, *(kind for kind in used if _is_described(kind))]))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    return {kind: _tidy(schema) for kind, schema in zip(types, schemas, strict=True)}, _tidy(components)


def parameters_of(each: Operation) -> list[dict[str, Any]]:
    """The parts of the address, and the query."""
    parts = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PARAMETERS[name].description,
            "schema": {"type": "string", "pattern": f"^{PARAMETERS[name].pattern}$"},
        }
        for name in PARAMETERS
        if f"{{{name}}}" in each.path
    ]
    if each.query is not None:
        parts += _query_parameters(each.query)
    return parts + (_CONDITIONS if each.conditional else [])


def _query_parameters(query: Any) -> list[dict[str, Any]]:
    schema = _tidy(msgspec.json.schema(query))
    ref: str = schema["$ref"]
    described = schema["$defs"][ref.rpartition("/")[2]]
    return [
        {"name": name, "in": "query", "required": name in described.get("required", ()), "schema": _without_null(member)}
        for name, member in described["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not; it is never null."""
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default") or value is not None}
    choices = [choice for choice in kept.pop("anyOf", ()) if choice != {"type": "null"}]
    if "enum" in kept:
        kept["enum"] = [value for value in kept["enum"] if value is not None]
    return {**kept, **(choices[0] if choices else {})}


def _is_described(kind: Any) -> bool:
    return get_origin(kind) is Union or (inspect.isclass(kind) and issubclass(kind, msgspec.Struct))


def _tidy(schema: Any) -> Any:
    """The schema in the words of JSON Schema: its regular expressions know no `\\Z`."""
    if isinstance(schema, dict):
        return {
            name: value.replace(r"\Z", "$") if name == "pattern" and isinstance(value, str) else _tidy(value)
            for name, value in schema.items()
        }
    return [_tidy(item) for item in schema] if isinstance(schema, list) else schema


def describe(operations: Sequence[Operation], public_url: str) -> dict[str, Any]:
    """The document."""
    listed = [each for each in operations if each.listed]
    schemas, components = schemas_of(listed)
    paths: dict[str, dict[str, Any]] = {}
    for each in listed:
        paths.setdefault(each.path, {})[each.method.lower()] = _describe_operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Accredit",
            "version": __version__,
            "summary": "The API of an owner's backend.",
            "description": f"Errors are problem documents (RFC 9457); every code is explained at {public_url}/docs/errors.",
        },
        "servers": [{"url": public_url}],
        "security": [{"api_key": []}, {"api_client": ["accredit"]}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": _schemes(public_url),
        },
    }


def _schemes(public_url: str) -> dict[str, Any]:
    """How a caller shows who it is."""
    flow = {
        "tokenUrl": f"{public_url}/auth/open/connect/token",
        "scopes": {"accredit": "All that the client's permissions allow; `api` among them opens this API."},
    }
    return {
        "api_key": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "api_client": {
            "type": "oauth2",
            "description": "An access token of an API client, as bearer token.",
            "flows": {"clientCredentials": flow},
        },
    }


def _describe_operation(each: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    first, _, rest = each.summary.partition("\n")
    described: dict[str, Any] = {
        "operationId": each.name,
        "tags": [topic_of(each)],
        "summary": first,
        "parameters": parameters_of(each),
        "responses": {str(each.status): _success(each, schemas), **_refusals(each, schemas[Problem])},
    }
    if each.streams:
        described["responses"]["204"] = {"description": "The caller has heard of the end already."}
    if each.conditional and each.method == "GET":
        described["responses"]["304"] = {"description": "What the caller has is what is stored."}
    if rest:
        described["description"] = " ".join(rest.split())
    if each.body is not None:
        content = _read_schema(each, schemas)
        described["requestBody"] = {"required": _is_required(each.body), "content": {"application/json": {"schema": content}}}
    return described


def _read_schema(each: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if each.reads:
        return {"anyOf": [schemas[kind] for kind in each.reads]}
    return schemas.get(each.body, {"type": "object"})


def _is_required(body: Any) -> bool:
    return body is bytes or any(member.required for member in msgspec.structs.fields(body))


def _success(each: Operation, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    if each.streams:
        return {"description": "Events as they happen.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    if each.answer is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": {"application/json": {"schema": schemas.get(each.answer, {"type": "object"})}}}


def _refusals(each: Operation, problem: dict[str, Any]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes_of(each):
        by_status.setdefault(CODES[code].status, []).append(code)
    return {
        str(status): {
            "description": "\n".join(f"- `{code}`: {CODES[code].title}" for code in codes),
            "content": {"application/problem+json": {"schema": problem}},
        }
        for status, codes in sorted(by_status.items())
    }


def operations_over(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The address that tells of these operations."""

    @cache
    def document(public_url: str) -> bytes:
        return msgspec.json.encode(describe(operations, public_url))

    @operation("GET", "/openapi.json", public=True, listed=False)
    async def read_document(call: Call) -> Reply:
        """This API as an OpenAPI 3.1 document."""
        return Reply(200, [headers.JSON, *headers.api(call.request_id)], document(call.node.settings.public_url))

    return (read_document,)
