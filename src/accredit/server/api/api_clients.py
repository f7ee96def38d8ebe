"""API clients: the backends that call the rest door, their secrets, and what other accounts grant them .

protocol-rest.md section 1.
"""

from typing import Annotated

import msgspec

from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Label, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.key_answers import KeyAnswer, answer_key
from accredit.server.api.keys import MadeApiKeyAnswer
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.ids import new_id
from accredit.server.integrations.policy import Id
from accredit.server.keyring import api_clients
from accredit.server.keyring.api_clients import (
    DEFAULT_TOKEN_LIFETIME_S,
    SCOPES,
    ApiClient,
    ClientScope,
    Permission,
    TokenLifetime,
    find_api_client,
    find_client_secrets,
)
from accredit.server.times import wire_time

_ADDRESS = "/v1/api_clients/{client_id}"
ClientId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{1,128}\Z")]
_Scopes = Annotated[tuple[ClientScope, ...], msgspec.Meta(min_length=1)]


class NewClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """client_id: made here by default. integration_id: whose policy holds, by default that of the account."""

    client_id: ClientId | None = None
    name: Label = ""
    enabled: bool = True
    scopes: _Scopes = SCOPES
    permissions: tuple[Permission, ...] = ("rest",)
    token_lifetime_s: TokenLifetime = DEFAULT_TOKEN_LIFETIME_S
    integration_id: Id | None = None


class ClientChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be other than it is."""

    name: Label | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    scopes: _Scopes | msgspec.UnsetType = msgspec.UNSET
    permissions: tuple[Permission, ...] | msgspec.UnsetType = msgspec.UNSET
    token_lifetime_s: TokenLifetime | msgspec.UnsetType = msgspec.UNSET
    integration_id: Id | msgspec.UnsetType | None = msgspec.UNSET


class ClientAnswer(msgspec.Struct, frozen=True):
    """granted_accounts: those beside its own that it serves. secrets: oldest first, dead ones too."""

    client_id: str
    name: str
    enabled: bool
    scopes: tuple[str, ...]
    permissions: tuple[str, ...]
    token_lifetime_s: int
    integration_id: str | None
    granted_accounts: tuple[str, ...]
    secrets: list[KeyAnswer]
    created_at: str
    updated_at: str


class ClientPage(msgspec.Struct, frozen=True):
    """In the order of their ids. next_cursor: null on the last page."""

    api_clients: list[ClientAnswer]
    next_cursor: str | None


class ClientQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class NewSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """label: to tell it from the others."""

    label: Label = ""


class Granted(msgspec.Struct, frozen=True):
    """Ids of the clients of other accounts that serve this one."""

    client_ids: list[str]


@operation("POST", "/v1/api_clients", answer=ClientAnswer, status=201, codes=("integration_not_found", "client_exists"))
async def create_client(call: Call, body: NewClient) -> Reply:
    """Create an API client, without a secret yet."""
    members = msgspec.structs.asdict(body) | {"client_id": body.client_id or new_id("client_")}
    client = ApiClient(scope=call.scope, **members)
    made = await api_clients.create_api_client(call.node.store, client, call.cause)
    return json_reply(call.request_id, await _answer(call, made), 201)


@operation("GET", "/v1/api_clients", answer=ClientPage, codes=("cursor_invalid",))
async def list_clients(call: Call, query: ClientQuery) -> Reply:
    """List API clients in the order of their ids."""
    node, binding = call.node, ListBinding("api_clients", call.scope)
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(api_clients.list_api_clients, (call.scope, after, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.client_id)
    return json_reply(call.request_id, ClientPage([await _answer(call, each) for each in shown], following))


@operation("GET", _ADDRESS, answer=ClientAnswer, codes=("client_not_found",))
async def read_client(call: Call) -> Reply:
    """Read an API client."""
    return json_reply(call.request_id, await _answer(call, await _find(call)))


@operation("PATCH", _ADDRESS, answer=ClientAnswer, codes=("client_not_found", "integration_not_found"))
async def change_client(call: Call, body: ClientChange) -> Reply:
    """Change an API client; tokens that it has keep their scopes until they expire, a disabled client's stop at once."""
    members = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    changed = msgspec.structs.replace(await _find(call), **members)
    made = await api_clients.change_api_client(call.node.store, changed, call.cause)
    return json_reply(call.request_id, await _answer(call, made))


@operation("DELETE", _ADDRESS, status=204, codes=("client_not_found",))
async def delete_client(call: Call) -> Reply:
    """End an API client and its secrets for good."""
    await api_clients.delete_api_client(call.node.store, call.scope, call.part("client_id"), call.cause)
    return empty_reply(call.request_id)


@operation("POST", f"{_ADDRESS}/secrets", answer=MadeApiKeyAnswer, status=201, codes=("client_not_found", "key_limit_reached"))
async def create_client_secret(call: Call, body: NewSecret) -> Reply:
    """Make a secret, shown this once. At most three live at once, so that rotation overlaps; `/v1/keys` retires and revokes them."""
    made = await api_clients.add_client_secret(call.node.store, call.scope, call.part("client_id"), body.label, call.cause)
    return json_reply(call.request_id, MadeApiKeyAnswer(answer_key(made.record, call.now_ms), made.secret_text), 201)


@operation("GET", "/v1/api_client_grants", answer=Granted)
async def list_grants(call: Call) -> Reply:
    """List the clients of other accounts that serve this account."""
    return json_reply(call.request_id, Granted(await call.node.store.read(api_clients.list_granted, call.scope)))


@operation("PUT", "/v1/api_client_grants/{client_id}", status=204, codes=("client_not_found",))
async def grant_client(call: Call) -> Reply:
    """Let a client of another account, in the same environment, serve this account."""
    await api_clients.grant_access(call.node.store, call.scope, call.part("client_id"), call.cause)
    return empty_reply(call.request_id)


@operation("DELETE", "/v1/api_client_grants/{client_id}", status=204, codes=("client_not_found",))
async def withdraw_client(call: Call) -> Reply:
    """Let it serve this account no more."""
    await api_clients.withdraw_access(call.node.store, call.scope, call.part("client_id"), call.cause)
    return empty_reply(call.request_id)


async def _find(call: Call) -> ApiClient:
    client = await call.node.store.read(find_api_client, call.part("client_id"))
    return found(client if client is not None and client.scope == call.scope else None, "client_not_found")


async def _answer(call: Call, client: ApiClient) -> ClientAnswer:
    secrets = await call.node.store.read(find_client_secrets, client.client_id)
    return ClientAnswer(
        client_id=client.client_id,
        name=client.name,
        enabled=client.enabled,
        scopes=client.scopes,
        permissions=client.permissions,
        token_lifetime_s=client.token_lifetime_s,
        integration_id=client.integration_id,
        granted_accounts=client.granted,
        secrets=[answer_key(each, call.now_ms) for each in secrets],
        created_at=wire_time(client.created_ms),
        updated_at=wire_time(client.updated_ms),
    )


OPERATIONS = (
    create_client,
    list_clients,
    read_client,
    change_client,
    delete_client,
    create_client_secret,
    list_grants,
    grant_client,
    withdraw_client,
)
