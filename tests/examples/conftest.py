"""The samples as programs, and a server whose clock shows the time by which they sign."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..doors.conftest import Clock, Server, start_server
from .languages import LANGUAGES, Done, build, run

__all__ = ["start_server"]

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


@pytest.fixture
def clock() -> Clock:
    """A clock that shows the present."""

    class Present(Clock):
        def __call__(self) -> int:
            self.now_ms = time.time_ns() // 1_000_000
            return self.now_ms

    return Present()


@pytest.fixture
def server(start_server: Any, sqlite_url: str) -> Server:
    """A running server."""
    return start_server(sqlite_url)
