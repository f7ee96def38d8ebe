"""What is told of a person: `user` of a session, with its rules (protocol-flow.md section 9).

The same rules hold for signed prefill, for bodies of the API and for what the person types. Texts are kept as they were given, only
numbers of identity documents lose their spaces, dots and dashes.

    parse_user({"email": "ada@example.org", "id_number": {"type": "us_ssn", "value": "123-45-6788"}}).id_number.value   # 123456788
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError

_EMAIL = re.compile(
    r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f-\x9f]{1,64}@(?=.{1,253}\Z)[^\s@.\"(),:;<>\[\\\]]+(?:\.[^\s@.\"(),:;<>\[\\\]]+)*"
)
_MAX_EMAIL = 254
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPACING = str.maketrans("", "", " .-")
_ID_TYPE = re.compile(r"[a-z]{2}_[a-z0-9_]{1,37}")
_OTHER_ID = re.compile(r"[A-Za-z0-9]{1,64}")
ID_NUMBERS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.ASCII)
    for name, pattern in {
        "ar_dni": r"\d{8,10}",
        "au_passport": r"[A-Z0-9]{7,8}",
        "br_cpf": r"\d{11}",
        "ca_sin": r"\d{9}",
        "cl_run": r"\d{8}[A-Z\d]",
        "cn_resident_card": r"\d{15,18}",
        "co_nit": r"\d{8,10}",
        "dk_cpr": r"\d{9,11}",
        "eg_national_id": r"\d{14}",
        "hk_hkid": r"[A-Z0-9]{8,9}",
        "in_pan": r"[A-Z]{5}\d{4}[A-Z]",
        "us_ssn": r"\d{9}",
        "us_ssn_last_4": r"\d{4}",
    }.items()
}

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """Both, or no name at all."""

    first: _Line
    last: _Line


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """country_code: ISO 3166-1 alpha-2, upper case. subdivision: of ISO 3166-2, as it is given."""

    street: _Line
    city: _Line
    country_code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
    street2: _Line | None = None
    subdivision: _Line | None = None
    postal_code: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] | None = None


class IdNumber(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The number of an identity document, without spaces, dots and dashes. type: one of ID_NUMBERS, or another of its form."""

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    type: Annotated[str, msgspec.Meta(max_length=40)]
    category: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a person; None is not known. phone: E.164. date_of_birth: YYYY-MM-DD."""

    email: Annotated[str, msgspec.Meta(max_length=_MAX_EMAIL)] | None = None
    phone: Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{6,14}\Z")] | None = None
    name: Name | None = None
    date_of_birth: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")] | None = None
    address: Address | None = None
    id_number: IdNumber | None = None

    def known(self) -> tuple[str, ...]:
        """The names of the members that are known."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)

    def merged(self, other: "User") -> "User":
        """With the members that the other knows in place of its own."""
        return msgspec.structs.replace(self, **{name: getattr(other, name) for name in other.known()})

    def only(self, names: frozenset[str]) -> "User":
        """With no other members than these."""
        return User(**{name: getattr(self, name) for name in self.known() if name in names})

    def as_json(self) -> dict[str, Json]:
        """The members that are known, as JSON."""
        members: dict[str, Json] = msgspec.to_builtins(self)
        return members


def parse_user(members: Mapping[str, Json]) -> User:
    """Read `user`; a member that is null is not known, and unknown ones are ignored.

    Raises MalformedError `validation_failed` with the member's path, such as `name.last`.
    """
    present = {name: value for name, value in members.items() if value is not None}
    try:
        user = msgspec.convert(_without_nulls(present), User)
    except msgspec.ValidationError as error:
        raise MalformedError("validation_failed", _path(error)) from error
    return _check(user)


def parse_member(name: str, value: Json) -> User:
    """One member, as `parse_user`; the member has to be known. Raises MalformedError `validation_failed` with the path."""
    if name not in User.__struct_fields__ or value is None:
        raise MalformedError("validation_failed", name)
    return parse_user({name: value})


def _without_nulls(members: Mapping[str, Json]) -> dict[str, Any]:
    """Groups may have members that are null, too."""
    return {
        name: {key: each for key, each in value.items() if each is not None} if isinstance(value, dict) else value
        for name, value in members.items()
    }


def _path(error: msgspec.ValidationError) -> str:
    """The path that msgspec names, without any value: `name.last` from "... missing required field `last` - at `$.name`"."""
    text = str(error)
    path = re.search(r"at `\$\.?([^`]*)`", text)
    missing = re.search(r"missing required field `([^`]*)`", text)
    return ".".join(part for part in (path[1] if path else "", missing[1] if missing else "") if part)


def _check(user: User) -> User:
    for path, text in _texts(user):
        if _CONTROL.search(text) or not text.strip() or not _is_unicode(text):
            raise MalformedError("validation_failed", path)
    if user.email is not None and not _EMAIL.fullmatch(user.email):
        raise MalformedError("validation_failed", "email")
    if user.date_of_birth is not None and not _is_date(user.date_of_birth):
        raise MalformedError("validation_failed", "date_of_birth")
    return user if user.id_number is None else msgspec.structs.replace(user, id_number=read_id_number(user.id_number))


def _texts(user: User) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in user.as_json().items():
        if isinstance(value, str):
            found.append((name, value))
        elif isinstance(value, dict):
            found.extend((f"{name}.{key}", each) for key, each in value.items() if isinstance(each, str))
    return found


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).year > 0
    except ValueError:
        return False


def read_id_number(number: IdNumber) -> IdNumber:
    """The number as it is kept. Raises MalformedError `validation_failed` with `id_number.type` or `id_number.value`."""
    if not _ID_TYPE.fullmatch(number.type):
        raise MalformedError("validation_failed", "id_number.type")
    value = number.value.translate(_SPACING)
    if not ID_NUMBERS.get(number.type, _OTHER_ID).fullmatch(value):
        raise MalformedError("validation_failed", "id_number.value")
    return msgspec.structs.replace(number, value=value)
