"""The situations that the utility's page can be put into."""

from collections.abc import Mapping
from functools import partial

from accredit.server.demo.boot import attacks
from accredit.server.demo.situation import Situation

_situation = partial(Situation, fresh=attacks.sign)

SITUATIONS: Mapping[str, Situation] = {
    "boot_signed": _situation(attacks.sign),
    "boot_original": _situation(attacks.sign, sdk="mmob"),
    "boot_fields": Situation(attacks.sign_all, fresh=attacks.sign_all),
    "boot_listed": Situation(attacks.show_origin, fresh=attacks.show_origin),
    "boot_open": Situation(attacks.ask_for_nothing, fresh=attacks.ask_for_nothing),
    "boot_unsigned": _situation(attacks.leave_out),
    "boot_forged": _situation(attacks.guess_secret),
    "boot_other_email": _situation(attacks.put_email),
    "boot_other_field": _situation(attacks.change_field),
    "boot_old_form": _situation(attacks.sign_less),
    "boot_kept": _situation(attacks.keep_too_long),
    "boot_replayed": _situation(attacks.replay),
    "boot_debugged": _situation(attacks.sign_other_spelling, needs="customer"),
}
