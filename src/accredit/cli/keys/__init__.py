"""`accredit keys`."""

import click

from accredit.cli.groups import LazyGroup

SENTENCES = {
    "list": "List keys and secrets of every purpose.",
    "create": "Make an API key, a passport key, a publishable key, a reference or an identity secret.",
    "import": "Take over an API secret that is used with the original of the flow door.",
    "generate": "Make a key pair or an identity secret; needs no database.",
    "register": "Register a public key: a deployer's, a reference key, or one that answers are sealed to.",
    "retire": "Let a key count until a time.",
    "revoke": "End a key now.",
    "leak-check": "Look for secrets in a folder or a git history; needs no database.",
    "thumbprint": "Print the thumbprint of a key; needs no database.",
    "rotate-provider": "Move our keys for a provider one phase on.",
    "rotate-signing": "Make new keys that the server signs and opens requests with.",
    "rotate-root": "Wrap all data keys under a new root key.",
}


@click.command(cls=LazyGroup, package="accredit.cli.keys", sentences=SENTENCES)
def command() -> None:
    """Make, register, list and end keys and secrets.

    Secrets are shown once, or written to a new file that only its owner may read. Several keys live at once, so that a rotation
    overlaps: make the next one, let the old one retire, and revoke only what was exposed.
    """
