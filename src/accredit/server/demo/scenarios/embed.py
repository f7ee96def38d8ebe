"""The embed door's scenarios: signed deployments, what is done to them, and what backends then do with a code."""

from functools import partial

from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios import backends
from accredit.server.demo.scenarios.browser import embed, open_page, outcome_of
from accredit.server.demo.scenarios.scenario import Group, Outcome, Play, Scenario, Site
from accredit.server.demo.visitors import ADA

_ADMITTED = Outcome("admitted", who=ADA.uid)


def _refused(reason: str | None) -> Outcome:
    return Outcome("admission_refused", reason)


async def _visit(demo: Demo, scenario_id: str, site: Site) -> tuple[Outcome, ...]:
    """Open the page and let it make its calls, one after the other."""
    page = await open_page(demo, scenario_id, ADA, site)
    return tuple([await outcome_of(demo, await embed(demo, page, call)) for call in page.calls])


def _shown(
    group: Group, scenario_id: str, title: str, *expected: Outcome, deed: str, lesson: str, site: Site = "bank"
) -> Scenario:
    """A scenario that the audience finds on a site."""
    play = partial(_visit, scenario_id=scenario_id, site=site)
    return Scenario(scenario_id, "embed", group, title, deed, lesson, expected, play, site)


def _between(scenario_id: str, play: Play, title: str, *expected: Outcome, deed: str, lesson: str) -> Scenario:
    """A scenario between backends, without a page."""
    return Scenario(scenario_id, "embed", "backend", title, deed, lesson, expected, play)


