"""The flow door's scenarios: users who are verified once, what is tried with references and calls, and the webhooks of it all."""

from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios import applicants, users
from accredit.server.demo.scenarios.scenario import Group, Outcome, Play, Scenario
from accredit.server.demo.scenarios.showing import refused
from accredit.server.demo.scenarios.users import Attack

_LESLIE = Outcome("success", who="Leslie Knope")


def _shown(group: Group, scenario_id: str, title: str, *expected: Outcome, play: Play, deed: str, lesson: str) -> Scenario:
    return Scenario(scenario_id, "flow", group, title, deed, lesson, expected, play, "exchange")


def _tried(attack: Attack) -> Play:
    async def play(demo: Demo) -> tuple[Outcome, ...]:
        return await attack(demo, demo.exchange_desk())

    return play


SCENARIOS = (
    _shown(
        "works",
        "flow_modal",
        "In a window",
        Outcome("created"),
        _LESLIE,
        play=applicants.use_modal,
        deed="The exchange’s server signs who its user is, and its page opens a window in which the user goes through the steps.",
        lesson="The snippet is the published design’s, with another address and other keys. What counts is what the server says.",
    ),
    _shown(
        "works",
        "flow_token",
        "With a token",
        Outcome("created"),
        _LESLIE,
        play=applicants.use_token,
        deed="In the place of the signature stands a token: for one user, one template, this site, ten minutes, one session.",
        lesson="The original’s signature proves who, for ever and anywhere. A token says for what as well, and ends.",
    ),
    _shown(
        "works",
        "flow_link",
        "By a link",
        Outcome("active after the scan"),
        _LESLIE,
        play=applicants.use_link,
        deed="The exchange’s backend makes a session by the signed API, and sends the person its link. A mail scanner is first.",
        lesson="Fetching a link changes nothing. The person presses a button, and only then the key in the link is used.",
    ),
    _shown(
        "works",
        "flow_failed",
        "A user who fails",
        Outcome("created"),
        Outcome("failed", who="Leslie Gergich"),
        play=applicants.fail,
        deed="The user gives the name Gergich, which the sandbox does not find.",
        lesson="The window says that it ended, and not why. The exchange reads which step failed.",
    ),
    _shown(
        "works",
        "flow_hooks",
        "Webhooks",
        Outcome("session.success, success"),
        Outcome("flow_session.status.updated, success"),
        Outcome("success"),
        play=_tried(users.hear),
        deed="A session goes through all steps. Two endpoints of the exchange are told: one of each kind.",
        lesson="Verify the raw body first, drop what comes twice, then ask for the session: a webhook says that it is time to.",
    ),
    _shown(
        "attack",
        "flow_reference",
        "Somebody else’s reference",
        Outcome("created"),
        refused("mac_mismatch"),
        play=_tried(users.take_reference),
        deed="A user edits the page: another user’s reference, beside the signature of their own.",
        lesson="The signature is over the reference. The exchange signs it for whoever is signed in, and for nobody else.",
    ),
    _shown(
        "attack",
        "flow_forged",
        "A forged signature",
        refused("mac_mismatch"),
        refused("jws_signature_invalid"),
        play=_tried(users.forge_signature),
        deed="Somebody signs a victim’s reference with a secret that they made up: as the original does, then as a token.",
        lesson="The page hears the same for a wrong signature, an unknown template and a revoked key. The owner sees which.",
    ),
    _shown(
        "attack",
        "flow_downgrade",
        "A laxer template",
        Outcome("success"),
        Outcome("not_verified"),
        Outcome("token_template_mismatch", "token_template_mismatch"),
        play=_tried(users.downgrade),
        deed="A user edits the page: the template of the newsletter, which asks for a click, instead of the one for trading.",
        lesson="The original’s signature names no template, so the backend has to compare it. A token is good for one only.",
    ),
    _shown(
        "attack",
        "flow_second",
        "A second attempt",
        Outcome("failed"),
        Outcome("resumed, failed"),
        Outcome("session_already_exists"),
        Outcome("verify_email is kept"),
        play=_tried(users.try_again),
        deed="A user was not found under the name that they gave, and comes back to try another one.",
        lesson="A user has one session of a template. Only the exchange opens another, and says which steps are to be done again.",
    ),
    _shown(
        "attack",
        "flow_replayed",
        "A call recorded",
        Outcome("one retry"),
        Outcome("digest_mismatch"),
        Outcome("date_out_of_range"),
        play=_tried(users.replay_call),
        deed="Somebody records the exchange’s signed request for a retry, and sends it again, changed, and later.",
        lesson="A signed request takes effect once, says what it says, and is good for less than a quarter of an hour.",
    ),
    _shown(
        "attack",
        "flow_hook_forged",
        "A forged webhook",
        Outcome("webhook_signature_mismatch"),
        Outcome("mac_mismatch"),
        Outcome("webhook_headers_missing"),
        Outcome("passed"),
        play=_tried(users.forge_hook),
        deed="Somebody tells the exchange that they were verified: with a made-up key, as the original signs, and unsigned.",
        lesson="An address that takes webhooks is public. Accredit’s probe tells an owner whether their receiver really looks.",
    ),
    _shown(
        "mistake",
        "flow_unsigned",
        "Not signed at all",
        Outcome("signature_required", "signature_required"),
        play=_tried(users.leave_out),
        deed="The page passes its user’s reference as the first steps of a manual have it, without a signature.",
        lesson="The template requires signed requests, so nobody is verified under a name that they chose.",
    ),
    _shown(
        "mistake",
        "flow_limit",
        "The hundredth session",
        Outcome("unsigned_session_limit_reached", "unsigned_session_limit_reached"),
        Outcome("signature_required", "signature_required"),
        Outcome("created"),
        play=_tried(users.exceed_limit),
        deed="In live a template does not require signatures, and its pages open a hundred sessions. Then the owner requires them.",
        lesson="What is not signed is for trying out. The setting decides at once, on every node, and the signed go on.",
    ),
)
