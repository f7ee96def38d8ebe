"""The likely mistake behind a refusal, guessed from the token itself. Names, lengths and ids are told, values never."""

from collections.abc import Callable
from urllib.parse import urlsplit

from accredit.cli.deployment.case import Case
from accredit.cli.deployment.shape_hints import find_shape_hint
from accredit.cli.deployment.signature_hints import find_signature_hint
from accredit.deployment import LEEWAY_S, MAX_LIFETIME_S, PeekedDeployment
from accredit.encoding import Json
from accredit.errors import Refused
from accredit.server.origins import read_origin

# Seconds never have so many digits, milliseconds always do.
_MILLISECONDS = 10**11
_NEAR = ((120, "by less than two minutes"), (7200, "by less than two hours"), (172_800, "by less than two days"))

_GENERAL = {
    "integration_unknown": "There is no integration of that id in this database: look for a wrong id, or for another server's token.",
    "integration_disabled": "Switch it on with `accredit integration set ID enabled=true`.",
    "not_framed": "The form must be posted into a frame, as the SDK does.",
    "location_in_signed_payload": "Leave location out of what is signed; it is passed to accredit.init in the page.",
    "nested_signed_deployment": "Sign the properties themselves, not an object that holds a token.",
    "owner_mismatch": "owner_id must be that of the account: see `accredit account list`.",
    "unsigned_value_refused": "Put the value into the token: beside an anonymous token anybody could add it.",
    "direct_conflict": "The page passes another value than the token holds; leave it out of the page, or switch strict_direct off.",
    "view_unknown": "Look at the integration's views; one that is signed_only must be named inside the token.",
    "passport_key_missing": "Put the key that the schema requires into data_passport or encrypted_passport.",
    "passport_placeholder_left": "A value is still the snippet's placeholder; fill it in on the server before signing.",
    "passport_encrypted_only": "Put the key into encrypted_passport, sealed with the integration's passport key.",
    "passport_value_type": "Values are text, numbers and booleans, as the schema declares them; never null or a list.",
    "jwe_key_missing": "Make a passport key with `accredit keys create --purpose passport`, and seal with that.",
    "jwe_decrypt_failed": "It was sealed with another key than the integration's passport key.",
    "jwe_alg_not_allowed": "Seal with the alg and enc that the passport key is recorded for: see `accredit keys list`.",
    "quota_exceeded": "The count begins anew at midnight UTC; raise quota_per_day to let more in.",
    "token_replayed": "Sign a token for each page view: reload, back and restored tabs post the same one again.",
    "token_lifetime": f"exp may lie 1 to {MAX_LIFETIME_S} seconds behind iat.",
    "passport_binding_mismatch": "Seal the envelope for this integration_id and for the uid that the token names.",
    "passport_expired": "Seal the passport when the page is rendered; check the clock of the deployer's server.",
}


def find_hint(refusal: Refused, token: str, peeked: PeekedDeployment | None, case: Case | None) -> str | None:
    """One sentence on the likely mistake, or None."""
    if peeked is None or case is None:
        return find_shape_hint(refusal, token) or _GENERAL.get(refusal.code)
    if refusal.code.startswith("jws_"):
        return find_signature_hint(refusal, peeked, case)
    particular = _PARTICULAR.get(refusal.code)
    return (particular(refusal, peeked, case) if particular else None) or _GENERAL.get(refusal.code)


def _hint_deployer(_refusal: Refused, peeked: PeekedDeployment, case: Case) -> str | None:
    if case.integration is None:
        return None
    return f"{peeked.integration_id} belongs to deployer {case.integration.deployer_id}; the token names {peeked.deployer_id}."


def _hint_origin_missing(_refusal: Refused, _peeked: PeekedDeployment, case: Case) -> str:
    if case.integration is not None and not case.integration.origins:
        return "origin_check is require and allowed_origins is empty: that refuses everybody."
    return "An origin is scheme://host[:port], without a path or a slash at its end; a sandboxed page has none (null)."


def _hint_origin(_refusal: Refused, _peeked: PeekedDeployment, case: Case) -> str:
    origin, entries = case.visit.origin or "", [] if case.integration is None else list(case.integration.origins.exact)
    parts = urlsplit(origin)
    for entry in map(urlsplit, entries):
        if entry.netloc == parts.netloc:
            return f"The list has {entry.scheme}, the page is on {parts.scheme}."
        if entry.hostname == parts.hostname:
            return "The list has the host with another port."
        if entry.netloc.removeprefix("www.") == parts.netloc.removeprefix("www."):
            return "The list has the host with www., or without: they are two origins."
    return "Add the origin to allowed_origins; an entry https://*.host holds the names below the host, not the host itself."


