"""The outermost command: `accredit`."""

import click

import accredit
from accredit.cli.groups import RootGroup, examples

SENTENCES = {
    "serve": "Run the server.",
    "demo": "Run a complete example on this machine.",
    "migrate": "Bring the database's schema up to date.",
    "account": "Create and list accounts.",
    "deployer": "Create and list deployers.",
    "integration": "Create, show and change integrations.",
    "checklist": "Say whether a template of the flow door is fit to go live.",
    "provider": "Create, show and change providers of the rest door.",
    "snippet": "Print what a deployer pastes into a page.",
    "client": "Create, list, disable and enable API clients.",
    "credential": "Create and list API credentials of the flow door.",
    "keys": "Make, register, list and end keys and secrets.",
    "deployment": "Sign, verify and explain signed deployments.",
    "identity": "Sign, verify and explain identity signatures.",
    "reference": "Sign, verify and explain customer references of the flow door.",
    "service": "Create, list and change services that steps of the flow door are asked of.",
    "webhooks": "Say whether a webhook that came is genuine.",
    "open-sealed": "Open a sealed answer of the rest door.",
    "audit": "Read and verify the audit trail.",
}


@click.command(
    cls=RootGroup,
    package="accredit.cli",
    sentences=SENTENCES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples(
        "accredit account create 'Example Ltd' --owner-id example",
        "accredit serve",
        "accredit deployment explain TOKEN --key deployer.public.jwk",
    ),
)
@click.version_option(accredit.__version__, message="accredit %(version)s")
def command() -> None:
    """Decide who may embed your application, and know who a person is before you let them in.

    Settings come from the environment (ACCREDIT_DATA_DIR, ACCREDIT_DATABASE_URL, ACCREDIT_PUBLIC_URL, ...); an option wins over it.

    Exit codes: 0 done or it holds, 1 refused or it does not hold, 2 wrong usage or a wrong form, 3 a failure on our side.
    """
