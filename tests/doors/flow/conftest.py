"""A backend at the flow door: tests/flow_backend.py. Most tests share one server on SQLite; what touches the store runs on both."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop

from ...flow_backend import FlowBackend, make_flow_backend
from ..conftest import Clock, Server, start


@pytest.fixture(scope="module")
def shared_server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server for all tests of a module, each of which has an account of its own."""
    path = tmp_path_factory.mktemp("shared") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        settings = {"refusals_per_minute": 100_000, "outbound_allow": ["127.0.0.1"]}
        yield start(ending, runner.run, Clock(), f"sqlite:///{path}", settings)


@pytest.fixture
def backend(shared_server: Server) -> FlowBackend:
    """A backend of a new account in the sandbox, at the shared server."""
    return make_flow_backend(shared_server.owner(environment="sandbox"))


@pytest.fixture
def live_backend(shared_server: Server) -> FlowBackend:
    """A backend of a new account in live, at the shared server."""
    return make_flow_backend(shared_server.owner())


@pytest.fixture
def make_backend(server: Any) -> Callable[..., FlowBackend]:
    """Makes a backend on a server of the test's own, on each database in turn: make_backend("live", **policy)."""
    return lambda environment="sandbox", **policy: make_flow_backend(server.owner(environment=environment), **policy)
