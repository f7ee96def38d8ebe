"""The words of the person's pages: one file for each language in `languages/`, and which of them a person is shown.

    language = LANGUAGES[choose_language(["nb-NO"], accept_language)]
    language.say("choice.lead", who="Shop")           # text with what is filled in, escaped for HTML

A file is TOML: `name`, what the language calls itself, and tables of texts with `{names}` to be filled in. Another file named by its
language code is another language. RFC 5646 for codes, RFC 9110 section 12.5.4 for `Accept-Language`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

DEFAULT = "en"
# Norwegian without saying which one, and the other one: who writes it reads this.
_OTHER_NAMES = {"no": "nb", "nn": "nb"}
_AGE = re.compile(r"([0-9]{1,3})OrOlder")
_MAX_RANGES = 50


@dataclass(frozen=True, slots=True)
class Language:
    """A language. name: what it calls itself. texts: by `table.key`."""

    code: str
    name: str
    texts: Mapping[str, str]

    def say(self, key: str, **values: object) -> Markup:
        """A text with what is filled in, both escaped."""
        return Markup(escape(self.texts[key])).format(**values)  # noqa: S704 - escaped in the same breath

    def attributes(self, names: Iterable[str]) -> list[Markup]:
        """Attributes in words, each once."""
        return list(dict.fromkeys(map(self._attribute, names)))

    def _attribute(self, name: str) -> Markup:
        age, key = _AGE.fullmatch(name), f"attributes.{name.partition('.')[0]}"
        if age is not None:
            return self.say("consent.older", age=age[1])
        if name == "nin.issuingCountry":
            return self.say("consent.nin_country")
        return self.say(key) if key in self.texts else self.say("consent.other", name=name)


@cache
def languages() -> dict[str, Language]:
    """All languages by their code, the default one first, then in the order of their names."""
    folder = files(__package__) / "languages"
    read = [_read(entry.name.removesuffix(".toml"), entry.read_text(encoding="utf-8")) for entry in folder.iterdir()]
    read.sort(key=lambda each: (each.code != DEFAULT, each.name))
    return {each.code: each for each in read}


def _read(code: str, text: str) -> Language:
    tables = tomllib.loads(text)
    name: str = tables.pop("name")
    texts = {f"{table}.{key}": words for table, keys in tables.items() for key, words in keys.items()}
    return Language(code, name, texts)


def choose_language(wanted: Iterable[str | None], accept_language: str) -> Language:
    """The first of the wanted tags that there is a language for, else the best of the header, else English."""
    for tag in (*wanted, *_accepted(accept_language)):
        found = find_language(tag)
        if found is not None:
            return found
    return languages()[DEFAULT]


def find_language(tag: str | None) -> Language | None:
    """The language that a tag means, whatever region it names; None for one that there is no language for."""
    primary = (tag or "").lower().replace("_", "-").partition("-")[0]
    return languages().get(_OTHER_NAMES.get(primary, primary))


def _accepted(header: str) -> list[str]:
    """The tags of an `Accept-Language` that are accepted at all, the dearest first; what cannot be read counts for nothing."""
    ranges: list[tuple[float, str]] = []
    for part in header.split(",")[:_MAX_RANGES]:
        tag, _, parameter = part.strip().partition(";")
        quality = re.fullmatch(r"\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", parameter) if parameter else None
        if not parameter or quality is not None:
            ranges.append((float(quality[1]) if quality else 1.0, tag.strip()))
    return [tag for quality, tag in sorted(ranges, key=lambda each: -each[0]) if quality > 0]
