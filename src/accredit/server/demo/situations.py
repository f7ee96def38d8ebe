"""The situations that the bank's page can be put into: which calls it makes, through which name, under which headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from accredit.server.demo import attacks
from accredit.server.demo.attacks import Calls
from accredit.server.demo.visitors import ADA, NOBODY, Visitor


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation. fresh: what the bank signs when a session is to be renewed. sdk: the name that the page calls the SDK by.

    needs: who has to be at the page for it, where that matters. policy: CSP directives beyond those that every page has.
    """

    calls: Calls
    needs: Literal["anybody", "customer", "nobody"] = "anybody"
    fresh: Calls = attacks.sign
    sdk: Literal["accredit", "mmob"] = "accredit"
    referrer_policy: str = ""
    policy: Mapping[str, str] = field(default_factory=dict)

    def seat(self, visitor: Visitor) -> Visitor:
        """Who is at the page: this visitor, if the situation allows."""
        if self.needs == "nobody":
            return NOBODY
        return ADA if self.needs == "customer" and visitor is NOBODY else visitor


SITUATIONS: Mapping[str, Situation] = {
    "signed": Situation(attacks.sign),
    "original": Situation(attacks.sign_original, fresh=attacks.sign_original, sdk="mmob"),
    "uid_beside_anonymous": Situation(attacks.put_uid_beside_anonymous, needs="nobody"),
    "uid_beside_signed": Situation(attacks.put_uid_beside_signed, needs="customer"),
    "no_signature": Situation(attacks.drop_signature),
    "edited_payload": Situation(attacks.edit_payload),
    "forged_header": Situation(attacks.forge_header),
    "foreign_key": Situation(attacks.use_foreign_key),
    "expired_token": Situation(attacks.keep_too_long),
    "replayed_token": Situation(attacks.replay),
    "card_in_plain": Situation(attacks.leave_card_plain, needs="customer"),
    "strict_csp": Situation(attacks.sign, policy={"require-trusted-types-for": "'script'", "trusted-types": "'none'"}),
    "no_referrer": Situation(attacks.sign, referrer_policy="no-referrer"),
}
