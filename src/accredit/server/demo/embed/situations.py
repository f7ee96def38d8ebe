"""The situations that the bank's page can be put into."""

from collections.abc import Mapping
from functools import partial

from accredit.server.demo.embed import attacks
from accredit.server.demo.situation import Situation

_situation = partial(Situation, fresh=attacks.sign)

SITUATIONS: Mapping[str, Situation] = {
    "signed": _situation(attacks.sign),
    "original": Situation(attacks.sign_original, fresh=attacks.sign_original, sdk="mmob"),
    "uid_beside_anonymous": _situation(attacks.put_uid_beside_anonymous, needs="nobody"),
    "uid_beside_signed": _situation(attacks.put_uid_beside_signed, needs="customer"),
    "no_signature": _situation(attacks.drop_signature),
    "edited_payload": _situation(attacks.edit_payload),
    "forged_header": _situation(attacks.forge_header),
    "foreign_key": _situation(attacks.use_foreign_key),
    "expired_token": _situation(attacks.keep_too_long),
    "replayed_token": _situation(attacks.replay),
    "card_in_plain": _situation(attacks.leave_card_plain, needs="customer"),
    "strict_csp": _situation(attacks.sign, policy={"require-trusted-types-for": "'script'", "trusted-types": "'none'"}),
    "no_referrer": _situation(attacks.sign, referrer_policy="no-referrer"),
}
