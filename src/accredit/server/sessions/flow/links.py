"""Hosted links: the address at which a person goes on without the deployer's page (protocol-flow.md section 10).

A key is a MAC of the session's id and the link's number under the account's key, so nothing is stored of it, and the API can show the
link again. A new number is a new key, and the one before holds no more; 0 is no link.
"""

from hmac import compare_digest

from accredit.server.keyring.sealing import Sealer
from accredit.server.node import Node
from accredit.server.sessions.flow.record import FlowSession


def shareable_url(node: Node, session: FlowSession) -> str | None:
    """The session's link, None where it has none. The sealer is ready."""
    if not session.link:
        return None
    mark = "#" if session.control.hosted_key_in == "fragment" else "?"
    return f"{node.settings.public_url}/verify/{session.session_id}{mark}key={_key(node.sealer, session)}"


def link_holds(sealer: Sealer, session: FlowSession, key: str) -> bool:
    """Whether the key, 64 lower-case hex digits, is that of the session's present link. The sealer is ready."""
    # The work is the same without a link, so that time tells not whether there is one.
    return compare_digest(key.encode("utf-8", "replace"), _key(sealer, session).encode("ascii")) and session.link > 0


def _key(sealer: Sealer, session: FlowSession) -> str:
    return sealer.lookup_hash(session.scope, "flow_link", f"{session.session_id}\0{session.link}").hex()
