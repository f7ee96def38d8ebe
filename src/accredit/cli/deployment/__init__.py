"""`accredit deployment`."""

import click

from accredit.cli.groups import LazyGroup

SENTENCES = {
    "sign": "Sign a deployment; needs no database.",
    "verify": "Say whether a signed deployment holds.",
    "explain": "Say step by step what the gate would make of a signed deployment, and why.",
}


@click.command(cls=LazyGroup, package="accredit.cli.deployment", sentences=SENTENCES)
def command() -> None:
    """Sign, verify and explain signed deployments: the tokens by which a deployer's page is admitted."""