SCENARIOS = (
    _shown(
        "works",
        "signed",
        "A signed visit",
        _ADMITTED,
        deed="The bank’s server signs who is at its page, and the page embeds the report with that.",
        lesson="The report’s backend learns the user from Accredit, once, and nothing of it from the browser.",
    ),
    _shown(
        "works",
        "original",
        "A client of the original",
        _ADMITTED,
        deed="The page calls mmob.init with a token that holds properties only, as the published design prints it.",
        lesson="Existing clients come in unchanged. What goes beyond them is switched on for each integration.",
    ),
    _shown(
        "attack",
        "uid_beside_anonymous",
        "A user id added by hand",
        _refused("unsigned_value_refused"),
        deed="The bank signed for a visitor who is not logged in. In the browser somebody adds a user id beside the token.",
        lesson="Who the user is counts only when it is signed. Beside a token that names nobody, it is refused.",
    ),
    _shown(
        "attack",
        "uid_beside_signed",
        "Another user id beside the token",
        _ADMITTED,
        deed="The token names one customer. In the browser somebody sets the field to another.",
        lesson="The signed value wins. The frame opens for the customer who was signed, whatever the browser says.",
    ),
    _shown(
        "attack",
        "no_signature",
        "The signature left out",
        _refused("signed_deployment_required"),
        deed="Somebody embeds with the same properties in plain fields, without a token.",
        lesson="Where the integration requires a signature, fields alone open nothing.",
    ),
    _shown(
        "attack",
        "edited_payload",
        "An edited token",
        _refused("jws_signature_invalid"),
        deed="Somebody decodes the token, writes another customer’s id into it, and keeps the signature.",
        lesson="The signature covers every byte of the payload.",
    ),
    _shown(
        "attack",
        "forged_header",
        "A header that asks for no check",
        _refused(None),
        deed='Somebody replaces the header by {"alg":"none"}, which careless libraries take for “needs no signature”.',
        lesson="The algorithm comes from the key’s record, never from the header. The token names nobody before it can be read.",
    ),
    _shown(
        "attack",
        "foreign_key",
        "Somebody else’s key",
        _refused("jws_key_unknown"),
        deed="Driftwood Deals, a business with a live key of its own, signs a token for the bank’s integration.",
        lesson="A key counts for the deployer that it belongs to, and for nobody else.",
    ),
    _shown(
        "attack",
        "expired_token",
        "A token that was kept",
        _refused("token_expired"),
        deed="Somebody saved a token and shows it a quarter of an hour later.",
        lesson="This integration asks for tokens that live five minutes at most.",
    ),
    _shown(
        "attack",
        "replayed_token",
        "A token used twice",
        _ADMITTED,
        _refused("token_replayed"),
        deed="A page view uses its token. Somebody captures it and posts it once more.",
        lesson="A single-use id is a unique column of the session itself, so even two nodes at the same instant admit one.",
    ),
    _shown(
        "attack",
        "wrong_origin",
        "A copied snippet",
        _refused("origin_not_allowed"),
        deed="Driftwood Deals copies the bank’s snippet, with a fresh token in it, into a site of its own.",
        lesson="The browser names the page’s origin, and only the bank’s is on the list.",
        site="copycat",
    ),
    _shown(
        "attack",
        "wrong_origin_no_referrer",
        "A copy that hides its address",
        _refused("origin_not_allowed"),
        deed="The copy also sets Referrer-Policy: no-referrer, so that the browser sends no origin along.",
        lesson="Accredit’s own page in the frame asks the browser who is around it. No page can choose that answer.",
        site="copycat",
    ),
    _shown(
        "attack",
        "card_in_plain",
        "A card number in the clear",
        _refused("passport_encrypted_only"),
        deed="No attack but a mistake: the bank’s server signs the card number without encrypting it.",
        lesson="A key that the schema declares encrypted_only is refused in plain, so the mistake is found before it costs anybody.",
    ),
    _shown(
        "page",
        "strict_csp",
        "A strict content policy",
        _ADMITTED,
        deed="The page allows scripts by nonce only, no inline style, no eval, and Trusted Types with no policy at all.",
        lesson="The SDK needs no exception.",
    ),
    _shown(
        "page",
        "no_referrer",
        "A page that hides its address",
        _ADMITTED,
        deed="The bank sets Referrer-Policy: no-referrer, so that the browser sends no origin along.",
        lesson="Accredit’s own page in the frame asks the browser once, and the bank is still recognised.",
    ),
    _between(
        "redeem_twice",
        backends.redeem_twice,
        "A code used twice",
        _ADMITTED,
        Outcome("code_unknown"),
        deed="Somebody gives the code of an admitted frame to the backend again.",
        lesson="A code is good once, within 60 seconds.",
    ),
    _between(
        "redeem_as_stranger",
        backends.redeem_as_stranger,
        "A code in other hands",
        Outcome("code_unknown"),
        Outcome("redeemed"),
        deed="Another account’s backend tries a fresh code, then the right backend does.",
        lesson="A code is good for the account of its integration; the wrong key does not burn it.",
    ),
    _between(
        "visit_again",
        backends.visit_again,
        "A user comes back",
        Outcome("one more visit"),
        Outcome("nothing kept"),
        deed="Ada visits, Grace visits, Ada visits again, then somebody anonymous.",
        lesson="User data is kept for each user of an integration; anonymous visitors have none.",
    ),
    _between(
        "stay_anonymous",
        backends.stay_anonymous,
        "Two anonymous visits",
        Outcome("two different ids"),
        deed="The bank signs twice without a user.",
        lesson="Each anonymous visit has an id of its own.",
    ),
    _between(
        "pass_card",
        backends.pass_card,
        "An encrypted card number",
        Outcome("the backend knows it"),
        Outcome("the browser never saw it"),
        deed="The bank encrypts the card number for the report’s backend.",
        lesson="Encrypted values reach the backend and no browser.",
    ),
    _between(
        "renew_session",
        backends.renew_session,
        "A renewal",
        Outcome("renewed", who=ADA.uid),
        Outcome("success"),
        deed="The page brings a fresh token for a frame that is open.",
        lesson="A renewal is a new admission through the whole gate; the old session ends when its code is redeemed.",
    ),
    _between(
        "renew_as_another",
        backends.renew_as_another,
        "A renewal for somebody else",
        _refused("renewal_mismatch"),
        deed="The page brings Grace’s token for Ada’s frame.",
        lesson="A frame never changes hands.",
    ),
    _between(
        "finish",
        backends.finish,
        "A visit that is done",
        Outcome("success"),
        Outcome("nobody in it"),
        deed="The report ends the session, and the owner reads it afterwards.",
        lesson="A session that ended keeps its times and ids, and no personal data.",
    ),
    _between(
        "revoke_key",
        backends.revoke_key,
        "A revoked key",
        _ADMITTED,
        _refused("jws_key_unknown"),
        deed="A second key of the bank signs, is revoked, and signs again.",
        lesson="A revoked key stops at once.",
    ),
    _between(
        "leak_api_key",
        backends.leak_api_key,
        "An API key in a page",
        Outcome("secret_exposed"),
        Outcome("invalid_token"),
        deed="A browser sends an API key to /v1.",
        lesson="A key that arrives from a browser is no secret any more, and is revoked.",
    ),
    _between(
        "hand_in_private_key",
        backends.hand_in_private_key,
        "A private key handed in",
        Outcome("key_private_member"),
        Outcome("key_denied"),
        deed="A deployer hands in a private key, then its public half.",
        lesson="A key that was exposed is refused for good.",
    ),
)
