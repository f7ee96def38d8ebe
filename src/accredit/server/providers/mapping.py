"""From a provider's claims to the attributes of a subject (protocol-rest.md section 13).

mapped = map_claims(record, verified.claims, session.requested_attributes)
mapped.subject          # {"firstName": "Åse", "nin": {"value": ..., "issuingCountry": "NO", "type": "PERSON"}}
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from accredit.encoding import Json
from accredit.server.providers.records import ProviderRecord, Rule

MAX_TEXT = 512
NIN_COUNTRY = "nin.issuingCountry"


@dataclass(frozen=True, slots=True)
class Mapped:
    """subject: attributes that were asked for and are known, without `id` and `idpId`. missing: required ones that are not there.

    left_out: those asked for whose claim is missing or of a wrong type, for the audit record.
    """

    subject: dict[str, Json] = field(repr=False)
    missing: tuple[str, ...]
    left_out: tuple[str, ...]


class Source(NamedTuple):
    """One place where an attribute may be found."""

    claim: str
    rule: Rule = Rule()


def map_claims(record: ProviderRecord, claims: Mapping[str, Json], wanted: Collection[str]) -> Mapped:
    """Map what a provider said of a person, cut to what was asked. wanted: `requestedAttributes`. Raises nothing."""
    names = {"nin" if name == NIN_COUNTRY else name for name in wanted} - {"id", "idpId"}
    found = {name: _find(record, claims, name) for name in sorted(names | set(record.required_attributes))}
    subject: dict[str, Json] = {name: value for name, value in found.items() if value is not None and name in names}
    # Only its country, unless the number itself was asked for.
    if "nin" in subject and "nin" not in wanted:
        subject["nin"] = _country_of(subject["nin"])
    missing = tuple(name for name in record.required_attributes if found[name] is None)
    known = {name for name in names if name in record.mapping or _default_sources(record, name)}
    return Mapped(subject, missing, tuple(sorted(known - subject.keys())))


def _country_of(nin: Json) -> Json:
    assert isinstance(nin, dict)
    return {"issuingCountry": nin["issuingCountry"]}


def _find(record: ProviderRecord, claims: Mapping[str, Json], name: str) -> Json:
    """The value of an attribute, None where no claim yields one."""
    rule = record.mapping.get(name)
    if rule is not None and rule.const is not None:
        return rule.const
    sources = _default_sources(record, name) if rule is None else (Source(rule.claim or "", rule),)
    for source in sources:
        claim = find_claim(claims, source.claim)
        value = None if claim is None else _read(name, claim, source.rule)
        if value is not None:
            return value
    return None


def find_claim(claims: Mapping[str, Json], path: str) -> Json:
    """The claim at a path: the name as it stands, or members of objects divided by dots, where a name may hold dots itself."""
    if path in claims:
        return claims[path]
    for match in re.finditer(r"\.", path):
        inner = claims.get(path[: match.start()])
        found = find_claim(inner, path[match.end() :]) if isinstance(inner, dict) else None
        if found is not None:
            return found
    return None


def _read(name: str, claim: Json, rule: Rule) -> Json:
    """The claim as the attribute that it is to be, or None. What is known of an attribute holds whatever the rule says."""
    value = _AS[rule.read_as](claim, rule)
    check = _CHECKS.get(name)
    return value if value is None or check is None else check(value)


def _as_text(claim: Json, _rule: Rule) -> Json:
    return claim if isinstance(claim, str) and 1 <= len(claim) <= MAX_TEXT else None


def _as_bool(claim: Json, _rule: Rule) -> Json:
    return claim if isinstance(claim, bool) else {"true": True, "false": False}.get(str(claim))


_DATES = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)", re.ASCII),
    re.compile(r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>\d{4})", re.ASCII),
)


def _as_date(claim: Json, _rule: Rule) -> Json:
    for form in _DATES:
        match = form.fullmatch(claim) if isinstance(claim, str) else None
        if match is not None:
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
            except ValueError:
                return None
    return None


_COUNTRY = re.compile("[A-Z]{2}")
_NIN_TYPES = ("PERSON", "BIRTH")


def _as_nin(claim: Json, rule: Rule) -> Json:
    """A number, whose country and type the rule tells, or an object that tells its own."""
    members = claim if isinstance(claim, dict) else {"value": claim}
    value, country = members.get("value"), members.get("issuingCountry", rule.country)
    kind = members.get("type", rule.type or "PERSON")
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT or kind not in _NIN_TYPES:
        return None
    if not isinstance(country, str) or not _COUNTRY.fullmatch(country):
        return None
    return {"value": value, "issuingCountry": country, "type": kind}


_AS: Mapping[str, Callable[[Json, Rule], Json]] = {
    "string": _as_text,
    "bool": _as_bool,
    "date": _as_date,
    "nin": _as_nin,
    "json": lambda claim, _rule: claim,
}


_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_ADDRESS = {
    "formatted": "formatted",
    "street_address": "streetAddress",
    "streetAddress": "streetAddress",
    "postal_code": "postalCode",
    "postalCode": "postalCode",
    "locality": "locality",
    "country": "country",
}


def _check_address(value: Json) -> Json:
    """The members that an address has here, from its spelling in OpenID Connect (Core 1.0 section 5.1.1) too."""
    if not isinstance(value, dict):
        return None
    texts = {_ADDRESS[name]: text for name, text in value.items() if name in _ADDRESS and _as_text(text, Rule()) is not None}
    return dict(texts) or None


def _matching(pattern: re.Pattern[str]) -> Callable[[Json], Json]:
    return lambda value: value if isinstance(value, str) and pattern.fullmatch(value) else None


def _check_phone(value: Json) -> Json:
    plain = re.sub(r"[ ().-]", "", value) if isinstance(value, str) else ""
    return plain if _E164.fullmatch(plain) else None


_TEXTS = ("name", "firstName", "middleName", "lastName", "email", "gender", "placeOfBirth")
_CHECKS: Mapping[str, Callable[[Json], Json]] = {
    **dict.fromkeys(_TEXTS, lambda value: value if isinstance(value, str) else None),
    "phoneNumber": _check_phone,
    "nationality": _matching(_COUNTRY),
    "dateOfBirth": _matching(re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)),
    "nin": lambda value: value if isinstance(value, dict) else None,
    "address": _check_address,
}


_DATE, _JSON, _FI = Rule(read_as="date"), Rule(read_as="json"), Rule(read_as="nin", country="FI", type="PERSON")
# OpenID Connect Core 1.0 section 5.1.
_OIDC: Mapping[str, tuple[Source, ...]] = {
    "name": (Source("name"),),
    "firstName": (Source("given_name"),),
    "middleName": (Source("middle_name"),),
    "lastName": (Source("family_name"),),
    "email": (Source("email"),),
    "phoneNumber": (Source("phone_number"),),
    "gender": (Source("gender"),),
    "dateOfBirth": (Source("birthdate", _DATE),),
    "address": (Source("address", _JSON),),
}
# The names of the Finnish trust network's assertion, and those that brokers use beside them.
_FTN: Mapping[str, tuple[Source, ...]] = {
    "nin": (Source("urn:oid:1.2.246.21", _FI), Source("personal_identity_code", _FI)),
    "ftnHetu": (Source("urn:oid:1.2.246.21"), Source("personal_identity_code")),
    "firstName": (Source("urn:oid:1.2.246.575.1.14"), Source("given_name")),
    "lastName": (Source("urn:oid:2.5.4.4"), Source("family_name")),
    "dateOfBirth": (Source("urn:oid:1.3.6.1.5.5.7.9.1", _DATE), Source("birthdate", _DATE)),
    "name": (Source("urn:oid:2.16.840.1.113730.3.1.241"), Source("name")),
    "ftnIdp": (Source("ftn_idp_id"),),
}
_AS_NAMED = {"nin": "nin", "dateOfBirth": "date", "address": "json"}


def _default_sources(record: ProviderRecord, name: str) -> tuple[Source, ...]:
    """Where an attribute is looked for that the record's own mapping does not name."""
    if record.kind == "oidc":
        return (_FTN if record.profile == "ftn" else _OIDC).get(name, ())
    if record.kind == "email_otp":
        return (Source("email"),) if name == "email" else ()
    # The sandbox and the owner's own services speak our names.
    return (Source(name, Rule(read_as=_AS_NAMED.get(name, "string"))),)  # type: ignore[arg-type]
