"""The samples as programs, and a server whose clock shows the time by which they sign."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import uvloop

from ..doors.conftest import Clock, Server, migrated_sqlite, start
from .languages import LANGUAGES, Done, build, run

__all__ = ["migrated_sqlite"]

Sample = Callable[..., Done]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where compilers put what they make, once for all processes of the tests."""
    if worker_id == "master":
        return tmp_path_factory.mktemp("built")
    shared = tmp_path_factory.getbasetemp().parent / "built"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(params=LANGUAGES)
def sample(request: pytest.FixtureRequest, built: Path) -> Sample:
    """Runs a sample in each language in turn: sample("identity/sign", "cp_1", "cpd_1", IDENTITY_SECRET=...)."""
    return lambda program, *arguments, **environ: run(build(request.param, program, built), arguments, environ)


@pytest.fixture
def printed(sample: Sample) -> Callable[..., str]:
    """What a sample prints that does what it should."""

    def sign(program: str, *arguments: str, **environ: str) -> str:
        done = sample(program, *arguments, **environ)
        assert (done.code, done.err) == (0, ""), done
        assert done.out.endswith("\n")
        assert done.out.count("\n") == 1
        return done.out.strip()

    return sign


class Present(Clock):
    """A clock that shows the present."""

    def __call__(self) -> int:
        self.now_ms = time.time_ns() // 1_000_000
        return self.now_ms


@pytest.fixture(scope="session")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all samples, which may call this machine; each test has an account of its own."""
    path = tmp_path_factory.mktemp("samples") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        yield start(ending, runner.run, Present(), f"sqlite:///{path}", {"outbound_allow": ("127.0.0.0/8",)})
