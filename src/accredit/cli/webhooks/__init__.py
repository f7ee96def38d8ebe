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
    "test": "Send one sample to an endpoint now.",
    "probe": "Find out whether an endpoint verifies what it is sent.",
    "replay": "Send an event, or what failed, to an endpoint again.",
    "deliveries": "List what an endpoint was sent, and every attempt.",
    "trigger": "Let a sample event happen in the sandbox.",
    "listen": "Forward sandbox events to an address of this machine.",
    "verify": "Say whether a webhook that came is genuine; needs no database.",
}


@click.command(cls=LazyGroup, package="accredit.cli.webhooks", sentences=SENTENCES)
def command() -> None:
    """Tell other servers of what happens, and look at webhooks as they do."""
