"""`accredit webhooks`."""

import click

from accredit.cli.groups import LazyGroup

SENTENCES = {
    "create": "Tell an address of what happens: an endpoint with a secret.",
    "list": "List the endpoints of an account and environment.",
    "show": "Show an endpoint and the public keys that sign for its account.",
    "update": "Replace members of an endpoint.",
    "enable": "Send to an endpoint again.",
    "disable": "Send no more to an endpoint.",
    "delete": "Delete an endpoint with its secrets.",
    "rotate-secret": "Give an endpoint another secret.",
    "rotate-key": "Replace the Ed25519 key that signs for an account.",
    "verify": "Say whether a webhook that came is genuine; needs no database.",
}


@click.command(cls=LazyGroup, package="accredit.cli.webhooks", sentences=SENTENCES)
def command() -> None:
    """Tell other servers of what happens, and look at webhooks as they do."""
