"""What a person's page has around its content: who asks, in whose colours, in which language, and who may frame it."""

from accredit.server.doors.owners import load_owner
from accredit.server.doors.rest.visits import Browser, Visit, form_token, kept_in_addresses, page_path
from accredit.server.hosted.rest.views import Message, OfferedProvider, Surroundings
from accredit.server.hosted.wording import Language, choose_language
from accredit.server.providers.records import ProviderRecord
from accredit.server.sessions.rest.record import Open, RestSession
from accredit.server.sessions.rest.statuses import WIRE
from accredit.server.themes.look import DEFAULT_LOOK


def language_of(visit: Visit, session: RestSession | None, part: Open | None = None) -> Language:
    """What the person chose, else what the session was created with, else what the browser is set to."""
    kept = None if part is None else part.language
    asked = None if session is None else session.control.language
    return choose_language((visit.language, kept, asked), visit.accept_language)


def bare_surroundings(visit: Visit, session_id: str | None) -> Surroundings:
    """Of a page that must not tell whether there is such a session."""
    page = "" if session_id is None else page_path(visit.node, session_id)
    language = language_of(visit, None)
    return Surroundings(visit.request_id, language, DEFAULT_LOOK, visit.now_ms, page=page)


async def surroundings_of(visit: Visit, session: RestSession, part: Open, browser: Browser) -> Surroundings:
    """Of a page that is shown to the browser that the session belongs to."""
    node, control = visit.node, session.control
    owner = await load_owner(node, session.scope, control.theme_id)
    return Surroundings(
        request_id=visit.request_id,
        language=language_of(visit, session, part),
        look=owner.look,
        now_ms=visit.now_ms,
        page=page_path(node, session.session_id),
        kept=kept_in_addresses(visit, browser),
        token=form_token(node, session, browser),
        who=owner.name,
        domain=control.request_domain,
        logo=owner.logo,
        sandbox=session.environment == "sandbox",
        expires_ms=session.expires_ms if session.is_open(visit.now_ms) else None,
        ancestors=" ".join(parents_of(session)) or "'none'",
        plain_http=session.environment == "sandbox",
    )


def parents_of(session: RestSession) -> tuple[str, ...]:
    """Who may frame the page, as sources of Content-Security-Policy; in sandbox an embedded session without a list takes any."""
    if session.control.flow != "embedded":
        return ()
    anybody = ("*",) if session.environment == "sandbox" else ()
    return session.control.parents or anybody


def message_of(session: RestSession, nonce: str | None) -> Message | None:
    """What the page around a frame is told at the end; None where there is none."""
    parents = parents_of(session)
    if not parents:
        return None
    told = {"accredit": 1, "door": "rest", "type": "session", "sessionId": session.session_id, "status": WIRE[session.status]}
    return Message(parents, {**told, **({} if nonce is None else {"sessionNonce": nonce})})


def shown(record: ProviderRecord) -> OfferedProvider:
    """A provider as people see it."""
    return OfferedProvider(record.provider_id, record.display_name, record.logo)
