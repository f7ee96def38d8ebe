"""What an attacker, or a mistake, makes of the call that the utility's server prepared: the calls that the page then makes.

The attacker has a browser, sees all that reaches it, and never has the utility's secret.
"""

import accredit
from accredit.server.demo.boot.signing import ALL_SIGNED, DEBUGGED, LISTED, OPEN
from accredit.server.demo.demo import Demo
from accredit.server.demo.situation import Call
from accredit.server.demo.visitors import Visitor, another_than


def _name(visitor: Visitor) -> str:
    return visitor.email or "an anonymous visitor"


def sign(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack: what the utility's server signed, as it is."""
    desk = demo.identity_desk
    return (Call(desk.call(visitor, desk.sign(visitor.email)), f"The utility’s server signed for {_name(visitor)}"),)


def sign_all(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack: a signature over every field."""
    desk = demo.identity_desk
    fields = desk.call(visitor, desk.sign_all(visitor), ALL_SIGNED)
    return (Call(fields, f"Signed for {_name(visitor)}: each field, and the utility’s origin"),)


def show_origin(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack: the site is on a list, and nothing is signed."""
    return (Call(demo.identity_desk.call(visitor, None, LISTED), f"Nothing signed; the page says {_name(visitor)}"),)


def ask_for_nothing(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack: nothing is signed, and no list is kept."""
    return (Call(demo.identity_desk.call(visitor, None, OPEN), f"Nothing signed; the page says {_name(visitor)}"),)


def leave_out(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """Somebody calls for a customer of their choice, without a signature."""
    victim = another_than(visitor)
    return (Call(demo.identity_desk.call(victim, None), f"No signature; customerInfo says {victim.email}"),)


def guess_secret(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """A signature of the right form, under a secret that somebody made up."""
    victim = another_than(visitor)
    guessed = accredit.IdentitySecret.from_base64(accredit.generate_identity_secret())
    desk = demo.identity_desk.signing_with(guessed)
    return (Call(desk.call(victim, desk.sign(victim.email)), f"Signed for {victim.email} with a secret that was made up"),)


def put_email(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The signature is right for the visitor, and the browser says somebody else."""
    victim, desk = another_than(visitor), demo.identity_desk
    fields = desk.call(victim, desk.sign(visitor.email))
    return (Call(fields, f"Signed for {_name(visitor)}, customerInfo edited to {victim.email}"),)


def change_field(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """All fields are signed, and the browser changes one that is not the e-mail."""
    desk, name = demo.identity_desk, another_than(visitor).passport["first_name"]
    info = {"customerInfo": visitor.customer_info | {"first_name": name}}
    fields = desk.call(visitor, desk.sign_all(visitor), ALL_SIGNED) | info
    return (Call(fields, f"Every field signed, then first_name changed to {name}"),)


def sign_less(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """A signature of the original's form where one over all fields is required."""
    desk = demo.identity_desk
    return (Call(desk.call(visitor, desk.sign(visitor.email, ALL_SIGNED), ALL_SIGNED), "Only ids and e-mail are signed"),)


def keep_too_long(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """A signature that was kept for a quarter of an hour."""
    desk = demo.identity_desk
    return (Call(desk.call(visitor, desk.sign(visitor.email, age_s=900)), "Signed 15 minutes ago, good for one"),)


def replay(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The same signature, twice: its nonce makes it good for one page view."""
    desk = demo.identity_desk
    fields = desk.call(visitor, desk.sign(visitor.email))
    return (
        Call(fields, f"The utility’s server signed for {_name(visitor)}", "First use"),
        Call(fields, "The very same signature, captured and posted again", "Second use"),
    )


def sign_other_spelling(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack but a mistake: the backend signs the e-mail in another case than the page passes."""
    desk, spelled = demo.identity_desk, str(visitor.email).capitalize()
    fields = desk.call(visitor, desk.sign(spelled, DEBUGGED), DEBUGGED)
    return (Call(fields, f"Signed for {spelled}, while the page passes {visitor.email}"),)
