"""`accredit serve` as people run it: the installed command, in a process of its own, on a loopback port.

program = Program(database_url, directory)
program.start()
owner = program.owner()     # as in tests/doors: an account with an API key, and a client that shows it
program.kill()
program.start()             # on the same port, so that clients go on where they stood
"""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import httpx

from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.app import open_node, system_clock
from accredit.server.keyring.api_keys import MadeApiKey, create_api_key
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.settings import Settings

from .doors.conftest import METRICS_TOKEN, Owner

ACCREDIT = Path(sys.executable).with_name("accredit")
ROOT_KEY = base64.b64encode(bytes(range(32))).decode()


class Program:
    """A server process. environ: its whole environment. log, printed: its standard error, as a file, and its standard output."""

    def __init__(self, database_url: str, directory: Path, name: str = "accredit", **environ: str) -> None:
        self.database_url = database_url
        self.log = directory / f"{name}.log"
        self.process: subprocess.Popen[str] | None = None
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")},
            "ACCREDIT_DATABASE_URL": database_url,
            "ACCREDIT_ROOT_KEY": ROOT_KEY,
            "ACCREDIT_METRICS_TOKEN": METRICS_TOKEN,
            **environ,
        }
        self.port = 0
        self.printed = ""
        self._open = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metrics(self) -> str:
        """What Prometheus is told."""
        return self.http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).raise_for_status().text

    @cached_property
    def http(self) -> httpx.Client:
        """A client that shows nothing."""
        return self.client(None)

    def start(self) -> None:
        """Start the process and wait until it says that it listens."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start the process."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [ACCREDIT, "serve", "--port", str(self.port)],
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def await_ready(self) -> None:
        """Wait until it says that it listens."""
        assert self.process is not None
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        self.printed += told
        assert "listens on" in told, f"the server did not start: {self.log.read_text()}"
        self.port = int(told.rpartition(":")[2])

    def terminate(self) -> None:
        """Ask it to stop, as service managers do; nothing happens where it has ended."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """The exit code."""
        assert self.process is not None
        self.printed += self.process.communicate(timeout=30)[0] or ""
        return self.process.returncode

    def close(self) -> None:
        """Stop it, and let go of all clients."""
        self._open.close()
        if self.process is not None and self.process.stdout is not None and not self.process.stdout.closed:
            self.terminate()
            self.wait()

    def owner(self, *, environment: str = "live") -> Owner:
        """A new account with an API key that reaches all of it."""
        settings = Settings(database_url=self.database_url, root_key=ROOT_KEY)
        scope, made = asyncio.run(_create_owner(settings, environment))
        return Owner(self, scope, made.record.key_id, made.secret_text, self.client(made.secret_text))  # type: ignore[arg-type]

    def client(self, secret: str | None) -> httpx.Client:
        """A client that shows this API key."""
        shown = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self._open.enter_context(httpx.Client(base_url=self.url, headers=shown, timeout=20))

    def embed(self, fields: dict[str, str], *, origin: str = "https://shop.example", path: str = "/embed") -> httpx.Response:
        """What a browser does with the SDK's form; no redirect is followed."""
        return self.http.post(path, data=fields, headers={"Origin": origin})


async def _create_owner(settings: Settings, environment: str) -> tuple[Scope, MadeApiKey]:
    cause = Cause(system_clock(), actor="tester")
    async with open_node(settings, exclusive=False) as node:
        account = await create_account(node.store, NewAccount(), cause)
        scope = Scope(account.account_id, environment)
        return scope, await create_api_key(node.store, scope, "test", cause)
