"""Texts that must not be found, in every form in which somebody might write them down.

markers = Markers(uid="user Ωmega/7c1e")
markers.found_in(octets)      # the names of those that are there
"""

import base64
import html
import json
from urllib.parse import quote, quote_plus


class Markers:
    """Secrets by name."""

    def __init__(self, **texts: str) -> None:
        self.texts: dict[str, str] = {}
        self._forms: dict[bytes, str] = {}
        for name, text in texts.items():
            self.add(name, text)

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def add(self, name: str, text: str) -> str:
        """One more; the text."""
        assert len(text) >= 8, "so short a text is found by chance"
        self.texts[name] = text
        self._forms |= dict.fromkeys(forms_of(text), name)
        return text

    def found_in(self, octets: bytes) -> set[str]:
        """The names of the texts that stand there in any form."""
        return {f"{name} as {form!r}" for form, name in self._forms.items() if form in octets}


def forms_of(text: str) -> set[bytes]:
    """As it is, and escaped or encoded as JSON, URL, HTML, UTF-16, hexadecimal and base64."""
    plain = text.encode()
    written = {
        text,
        json.dumps(text)[1:-1],
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        html.escape(text),
        repr(text)[1:-1],
    }
    octets = {form.encode() for form in written} | {text.encode("utf-16-le"), text.encode("utf-16-be")}
    encoded = {form for raw in octets for form in (raw.hex().encode(), raw.hex().upper().encode())}
    return octets | encoded | _base64_forms(plain)


def _base64_forms(plain: bytes) -> set[bytes]:
    """Wherever in a longer base64 text it may stand: the characters that depend on nothing but the text itself."""
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + plain).rstrip(b"=")
        # The first characters hold bits of what comes before, the last one of what comes after.
        inner = encoded[-(-before * 8 // 6) : -1]
        forms |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return forms
