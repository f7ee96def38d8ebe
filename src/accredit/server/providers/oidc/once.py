"""What is fresh in each authorization request: `state`, `nonce` and the PKCE verifier, 256 random bits each.

`state` also names the session, so that the browser's return finds it; only hashes of it and of the nonce are kept.

    once = Once.fresh(asked.session_id)
    once.state                          # 64 characters, into the request
    once.kept(pkce=True)                # into the state of the step
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Self

from accredit.encoding import Json, b64url_decode, b64url_encode
from accredit.server.providers.oidc.tokens import hash_text
from accredit.server.providers.provider import State

_SESSION_BYTES, _STATE_BYTES = 16, 48


@dataclass(frozen=True, slots=True)
class Once:
    """The values of one request. challenge: S256 of the verifier (RFC 7636 section 4.2)."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def fresh(cls, session_id: str) -> Self:
        """Values for a request of this session."""
        state = b64url_encode(uuid.UUID(session_id).bytes + secrets.token_bytes(_STATE_BYTES - _SESSION_BYTES))
        return cls(state, secrets.token_urlsafe(32), secrets.token_urlsafe(32))

    @property
    def challenge(self) -> str:
        """What goes into the request for the verifier."""
        return b64url_encode(hashlib.sha256(self.verifier.encode("ascii")).digest())

    def kept(self, *, pkce: bool) -> dict[str, Json]:
        """What the session keeps; the verifier only where the provider was told its challenge."""
        hashes: dict[str, Json] = {"state": hash_text(self.state), "nonce": hash_text(self.nonce)}
        return {**hashes, "verifier": self.verifier} if pkce else hashes


def is_state_of(kept: State, state: str) -> bool:
    """Whether this is the `state` of the request that was kept."""
    known = kept.get("state")
    return isinstance(known, str) and hmac.compare_digest(known, hash_text(state))


def find_session_id(state: str) -> str | None:
    """The session that a `state` names; unchecked, `come_back` judges the whole of it."""
    try:
        octets = b64url_decode(state)
    except ValueError:
        return None
    return str(uuid.UUID(bytes=octets[:_SESSION_BYTES])) if len(octets) == _STATE_BYTES else None
