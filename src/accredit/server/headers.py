"""Response headers: one place for the Content-Security-Policy and its companions.

CSP Level 3, Referrer Policy, Fetch Metadata; protocol-embed.md section 9. Values are bytes, as ASGI sends them.
"""

from functools import lru_cache

Headers = list[tuple[bytes, bytes]]

HTML = (b"content-type", b"text/html; charset=utf-8")
PROBLEM = (b"content-type", b"application/problem+json")
JSON = (b"content-type", b"application/json")
EVENT_STREAM = (b"content-type", b"text/event-stream")
API_JSON = (b"content-type", b"application/vnd.api+json")
NO_STORE = (b"cache-control", b"no-store")
NO_SNIFF = (b"x-content-type-options", b"nosniff")


def framed(request_id: str, ancestors: str, *, referrer_policy: str = "no-referrer") -> Headers:
    """Headers of an answer that stands in a frame and has no body of its own. ancestors: CSP source list of `frame-ancestors`."""
    return [
        (b"content-security-policy", _bare_policy(ancestors)),
        (b"referrer-policy", referrer_policy.encode("ascii")),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"x-request-id", request_id.encode("ascii")),
        NO_STORE,
        NO_SNIFF,
    ]


@lru_cache
def _bare_policy(ancestors: str) -> bytes:
    return f"default-src 'none'; base-uri 'none'; frame-ancestors {ancestors}".encode("ascii")


def framed_page(request_id: str, ancestors: str, nonce: str, *, referrer_policy: str = "no-referrer") -> Headers:
    """Headers of a page in a frame whose own script and style carry the nonce."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src 'self';"
        f" base-uri 'none'; frame-ancestors {ancestors}"
    )
    headers = framed(request_id, ancestors, referrer_policy=referrer_policy)
    headers[0] = (b"content-security-policy", policy.encode("ascii"))
    return [*headers, HTML]


def flow_page(request_id: str, ancestors: str, nonce: str) -> Headers:
    """Headers of a page of the flow door (protocol-flow.md sections 5 and 10): its script calls us alone, and no form is sent."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src 'self';"
        f" form-action 'none'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    headers = framed(request_id, ancestors)
    headers[0] = (b"content-security-policy", policy.encode("ascii"))
    return [*headers, HTML]


def person_page(request_id: str, ancestors: str, nonce: str, *, plain_http: bool) -> Headers:
    """Headers of a page that a person sees at the rest door (protocol-rest.md section 11).

    Forms end at our own addresses and, by way of redirects, at providers and callbacks; plain_http: also at those without TLS.
    """
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self';"
        f" form-action 'self' https:{' http:' if plain_http else ''}; base-uri 'none'; frame-ancestors {ancestors}"
    )
    return [(b"content-security-policy", policy.encode("ascii")), (b"referrer-policy", b"no-referrer"), HTML, *api(request_id)]


def api(request_id: str) -> Headers:
    """Headers of an answer to a backend."""
    return [(b"x-request-id", request_id.encode("ascii")), NO_STORE, NO_SNIFF]


def stream(request_id: str) -> Headers:
    """Headers of server-sent events. X-Accel-Buffering: nginx passes each one on as it comes."""
    return [EVENT_STREAM, (b"x-accel-buffering", b"no"), *api(request_id)]


def key_generator(request_id: str) -> Headers:
    """Headers of the page that makes key pairs: no script of it may tell anybody anything (protocol-rest.md section 16)."""
    policy = (
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'none'; form-action 'none';"
        b" frame-ancestors 'none'"
    )
    return [(b"content-security-policy", policy), (b"referrer-policy", b"no-referrer"), HTML, *api(request_id)]


def page(request_id: str, *, script_src: str = "'none'") -> Headers:
    """Headers of a page of ours that nobody frames: documentation, invitations."""
    policy = (
        f"default-src 'none'; script-src {script_src}; style-src 'self'; img-src 'self'; connect-src 'none'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    return [(b"content-security-policy", policy.encode("ascii")), (b"referrer-policy", b"no-referrer"), HTML, *api(request_id)]
