"""What bodies of the flow door's API ask for: to create a session, to retry one (protocol-flow.md section 9).

Unknown members are ignored, `null` is absence. What is wrong is collected and told by the member's path; whether the template is
there and allows it is judged afterwards.

    parse_create({"template_id": "flwtmp_1", "user": {"customer_reference": 42}}).customer_reference      # "42"
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.reference import read_customer_reference
from accredit.server.gate.faults import Fault, FaultyRequestError, fault
from accredit.server.gate.flow.user import User, parse_user
from accredit.server.gate.members import Members, form_of

Strategy = Literal["reset", "incomplete", "infer", "custom"]
Forced = Literal["success", "failed", "pending_review", "error"]
_STRATEGIES: tuple[Strategy, ...] = ("reset", "incomplete", "infer", "custom")
Word = TypeVar("Word", bound=str)
Decision = Literal["approve", "reject"]
_DECISIONS: tuple[Decision, ...] = ("approve", "reject")
_ENDS: tuple[Forced, ...] = ("success", "failed", "pending_review", "error")
_TEMPLATE_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_STEP = re.compile(r"[a-z][a-z0-9_]{2,39}")
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_USER_REASON = "This member has the wrong type, form or length, or the group lacks one that belongs to it."
_MAX_TAGS, _MAX_TAG, _MAX_LOCALE, _MAX_URL, _MAX_STEPS = 20, 64, 35, 2000, 20


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What both calls say. user: what the backend vouches for. shareable: None where the body does not say."""

    template_id: str
    customer_reference: str
    user: User = User()
    shareable: bool | None = None


class CreateCall(Wanted, frozen=True, kw_only=True):
    """A body of `POST /flow_sessions`. consent: the person has accepted the terms elsewhere. return_url: not judged yet.

    encryption_key: as it came, not judged yet. forced, headless: `simulate`, None and False where the body has none.
    """

    consent: bool = False
    tags: tuple[str, ...] = ()
    return_url: str | None = None
    locale: str | None = None
    encryption_key: Json = None
    forced: dict[str, Forced] | None = None
    headless: bool = False


class RetryCall(Wanted, frozen=True, kw_only=True):
    """A body of `POST /flow_sessions/retry`. steps: None where it has none; whether that fits, strategy and session say."""

    strategy: Strategy
    steps: dict[str, bool] | None = None


def parse_create(body: Mapping[str, Json]) -> CreateCall:
    """Read the body of a create. Raises FaultyRequestError `validation_failed`, `customer_reference_invalid`."""
    faults: list[Fault] = []
    members = Members(body, faults, exact=True)
    template_id, (reference, user) = _template_id(members), _read_customer(members, faults)
    consents = [_flag(members, name) for name in ("consent", "gave_consent")]
    forced, headless = _read_simulation(members)
    read = CreateCall(
        template_id=template_id,
        customer_reference=reference,
        user=user,
        shareable=_flag(members, "shareable"),
        consent=True in consents,
        tags=members.texts("tags", least=1, most=_MAX_TAG, count=_MAX_TAGS, judge=form_of(_PLAIN)),
        return_url=members.text("return_url", least=1, most=_MAX_URL, judge=form_of(_PLAIN)),
        locale=members.text("locale", least=1, most=_MAX_LOCALE, judge=form_of(_LOCALE)),
        encryption_key=_read_key(members),
        forced=forced,
        headless=headless,
    )
    _check(faults)
    return read


def parse_retry(body: Mapping[str, Json]) -> RetryCall:
    """Read the body of a retry. Raises as `parse_create`."""
    faults: list[Fault] = []
    members = Members(body, faults, exact=True)
    read = RetryCall(
        template_id=_template_id(members),
        customer_reference=_read_reference(members, "customer_reference"),
        user=_read_user(members.find("user"), faults),
        shareable=_flag(members, "shareable"),
        strategy=_choice(members, "strategy", _STRATEGIES),
        steps=_read_steps(members),
    )
    _check(faults)
    return read


