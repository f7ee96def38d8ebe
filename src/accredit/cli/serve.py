"""`accredit serve`."""

import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec
import uvicorn

import accredit
from accredit.cli.database import check_data_dir
from accredit.cli.groups import examples
from accredit.errors import FailureError
from accredit.server import tracing
from accredit.server.app import App, Server, create_app, server_config
from accredit.server.settings import Settings, local_url, read_settings
from accredit.server.telemetry import configure_logging


@click.command(
    epilog=examples(
        "accredit serve",
        "accredit serve --host 0.0.0.0 --port 80 --public-url https://id.example.com",
        "ACCREDIT_DATABASE_URL=postgresql://accredit@db.internal/accredit accredit serve",
    )
)
@click.option("--host", metavar="ADDRESS", help="Where to listen; ACCREDIT_HOST, else 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="ACCREDIT_PORT, else 8400; 0 takes any free one.")
@click.option("--public-url", metavar="URL", help="What browsers call this server; ACCREDIT_PUBLIC_URL.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="ACCREDIT_DATA_DIR.")
@click.option("--database-url", metavar="URL", help="ACCREDIT_DATABASE_URL.")
def command(**options: object) -> None:
    """Run the server until SIGINT or SIGTERM.

    Without a database URL it keeps everything in the data directory (SQLite), which it makes and migrates; one server process at a
    time. Logs go to standard error, one JSON object a line.
    """
    settings = read_settings(os.environ, **options)
    check_data_dir(settings)
    configure_logging(settings.log_level)
    listening = listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    named = options["public_url"] or os.environ.get("ACCREDIT_PUBLIC_URL")
    public_url = settings.public_url if named else local_url(settings.host, port)
    run_server(msgspec.structs.replace(settings, port=port, public_url=public_url), listening)


def run_server(settings: Settings, listening: socket.socket) -> None:
    """Serve on a socket until a signal comes. Raises FailureError when the server cannot start."""
    app = create_app(settings)
    server = _Server(server_config(app), app, lambda: _announce(settings))
    # What these tell about a start is told below in one sentence, whether it fails or not.
    logging.getLogger("uvicorn.error").addFilter(lambda record: record.levelno >= logging.WARNING and app.failure is None)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn stops by these too, but then lets them end the process as if it had failed.
        signal.signal(number, lambda _number, _frame: server.stop())
    with tracing.tracing(on=settings.tracing):
        server.run(sockets=[listening])
    if app.failure is not None:
        raise app.failure
    if not server.started:
        raise FailureError("internal_error")
    click.echo("Stopped.")


class _Server(Server):
    """A server that tells when it is ready."""

    def __init__(self, config: uvicorn.Config, app: App, announce: Callable[[], None]) -> None:
        super().__init__(config, app)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            # Newer releases of uvicorn end the process by themselves when the application does not start.
            self.should_exit = True
        if self.started:
            # What a start leaves behind lives as long as the process, so no collection need ever look at it again.
            gc.collect()
            gc.freeze()
            self._announce()

    def stop(self) -> None:
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises FailureError `address_in_use`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise FailureError("address_in_use", f"{host}:{port}") from error


def _announce(settings: Settings) -> None:
    click.echo(f"Accredit {accredit.__version__} listens on {local_url(settings.host, settings.port)}")
    click.echo(f"  public URL  {settings.public_url}")
    click.echo(f"  database    {_shown_database(settings)}")


def _shown_database(settings: Settings) -> str:
    """The database without credentials."""
    if not settings.database_url:
        return str(settings.data_dir / "accredit.sqlite")
    parts = urlsplit(settings.database_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
