"""Identity secrets for commands."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from accredit.cli.secrets import read_secret_texts
from accredit.errors import MalformedError
from accredit.identity import IdentitySecret

VARIABLE = "IDENTITY_SECRET"


def read_secrets(files: Sequence[Path], key_ids: Sequence[str] = ()) -> list[IdentitySecret]:
    """The secrets of the files, each with its key id, or without any file the one of the environment.

    key_ids: one for each secret in their order, or none. Raises UsageError where there is no secret, or not as many of both;
    MalformedError: `secret_malformed` with the name of the file or variable, `field_invalid` for a key id that is none.
    """
    texts = read_secret_texts(files, VARIABLE)
    if key_ids and len(key_ids) != len(texts):
        raise click.UsageError("Give one --key-id for each secret, in their order, or none.")
    return [_read_secret(name, text, key_id) for (name, text), key_id in zip(texts, key_ids or [""] * len(texts), strict=True)]


def _read_secret(name: str, text: str, key_id: str) -> IdentitySecret:
    try:
        return IdentitySecret.from_base64(text, key_id)
    except MalformedError as error:
        if error.code != "secret_malformed":
            raise
        raise MalformedError("secret_malformed", name) from error


def fit_key_ids(secrets: Sequence[IdentitySecret], key_id: str | None) -> list[IdentitySecret]:
    """The secrets, those without a name under the one that the signature names: what was not told is assumed to fit."""
    return [secret if secret.key_id or key_id is None else replace(secret, key_id=key_id) for secret in secrets]
