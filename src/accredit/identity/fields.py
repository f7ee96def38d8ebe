"""The customer fields of a boot: which there are, and what each may hold.

protocol-boot.md section 3. Values are kept as they were posted: nothing is cut, trimmed or folded; integers and `meta` get their
types. Warnings and errors hold names, never values.

    read_customer_fields({"customerInfo": {"email": "jane@example.com", "number_of_children": "2"}}).values
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from accredit.encoding import Json, JsonError, compact_json, parse_json
from accredit.errors import MalformedError
from accredit.identity.spellings import Body, Collected, collect_names

CustomerValue: TypeAlias = str | int | dict[str, Json]

_TEXT_LIMITS: Mapping[str, int] = {
    **dict.fromkeys(("email", "first_name", "surname", "preferred_name", "partner_first_name", "partner_surname"), 255),
    **dict.fromkeys(("broadband.provider", "broadband.down_speed"), 255),
    **dict.fromkeys(("passport_number", "building_number", "address_1", "address_2", "address_3", "town_city"), 50),
    **dict.fromkeys(("county", "country", "country_of_residence", "nationality"), 50),
    **dict.fromkeys(("relationship_status", "relationship_to_partner"), 50),
    **dict.fromkeys(("phone_number", "mobile_number", "national_insurance_number", "gender", "partner_sex"), 15),
    **dict.fromkeys(("broadband.ppm", "title"), 10),
    "postcode": 8,
}
_COUNTS = frozenset(("number_of_children", "number_of_cigarettes_per_week", "number_of_units_per_week", "ages_of_children"))
_COUNT = re.compile(r"0|[1-9][0-9]{0,3}")
_MAX_COUNT = 9999
_DATE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?(?:Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?)?"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YES_NO = re.compile(r"yes|no", re.IGNORECASE | re.ASCII)
_FORMS: Mapping[str, re.Pattern[str]] = {"dob": _DATE, "partner_dob": _DATE, "smoker": _YES_NO, "drinker": _YES_NO}
_META_BYTES, _META_LEVELS = 8 * 1024, 5
_MAX_WARNINGS = 20

CUSTOMER_NAMES = frozenset((*_TEXT_LIMITS, *_COUNTS, *_FORMS, "meta"))


@dataclass(frozen=True, slots=True)
class CustomerFields:
    """The customer fields of a boot, each of its type; `read_customer_fields` makes it.

    values: by plain name (`broadband.provider`): text, integers for counts, an object or text for `meta`; what is absent is not
    there. warnings: `field_dropped:{name}`, `field_not_json:meta`.
    """

    values: Mapping[str, CustomerValue] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def email(self) -> str | None:
        """The user's e-mail exactly as posted, None for an anonymous user."""
        email = self.values.get("email")
        return email if isinstance(email, str) else None

    @property
    def customer_info(self) -> dict[str, Json]:
        """The values as the application gets them: `broadband` as an object."""
        info: dict[str, Json] = {name: value for name, value in self.values.items() if "." not in name}
        broadband: dict[str, Json] = {
            name.removeprefix("broadband."): value for name, value in self.values.items() if name.startswith("broadband.")
        }
        return info | ({"broadband": broadband} if broadband else {})


NO_CUSTOMER_FIELDS = CustomerFields()


def read_customer_fields(body: Body) -> CustomerFields:
    """Read the customer fields of a boot, in all their spellings, and check each.

    body: the decoded pairs of a form in their order, or a JSON object; the boot's own fields in it are passed over. Empty text and
    null are absence. Unknown names are dropped, with a warning that holds the name only.

    Raises MalformedError: `request_malformed` for a name that comes twice in whatever spellings, `field_invalid` for a wrong type,
    form or length; both with the member's plain name.
    """
    return check_customer_fields(collect_names(body, CUSTOMER_NAMES))


def check_customer_fields(collected: Collected) -> CustomerFields:
    """Check what was collected. Raises MalformedError: `field_invalid`."""
    values: dict[str, CustomerValue] = {}
    warnings = [f"field_dropped:{name}" if name else "field_dropped" for name in collected.dropped[:_MAX_WARNINGS]]
    for name, value in collected.customer.items():
        # Most are short ASCII texts, and this is on the way of every boot.
        if isinstance(value, str) and 0 < len(value) <= _TEXT_LIMITS.get(name, 0) and value.isascii():
            values[name] = value
        elif value is not None and value != "":
            values[name] = _read_value(name, value)
    members: dict[str, Json] = {name: check_text("meta", value) for name, value in collected.meta.items() if value is not None}
    if members:
        values["meta"] = _read_meta(members)
    if isinstance(values.get("meta"), str):
        warnings.append("field_not_json:meta")
    return CustomerFields(values, tuple(warnings))


def check_text(name: str, value: object, limit: int | None = None) -> str:
    """A text of at most so many code points, that has a UTF-8 form. Raises MalformedError: `field_invalid`."""
    if not isinstance(value, str) or (limit is not None and len(value) > limit):
        raise MalformedError("field_invalid", name)
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MalformedError("field_invalid", name) from error
    return value


def _read_value(name: str, value: Json) -> CustomerValue:
    if name in _TEXT_LIMITS:
        return check_text(name, value, _TEXT_LIMITS[name])
    if name in _COUNTS:
        return _read_count(name, value)
    if name == "meta":
        return _read_meta(value)
    match = _FORMS[name].fullmatch(check_text(name, value))
    if match is None or (match.re is _DATE and not _is_day(match)):
        raise MalformedError("field_invalid", name)
    return match[0]


def _read_count(name: str, value: Json) -> int:
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return int(value)
    # A boolean is an int to Python, but no number here.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return value
    raise MalformedError("field_invalid", name)


def _is_day(match: re.Match[str]) -> bool:
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= _DAYS[month - 1] and (leap or (month, day) != (2, 29))


def _read_meta(value: Json) -> CustomerValue:
    """An object, or the text of one; other text stays text."""
    try:
        octets = check_text("meta", value).encode("utf-8") if isinstance(value, str) else compact_json(value)
    except JsonError as error:
        raise MalformedError("field_invalid", "meta") from error
    if len(octets) > _META_BYTES:
        raise MalformedError("field_invalid", "meta")
    try:
        parsed = parse_json(octets, max_depth=_META_LEVELS)
    except JsonError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    if isinstance(value, str):
        return value
    raise MalformedError("field_invalid", "meta")
