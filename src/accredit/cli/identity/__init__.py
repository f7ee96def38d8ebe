"""`accredit identity`."""

import click

from accredit.cli.groups import LazyGroup

SENTENCES = {
    "sign": "Sign a user's identity; needs no database.",
    "verify": "Say whether an identity signature holds.",
    "explain": "Say check by check how an identity signature fares, and what the likely mistake is.",
}


@click.command(cls=LazyGroup, package="accredit.cli.identity", sentences=SENTENCES)
def command() -> None:
    """Sign, verify and explain identity signatures: how a deployer's backend vouches for the user of a boot."""
