"""`accredit keys rotate-root`."""

import sys
from contextlib import nullcontext

import click

from accredit.cli.database import Database, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_json
from accredit.server.keyring.root import drop_previous_root_key, replace_root_key_file
from accredit.server.keyring.sealing import RotationCounts, Sealer
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit keys rotate-root",
        "ACCREDIT_ROOT_KEY_FILE=new.key ACCREDIT_PREVIOUS_ROOT_KEYS=$(cat old.key) accredit keys rotate-root",
    )
)
@database_options
@json_option
def command(database: Database, as_json: bool) -> None:
    """Wrap every data key under a new root key; what was sealed stays as it is.

    On the embedded default the server must be stopped: this makes a new root.key, and the old one is gone afterwards. Where the root
    key is a setting, give all servers the new one, and the old one as ACCREDIT_PREVIOUS_ROOT_KEYS, then run this; when it is done,
    the old one can go. A run that was interrupted is simply run again.
    """
    settings = database.settings
    own_file = not (settings.database_url or settings.root_key or settings.root_key_file)
    counts = database.run(_rotate_own_file if own_file else _rotate, exclusive=own_file)
    if as_json:
        print_json({"rewrapped": counts.rewrapped, "already": counts.already, "total": counts.total})
    else:
        click.echo(f"{counts.rewrapped} data keys wrapped anew, {counts.already} were already, {counts.total} in all.")


async def _rotate(node: Node) -> RotationCounts:
    return await _wrap_anew(node.sealer)


async def _rotate_own_file(node: Node) -> RotationCounts:
    data_dir = node.settings.data_dir
    # The database is claimed for this process, so no server can make data keys under the old root key meanwhile.
    root_keys = replace_root_key_file(data_dir)
    counts = await _wrap_anew(Sealer(node.store, root_keys, node.clock))
    drop_previous_root_key(data_dir)
    return counts


async def _wrap_anew(sealer: Sealer) -> RotationCounts:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) if sys.stderr.isatty() else nullcontext() as progress:
        task = None if progress is None else progress.add_task("Wrapping data keys", total=None)

        def show(counts: RotationCounts) -> None:
            if progress is not None and task is not None:
                progress.update(task, completed=counts.already + counts.rewrapped, total=counts.total)

        return await sealer.rotate_root(show)
