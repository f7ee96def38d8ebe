"""A webhook as it was received, for commands: its body, octet by octet, and its headers."""

from collections.abc import Sequence
from pathlib import Path

import click

from accredit.cli.files import read_text

Headers = list[tuple[str, str]]


def read_headers(file: Path | None, lines: Sequence[str]) -> Headers:
    """The headers of a file, one a line, and those of options. Raises UsageError for a line that is none, or where there are none."""
    texts = [] if file is None else [line for line in read_text(file).splitlines() if line.strip()]
    # What a proxy or `curl -v` writes begins with the request line.
    if texts and texts[0].upper().endswith(("HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3")):
        texts = texts[1:]
    headers = [_split(text) for text in (*texts, *lines)]
    if not headers:
        raise click.UsageError("Name the headers with --headers FILE, or each with --header 'Name: value'.")
    return headers


def _split(text: str) -> tuple[str, str]:
    name, separator, value = text.partition(":")
    if not separator or not name.strip() or " " in name.strip():
        raise click.UsageError("A header is `Name: value`.")
    return name.strip(), value.strip(" \t\r")
