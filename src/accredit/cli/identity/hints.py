"""The likely mistake behind an identity signature that does not hold, and how to mend it. Names are told, values never."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from accredit.cli.identity.form_hints import find_form_hint
from accredit.cli.identity.judging import Judging
from accredit.errors import Refused
from accredit.identity import BootBody, IdentityCheck, IdentityDiagnosis, peek_identity, verify_identity

MENDING = {
    "secret_not_decoded": "The text of the secret was used as the key; decode it from base64 first, and use those octets.",
    "mac_hex": "The MAC was written in hexadecimal digits; write its 32 octets as base64.",
    "mac_base64url": "The MAC was written as base64url or without padding; version 1 has standard base64, with + / and = at the end.",
    "timestamp_milliseconds": "The timestamp is in milliseconds; divide by 1000 and round down, before signing.",
    "email_case_or_space": "The e-mail was signed in another spelling than the page passes (case, space around it, Unicode "
    "form); sign it exactly as it is passed.",
    "email_missing": "The e-mail was left out of the text that was signed, or a colon beside it; sign the e-mail that the page "
    "passes, and where it passes none keep both colons.",
    "ids_swapped": "The ids were signed in the wrong order; cp_id comes first, then cp_deployment_id.",
    "old_secret": "It was signed with the old secret; give the backend the one that counts now.",
}
_FORM_MISTAKES = {"timestamp_malformed": {"timestamp_milliseconds"}, "mac_encoding": {"mac_hex", "mac_base64url"}}
_HALF_HOUR_S, _DRIFT_S = 1800, 60


def find_hint(check: IdentityCheck, judging: Judging, diagnosis: IdentityDiagnosis) -> str | None:
    """What to mend, one sentence for each mistake, or None. Mistakes are told at the first check that fails."""
    code = check.code or ""
    if check.check == "freshness":
        return _hint_freshness(diagnosis.skew_s or 0)
    mistakes = [name for name, found in diagnosis.mistakes.items() if found]
    sentences = [MENDING[name] for name in mistakes]
    if check.check == "signature_form":
        if not _FORM_MISTAKES.get(code, set()) & set(mistakes):
            sentences[:0] = filter(None, [find_form_hint(code, judging.signature or "")])
    elif not sentences or code != "mac_mismatch":
        sentences = [_OF_MAC[code](judging), *sentences]
    return " ".join(sentences) or None


def _hint_freshness(skew_s: int) -> str:
    off_s = abs(skew_s)
    zones = round(off_s / _HALF_HOUR_S)
    if 0 < zones <= 28 and abs(off_s - zones * _HALF_HOUR_S) <= _DRIFT_S:
        return "That is off by a time zone: Unix seconds count from 1970 in UTC, wherever the backend stands."
    if skew_s > 0:
        return "The backend's clock is ahead: synchronise it (NTP)."
    return "Sign when the page is rendered, not before, and check the clock of the backend (NTP)."


def _hint_key_unknown(judging: Judging) -> str:
    return (
        "The signature names another key id than the secrets have that were given (--key-id): sign with a secret that counts."
    )


def _hint_mismatch(judging: Judging) -> str:
    return _hint_fields(judging) or _LAST_GUESS + (_ORIGIN_UNTOLD if _is_unbound_v2(judging) else "")


_LAST_GUESS = (
    "Another secret, or another text was signed: compare length and SHA-256 of the text below with those of the text that the "
    "backend signs."
)
_ORIGIN_UNTOLD = " A signature that is bound to an origin holds only where that is named with --origin."


def _is_unbound_v2(judging: Judging) -> bool:
    return judging.origin is None and (judging.signature or "").startswith("v2.")


def _hint_fields(judging: Judging) -> str | None:
    """Which fields version 2 did not cover: the signature holds without them."""
    if not (judging.signature or "").startswith("v2."):
        return None
    for names, boot in _with_less(judging.boot):
        if _holds(judging, boot):
            return f"The page passes {', '.join(names)}, which was not signed: sign all that is passed."
    return None


def _with_less(boot: BootBody) -> Iterator[tuple[list[str], BootBody]]:
    """The body without one of its fields, and with the e-mail alone."""
    beside = {name: text for name, text in (("page", boot.page), ("locale", boot.locale)) if text is not None}
    others = [*(name for name in boot.customer.values if name != "email"), *beside]
    for left_out in [*([name] for name in others), others]:
        values = {name: value for name, value in boot.customer.values.items() if name not in left_out}
        page, locale = (None if name in left_out else beside.get(name) for name in ("page", "locale"))
        yield left_out, replace(boot, customer=replace(boot.customer, values=values), page=page, locale=locale)


def _holds(judging: Judging, boot: BootBody) -> bool:
    peeked = peek_identity(judging.signature)
    try:
        verify_identity(peeked, judging.secrets, boot, now=peeked.timestamp, origin=judging.origin)
    except Refused:
        return False
    return True


_OF_MAC: dict[str, Callable[[Judging], str]] = {
    "signature_version": lambda _: (
        "Sign all that the page passes, with the key id of the secret (`accredit identity sign --v2`)."
    ),
    "identity_key_unknown": _hint_key_unknown,
    "identity_origin_missing": lambda _: "Sign with the page's origin (`accredit identity sign --v2 --origin URL`).",
    "mac_mismatch": _hint_mismatch,
}
