"""Values on their way: requests and answers of HTTP without any library's types, and members by their names on the wire.

Names are camelCase at the rest door and as they are in Python elsewhere. An answer is read leniently as to members that are new, and
strictly as to those that are known: a wrong type is `answer_malformed`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Literal, TypeVar, cast, get_args

from accredit.encoding import Json
from accredit.errors import FailureError

Read = TypeVar("Read")

_HUMP = re.compile("_([a-z])")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. repeatable: it may be sent again where it is not known whether the first one arrived."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer. headers: by their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """Without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def camel(name: str) -> str:
    """`callback_urls` as the wire has it: `callbackUrls`."""
    return _HUMP.sub(lambda match: match[1].upper(), name)


def to_wire(value: object, spell: Callable[[str], str] = camel) -> Json:
    """A dataclass as a JSON object, without the members that are None; what else a member may be as JSON has it.

    spell: how the wire has a member's name.
    """
    if is_dataclass(value) and not isinstance(value, type):
        members = {each.name: getattr(value, each.name) for each in fields(value)}
        return {spell(name): to_wire(member, spell) for name, member in members.items() if member is not None}
    if isinstance(value, list | tuple):
        return [to_wire(each, spell) for each in value]
    if isinstance(value, Mapping):
        return {str(name): to_wire(each, spell) for name, each in value.items()}
    return cast("Json", value)


class Members:
    """The members of an object that the server sent."""

    def __init__(self, value: Json) -> None:
        if not isinstance(value, dict):
            raise FailureError("answer_malformed")
        self.raw = value

    def find_text(self, name: str) -> str | None:
        """A text, None where there is none."""
        return self._find(name, str)

    def text(self, name: str) -> str:
        """A text that must be there."""
        return _there(name, self.find_text(name))

    def find_number(self, name: str) -> int | None:
        """A whole number, None where there is none."""
        value = self._find(name, int)
        if isinstance(value, bool):
            raise FailureError("answer_malformed", name)
        return value

    def flag(self, name: str) -> bool:
        """A truth value that must be there."""
        return _there(name, self._find(name, bool))

    def find_time(self, name: str) -> datetime | None:
        """A time with its offset, None where there is none."""
        text = self.find_text(name)
        try:
            moment = None if text is None else datetime.fromisoformat(text)
        except ValueError:
            raise FailureError("answer_malformed", name) from None
        if moment is not None and moment.tzinfo is None:
            raise FailureError("answer_malformed", name)
        return moment

    def time(self, name: str) -> datetime:
        """A time with its offset that must be there."""
        return _there(name, self.find_time(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty where there is none."""
        found = self._find(name, list) or []
        if not all(isinstance(each, str) for each in found):
            raise FailureError("answer_malformed", name)
        return tuple(cast("list[str]", found))

    def find_map(self, name: str) -> dict[str, Json] | None:
        """An object as it is, None where there is none."""
        return self._find(name, dict)

    def find_object(self, name: str, read: Callable[["Members"], Read]) -> Read | None:
        """What an object is read as, None where there is none."""
        found = self.find_map(name)
        return None if found is None else read(Members(found))

    def objects(self, name: str, read: Callable[["Members"], Read]) -> tuple[Read, ...]:
        """What the objects of a list that must be there are read as."""
        return tuple(read(Members(each)) for each in _there(name, self._find(name, list)))

    def word(self, name: str, words: object) -> str:
        """A text that must be there, and one of those of a Literal."""
        text = self.text(name)
        if text not in get_args(words):
            raise FailureError("answer_malformed", name)
        return text

    def _find(self, name: str, kind: type[Read]) -> Read | None:
        value = self.raw.get(name)
        if value is not None and not isinstance(value, kind):
            raise FailureError("answer_malformed", name)
        return value


def _there(name: str, value: Read | None) -> Read:
    if value is None:
        raise FailureError("answer_malformed", name)
    return value


ResponseSignature = Literal["off", "rfc9421", "jws"]
