"""Reading the members of a request one by one: what is wrong is collected, and the reading goes on.

protocol-rest.md section 5, protocol-flow.md section 9. `null` is absence at every depth, and so is an empty text where no least
length is given; at the rest door an empty list is too. Lengths are in characters.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias, TypeVar

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.gate.faults import Fault, FaultCode, fault

_TO_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_FOLLOWED = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Value = TypeVar("Value", bound=str)
Judge: TypeAlias = Callable[[str], FaultCode | None]


def form_of(form: re.Pattern[str]) -> Judge:
    """Judges by a form."""
    return lambda text: None if form.fullmatch(text) else "format"


def lowered(text: str) -> str:
    """The text in lower case, of ASCII letters only: no other letter may become one of them."""
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


# The names of the table, of which there are few.
_lowered_name = lru_cache(maxsize=256)(lowered)


def _fold_names(members: Mapping[str, Json]) -> dict[str, Json]:
    """The members by their names in lower case. Raises MalformedError `request_malformed` for two spellings of one."""
    folded = {lowered(name): value for name, value in members.items()}
    if len(folded) != len(members):
        raise MalformedError("request_malformed")
    return folded


class Members:
    """The members of one object, as they are read. faults: what was wrong so far, shared by all objects of a request.

    prefix: what stands before a name in its path. exact: names count as they are; else they ignore ASCII case.
    """

    def __init__(self, members: Mapping[str, Json], faults: list[Fault], *, prefix: str = "", exact: bool = False) -> None:
        self._given = dict(members) if exact else _fold_names(members)
        self._sent = members
        self._faults = faults
        self._prefix = prefix
        self._exact = exact
        self._read: set[str] = set()

    def fault(self, name: str, code: FaultCode, reason: str | None = None) -> None:
        """Note what is wrong with a member."""
        self._faults.append(fault(self._prefix + name, code, reason))

    def find(self, name: str) -> Json:
        """The member as it came; None where it is absent, as a list of nothing is too, unless names count as they are."""
        key = name if self._exact else _lowered_name(name)
        self._read.add(key)
        value = self._given.get(key)
        nothing = not self._exact and isinstance(value, list) and all(each is None for each in value)
        return None if nothing else value

    def text(self, name: str, *, least: int = 0, most: int, judge: Judge | None = None) -> str | None:
        """A text of that many characters. judge: says what else is wrong with it."""
        return self._check_text(name, self.find(name), least, most, judge)

    def texts(self, name: str, *, least: int = 0, most: int, count: int, judge: Judge | None = None) -> tuple[str, ...]:
        """The texts of a list, each once; those that are faulty are left out."""
        value = self.find(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fault(name, "type")
            return ()
        if len(value) > count:
            self.fault(name, "length")
            return ()
        found = [self._check_text(f"{name}[{index}]", each, least, most, judge) for index, each in enumerate(value)]
        return tuple(dict.fromkeys(text for text in found if text is not None))

    def _check_text(self, name: str, value: Json, least: int, most: int, judge: Judge | None) -> str | None:
        if value is None or (value == "" and least == 0):
            return None
        wrong: FaultCode | None = None
        if not isinstance(value, str):
            wrong = "type"
        elif not least <= len(value) <= most:
            wrong = "length"
        elif judge is not None:
            wrong = judge(value)
        if wrong is not None:
            self.fault(name, wrong)
        return None if wrong is not None else str(value)

    def choice(self, name: str, values: Sequence[Value]) -> Value | None:
        """One of the values, in any case; the one spelling of it."""
        return self._choose(name, {lowered(value): value for value in values}, fold=True)

    def exact_choice(self, name: str, values: Collection[Value]) -> Value | None:
        """One of the values, exactly so."""
        return self._choose(name, {str(value): value for value in values}, fold=False)

    def _choose(self, name: str, values: Mapping[str, Value], *, fold: bool) -> Value | None:
        value = self.find(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.fault(name, "type")
            return None
        found = values.get(lowered(value) if fold else value)
        if found is None:
            self.fault(name, "value", f"This member must be one of: {', '.join(values.values())}.")
        return found

    def integer(self, name: str) -> int | None:
        """A whole number; neither a fraction nor a truth value is one."""
        value = self.find(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.fault(name, "type")
            return None
        return value

    def object(self, name: str) -> "Members | None":
        """The members of an object, judged beside these."""
        value = self.find(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(name, "type")
            return None
        return Members(value, self._faults, prefix=f"{self._prefix}{name}.", exact=self._exact)

    def pairs(self, name: str, *, count: int, name_most: int, value_most: int) -> dict[str, str]:
        """The members of an object of texts, whose names are the caller's own."""
        value = self.find(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(name, "type")
            return {}
        present = {key: each for key, each in value.items() if each is not None and each != ""}
        if len(present) > count or any(len(key) > name_most for key in present):
            self.fault(name, "length")
            return {}
        read = ((key, self._check_text(_path(name, key), each, 0, value_most, None)) for key, each in present.items())
        return {key: text for key, text in read if text is not None}

    def refuse_unread(self) -> None:
        """Note every member that nobody asked for."""
        for name, value in self._sent.items():
            if (name if self._exact else lowered(name)) not in self._read and value is not None:
                self.fault(name if _FOLLOWED.fullmatch(name) else "(unnamed)", "not_allowed")


def _path(name: str, key: str) -> str:
    """The path of a member whose name is the caller's: one that could be anything is not said again."""
    return f"{name}.{key}" if _FOLLOWED.fullmatch(key) else name
