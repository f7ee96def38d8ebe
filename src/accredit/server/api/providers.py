"""Providers: what finds out who a person is at the rest door (protocol-rest.md section 12).

The members of a kind stand beside those that every provider has. A PATCH replaces the members that it has; secrets stay unless sent.
"""

from typing import Literal

import msgspec

from accredit.encoding import Json
from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.provider_answers import (
    ANY_PROVIDER,
    NEW_PROVIDERS,
    PROVIDER_CHANGES,
    ProviderKeyList,
    answer_key,
    answer_provider,
)
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.providers import changing
from accredit.server.providers.changing import Parts, ProviderChange
from accredit.server.providers.keys import list_keys
from accredit.server.providers.members import ProviderId
from accredit.server.providers.records import HeldProvider, find_held, page_of_held

_ADDRESS = "/v1/providers/{provider_id}"
_CODES = (
    "provider_kind_unsupported",
    "entity_statement_invalid",
    "entity_fingerprint_mismatch",
    "endpoint_url_invalid",
    "endpoint_address_forbidden",
    "logo_invalid",
    "secret_malformed",
)


class NewProvider(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the members that the type of the provider's kind reads."""

    provider_id: ProviderId
    kind: Literal["sandbox", "oidc", "email_otp", "callout", "wallet"]


class ProviderMembers(msgspec.Struct, frozen=True):
    """Members that the type of the provider's kind reads."""


class ProviderPage(msgspec.Struct, frozen=True):
    """In the order of their ids. next_cursor: null on the last page."""

    providers: list[ANY_PROVIDER]
    next_cursor: str | None


class ProviderQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


@operation(
    "POST",
    "/v1/providers",
    answer=ANY_PROVIDER,
    status=201,
    codes=(*_CODES, "provider_exists", "provider_limit_reached"),
    reads=NEW_PROVIDERS,
)
async def create_provider(call: Call, body: NewProvider) -> Reply:
    """Create a provider, with the keys of ours that it needs."""
    members: dict[str, Json] = {name: value for name, value in call.members.items() if name != "provider_id"}
    change = ProviderChange(call.scope, body.provider_id, members, call.cause)
    await changing.create_provider(_parts(call), change)
    return json_reply(call.request_id, _answer(call, await _find(call, body.provider_id)), 201)


@operation("GET", "/v1/providers", answer=ProviderPage, codes=("cursor_invalid",))
async def list_providers(call: Call, query: ProviderQuery) -> Reply:
    """List providers in the order of their ids."""
    node, binding = call.node, ListBinding("providers", call.scope)
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(page_of_held, (call.scope, after, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.record.provider_id)
    return json_reply(call.request_id, ProviderPage([_answer(call, each) for each in shown], following))


@operation("GET", _ADDRESS, answer=ANY_PROVIDER, codes=("provider_not_found",))
async def read_provider(call: Call) -> Reply:
    """Read a provider, without its secrets."""
    return json_reply(call.request_id, _answer(call, await _find(call, call.part("provider_id"))))


@operation("PATCH", _ADDRESS, answer=ANY_PROVIDER, codes=(*_CODES, "provider_not_found"), reads=PROVIDER_CHANGES)
async def change_provider(call: Call, body: ProviderMembers) -> Reply:
    """Replace members of a provider; attempts that begin from now on have them. Kind and profile stay."""
    change = ProviderChange(call.scope, call.part("provider_id"), call.members, call.cause)
    await changing.change_provider(_parts(call), change)
    return json_reply(call.request_id, _answer(call, await _find(call, change.provider_id)))


@operation("DELETE", _ADDRESS, status=204, codes=("provider_not_found",))
async def delete_provider(call: Call) -> Reply:
    """Delete a provider with our keys for it."""
    await changing.delete_provider(_parts(call), call.scope, call.part("provider_id"), call.cause)
    return empty_reply(call.request_id)


@operation("GET", f"{_ADDRESS}/keys", answer=ProviderKeyList, codes=("provider_not_found",))
async def list_provider_keys(call: Call) -> Reply:
    """List our keys as the client of a provider, oldest first."""
    held = await _find(call, call.part("provider_id"))
    keys = await call.node.store.read(list_keys, held.record.ref)
    return json_reply(call.request_id, ProviderKeyList([answer_key(each) for each in keys]))


@operation("POST", f"{_ADDRESS}/keys/rotate", answer=ProviderKeyList, codes=("provider_not_found",))
async def rotate_provider_keys(call: Call) -> Reply:
    """Move our keys for a provider one phase on, where the present phases have lasted a day."""
    keys = await changing.rotate_provider(_parts(call), call.scope, call.part("provider_id"), call.cause)
    return json_reply(call.request_id, ProviderKeyList([answer_key(each) for each in keys]))


async def _find(call: Call, provider_id: str) -> HeldProvider:
    return found(await call.node.store.read(find_held, (call.scope, provider_id)), "provider_not_found")


def _answer(call: Call, held: HeldProvider) -> object:
    return answer_provider(held.record, call.node.settings.public_url, secret_set=held.sealed is not None)


def _parts(call: Call) -> Parts:
    return Parts(call.node.store, call.node.sealer, call.node.outbound)


OPERATIONS = (
    create_provider,
    list_providers,
    read_provider,
    change_provider,
    delete_provider,
    list_provider_keys,
    rotate_provider_keys,
)
