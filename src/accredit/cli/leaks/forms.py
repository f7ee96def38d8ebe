"""How our secrets look in octets of any kind, and what may be shown of one.

design.md section 7: `accredit_{live|sandbox}_{purpose}_` with a check that fits, the API secrets of the flow door, and secrets of
webhook endpoints. What is printed for everybody to try is no find.

    for find in find_secrets(octets): print(find.line, find.shown)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from accredit.keys import has_secret_form
from accredit.reference import is_published_secret

# The longest form, so that parts that are read one after another overlap by it.
LONGEST = 128
_FORMS = re.compile(
    rb"accredit_(?:live|sandbox)_[a-z]{1,20}_[A-Za-z0-9_-]{49}"
    rb"|(?:live|sandbox)_secret_[0-9a-f]{64}"
    rb"|whsec_[A-Za-z0-9+/]{43}="
)
_KEPT = 4


@dataclass(frozen=True, slots=True)
class Find:
    """A secret. offset: where it begins, in octets. line: from 1. shown: its prefix and its first characters."""

    offset: int
    line: int
    shown: str


def find_secrets(octets: bytes) -> Iterator[Find]:
    """The secrets in these octets, in their order."""
    line, counted = 1, 0
    for match in _FORMS.finditer(octets):
        text = match[0].decode("ascii")
        if is_published_secret(text) or (text.startswith("accredit_") and not has_secret_form(text)):
            continue
        line, counted = line + octets.count(b"\n", counted, match.start()), match.start()
        yield Find(match.start(), line, masked(text))


def masked(text: str) -> str:
    """What people recognise it by: the prefix, four characters, and no more."""
    prefix = re.match(r"accredit_[a-z]+_[a-z]+_|[a-z]+_secret_|whsec_", text)
    kept = _KEPT + (prefix.end() if prefix is not None else 0)
    return f"{text[:kept]}..."
