"""Deployers and their keys (protocol-embed.md section 10)."""

import msgspec

from accredit.server.accounts import deployers as records
from accredit.server.accounts.deployers import Deployer, DeployerChange
from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Label, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.ids import new_deployer_id
from accredit.server.integrations.policy import Id
from accredit.server.times import wire_time


class DeployerAnswer(msgspec.Struct, frozen=True):
    """A business that embeds."""

    deployer_id: str
    name: str
    created_at: str


class DeployerPage(msgspec.Struct, frozen=True):
    """In the order of their ids. next_cursor: null on the last page."""

    deployers: list[DeployerAnswer]
    next_cursor: str | None


class NewDeployer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """deployer_id: made here by default, `cp_` and 21 characters. name: by default the id."""

    deployer_id: Id | None = None
    name: Label = ""


class DeployerName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be changed of a deployer."""

    name: Label


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


@operation("POST", "/v1/deployers", answer=DeployerAnswer, status=201, codes=("deployer_exists",))
async def create_deployer(call: Call, body: NewDeployer) -> Reply:
    """Create a deployer."""
    change = DeployerChange(call.scope, body.deployer_id or new_deployer_id(), body.name, call.cause)
    return json_reply(call.request_id, _answer(await records.create_deployer(call.node.store, change)), 201)


@operation("GET", "/v1/deployers", answer=DeployerPage, codes=("cursor_invalid",))
async def list_deployers(call: Call, query: PageQuery) -> Reply:
    """List deployers in the order of their ids."""
    node, binding = call.node, ListBinding("deployers", call.scope)
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(records.list_deployers, (call.scope, after, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.deployer_id)
    return json_reply(call.request_id, DeployerPage([_answer(each) for each in shown], following))


@operation("GET", "/v1/deployers/{deployer_id}", answer=DeployerAnswer, codes=("deployer_not_found",))
async def read_deployer(call: Call) -> Reply:
    """Read a deployer."""
    record = await call.node.store.read(records.find_deployer, (call.scope, call.part("deployer_id")))
    return json_reply(call.request_id, _answer(found(record, "deployer_not_found")))


@operation("PATCH", "/v1/deployers/{deployer_id}", answer=DeployerAnswer, codes=("deployer_not_found",))
async def change_deployer(call: Call, body: DeployerName) -> Reply:
    """Give a deployer another name."""
    change = DeployerChange(call.scope, call.part("deployer_id"), body.name, call.cause)
    return json_reply(call.request_id, _answer(await records.rename_deployer(call.node.store, change)))


def _answer(deployer: Deployer) -> DeployerAnswer:
    return DeployerAnswer(deployer.deployer_id, deployer.name, wire_time(deployer.created_ms))


OPERATIONS = (create_deployer, list_deployers, read_deployer, change_deployer)
