"""One request of a person's browser: which session it is for, and which browser asks (protocol-rest.md section 11).

A browser is known by a secret of 128 bits in a cookie, of which a session keeps a hash. In a frame, where cookies may not come back,
the page's own addresses carry the secret as `browser`; the key of its first address could do no less. Forms carry a MAC of it.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from accredit.encoding import b64url_encode
from accredit.errors import MalformedError
from accredit.server import headers
from accredit.server.asgi import HttpScope
from accredit.server.forms import parse_form
from accredit.server.node import Node
from accredit.server.sessions.rest.record import RestSession, nonce_hash

# 16 octets as canonical base64url: the last character carries two bits.
_SECRET = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_LANGUAGE, _NONCE = "accredit_language", "accredit_nonce"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that a session belongs to. by_cookie: else its secret goes along in addresses."""

    secret: str = field(repr=False)
    by_cookie: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A request as far as every page needs it. query: each name once. language: a tag that the person chose, None before that."""

    node: Node
    request_id: str
    address: str
    sent: Mapping[bytes, bytes] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    now_ms: int

    @property
    def language(self) -> str | None:
        """What the person chose: in this address, or before."""
        return self.query.get("language") or self.cookies.get(_LANGUAGE)

    @property
    def accept_language(self) -> str:
        """What the browser is set to."""
        return self.sent.get(b"accept-language", b"").decode("latin-1")

    @property
    def user_agent(self) -> str | None:
        """What the browser calls itself."""
        agent = self.sent.get(b"user-agent")
        return None if agent is None else agent.decode("latin-1")

    @property
    def is_ahead(self) -> bool:
        """Whether nobody looks at the page yet: a prefetch, a preview (Fetch, `Sec-Purpose`, and what older browsers send)."""
        purposes = b" ".join(self.sent.get(name, b"") for name in (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"))
        return any(word in purposes.lower() for word in (b"prefetch", b"prerender", b"preview"))

    def cookie_for(self, session: RestSession) -> str | None:
        """The secret in the cookie that sessions of this flow use; None without one, or if it cannot be ours."""
        shown = self.cookies.get(_cookie_name(self.node, session), "")
        return shown if _SECRET.fullmatch(shown) else None

    def browser_of(self, session: RestSession) -> Browser | None:
        """This browser, if it is the one that the session belongs to."""
        by_cookie = self.cookie_for(session)
        if by_cookie is not None and owns(self.node, session, by_cookie):
            return Browser(by_cookie, by_cookie=True)
        carried = self.query.get("browser", "")
        if session.control.flow == "embedded" and _SECRET.fullmatch(carried) and owns(self.node, session, carried):
            return Browser(carried, by_cookie=False)
        return None

    def nonce_of(self, session: RestSession) -> str | None:
        """The session's nonce, if this browser was told it when it finished."""
        nonce = self.cookies.get(_NONCE) or self.query.get("nonce", "")
        right = session.nonce_hash is not None and compare_digest(nonce_hash(nonce), session.nonce_hash)
        return nonce if right else None


def read_visit(node: Node, scope: HttpScope) -> Visit:
    """The request; a query that cannot be read is none."""
    try:
        query = parse_form(scope["query_string"])
    except MalformedError:
        query = {}
    return Visit(
        node=node,
        request_id=scope["request_id"],
        address=scope["address"],
        sent=dict(scope["headers"]),
        cookies=_read_cookies(b"; ".join(value for name, value in scope["headers"] if name == b"cookie")),
        query=query,
        now_ms=node.clock(),
    )


def _read_cookies(header: bytes) -> dict[str, str]:
    """By name (RFC 6265 section 5.4); of two with one name the first, whose path is longer."""
    pairs = (pair.strip().partition("=") for pair in reversed(header.decode("latin-1").split(";")))
    return {name: value for name, _, value in pairs}


def new_secret() -> str:
    """The secret of a browser that has none yet."""
    return secrets.token_urlsafe(16)


def browser_hash(node: Node, session: RestSession, secret: str) -> bytes:
    """What the session keeps of its browser."""
    return node.sealer.lookup_hash(session.scope, "rest_browser", f"{session.session_id} {secret}")


def owns(node: Node, session: RestSession, secret: str) -> bool:
    """Whether the session belongs to the browser with that secret."""
    return session.browser_hash is not None and compare_digest(browser_hash(node, session, secret), session.browser_hash)


def form_token(node: Node, session: RestSession, browser: Browser) -> str:
    """What only a page of ours in that browser can post: another site's form would not know it."""
    return b64url_encode(node.sealer.lookup_hash(session.scope, "rest_form", f"{session.session_id} {browser.secret}")[:16])


def kept_in_addresses(visit: Visit, browser: Browser, nonce: str | None = None) -> dict[str, str]:
    """What goes along from page to page in a browser that returns no cookie."""
    if browser.by_cookie:
        return {}
    kept = {
        "browser": browser.secret,
        "language": visit.query.get("language", ""),
        "nonce": nonce or visit.query.get("nonce", ""),
    }
    return {name: value for name, value in kept.items() if value}


def browser_cookie(node: Node, session: RestSession, secret: str) -> headers.Headers:
    """The line that makes a browser known. It ends with the browser, and serves all sessions of this flow."""
    return [_set_cookie(node, session, _cookie_name(node, session), secret, "/")]


def language_cookie(node: Node, session: RestSession, tag: str) -> headers.Headers:
    """The line that remembers a language for the pages of one session."""
    return [_set_cookie(node, session, _LANGUAGE, tag, page_path(node, session.session_id))]


def nonce_cookie(node: Node, session: RestSession, nonce: str) -> headers.Headers:
    """The line that lets the browser that finished show its nonce again."""
    return [_set_cookie(node, session, _NONCE, nonce, page_path(node, session.session_id))]


def page_path(node: Node, session_id: str) -> str:
    """The path of a session's page, as browsers see it."""
    return f"{node.settings.public_path}/auth/session/{session_id}"


def _is_secure(node: Node) -> bool:
    return node.settings.public_url.startswith("https:")


def _cookie_name(node: Node, session: RestSession) -> str:
    """`__Host-` wants TLS; without it, on this machine alone, the name has no prefix. Frames have a jar of their own."""
    kind = "frame" if session.control.flow == "embedded" else "browser"
    return f"{'__Host-' if _is_secure(node) else ''}accredit_{kind}"


def _set_cookie(node: Node, session: RestSession, name: str, value: str, path: str) -> tuple[bytes, bytes]:
    # Browsers take `Secure` from a loopback address without TLS too; where one does not, the addresses carry the secret.
    if session.control.flow == "embedded":
        attributes = "SameSite=None; Secure; Partitioned"
    else:
        attributes = f"SameSite=Lax{'; Secure' if _is_secure(node) else ''}"
    return b"set-cookie", f"{name}={value}; Path={path}; HttpOnly; {attributes}".encode("ascii")
