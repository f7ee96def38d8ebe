"""Files and standard input: tokens, JSON Web Keys, and secrets that are written for their owner alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import click

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError

_MAX_BYTES, _MAX_OCTETS = 256 * 1024, 1024 * 1024
_STDIN = Path("-")
# Click keeps this by context, which all options of one run share.
_STDIN_READ = "accredit.stdin_read"

# A file that is there, or `-` for standard input.
INPUT = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)


def read_text(path: Path) -> str:
    """The text of a file or of standard input, without white space around it. Raises UsageError for a second look at the latter."""
    octets = _read_stdin(_MAX_BYTES) if path == _STDIN else path.read_bytes()[:_MAX_BYTES]
    return octets.decode("utf-8", "replace").strip()


def read_octets(path: Path) -> bytes:
    """The octets of a file or of standard input as they are, at most 1 MiB. Raises UsageError as `read_text`."""
    return _read_stdin(_MAX_OCTETS) if path == _STDIN else path.read_bytes()[:_MAX_OCTETS]


def _read_stdin(max_bytes: int) -> bytes:
    read = click.get_current_context().meta
    if read.setdefault(_STDIN_READ, False):
        raise click.UsageError("Standard input can be read for one option only.")
    read[_STDIN_READ] = True
    return sys.stdin.buffer.read(max_bytes)


def read_token(text: str) -> str:
    """A token as it was typed; `-` reads it from standard input."""
    return read_text(_STDIN) if text == "-" else text


def read_keys(path: Path) -> list[dict[str, Json]]:
    """The JSON Web Keys of a file: one, or those of a set (RFC 7517 section 5). Raises MalformedError `key_malformed`."""
    return parse_keys(read_text(path).encode(), str(path))


def parse_keys(octets: bytes, source: str) -> list[dict[str, Json]]:
    """The JSON Web Keys of a document from that source. Raises MalformedError `key_malformed`."""
    try:
        document = parse_json(octets, max_depth=4)
    except JsonError as error:
        raise MalformedError("key_malformed", source) from error
    keys = document.get("keys") if isinstance(document, dict) and "keys" in document else [document]
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise MalformedError("key_malformed", source)
    return cast("list[dict[str, Json]]", keys)


def read_key(path: Path) -> dict[str, Json]:
    """The one key of a file. Raises MalformedError `key_malformed`, also for a set of several."""
    keys = read_keys(path)
    if len(keys) != 1:
        raise MalformedError("key_malformed", str(path))
    return keys[0]


@contextmanager
def new_secret_file(path: Path) -> Iterator[IO[str]]:
    """A new file that only its owner may read; it is there before the secret is made, and gone again if that fails.

    Raises UsageError where it cannot be made, or where there is a file already.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{path} exists already; a secret never overwrites a file.") from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
