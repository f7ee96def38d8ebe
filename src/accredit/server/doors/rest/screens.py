"""What the page of an open session shows: the choice, consent, the provider's screen, or the way on (protocol-rest.md section 11)."""

from collections.abc import Sequence
from dataclasses import replace

from accredit.server.doors.rest.endings import end, go_to, go_to_page
from accredit.server.doors.rest.surroundings import language_of, shown, surroundings_of
from accredit.server.doors.rest.visits import Browser, Visit
from accredit.server.hosted.pages import Page
from accredit.server.hosted.rest.pages import choice_page, consent_page, resume_page, screen_page, waiting_page
from accredit.server.hosted.rest.views import Consent
from accredit.server.providers.records import ProviderRecord, find_providers
from accredit.server.sessions.rest.attempts import Advanced, start_attempt
from accredit.server.sessions.rest.changing import note_page
from accredit.server.sessions.rest.finishing import fail
from accredit.server.sessions.rest.record import Open, RestSession, load_open


async def show_open(visit: Visit, session: RestSession, browser: Browser) -> Page:
    """The page as the session stands. Where there is nothing to choose or to agree to, it goes straight on to the provider."""
    part = load_open(visit.node.sealer, session)
    offers = await find_offers(visit, session)
    chosen = next((each for each in offers if each.provider_id == session.provider_id), None)
    if part.step is None or chosen is None:
        return await _offer(visit, session, browser, part, offers)
    around = await surroundings_of(visit, session, part, browser)
    if is_waiting(part):
        return waiting_page(around, chosen.display_name)
    if part.step.kind == "redirect":
        return resume_page(around, shown(chosen), alone=len(offers) == 1)
    values = dict(part.step.values)
    if values.get("resend_after_s"):
        values["resend_after_s"] = max(0, values["resend_after_s"] - (visit.now_ms - session.updated_ms) // 1000)
    return screen_page(around, f"{chosen.kind}/{part.step.screen}", chosen.display_name, values)


def is_waiting(part: Open) -> bool:
    """Whether there is nothing for the person to do."""
    return part.step is not None and (part.step.kind == "waiting" or part.step.screen == "waiting")


async def find_offers(visit: Visit, session: RestSession) -> list[ProviderRecord]:
    """The providers that the person may choose, in their order; those that were switched off meanwhile are not among them."""
    known = {record.provider_id: record for record in await find_providers(visit.node, session.scope) if record.enabled}
    return [known[provider_id] for provider_id in session.control.offered if provider_id in known]


async def _offer(visit: Visit, session: RestSession, browser: Browser, part: Open, offers: Sequence[ProviderRecord]) -> Page:
    if not offers:
        return end(visit, await fail(visit.node, session, "provider_unavailable"), browser, part.session_nonce)
    only = offers[0] if len(offers) == 1 else None
    wanted = only or next((each for each in offers if each.provider_id == visit.query.get("provider")), None)
    if wanted is not None and needs_consent(session, part):
        around = await surroundings_of(visit, session, part, browser)
        # In another language the same is asked.
        around = replace(around, kept={**around.kept, "provider": wanted.provider_id})
        sealed = session.key_jwk is not None
        return consent_page(around, Consent(shown(wanted), session.control.requested_attributes, sealed))
    if only is not None and _starts_quietly(only, part):
        return await begin(visit, session, browser, part, only.provider_id)
    return choice_page(await surroundings_of(visit, session, part, browser), [shown(each) for each in offers])


def needs_consent(session: RestSession, part: Open) -> bool:
    """Whether the person has yet to agree."""
    return session.control.consent and not part.consented


def _starts_quietly(record: ProviderRecord, part: Open) -> bool:
    """Whether starting does nothing that a link scanner should not cause: it must not use up the letters of an address."""
    return not (record.kind == "email_otp" and "email" in part.prefilled)


async def begin(
    visit: Visit, session: RestSession, browser: Browser, part: Open, provider_id: str, *, agreed: bool = False
) -> Page:
    """Begin at a provider, which is told the person's language. Raises ConflictError `session_not_active`; FailureError."""
    language = language_of(visit, session, part).code
    if language != part.language or agreed:
        session = await note_page(visit.node, session, language=language, consented=agreed or None)
    return go_on(visit, browser, await start_attempt(visit.node, session, provider_id), part.session_nonce)


def go_on(visit: Visit, browser: Browser, advanced: Advanced, nonce: str | None) -> Page:
    """Where the browser goes after a step. nonce: of the session, for the browser that finished it."""
    session = advanced.session
    if advanced.redirect is not None:
        return go_to(visit, session, advanced.redirect)
    if not session.is_open(visit.now_ms):
        return end(visit, session, browser, nonce)
    return go_to_page(visit, session, browser)
