"""The rest door's scenarios: people who are identified in three flows, what is tried with their answers, and what goes wrong."""

from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios import callers, drivers
from accredit.server.demo.scenarios.callers import Attack
from accredit.server.demo.scenarios.scenario import Group, Outcome, Play, Scenario

_AASE, _SOREN, _MARTA = "Åse Synnøve Ødegård", "Søren Kjær", "Märta Östlund"
_AASE_IDENTIFIED = Outcome("SUCCESS", who=_AASE)


def _shown(group: Group, scenario_id: str, title: str, *expected: Outcome, play: Play, deed: str, lesson: str) -> Scenario:
    return Scenario(scenario_id, "rest", group, title, deed, lesson, expected, play, "rental")


def _tried(attack: Attack) -> Play:
    async def play(demo: Demo) -> tuple[Outcome, ...]:
        return await attack(demo, demo.rental_desk())

    return play


SCENARIOS = (
    _shown(
        "works",
        "rest_redirect",
        "There and back",
        _AASE_IDENTIFIED,
        Outcome("not your visit"),
        play=drivers.go_there,
        deed="The rental’s server opens a session and sends the browser to Accredit’s page. The person is identified and sent back.",
        lesson="A browser that comes back proves nothing. The rental reads the session, and only its own key opens the answer.",
    ),
    _shown(
        "works",
        "rest_embedded",
        "In a frame",
        Outcome("invalid_session_nonce"),
        Outcome("SUCCESS", who=_SOREN),
        play=drivers.stay_in_frame,
        deed="Accredit’s page stands in a frame of the rental’s, which nobody else may show. At the end it tells the page around it.",
        lesson="The message brings a nonce. Where it is the one inside the answer, this very browser finished.",
    ),
    _shown(
        "works",
        "rest_headless",
        "Without a page",
        Outcome("SUCCESS", who=_MARTA),
        play=drivers.use_phone,
        deed="The rental draws what the person’s app needs, and asks until the app has answered.",
        lesson="Accredit asks the provider at most once a second, however often it is asked itself.",
    ),
    _shown(
        "works",
        "rest_original",
        "A client of the original",
        Outcome("application/jose"),
        _AASE_IDENTIFIED,
        play=_tried(callers.open_as_original),
        deed="The rental asks as the published design has it: an RSA key without a name, and nothing that goes beyond.",
        lesson="Existing clients come in with another address and other credentials, and decrypt with the library that they have.",
    ),
    _shown(
        "attack",
        "rest_forged",
        "An answer made up",
        Outcome("opened", who="Mallory Moss"),
        Outcome("sealed_invalid"),
        play=_tried(callers.forge),
        deed="Somebody who knows the rental’s public key seals an answer about a person of their choice.",
        lesson="A sealed answer is secret, not genuine. The rental asks for answers that are signed inside, and takes no other.",
    ),
    _shown(
        "attack",
        "rest_swapped",
        "Somebody else’s answer",
        Outcome("sealed_invalid"),
        _AASE_IDENTIFIED,
        play=_tried(callers.swap),
        deed="Two sessions are over. The answer about one is handed in for the other.",
        lesson="The signature inside names account, session and request, and the reader compares all three.",
    ),
    _shown(
        "attack",
        "rest_kept",
        "Yesterday’s answer",
        Outcome("sealed_invalid"),
        play=_tried(callers.keep),
        deed="Somebody kept the answer to an earlier request, and hands it in for a new one.",
        lesson="Each request of the rental’s has a nonce of its own, which the signed answer repeats.",
    ),
    _shown(
        "attack",
        "rest_other_browser",
        "Somebody else’s session",
        Outcome("invalid_session_nonce"),
        Outcome("invalid_session_nonce"),
        _AASE_IDENTIFIED,
        play=_tried(callers.bring_another),
        deed="Somebody is identified, and sends the address that leads back to the rental to a victim, without what is secret in it.",
        lesson="The nonce is told to the browser that finished and to the backend. Without it no answer is given out.",
    ),
    _shown(
        "attack",
        "rest_stranger",
        "Another account asks",
        Outcome("session_not_found"),
        Outcome("invalid_account_id"),
        play=_tried(callers.read_as_stranger),
        deed="A client of another account asks for the rental’s session, first by its id, then under the rental’s account.",
        lesson="Accounts never see each other, and learn nothing of what there is.",
    ),
    _shown(
        "attack",
        "rest_stolen",
        "A stolen server",
        Outcome("nobody’s data"),
        Outcome("the sealed answer"),
        play=_tried(callers.steal_database),
        deed="A person was identified. Somebody copies Accredit’s whole data directory, its root key included.",
        lesson="The answer was sealed to the rental’s key when it was made, and is kept in no other form.",
    ),
    _shown(
        "mistake",
        "rest_private",
        "A private key sent along",
        Outcome("key_private_part"),
        Outcome("key_denied"),
        Outcome("kept nowhere"),
        play=_tried(callers.hand_in_private),
        deed="A developer puts the whole key pair into the request. Then only its public half.",
        lesson="A private key that was sent about is none any more: make a new pair.",
    ),
    _shown(
        "mistake",
        "rest_plain",
        "A key forgotten",
        Outcome("encryption_required"),
        Outcome("ftn is not offered"),
        play=_tried(callers.leave_out_key),
        deed="The rental asks the Finnish Trust Network without a key, and then whoever there is.",
        lesson="Providers that may answer encrypted only are held to it before anybody is asked.",
    ),
    _shown(
        "mistake",
        "rest_exposed",
        "A secret in a page",
        Outcome("ok"),
        Outcome("secret_exposed"),
        Outcome("invalid_client"),
        play=_tried(callers.expose_secret),
        deed="The client secret stands in a page, and its script asks for a token.",
        lesson="A secret that a browser knows is none. It is revoked as it arrives, and its owner is told.",
    ),
    _shown(
        "page",
        "rest_scanned",
        "A mail scanner looks first",
        Outcome("404 for the scanner"),
        _AASE_IDENTIFIED,
        play=_tried(callers.look_first),
        deed="The link to the person’s page was mailed. A scanner opens it before the person does.",
        lesson="The browser that opens the link last has the session.",
    ),
    _shown(
        "backend",
        "rest_retried",
        "A request sent again",
        Outcome("one session"),
        Outcome("idempotency_key_reused"),
        play=_tried(callers.retry),
        deed="The answer to a create request was lost, so the rental sends it again under the same Idempotency-Key.",
        lesson="One key, one session, on every node.",
    ),
    _shown(
        "backend",
        "rest_twice",
        "An answer read twice",
        Outcome("the same octets"),
        Outcome("session_not_active"),
        play=_tried(callers.read_twice),
        deed="A session that is over is read twice, and then cancelled.",
        lesson="What was answered once is what everybody reads, until it is redacted.",
    ),
)
