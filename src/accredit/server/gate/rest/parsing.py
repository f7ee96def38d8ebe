"""Reading a create request: steps 4 and 5 of protocol-rest.md section 5.

request = parse_request(body, surroundings)          # or FaultyRequestError with every fault, in the order of the table
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, get_args

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError
from accredit.sealing import PADDINGS, SERVER_ALGORITHMS
from accredit.server.gate.faults import Fault, FaultCode, FaultyRequestError
from accredit.server.gate.members import Judge, Members, form_of
from accredit.server.gate.rest.addresses import MAX_ADDRESS, AddressRules, address_fault
from accredit.server.gate.rest.request import (
    DEFAULT_LIFETIME_S,
    FLOWS,
    LOAS,
    AskedProtection,
    Flow,
    Mode,
    RestRequest,
    Surroundings,
)
from accredit.server.hosts import is_listed, is_parent_listed, parse_host, parse_parent
from accredit.server.integrations.rest import MIN_LIFETIME_S, Enc, RestRules

_MAX_DEPTH = 8
_ATTRIBUTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NONCE = re.compile(r"[!-~]+")
_MOBILE = re.compile(r"\+[1-9][0-9]{1,14}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_DATE, _SHORT_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"[0-9]{6}")
_PREFILLED = (
    *("nin", "mobile", "email", "userName", "dateOfBirth", "deviceId", "firstName", "lastName", "bankAccountNumber"),
    "organisation",
)
_CALLBACKS = ("success", "abort", "error")


def parse_request(octets: bytes, surroundings: Surroundings) -> RestRequest:
    """Read a body.

    Raises MalformedError `request_malformed`; FaultyRequestError with what is wrong, in the order of the table.
    """
    try:
        body = parse_json(octets, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    if not isinstance(body, dict):
        raise MalformedError("request_malformed")
    faults: list[Fault] = []
    members, found = Members(body, faults), dict[str, Any]()
    for name, read in _TABLE:
        found[name] = read(_Reading(members, surroundings, found))
    if surroundings.rules.refuse_unknown:
        members.refuse_unread()
    if faults:
        raise FaultyRequestError(faults, key=found["key"])
    return RestRequest(**found)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the reader of a member sees: all members, and what was read before it."""

    members: Members
    surroundings: Surroundings
    found: Mapping[str, Any]

    @property
    def rules(self) -> RestRules:
        return self.surroundings.rules

    def address(self, members: Members, name: str) -> str | None:
        """An address, or None with its fault noted."""
        rules = AddressRules(self.rules.callback_hosts, plain=self.surroundings.sandbox)
        return members.text(name, least=1, most=MAX_ADDRESS, judge=lambda text: address_fault(text, rules))


def _read_flow(reading: _Reading) -> Flow | None:
    if reading.members.find("flow") in (None, ""):
        reading.members.fault("flow", "required")
        return None
    return reading.members.choice("flow", FLOWS)


def _read_attributes(reading: _Reading) -> tuple[str, ...]:
    return tuple(sorted(reading.members.texts("requestedAttributes", least=1, most=64, count=100, judge=form_of(_ATTRIBUTE))))


def _read_callbacks(reading: _Reading) -> tuple[str | None, ...] | None:
    """All three or none; without a flow nothing depends on them."""
    members = reading.members
    if members.find("callbackUrls") is None:
        if reading.found["flow"] == "redirect":
            members.fault("callbackUrls", "required")
        return None
    addresses = members.object("callbackUrls")
    if addresses is None:
        return None
    found = []
    for name in _CALLBACKS:
        if addresses.find(name) is None:
            addresses.fault(name, "required")
        found.append(reading.address(addresses, name))
    if reading.rules.refuse_unknown:
        addresses.refuse_unread()
    return tuple(found)


def _read_providers(reading: _Reading) -> tuple[str, ...] | None:
    """Unknown ones, disabled ones and those that the policy leaves out look alike."""
    known = reading.surroundings.providers
    found = reading.members.texts(
        "allowedProviders", least=1, most=30, count=50, judge=lambda text: None if text in known else "not_allowed"
    )
    return found or None


def _read_prefilled(reading: _Reading) -> dict[str, str]:
    members = reading.members.object("prefilledInput")
    if members is None:
        return {}
    found, any_given = dict[str, str](), False
    for name in _PREFILLED:
        any_given = any_given or members.find(name) is not None
        most = 254 if name == "email" else 256
        text = members.text(name, least=1, most=most, judge=_PREFILLED_JUDGES.get(name))
        if text is not None:
            found[name] = text
    if not any_given:
        reading.members.fault("prefilledInput", "required")
    if reading.rules.refuse_unknown:
        members.refuse_unread()
    return found


def _judge_date(text: str) -> FaultCode | None:
    """A date of ten characters is one of the calendar; six digits may mean several."""
    if _SHORT_DATE.fullmatch(text):
        return None
    try:
        return None if _DATE.fullmatch(text) and date.fromisoformat(text) else "format"
    except ValueError:
        return "format"


_PREFILLED_JUDGES: Mapping[str, Judge] = {"mobile": form_of(_MOBILE), "email": form_of(_EMAIL), "dateOfBirth": _judge_date}


