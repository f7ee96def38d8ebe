"""The installed command as a process of its own, and the same command inside this process where speed matters."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accredit.cli.root import command

ACCREDIT = Path(sys.executable).with_name("accredit")
VECTORS = Path(__file__).parents[1] / "vectors" / "embed.json"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Commands:
    """Runs commands in a directory of their own. environ: what they have besides; never this process's own settings."""

    directory: Path
    environ: dict[str, str] = field(default_factory=dict)

    def process(self, *args: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> Done:
        """The installed command, for real."""
        done = subprocess.run(
            [ACCREDIT, *args],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=self.environment(environ),
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
        return {**inherited, **self.environ, **(environ or {})}

    def __call__(self, *args: str, stdin: str = "", code: int = 0) -> Done:
        """The same command inside this process; it must end with that code."""
        here = Path.cwd()
        os.chdir(self.directory)
        try:
            done = CliRunner().invoke(command, args, input=stdin, env=dict(self.environ), prog_name="accredit")
        finally:
            os.chdir(here)
        assert done.exit_code == code, f"{done.exit_code}\n{done.stdout}\n{done.stderr}\n{done.exception!r}"
        return Done(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def accredit(tmp_path: Path) -> Commands:
    """Commands on the embedded default: everything in a fresh directory."""
    return Commands(tmp_path)


ROOT_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def on_database(database_url: str, tmp_path: Path) -> Commands:
    """Commands on a configured database with the schema, on each engine in turn."""
    return Commands(tmp_path, {"ACCREDIT_DATABASE_URL": database_url, "ACCREDIT_ROOT_KEY": ROOT_KEY})


@pytest.fixture
def set_up() -> Callable[[Commands], None]:
    """Makes an account, a deployer with a registered key in shop.jwk and shop.public.jwk, and an integration."""

    def make(accredit: Commands) -> None:
        accredit("account", "create", "Example Ltd", "--owner-id", "example")
        accredit("deployer", "create", "shop")
        accredit("integration", "create", "checkout", "--deployer", "shop")
        public = accredit("keys", "generate", "--out", "shop.jwk").out
        (accredit.directory / "shop.public.jwk").write_text(public)
        accredit("keys", "register", "shop.public.jwk", "--deployer", "shop")

    return make


@pytest.fixture
def shop(accredit: Commands, set_up: Callable[[Commands], None]) -> Commands:
    """The embedded default with all that an embedding needs."""
    set_up(accredit)
    return accredit


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """The vectors of the embed door."""
    return dict(json.loads(VECTORS.read_text(encoding="utf-8")))


@pytest.fixture
def sign(shop: Commands) -> Callable[..., str]:
    """Signs a deployment of the shop with options of `accredit deployment sign`."""

    def signed(*options: str) -> str:
        ids = ("--deployer", "shop", "--integration", "checkout", "--owner", "example")
        return shop("deployment", "sign", "--key", "shop.jwk", *ids, *options).out.strip()

    return signed


@pytest.fixture
def words() -> Callable[[str], str]:
    """A text with each run of white space as one space, to look for a phrase whatever the line breaks."""
    return lambda text: re.sub(r"\s+", " ", text)
