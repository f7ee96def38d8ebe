"""Finds in something that is read piece by piece, however large it is."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from accredit.cli.leaks.forms import LONGEST, Find, find_secrets

_PIECE = 1024 * 1024


def find_in(read: Callable[[int], bytes]) -> Iterator[Find]:
    """The secrets of a stream. read: up to so many octets, none at the end."""
    kept, before, lines = b"", 0, 0
    while piece := read(_PIECE):
        octets = kept + piece
        # What begins in the last octets may go on in the next piece, and is found there.
        settled = max(len(octets) - LONGEST, 0)
        for find in find_secrets(octets):
            if find.offset < settled:
                yield replace(find, offset=before + find.offset, line=lines + find.line)
        kept, before = octets[settled:], before + settled
        lines += octets.count(b"\n", 0, settled)
    for find in find_secrets(kept):
        yield replace(find, offset=before + find.offset, line=lines + find.line)
