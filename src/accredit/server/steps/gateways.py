"""The SMS gateway of an account and environment: the HTTP address that takes text messages, with what it is told.

`body` is a JSON object in whose texts `{to}`, `{text}` and `{id}` stand for the number, the message, and an id of our own that is new
for each message. The headers, which hold the gateway's credential, are sealed.

    fill_body({"to": "{to}", "content": "{text}"}, {"to": "+4712345678", "text": "...", "id": "sms_..."})
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction

MAX_HEADERS, MAX_BODY_BYTES = 20, 4096
_CACHED_SCOPES = 256
_HEADERS_COLUMN = "sms_gateways.headers"
_PLACES = re.compile(r"\{(to|text|id)\}")
# RFC 9110 sections 5.1 and 5.5: a token; visible ASCII with single spaces or tabs inside.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_HEADER_VALUE = re.compile(r"[!-~](?:[ \t!-~]{0,1022}[!-~])?")
# What says how the message itself is carried is ours to say.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "accept-encoding"}
)


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """A gateway, ready to be asked. headers: opened."""

    scope: Scope
    url: str
    body: Mapping[str, Json]
    headers: Mapping[str, str] = field(repr=False)
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class HeldGateway:
    """A row: the headers as they are stored."""

    url: str
    body: Mapping[str, Json]
    sealed: bytes = field(repr=False)
    updated_ms: int = 0


def find_gateway(tx: Transaction, scope: Scope) -> HeldGateway | None:
    """Query: the gateway of a scope."""
    row = tx.row(
        "SELECT url, body, headers, updated_ms FROM sms_gateways WHERE account_id = ? AND environment = ?",
        (scope.account_id, scope.environment),
    )
    return None if row is None else HeldGateway(row[0], msgspec.json.decode(row[1]), row[2], row[3])


def seal_headers(sealer: Sealer, scope: Scope, headers: Mapping[str, str]) -> bytes:
    """The headers for their row."""
    return sealer.seal(scope, msgspec.json.encode(headers), row=scope.account_id, column=_HEADERS_COLUMN)


def open_headers(sealer: Sealer, scope: Scope, held: HeldGateway) -> dict[str, str]:
    """The headers of a row. Raises FailureError `sealed_damaged`."""
    opened = sealer.open(scope, held.sealed, row=scope.account_id, column=_HEADERS_COLUMN)
    return msgspec.json.decode(opened, type=dict[str, str])


class Gateways:
    """The gateways of one process, loaded once for each version of the configuration."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._loaded = Versioned(store, self._load, _CACHED_SCOPES)

    async def find(self, scope: Scope) -> SmsGateway | None:
        """The gateway of a scope. Raises FailureError `service_unavailable`, `sealed_damaged`."""
        return (self._loaded.find(scope) or await self._loaded.load(scope))[0]

    # In a tuple, so that "there is none" is remembered, too.
    async def _load(self, scope: Scope) -> tuple[SmsGateway | None]:
        held = await self._store.read(find_gateway, scope)
        if held is None:
            return (None,)
        await self._sealer.ready(scope)
        return (SmsGateway(scope, held.url, held.body, open_headers(self._sealer, scope, held), held.updated_ms),)


def fill_body(body: Json, values: Mapping[str, str]) -> Json:
    """A body with the values in their places; what is put in is not looked through again."""
    if isinstance(body, str):
        return _PLACES.sub(lambda match: values[match[1]], body)
    if isinstance(body, Mapping):
        return {name: fill_body(each, values) for name, each in body.items()}
    return [fill_body(each, values) for each in body] if isinstance(body, list) else body


def check_body(body: Mapping[str, Any]) -> None:
    """Raises MalformedError `field_invalid`: larger than 4 KiB, or without a place for the number or the message."""
    if len(msgspec.json.encode(body)) > MAX_BODY_BYTES or not {"to", "text"} <= _places_in(dict(body)):
        raise MalformedError("field_invalid", "body")


def _places_in(body: Json) -> set[str]:
    if isinstance(body, str):
        return set(_PLACES.findall(body))
    parts = body.values() if isinstance(body, Mapping) else body if isinstance(body, list) else ()
    return set[str]().union(*map(_places_in, parts))


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises MalformedError `field_invalid`: too many, of no HTTP form, or of those that are not a caller's to set."""
    names = [name.lower() for name in headers]
    sound = all(
        _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value) and name.lower() not in _OURS
        for name, value in headers.items()
    )
    if not sound or len(names) > MAX_HEADERS or len(set(names)) < len(names):
        raise MalformedError("field_invalid", "headers")