def _hint_time(refusal: Refused, peeked: PeekedDeployment, case: Case) -> str | None:
    claimed = peeked.payload.get(refusal.member or "")
    if not isinstance(claimed, int):
        return None
    if claimed >= _MILLISECONDS:
        return f"{refusal.member} is in milliseconds; claims are in whole seconds."
    off_s = abs(claimed - case.now_ms // 1000) - LEEWAY_S
    near = next((words for limit, words in _NEAR if off_s < limit), "by more than two days")
    if refusal.code == "token_not_yet_valid":
        return f"The clock of the deployer's server is ahead {near}, beyond the {LEEWAY_S} s of leeway."
    late = f"It is late {near}, beyond the {LEEWAY_S} s of leeway"
    return f"{late}: sign when the page is rendered, and check the clock of the deployer's server."


def _hint_claims(refusal: Refused, peeked: PeekedDeployment, _case: Case) -> str | None:
    name = refusal.member or ""
    value: Json = peeked.payload.get(name)
    if name in ("iat", "exp"):
        kind = {float: "a fraction", str: "text", bool: "a boolean", type(None): "null"}.get(type(value), "out of range")
        return f"{name} is {kind}; it must be whole Unix seconds."
    if name == "jti":
        return "jti is text of 16 to 128 printable ASCII characters without spaces, and needs exp beside it."
    return f"{name} is text or a list of at most 20 texts." if name == "aud" else f"{name} is a list of at most 20 texts."


def _hint_missing(refusal: Refused, _peeked: PeekedDeployment, _case: Case) -> str:
    option = {"aud": " --audience URL", "origins": " --origin URL"}.get(refusal.member or "", "")
    return f"The integration requires {refusal.member}: sign an extended token (`accredit deployment sign --extended{option}`)."


def _hint_audience(_refusal: Refused, peeked: PeekedDeployment, case: Case) -> str:
    claimed = peeked.payload.get("aud")
    texts = [text for text in (claimed if isinstance(claimed, list) else [claimed]) if isinstance(text, str)]
    if any(text.rstrip("/").lower() == case.visit.audience.rstrip("/").lower() for text in texts):
        return f"aud differs from {case.visit.audience} only by case or by a slash at the end."
    return f"aud must be the server's public URL, {case.visit.audience}."


def _hint_origins(_refusal: Refused, peeked: PeekedDeployment, _case: Case) -> str:
    claimed = peeked.payload.get("origins")
    if isinstance(claimed, list) and any(isinstance(text, str) and read_origin(text) is None for text in claimed):
        return "An entry of origins is no origin: scheme://host[:port], lower case, without a path or a slash at its end."
    return "Add the page's origin to the token's origins."


def _hint_property(refusal: Refused, peeked: PeekedDeployment, _case: Case) -> str | None:
    return (
        None
        if refusal.member is None
        else f"{refusal.member} must be in the token or beside it (--direct {refusal.member}=...), as an id."
    )


def _hint_uid(_refusal: Refused, peeked: PeekedDeployment, _case: Case) -> str:
    uid = peeked.payload.get("uid")
    if not isinstance(uid, str):
        return "uid must be text; numbers lose their form on the way."
    if uid == "":
        return "uid is empty; leave it out for an anonymous visit."
    if uid.startswith("anon_"):
        return "uid must not begin with anon_, which the server's own anonymous ids do."
    return "uid is longer than 256 characters, or has a control character in it, such as a line break."


_PARTICULAR: dict[str, Callable[[Refused, PeekedDeployment, Case], str | None]] = {
    "deployer_mismatch": _hint_deployer,
    "origin_missing": _hint_origin_missing,
    "origin_not_allowed": _hint_origin,
    "token_expired": _hint_time,
    "token_not_yet_valid": _hint_time,
    "token_claims_invalid": _hint_claims,
    "token_claim_missing": _hint_missing,
    "token_audience_mismatch": _hint_audience,
    "token_origin_mismatch": _hint_origins,
    "missing_required_property": _hint_property,
    "uid_invalid": _hint_uid,
}
