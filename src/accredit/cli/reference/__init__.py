"""`accredit reference`."""

import click

from accredit.cli.groups import LazyGroup

SENTENCES = {
    "sign": "Sign a customer reference; needs no database.",
    "verify": "Say whether a signature of a customer reference holds.",
    "explain": "Say step by step how such a signature fares, and what the likely mistake is.",
}


@click.command(cls=LazyGroup, package="accredit.cli.reference", sentences=SENTENCES)
def command() -> None:
    """Sign, verify and explain customer references: how a deployer's backend vouches for a user at the flow door."""
