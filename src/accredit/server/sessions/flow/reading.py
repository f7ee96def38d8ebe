"""Finding a session: for its account, by its customer, and by the id alone."""

from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.flow.record import FlowSession, customer_hash, find_newest, find_row


async def load_any(node: Node, session_id: str) -> FlowSession | None:
    """The session of that id as it is stored, of whatever account. Its scope is ready for opening and sealing."""
    return await _ready(node, await node.store.read(find_row, session_id))


async def load_newest(node: Node, scope: Scope, integration_id: str, customer_reference: str) -> FlowSession | None:
    """The newest session of a customer in a template, as it is stored."""
    await node.sealer.ready(scope)
    found = customer_hash(node.sealer, scope, customer_reference)
    return await node.store.read(find_newest, (integration_id, found))


async def _ready(node: Node, session: FlowSession | None) -> FlowSession | None:
    if session is not None:
        await node.sealer.ready(session.scope)
    return session
