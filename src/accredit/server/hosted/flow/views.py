"""What the pages of the flow door show, as values: filled in by the door, read by the templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.encoding import Json
from accredit.server.hosted.wording import Language
from accredit.server.themes.look import DEFAULT_LOOK, Look


@dataclass(frozen=True, slots=True)
class Around:
    """What every page has around its content. who: who asks; empty where that is nobody's business yet. logo: its path.

    ancestors: who may frame the page, as a source list.
    """

    request_id: str
    language: Language
    look: Look = DEFAULT_LOOK
    who: str = ""
    logo: str | None = None
    sandbox: bool = False
    ancestors: str = "'none'"


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen: a template of `screens/` and what it shows. number, count: of the step and of all that are on the way.

    until_ms: when the session ends, None once it has.
    """

    name: str
    values: Mapping[str, Json] = field(repr=False)
    number: int = 0
    count: int = 0
    until_ms: int | None = None
