"""Pages and files of the demo's sites: Jinja templates, and headers that allow what each page needs and nothing else."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from accredit.server.demo.addresses import host_of

_TEMPLATES = Environment(
    loader=PackageLoader("accredit.server.demo"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["host"] = host_of
_BASE: Mapping[str, str] = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def page(
    template: str, policy: Mapping[str, str], *, status: int = 200, referrer_policy: str = "", **values: object
) -> HTMLResponse:
    """A template as an answer. policy: CSP directives in place of the strict ones; scripts run by nonce only."""
    nonce = secrets.token_urlsafe(16)
    directives = {**_BASE, "script-src": f"'nonce-{nonce}'", **policy}
    csp = "; ".join(f"{name} {sources}".strip() for name, sources in directives.items())
    lines = {
        "content-security-policy": csp,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **({"referrer-policy": referrer_policy} if referrer_policy else {}),
    }
    body = _TEMPLATES.get_template(template).render(nonce=nonce, csp=csp, **values)
    return HTMLResponse(body, status, lines)


def static_files() -> Mount:
    """The style sheets, scripts and pictures, on each site's own origin."""
    return Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
