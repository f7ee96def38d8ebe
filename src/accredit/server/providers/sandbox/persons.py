"""The persons of the sandbox and the ends that a sign-in there can take; the same as in `tests/vectors/rest.json`."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from accredit.encoding import Json


class Ending(NamedTuple):
    """How an outcome ends: the status inside, the code that tells why, and the reason in the audit record."""

    status: Literal["success", "aborted", "error", "failed", "expired", "waiting"]
    detail: str | None = None
    audit: str | None = None


def _nin(value: str, country: str, kind: str = "PERSON") -> dict[str, Json]:
    return {"value": value, "issuingCountry": country, "type": kind}


def _person(person: str, first_name: str | None, last_name: str, born: str, **more: Json) -> dict[str, Json]:
    """A person's attributes: those named, the names, an address at sandbox.test and the id there."""
    middle = more.get("middleName")
    name = " ".join(str(part) for part in (first_name, middle, last_name) if part)
    names = {"firstName": first_name} if first_name else {}
    common = {"lastName": last_name, "dateOfBirth": born, "email": f"{person}@sandbox.test", "name": name}
    return {**names, **common, "idpId": f"sandbox-{person}", **more}


PERSONS: Mapping[str, Mapping[str, Json]] = {
    "no-1": _person(
        *("no-1", "Åse Synnøve", "Ødegård", "1985-03-17"),
        nin=_nin("17838549969", "NO"),
        gender="female",
        nationality="NO",
        phoneNumber="+4700000001",
    ),
    "se-1": _person(
        *("se-1", "Märta", "Östlund", "1980-01-01"),
        middleName="Elin",
        nin=_nin("198001019804", "SE"),
        gender="female",
        nationality="SE",
        phoneNumber="+46700000002",
    ),
    "dk-1": _person(
        *("dk-1", "Søren", "Kjær", "1979-04-12"),
        nin=_nin("7204790001", "DK"),
        gender="male",
        nationality="DK",
        phoneNumber="+4500000003",
    ),
    "fi-1": _person(
        *("fi-1", "Väinö", "Äijälä", "1970-07-07"),
        nin=_nin("070770-9019", "FI"),
        gender="male",
        nationality="FI",
        phoneNumber="+358400000004",
    ),
    # One name, and no number of a register.
    "eu-1": _person("eu-1", None, "Ng", "2001-12-31", nationality="DE"),
    # What careless templates, parsers and alphabets break on.
    "odd-1": _person(
        *("odd-1", 'Zoë "Zed" 🦊', "O’Brien\\Æ", "1908-02-29"),
        nin=_nin("000000-ODD1", "XX", "BIRTH"),
    ),
}
_BY_PREFIX = {"nbid": "no-1", "sbid": "se-1", "mitid": "dk-1", "ftn": "fi-1"}

_ERRORS = (
    *("provider_error", "provider_unavailable", "provider_rejected", "otp_attempts_exceeded", "encryption_required"),
    *("encryption_key_revoked", "session_error"),
)
_INVALID = "provider_response_invalid"
OUTCOMES: Mapping[str, Ending] = {
    "success": Ending("success"),
    "sparse": Ending("success"),
    **{code: Ending("aborted", code) for code in ("user_aborted", "provider_aborted")},
    **{code: Ending("error", code) for code in _ERRORS},
    **{code: Ending("failed", code) for code in (_INVALID, "loa_too_low", "attribute_missing")},
    "bad_signature": Ending("failed", _INVALID, "signature_invalid"),
    "bad_nonce": Ending("failed", _INVALID, "nonce_mismatch"),
    "bad_audience": Ending("failed", _INVALID, "audience_mismatch"),
    "stale": Ending("failed", _INVALID, "token_expired"),
    "unencrypted": Ending("failed", _INVALID, "token_not_encrypted"),
    "expire": Ending("expired"),
    "hang": Ending("waiting"),
}


def default_person(provider_id: str) -> str:
    """Who signs in at a provider of that id unless somebody else is chosen."""
    return next((person for prefix, person in _BY_PREFIX.items() if provider_id.startswith(prefix)), "eu-1")
