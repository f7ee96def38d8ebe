"""Reference secrets for commands."""

from collections.abc import Sequence
from pathlib import Path

from accredit.cli.secrets import read_secret_texts
from accredit.errors import MalformedError
from accredit.reference import ReferenceSecret

VARIABLE = "REFERENCE_SECRET"


def read_secrets(files: Sequence[Path], key_id: str = "") -> list[ReferenceSecret]:
    """The secrets of the files, or without any file the one of the environment, all under that key id.

    Raises UsageError where there is none; MalformedError: `secret_malformed` with the name of the file or variable, `field_invalid`
    for a key id that is none.
    """
    return [_read_secret(name, text, key_id) for name, text in read_secret_texts(files, VARIABLE)]


def _read_secret(name: str, text: str, key_id: str) -> ReferenceSecret:
    try:
        return ReferenceSecret.from_text(text, key_id)
    except MalformedError as error:
        if error.code != "secret_malformed":
            raise
        raise MalformedError("secret_malformed", name) from error
