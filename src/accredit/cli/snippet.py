"""`accredit snippet`."""

import os

import click

from accredit.cli.database import Database, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.integration import load_integration
from accredit.cli.output import print_json
from accredit.server.integrations.snippet import LANGUAGES, render_snippet
from accredit.server.sdk import load_sdk
from accredit.server.settings import read_settings


@click.command(
    epilog=examples(
        "accredit snippet checkout",
        "accredit snippet checkout --only html > snippet.html",
        "accredit snippet checkout --only node > sign.mjs",
    )
)
@click.argument("integration_id", metavar="ID")
@click.option("--only", type=click.Choice(("html", *LANGUAGES)), help="Print this part alone.")
@click.option("--public-url", metavar="URL", help="What browsers call the server; ACCREDIT_PUBLIC_URL.")
@database_options
@json_option
def command(integration_id: str, only: str | None, public_url: str | None, database: Database, as_json: bool) -> None:
    """Print what a deployer pastes into a page to embed or boot an integration, or to verify its users.

    Where a signed deployment or a signature is asked for, also programs for the deployer's server that sign.
    """
    record = database.run(lambda node: load_integration(node, integration_id))
    settings = database.settings if public_url is None else read_settings(os.environ, public_url=public_url)
    snippet = render_snippet(record, public_url=settings.public_url, sdk=load_sdk())
    parts = {"html": snippet.html, **snippet.samples}
    if only is not None and only not in parts:
        raise click.UsageError(f"There is no {only} sample: this integration asks for no signature.")
    if as_json:
        print_json({"html": snippet.html, "server_samples": snippet.samples} if only is None else {only: parts[only]})
    elif only is not None:
        click.echo(parts[only], nl=False)
    else:
        for name, text in parts.items():
            click.echo(f"--- {name} ---\n{text}")
