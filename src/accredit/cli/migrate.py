"""`accredit migrate`."""

import click

from accredit.cli.database import Database, check_data_dir, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_json
from accredit.server.store.migrate import HEAD, migrate


@click.command(
    epilog=examples("accredit migrate", "accredit migrate --database-url postgresql://accredit@db.internal/accredit")
)
@database_options
@json_option
def command(database: Database, as_json: bool) -> None:
    """Bring the database's schema up to date.

    Needed on PostgreSQL after an update, before the servers start; the embedded database is migrated when it is opened. All that is
    missing is applied in one transaction, or nothing is. Two that run at once wait for each other.
    """
    settings = database.settings
    check_data_dir(settings)
    applied = migrate(settings.database)
    if as_json:
        print_json({"applied": applied, "version": HEAD})
        return
    for revision in applied:
        click.echo(f"applied {revision}")
    click.echo(f"The schema is at {HEAD}." if applied else f"The schema is at {HEAD}; there was nothing to do.")
