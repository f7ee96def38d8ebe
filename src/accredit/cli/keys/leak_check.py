"""`accredit keys leak-check`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from accredit.cli.groups import FAILURE, REFUSED, examples, json_option
from accredit.cli.leaks.folder import search_folder
from accredit.cli.leaks.history import History
from accredit.cli.leaks.places import Place
from accredit.cli.output import print_json

_COMMIT_SHOWN = 12


@click.command(
    epilog=examples(
        "accredit keys leak-check .",
        "accredit keys leak-check . --history",
        "accredit keys leak-check dist/ --json",
    )
)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--history", is_flag=True, help="Search all that git keeps of the repository at PATH, not the files as they are now."
)
@json_option
def command(path: Path, history: bool, as_json: bool) -> None:
    """Look for secrets that this server makes or takes over, in a file, a folder or a git history.

    It prints where each stands and how it begins, never the whole of it. Revoke what was found, then take it out of there. Exit code
    1: found something; 3: something could not be read. Secrets that were brought along in a form of their own, identity secrets and
    private keys are not looked for.
    """
    unreadable: list[str] = []
    with _progress() as advance:
        places = list(History(path).search(advance) if history else search_folder(path, unreadable, advance))
    _show(places, unreadable, as_json)
    if places or unreadable:
        click.get_current_context().exit(REFUSED if places else FAILURE)


def _show(places: list[Place], unreadable: list[str], as_json: bool) -> None:
    if as_json:
        print_json({"found": [asdict(place) for place in places], "unreadable": unreadable})
        return
    for place in places:
        commit = f"{place.commit[:_COMMIT_SHOWN]} " if place.commit else ""
        click.echo(f"{commit}{place.path or '(message)'}:{place.line}: {place.shown}")
    for name in unreadable:
        click.echo(f"accredit: {name} could not be read.", err=True)
    if not places:
        click.echo("No secret was found.", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[], object]]:
    """Shows a person at a terminal how far it is."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    with Progress(TextColumn("{task.completed} searched"), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda: progress.advance(task)
