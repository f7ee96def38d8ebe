"""Integrations: their policy, their snippet and their passport keys (protocol-embed.md sections 1, 8, 10 and 11).

The members of a policy stand beside those of the integration. A PATCH replaces the members that it has, and publishes a new version.
"""

from typing import Literal

import msgspec

from accredit.encoding import Json
from accredit.server import headers
from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Label, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.integration_answers import ANY_INTEGRATION, INTEGRATION_CHANGES, NEW_INTEGRATIONS, answer_integration
from accredit.server.api.key_answers import KeyList, MadeKeyAnswer, answer_key
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.ids import new_integration_id
from accredit.server.integrations import publishing
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.catalog import list_integrations as find_page
from accredit.server.integrations.policy import Id
from accredit.server.integrations.publishing import Publication
from accredit.server.integrations.removing import find_ours, remove_integration
from accredit.server.integrations.snippet import render_snippet
from accredit.server.keyring.passport_keys import PassportHolder
from accredit.server.keyring.passport_keys import create_passport_key as make_key
from accredit.server.keyring.records import KeyFilter, list_keys
from accredit.server.sdk import load_sdk

_ADDRESS = "/v1/integrations/{integration_id}"


class IntegrationChange(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the members of the policy, which the type of the integration's door reads."""

    name: Label | None = None


class NewIntegration(IntegrationChange, frozen=True, kw_only=True):
    """An integration of a deployer; at the doors rest and flow of none.

    integration_id: made here by default; it is never given again.
    """

    integration_id: Id | None = None
    door: Literal["embed", "boot", "rest", "flow"] = "embed"
    deployer_id: Id | None = None


class IntegrationPage(msgspec.Struct, frozen=True):
    """In the order of their ids. next_cursor: null on the last page."""

    integrations: list[ANY_INTEGRATION]
    next_cursor: str | None


class IntegrationQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class SnippetAnswer(msgspec.Struct, frozen=True):
    """html: for the deployer's page. server_samples: by language, programs that sign on the deployer's server."""

    html: str
    server_samples: dict[str, str]


class NewPassportKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The algorithms that the key's record fixes."""

    alg: str = "A128KW"
    enc: str = "A128GCM"
    label: Label = ""


@operation(
    "POST",
    "/v1/integrations",
    answer=ANY_INTEGRATION,
    status=201,
    codes=("origin_entry_invalid", "deployer_not_found", "integration_exists"),
    reads=NEW_INTEGRATIONS,
)
async def create_integration(call: Call, body: NewIntegration) -> Reply:
    """Create an integration at version 1."""
    publication = Publication(
        integration_id=body.integration_id or new_integration_id(body.door),
        scope=call.scope,
        members=_policy_members(call, ("integration_id", "door", "deployer_id", "name")),
        now_ms=call.now_ms,
        actor=call.api_key.key_id,
        door=body.door,
        deployer_id=body.deployer_id,
        name=body.name or None,
    )
    record = await publishing.create_integration(call.node.store, publication)
    return json_reply(call.request_id, answer_integration(record), 201)


@operation("GET", "/v1/integrations", answer=IntegrationPage, codes=("cursor_invalid",), limited=True)
async def list_integrations(call: Call, query: IntegrationQuery) -> Reply:
    """List integrations in the order of their ids."""
    node, binding = call.node, ListBinding("integrations", call.scope)
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(find_page, (call.scope, after, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.integration_id)
    # A limited key sees its own; a page may then be shorter than it could be.
    reached = [answer_integration(each) for each in shown if call.reaches(each.integration_id)]
    return json_reply(call.request_id, IntegrationPage(reached, following))


@operation("GET", _ADDRESS, answer=ANY_INTEGRATION, codes=("integration_not_found",), limited=True)
async def read_integration(call: Call) -> Reply:
    """Read an integration."""
    return json_reply(call.request_id, answer_integration(await find_integration_of(call)))


@operation(
    "PATCH",
    _ADDRESS,
    answer=ANY_INTEGRATION,
    codes=("integration_not_found", "origin_entry_invalid"),
    reads=INTEGRATION_CHANGES,
)
async def change_integration(call: Call, body: IntegrationChange) -> Reply:
    """Publish the next version of a policy: members that are sent replace those that are there."""
    publication = Publication(
        integration_id=call.part("integration_id"),
        scope=call.scope,
        members=_policy_members(call, ("name",)),
        now_ms=call.now_ms,
        actor=call.api_key.key_id,
        name=body.name or None,
    )
    return json_reply(call.request_id, answer_integration(await publishing.update_integration(call.node.store, publication)))


@operation("DELETE", _ADDRESS, status=204, codes=("integration_not_found",))
async def delete_integration(call: Call) -> Reply:
    """Switch an integration off for good."""
    await remove_integration(call.node.store, call.scope, call.part("integration_id"), call.cause)
    return empty_reply(call.request_id)


@operation(
    "GET", f"{_ADDRESS}/snippet", answer=SnippetAnswer, codes=("integration_not_found", "service_unavailable"), limited=True
)
async def read_snippet(call: Call) -> Reply:
    """Render the snippet for the deployer's page: JSON, or the HTML alone for a caller that accepts `text/html`."""
    record = await find_integration_of(call)
    snippet = render_snippet(record, public_url=call.node.settings.public_url, sdk=load_sdk())
    if b"text/html" in call.sent.get(b"accept", b""):
        # Text to be pasted elsewhere: should a browser show it, nothing in it may run here.
        policy = (b"content-security-policy", b"default-src 'none'; sandbox")
        return Reply(200, [headers.HTML, policy, *headers.api(call.request_id)], snippet.html.encode())
    return json_reply(call.request_id, SnippetAnswer(snippet.html, snippet.samples))


@operation(
    "POST",
    f"{_ADDRESS}/passport_keys",
    answer=MadeKeyAnswer,
    status=201,
    codes=("integration_not_found", "key_limit_reached"),
)
async def create_passport_key(call: Call, body: NewPassportKey) -> Reply:
    """Make a passport key. A symmetric one is shown this once; of a pair only the public half leaves."""
    holder = PassportHolder(call.scope, call.part("integration_id"), body.alg, body.enc, body.label)
    made = await make_key(call.node.store, call.node.sealer, holder, call.cause)
    return json_reply(call.request_id, MadeKeyAnswer(key=answer_key(made.record, call.now_ms), jwk=made.jwk), 201)


@operation("GET", f"{_ADDRESS}/passport_keys", answer=KeyList, codes=("integration_not_found",))
async def list_passport_keys(call: Call) -> Reply:
    """List an integration's passport keys, oldest first, without what opens."""
    record = await find_integration_of(call)
    wanted = KeyFilter(scope=call.scope, purpose="passport", integration_id=record.integration_id)
    records = await call.node.store.read(list_keys, wanted)
    return json_reply(call.request_id, KeyList([answer_key(each, call.now_ms) for each in records]))


async def find_integration_of(call: Call) -> IntegrationRecord:
    """The integration that the address names. Raises NotFoundError `integration_not_found`, also where the key does not reach it."""
    integration_id = call.part("integration_id")
    record = await call.node.store.read(find_ours, (call.scope, integration_id)) if call.reaches(integration_id) else None
    return found(record, "integration_not_found")


def _policy_members(call: Call, own: tuple[str, ...]) -> dict[str, Json]:
    """What is not the integration's own is a member of its policy."""
    return {name: value for name, value in call.members.items() if name not in own}


OPERATIONS = (
    create_integration,
    list_integrations,
    read_integration,
    change_integration,
    delete_integration,
    read_snippet,
    create_passport_key,
    list_passport_keys,
)
