"""Finding what a command on webhook endpoints is about."""

from accredit.cli.database import Whose
from accredit.server.events.endpoints import find_or_refuse
from accredit.server.events.records import Endpoint
from accredit.server.node import Node


async def find_endpoint(node: Node, whose: Whose, endpoint_id: str) -> Endpoint:
    """The endpoint, with its account's keys ready. Raises NotFoundError `endpoint_not_found`, `account_not_found`."""
    scope = await whose.find(node)
    await node.sealer.ready(scope)
    return await find_or_refuse(node.store, scope, endpoint_id)
