"""What the person's pages show, as values: filled in by the door, read by the templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from accredit.server.hosted.wording import Language
from accredit.server.themes.look import Look


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every page has around its content.

    page: the path of the session's page; empty where there is none to come back to. kept: the query that goes along from page to
    page. token: of the page's forms. who: who asks; empty where that is nobody's business. domain: `requestDomain`. expires_ms: None
    once the session has ended. ancestors: who may frame it, as a source list. plain_http: forms may end at http addresses: sandbox.
    """

    request_id: str
    language: Language
    look: Look
    now_ms: int
    page: str = ""
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)
    who: str = ""
    domain: str | None = None
    logo: str | None = None
    sandbox: bool = False
    expires_ms: int | None = None
    ancestors: str = "'none'"
    plain_http: bool = False

    def address(self, verb: str = "", **changed: str) -> str:
        """The path of a form of this page, or of the page itself, with its query; an empty value leaves a parameter out."""
        query = urlencode({name: value for name, value in {**self.kept, **changed}.items() if value})
        return f"{self.page}{verb and f'/{verb}'}{query and f'?{query}'}"


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """A provider that the person may choose. logo: a `data:` URL."""

    provider_id: str
    name: str
    logo: str | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person is asked to agree to. sealed: the answer is encrypted to the caller's key."""

    provider: OfferedProvider
    attributes: tuple[str, ...]
    sealed: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What pages that frame us are told. parents: sources of Content-Security-Policy, `*` for any. body: JSON object."""

    parents: tuple[str, ...]
    body: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended. status: as inside. detail: the code of the reason. next_url: where the browser may go on,
    None for nowhere. at_once: it goes there by itself.
    """

    status: str
    detail: str | None
    provider: str
    next_url: str | None = field(repr=False)
    at_once: bool = False
    message: Message | None = None
