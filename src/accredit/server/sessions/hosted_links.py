"""Links to the page of one session, for a window or web view that has no frame around it (protocol-boot.md section 5).

The key of a link is a MAC of the session's id under a key of the server, so that nothing is stored of it.
"""

from hmac import compare_digest

from accredit.server.keyring.sealing import Sealer


def hosted_link(sealer: Sealer, public_url: str, session_id: str) -> str:
    """The absolute address of a session's page; it is good until the session ends."""
    return f"{public_url}/verify/{session_id}?key={_key(sealer, session_id)}"


def link_holds(sealer: Sealer, session_id: str, key: str) -> bool:
    """Whether the key, 64 lower-case hex digits, is the one of that session's link."""
    return compare_digest(key.encode("utf-8", "replace"), _key(sealer, session_id).encode("ascii"))


def _key(sealer: Sealer, session_id: str) -> str:
    return sealer.server_mac("hosted_link", session_id.encode("ascii")).hex()