def parse_customer(body: Mapping[str, Json]) -> str:
    """The customer reference of a body that has nothing else. Raises as `parse_create`."""
    faults: list[Fault] = []
    reference = _read_reference(Members(body, faults, exact=True), "customer_reference")
    _check(faults)
    return reference


def parse_decision(body: Mapping[str, Json]) -> Decision:
    """What a reviewer decided. Raises FaultyRequestError `validation_failed`."""
    faults: list[Fault] = []
    members = Members(body, faults, exact=True)
    decision = _choice(members, "decision", _DECISIONS)
    _check(faults)
    return decision


def _check(faults: list[Fault]) -> None:
    if faults:
        raise FaultyRequestError(faults, "validation_failed")


def _template_id(members: Members) -> str:
    if members.find("template_id") is None:
        members.fault("template_id", "required")
    return members.text("template_id", least=1, most=64, judge=form_of(_TEMPLATE_ID)) or ""


def _choice(members: Members, name: str, words: Sequence[Word]) -> Word:
    """One of the words; after a fault the first of them, which nobody sees."""
    if members.find(name) in (None, ""):
        members.fault(name, "required")
    return members.exact_choice(name, words) or words[0]


def _flag(members: Members, name: str) -> bool | None:
    value = members.find(name)
    if value is not None and not isinstance(value, bool):
        members.fault(name, "type")
        return None
    return value


def _read_customer(members: Members, faults: list[Fault]) -> tuple[str, User]:
    """The reference and whatever else is told of the person."""
    if members.find("user") is None:
        members.fault("user", "required")
    told = members.object("user")
    if told is None:
        return "", User()
    return _read_reference(told, "customer_reference", "user."), _read_user(members.find("user"), faults)


def _read_reference(members: Members, name: str, prefix: str = "") -> str:
    """Raises FaultyRequestError `customer_reference_invalid` for a text that is none."""
    value = members.find(name)
    if value is None:
        members.fault(name, "required")
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        members.fault(name, "type")
        return ""
    reference = str(value)
    try:
        read_customer_reference(reference)
    except MalformedError as error:
        raise FaultyRequestError([Fault(prefix + name, error.title, error.code)], error.code) from error
    return reference


def _read_user(value: Json, faults: list[Fault]) -> User:
    if not isinstance(value, dict):
        if value is not None:
            faults.append(fault("user", "type"))
        return User()
    try:
        return parse_user(value)
    except MalformedError as error:
        faults.append(fault(f"user.{error.member}", "format", _USER_REASON))
        return User()


def _read_key(members: Members) -> Json:
    key = members.find("encryption_public_key")
    if key is not None and not isinstance(key, dict):
        members.fault("encryption_public_key", "type")
    return key


def _read_simulation(members: Members) -> tuple[dict[str, Forced] | None, bool]:
    """How simulators are told to end, and whether nobody is there; None without `simulate`."""
    simulate = members.object("simulate")
    if simulate is None:
        return None, False
    forced, steps = dict[str, Forced](), simulate.object("steps")
    for name in _names(simulate, "steps"):
        if steps is not None:
            forced[name] = _choice(steps, name, _ENDS)
    return forced, bool(_flag(simulate, "run"))


def _read_steps(members: Members) -> dict[str, bool] | None:
    steps = members.object("steps")
    if steps is None:
        return None
    flags = {name: _flag(steps, name) for name in _names(members, "steps")}
    return {name: flag for name, flag in flags.items() if flag is not None}


def _names(members: Members, name: str) -> list[str]:
    """The names in an object of steps; anything else that a caller calls a step is a fault of the whole."""
    value = members.find(name)
    names = list(value) if isinstance(value, dict) else []
    if len(names) > _MAX_STEPS or not all(map(_STEP.fullmatch, names)):
        members.fault(name, "format")
        return []
    return names