def _read_parents(reading: _Reading) -> tuple[str, ...]:
    """Who may frame an embedded session: what the request names, else what the policy does; in sandbox, else anybody."""
    members, listed, sandbox = reading.members, reading.rules.embedded_parent_domains, reading.surroundings.sandbox
    embedded = reading.found["flow"] == "embedded"
    if members.find("embeddedParentDomains") is None:
        if embedded and not listed and not sandbox:
            members.fault("embeddedParentDomains", "required")
        parents = listed or ("*",)
    else:
        judge = partial(_judge_parent, listed, sandbox)
        given = members.texts("embeddedParentDomains", least=1, most=300, count=20, judge=judge)
        parents = tuple(dict.fromkeys(map(parse_parent, given)))
    return parents if embedded else ()


def _judge_parent(listed: Sequence[str], sandbox: bool, text: str) -> FaultCode | None:
    try:
        parent = parse_parent(text)
    except ValueError:
        return "format"
    plain = parent.startswith("http:") and not sandbox
    return "not_allowed" if plain or (listed and not is_parent_listed(parent, listed)) else None


def _read_lifetime(reading: _Reading) -> int:
    seconds = reading.members.integer("sessionLifetime")
    if seconds is not None and seconds < 0:
        reading.members.fault("sessionLifetime", "value", "This member must not be negative.")
    return min(max(seconds or DEFAULT_LIFETIME_S, MIN_LIFETIME_S), reading.rules.max_lifetime_s)


def _read_domain(reading: _Reading) -> str | None:
    judge = partial(_judge_domain, reading.rules.request_domains)
    text = reading.members.text("requestDomain", most=253, judge=judge)
    return None if text is None else parse_host(text)


def _judge_domain(listed: Collection[str], text: str) -> FaultCode | None:
    try:
        return None if is_listed(parse_host(text), listed) else "not_allowed"
    except ValueError:
        return "format"


def _read_key(reading: _Reading) -> Json:
    key = reading.members.find("encryptionPublicKey")
    return None if key == "" else key


def _read_key_id(reading: _Reading) -> str | None:
    key_id = reading.members.text("encryptionKeyId", least=1, most=128)
    if key_id is not None and reading.found["key"] is not None:
        reading.members.fault("encryptionKeyId", "conflict")
    return key_id


def _read_protection(reading: _Reading) -> AskedProtection:
    """What is asked of the sealing; it means nothing without a key."""
    members = reading.members.object("responseProtection")
    if members is None:
        return AskedProtection()
    if reading.found["key"] is None and reading.members.find("encryptionKeyId") is None:
        reading.members.fault("responseProtection", "conflict")
        return AskedProtection()
    rules = reading.rules
    mode = members.exact_choice("mode", get_args(Mode))
    if mode == "jwe" and rules.protection == "jws+jwe":
        members.fault("mode", "not_allowed")
    enc = members.exact_choice("enc", get_args(Enc))
    if enc is not None and enc not in rules.allowed_enc:
        members.fault("enc", "not_allowed")
    alg = members.exact_choice("signingAlg", tuple(SERVER_ALGORITHMS))
    if alg is not None and alg not in reading.surroundings.signing:
        members.fault("signingAlg", "not_allowed")
    pad_to = members.integer("padTo")
    if pad_to is not None and pad_to not in PADDINGS:
        members.fault("padTo", "value")
    nonce = members.text("nonce", least=1, most=128, judge=form_of(_NONCE))
    if members.find("nonce") is not None and (mode or rules.protection) != "jws+jwe":
        members.fault("nonce", "conflict")
    if rules.refuse_unknown:
        members.refuse_unread()
    return AskedProtection(mode=mode, enc=enc, signing_alg=alg, pad_to=pad_to, nonce=nonce)


def _text(name: str, most: int) -> Callable[[_Reading], str | None]:
    return lambda reading: reading.members.text(name, most=most)


def _read_tags(reading: _Reading) -> tuple[str, ...]:
    return reading.members.texts("tags", least=1, most=100, count=100)


# Section 5's table, row by row: faults come in this order.
_TABLE: tuple[tuple[str, Callable[[_Reading], Any]], ...] = (
    ("flow", _read_flow),
    ("requested_attributes", _read_attributes),
    ("callbacks", _read_callbacks),
    ("allowed_providers", _read_providers),
    ("prefilled", _read_prefilled),
    ("parameters", lambda reading: reading.members.pairs("additionalParameters", count=20, name_most=64, value_most=1024)),
    ("key", _read_key),
    ("requested_loa", lambda reading: reading.members.choice("requestedLoa", LOAS)),
    ("tags", _read_tags),
    ("return_url", lambda reading: reading.address(reading.members, "returnUrl")),
    ("parents", _read_parents),
    ("language", _text("language", 35)),
    ("theme_id", _text("themeId", 64)),
    ("external_reference", _text("externalReference", 255)),
    ("usage_reference", _text("usageReference", 255)),
    ("lifetime_s", _read_lifetime),
    ("request_domain", _read_domain),
    ("key_id", _read_key_id),
    ("protection", _read_protection),
)
