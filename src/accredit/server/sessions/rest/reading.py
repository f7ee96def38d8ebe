"""Finding a session: for its account, by the link that the person was given, and by the id alone."""

from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.rest.links import link_holds
from accredit.server.sessions.rest.record import RestSession, find_row


async def find_rest_session(node: Node, scope: Scope, session_id: str) -> RestSession | None:
    """The session of that id, if it is of that account and environment. Its scope is ready for opening and sealing."""
    session = await find_any(node, session_id)
    return session if session is not None and session.scope == scope else None


async def find_any(node: Node, session_id: str) -> RestSession | None:
    """The session of that id, of whatever account; for a browser, which proves by other means that it may."""
    session = await node.store.read(find_row, session_id)
    if session is not None:
        await node.sealer.ready(session.scope)
    return session


async def find_by_link(node: Node, session_id: str, key: str) -> RestSession | None:
    """The session of a person's link, if its key holds."""
    session = await find_any(node, session_id)
    return session if session is not None and link_holds(node.sealer, session.scope, session_id, key) else None
