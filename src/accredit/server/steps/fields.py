"""What a step asks of the person before it goes on: the members of `user` that the template names and nobody has given yet."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.gate.flow.user import User, parse_member
from accredit.server.steps.screens import FORM_FIELDS, OPTIONAL_FIELDS
from accredit.server.steps.step import Ask, Asked, Next

GoOn: TypeAlias = Callable[[Asked], Awaitable[Next]]

_PHONE_SPACING = str.maketrans("", "", " -.()/")


class AskedFirst:
    """Asks for what is missing, then goes on, once. go_on: what the step does with a person that is known well enough."""

    def __init__(self, fields: Sequence[str], go_on: GoOn, poll: GoOn) -> None:
        self._fields = fields
        self._go_on = go_on
        self._poll = poll

    async def start(self, asked: Asked) -> Next:
        """Ask, where something is missing and somebody is there to be asked."""
        missing = self._missing(asked)
        return _ask(missing, {}, {}) if missing else await self._go_on(asked)

    async def submit(self, asked: Asked, form: Mapping[str, str]) -> Next:
        """Read what was missing; all of it is right, or all of it is shown again."""
        missing = self._missing(asked)
        if not missing:
            return await self._poll(asked)
        given, faults = read_fields(missing, form)
        if faults:
            return _ask(missing, form, faults)
        following = await self._go_on(replace(asked, user=asked.user.merged(given)))
        return replace(following, user=given.merged(following.user))

    async def poll(self, asked: Asked) -> Next:
        """The same screen again, or what happened since."""
        missing = self._missing(asked)
        return _ask(missing, {}, {}) if missing else await self._poll(asked)

    def _missing(self, asked: Asked) -> list[str]:
        # What was begun is not asked about once more: a state is there.
        known = asked.user.known()
        return [] if asked.headless or asked.state else [name for name in self._fields if name not in known]


def _ask(missing: Sequence[str], given: Mapping[str, str], faults: Mapping[str, str]) -> Ask:
    fields = [field for name in missing for field in FORM_FIELDS[name]]
    values: dict[str, Json] = {
        "fields": list(fields),
        "required": [field for field in fields if field not in OPTIONAL_FIELDS],
        "given": {field: given[field] for field in fields if field in given},
        "faults": dict(faults),
    }
    return Ask("fields", values)


def read_fields(members: Sequence[str], form: Mapping[str, str]) -> tuple[User, dict[str, str]]:
    """The members that a form gives, and by field what is wrong with it: `missing` or `invalid`. With faults nothing is known."""
    user, faults = User(), dict[str, str]()
    for name in members:
        texts = {field: form.get(field, "").strip() for field in FORM_FIELDS[name]}
        missing = [field for field, text in texts.items() if not text and field not in OPTIONAL_FIELDS]
        if missing:
            faults |= dict.fromkeys(missing, "missing")
            continue
        try:
            user = user.merged(parse_member(name, _as_json(name, texts)))
        except MalformedError as error:
            faults[error.member if error.member in texts else FORM_FIELDS[name][0]] = "invalid"
    return User() if faults else user, faults


def _as_json(name: str, texts: Mapping[str, str]) -> Json:
    if name in texts:
        return read_phone(texts[name]) if name == "phone" else texts[name]
    group: dict[str, Json] = {field.removeprefix(f"{name}."): text for field, text in texts.items() if text}
    if name == "address":
        group["country_code"] = str(group["country_code"]).upper()
    return group


def read_phone(text: str) -> str:
    """A telephone number as people write it, without spaces, dashes, dots, slashes and brackets."""
    return text.translate(_PHONE_SPACING)
