"""The address of a person's page. Its key is a MAC of the session's id under the account's data key, so nothing is stored of it."""

from hmac import compare_digest

from accredit.encoding import b64url_encode
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer

_KEY_BYTES = 16


def link_key(sealer: Sealer, scope: Scope, session_id: str) -> str:
    """The key of a session's link: 22 base64url characters. The sealer is ready."""
    return b64url_encode(sealer.lookup_hash(scope, "rest_link", session_id)[:_KEY_BYTES])


def page_address(public_url: str, session_id: str) -> str:
    """The address of a session's page, without its key."""
    return f"{public_url}/auth/session/{session_id}"


def authentication_url(sealer: Sealer, scope: Scope, public_url: str, session_id: str) -> str:
    """The address that the person's browser is sent to."""
    return f"{page_address(public_url, session_id)}?key={link_key(sealer, scope, session_id)}"


def link_holds(sealer: Sealer, scope: Scope, session_id: str, key: str) -> bool:
    """Whether the key is the one of that session's link."""
    return compare_digest(key.encode("utf-8", "replace"), link_key(sealer, scope, session_id).encode("ascii"))
