"""What an attacker, or a mistake, makes of the call that the bank's server prepared: the calls that the page then makes.

The attacker has a browser, sees all that reaches it, and never has the bank's private key.
"""

from dataclasses import replace

import accredit
from accredit.encoding import b64url_decode, b64url_encode, compact_json, parse_json
from accredit.server.demo.demo import Demo
from accredit.server.demo.embed.signing import DEPLOYER_ID, LIFETIME_S, OWNER_ID, STRICT
from accredit.server.demo.situation import Call
from accredit.server.demo.visitors import Visitor, another_than


def _name(visitor: Visitor) -> str:
    return visitor.uid or "an anonymous visitor"


def sign(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack: what the bank's server signed, as it is."""
    return (Call({"signed_deployment": demo.desk.sign(visitor)}, f"The bank’s server signed for {_name(visitor)}"),)


def sign_original(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack: a token as the published design prints it."""
    token = demo.desk.sign_original(visitor)
    return (Call({"signed_deployment": token}, f"Signed for {_name(visitor)}: header {{alg: ES512}}, no claims"),)


def put_uid_beside_anonymous(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The token names nobody, and the browser adds a user of its choice."""
    victim = another_than(visitor).uid
    return (Call({"signed_deployment": demo.desk.sign(visitor), "uid": victim}, f"Anonymous token, plus uid {victim} by hand"),)


def put_uid_beside_signed(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The token names the visitor, and the browser says somebody else."""
    victim = another_than(visitor).uid
    fields = {"signed_deployment": demo.desk.sign(visitor), "uid": victim}
    return (Call(fields, f"Token for {visitor.uid}, plus uid {victim} by hand"),)


def drop_signature(_demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The same properties, unsigned: what the snippet looked like before signing was required."""
    victim = another_than(visitor)
    ids = {"deployer_id": DEPLOYER_ID, "integration_id": STRICT, "owner_id": OWNER_ID}
    fields = ids | {"uid": victim.uid, "data_passport": dict(victim.passport)}
    return (Call(fields, f"No token; uid {victim.uid} and a passport in plain fields"),)


def edit_payload(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """Another user is written into the signed payload, under the signature that was made for the first."""
    victim = another_than(visitor).uid
    header, payload, signature = demo.desk.sign(visitor).split(".")
    properties = parse_json(b64url_decode(payload), max_depth=3)
    assert isinstance(properties, dict)
    token = f"{header}.{b64url_encode(compact_json(properties | {'uid': victim}))}.{signature}"
    return (Call({"signed_deployment": token}, f"Payload edited to uid {victim}, signature kept"),)


def forge_header(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The header says that no signature is needed."""
    _header, payload, signature = demo.desk.sign(another_than(visitor)).split(".")
    token = f"{b64url_encode(compact_json({'alg': 'none'}))}.{payload}.{signature}"
    return (Call({"signed_deployment": token}, "Header replaced by {alg: none}"),)


def use_foreign_key(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """Another deployer of the same owner signs for the bank's integration, with a key that is registered and live."""
    victim = another_than(visitor)
    properties = demo.desk.properties(victim)
    token = accredit.sign_deployment(
        properties,
        demo.keys.driftwood,
        now=demo.desk.now(),
        lifetime_s=LIFETIME_S,
        audience=demo.addresses.accredit,
        origins=[demo.addresses.bank],
    )
    return (Call({"signed_deployment": token}, f"Driftwood Deals signed for {victim.uid} with its own key"),)


def keep_too_long(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """A token that was kept for a quarter of an hour."""
    return (Call({"signed_deployment": demo.desk.sign(visitor, age_s=900)}, "Signed 15 minutes ago, good for 5"),)


def replay(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """The same token, twice: its jti makes it good for one page view."""
    fields = {"signed_deployment": demo.desk.sign(visitor)}
    return (
        Call(fields, f"The bank’s server signed for {_name(visitor)}", "First use"),
        Call(fields, "The very same token, captured and posted again", "Second use"),
    )


def leave_card_plain(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """No attack but a mistake: the bank signs the card number in plain, so that every browser on the way could read it."""
    careless = replace(visitor, passport={**visitor.passport, "card_number": str(visitor.card_number)}, card_number=None)
    return (Call({"signed_deployment": demo.desk.sign(careless)}, "Signed, but card_number stands in the plain passport"),)
