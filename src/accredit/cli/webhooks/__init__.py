"""`accredit webhooks`."""

import click

from accredit.cli.groups import LazyGroup

SENTENCES = {
    "verify": "Say whether a webhook that came is genuine; needs no database.",
}


@click.command(cls=LazyGroup, package="accredit.cli.webhooks", sentences=SENTENCES)
def command() -> None:
    """Look at webhooks as their receivers do."""
