"""Secrets for commands: from files, standard input or the environment, never from options, which others can read."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from accredit.cli.files import read_text


def read_secret_texts(files: Sequence[Path], variable: str) -> list[tuple[str, str]]:
    """The texts of the files, each with the name of where it stood, or without any file that of the variable.

    Raises UsageError where there is none.
    """
    texts = [(str(path), read_text(path)) for path in files]
    if not texts and os.environ.get(variable):
        texts = [(variable, os.environ[variable].strip())]
    if not texts:
        raise click.UsageError(f"Name a file with --secret (`-`: standard input), or put the secret into {variable}.")
    return texts
