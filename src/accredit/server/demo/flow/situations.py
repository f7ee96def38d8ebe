"""The situations of the exchange's page: those in which a person does something, and what is tried while the page is made."""

from collections.abc import Callable, Mapping
from typing import Any

import accredit
from accredit.server.demo.flow.desk import ExchangeDesk, make_user
from accredit.server.demo.flow.keys import KYC, NEWSLETTER
from accredit.server.demo.scenarios import users
from accredit.server.demo.tried import Tried

Options = Callable[[ExchangeDesk, str], dict[str, Any]]


def _sign(desk: ExchangeDesk, user: str) -> dict[str, Any]:
    return desk.options(user, KYC, desk.sign(user))


# What the page constructs its `Flow` with, for the user of the browser; where something is tried, as whoever tries it edits the page.
OPTIONS: Mapping[str, Options] = {
    "flow_modal": _sign,
    "flow_token": lambda desk, user: desk.options(user, KYC, desk.sign_v2(user)),
    "flow_failed": _sign,
    "flow_reference": lambda desk, user: desk.options(make_user(), KYC, desk.sign(user)),
    "flow_forged": lambda desk, user: desk.options(user, KYC, accredit.sign_reference(users.made_up_secret(desk), user)),
    "flow_downgrade": lambda desk, user: desk.options(user, NEWSLETTER, desk.sign_v2(user)),
    "flow_unsigned": lambda desk, user: desk.options(user, KYC, None),
}

TRIED: Mapping[str, Tried[ExchangeDesk]] = {
    "flow_hooks": Tried(
        users.hear,
        (
            ("Of kind accredit", "Standard Webhooks, verified with the endpoint’s own secret."),
            ("Of kind flow", "The published design’s body and headers, verified with the API secret."),
            ("Asked for", "The session itself, read by a signed request."),
        ),
    ),
    "flow_reference": Tried(
        users.take_reference,
        (
            ("Their own reference", "This is who the exchange signed for."),
            ("Somebody else’s", "The signature does not fit the reference. No session is opened, nor is the victim’s shown."),
        ),
    ),
    "flow_forged": Tried(
        users.forge_signature,
        (
            ("As the original signs", "Held against every live secret of the exchange; none of them made it."),
            ("As a token", "It names the right key. That key did not sign it."),
        ),
    ),
    "flow_downgrade": Tried(
        users.downgrade,
        (
            ("The original’s signature", "Good for any template: a click, and a session that succeeded."),
            ("What the exchange makes of it", "It asks for a session of its own template, and there is none."),
            ("A token", "It names the template for trading, and opens no other."),
        ),
    ),
    "flow_second": Tried(
        users.try_again,
        (
            ("The first attempt", "Every end uses an attempt up."),
            ("The page again", "The same session is shown, at its end. No other is opened."),
            ("The API again", "Nor does the backend make a second one by mistake."),
            ("A retry by the exchange", "A new session, in which what was passed is not asked again."),
        ),
    ),
    "flow_replayed": Tried(
        users.replay_call,
        (
            ("Sent again to the letter", "The first answer, marked as a repetition. Nothing happens twice."),
            ("With another user in it", "The signature covers a digest of the body."),
            ("A quarter of an hour later", "Its date is covered too."),
        ),
    ),
    "flow_hook_forged": Tried(
        users.forge_hook,
        (
            ("With a secret made up", "Not signed under the endpoint’s secret."),
            ("As the original signs", "Not under the API secret either."),
            ("Without a signature", "Nothing to verify, so nothing to believe."),
            ("Accredit’s own probe", "The genuine request was taken, four forged ones were not."),
        ),
    ),
    "flow_unsigned": Tried(users.leave_out, (("Without a signature", "The window does not open, and the console says why."),)),
    "flow_limit": Tried(
        users.exceed_limit,
        (
            ("The next one, unsigned", "A hundred sessions were opened from pages, and signatures are not required."),
            ("Once they are required", "Whoever does not sign stays out, as ever."),
            ("The next one, signed", "No limit holds for it."),
        ),
    ),
}
