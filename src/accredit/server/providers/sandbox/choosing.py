"""Who signs in at the sandbox and how it ends, as a create request chooses it: `additionalParameters`, then `prefilledInput`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accredit.server.providers.records import LOAS, Loa
from accredit.server.providers.sandbox.persons import OUTCOMES, PERSONS

HTTP_STATUSES = {"429": 429, "500": 500, "503": 503}
_MAX_AFTER_S = 3600
_AFTER = re.compile(r"\d{1,4}", re.ASCII)
_MAIL = re.compile(r"(?P<said>[^@+]*)(?:\+[^@]*)?@sandbox\.test", re.IGNORECASE)

_TAKEN: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "sandbox_person": (lambda value: value in PERSONS, f"one of {', '.join(PERSONS)}"),
    "sandbox_outcome": (lambda value: value in OUTCOMES, f"one of {', '.join(OUTCOMES)}"),
    "sandbox_loa": (lambda value: value in LOAS, "low, substantial or high"),
    "sandbox_auto": (lambda value: value in ("true", "false"), "true or false"),
    "sandbox_after": (lambda value: bool(_AFTER.fullmatch(value)) and int(value) <= _MAX_AFTER_S, "seconds, 0 to 3600"),
    "sandbox_http": (lambda value: value in HTTP_STATUSES, "429, 500 or 503"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request chose; None is left to the page. after_s: of a headless session."""

    person: str | None
    outcome: str | None
    loa: Loa | None
    auto: bool
    after_s: int


def read_choice(parameters: Mapping[str, str], prefilled: Mapping[str, str]) -> Choice:
    """What was chosen before the page; whatever the sandbox does not know counts as not chosen."""
    said = said_by_mail(prefilled.get("email", ""))
    person = _known(parameters, "sandbox_person") or _person_of_nin(prefilled.get("nin")) or (said if said in PERSONS else None)
    outcome = _known(parameters, "sandbox_outcome") or (said if said in OUTCOMES else None)
    loa = _known(parameters, "sandbox_loa")
    after = _known(parameters, "sandbox_after")
    return Choice(
        person=person,
        outcome=outcome,
        loa=next((each for each in LOAS if each == loa), None),
        auto=parameters.get("sandbox_auto") == "true",
        after_s=2 if after is None else int(after),
    )


def find_faults(parameters: Mapping[str, str], prefilled: Mapping[str, str]) -> list[tuple[str, str]]:
    """The members of a create request that the sandbox does not know, each with what it takes."""
    faults = [
        (f"additionalParameters.{name}", f"must be {taken}")
        for name, (holds, taken) in _TAKEN.items()
        if name in parameters and not holds(parameters[name])
    ]
    if "nin" in prefilled and _person_of_nin(prefilled["nin"]) is None:
        faults.append(("prefilledInput.nin", "must be the number of a person of the sandbox"))
    said = said_by_mail(prefilled.get("email", ""))
    if said is not None and said not in OUTCOMES and said not in PERSONS:
        faults.append(("prefilledInput.email", "must begin with an outcome or a person of the sandbox"))
    return faults


def said_by_mail(address: str) -> str | None:
    """What an address at sandbox.test says, without what follows a plus sign; None for other addresses."""
    match = _MAIL.fullmatch(address)
    return match["said"].lower() if match else None


def _known(parameters: Mapping[str, str], name: str) -> str | None:
    value = parameters.get(name)
    return value if value is not None and _TAKEN[name][0](value) else None


def _person_of_nin(nin: str | None) -> str | None:
    for person, members in PERSONS.items():
        known = members.get("nin")
        if nin is not None and isinstance(known, dict) and known["value"] == nin:
            return person
    return None
