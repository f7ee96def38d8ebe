"""Pages of ours that people read outside frames: documentation, invitations, and what is said when such a page cannot be shown.

Server-rendered, without a script, under a policy that allows none.
"""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from accredit.errors import AccreditError
from accredit.server import headers
from accredit.server.api.replies import Reply
from accredit.server.settings import Settings

_TEMPLATES = Environment(
    loader=PackageLoader("accredit.server.api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _prose(text: str) -> Markup:
    """A sentence with `code` in backticks, as docstrings and codes have it."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts))


_TEMPLATES.filters["prose"] = _prose


def page_reply(settings: Settings, request_id: str, template: str, status: int = 200, **values: object) -> Reply:
    """A template as an answer. base: the path that the public URL puts before every address."""
    base = settings.public_path
    body = _TEMPLATES.get_template(template).render(base=base, request_id=request_id, **values)
    return Reply(status, headers.page(request_id), body.encode())


def error_page(settings: Settings, request_id: str, error: AccreditError) -> Reply:
    """What a person is told whose page cannot be shown."""
    return page_reply(settings, request_id, "error.html", error.status, error=error)
