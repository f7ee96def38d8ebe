"""Webhook endpoints of accounts on one server for all tests of a module: each test has an account of its own.

def test_something(owner):
    made = owner.call("POST", ENDPOINTS, 201, {"url": URL})
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop

from accredit.server.events.bodies import body_of
from accredit.server.events.records import DELIVERY_COLUMNS, EVENT_COLUMNS, find_endpoint, read_delivery, read_event

from ..conftest import Clock, Owner, Server, start

ENDPOINTS = "/v1/webhook_endpoints"
# Names of documentation resolve to nothing, so what is saved is judged by its form alone.
URL = "https://hooks.shop.example/accredit"


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    """A runner for async code that lives as long as the module's server."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


@pytest.fixture(scope="module")
def shared(running: Any, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module, on SQLite."""
    path = tmp_path_factory.mktemp("webhooks") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with ExitStack() as ending:
        yield start(ending, running, Clock(), f"sqlite:///{path}", {})


@pytest.fixture
def owner(shared: Server) -> Owner:
    """An account in live."""
    return shared.owner()


def bodies_for(owner: Owner, endpoint_id: str) -> list[tuple[str, bytes]]:
    """What an endpoint is sent, types with bodies, oldest first; of flow sessions without what is joined when it is sent."""
    server = owner.server
    endpoint = server.run(server.node.store.read(find_endpoint, (owner.scope, endpoint_id)))
    sent = []
    for row in server.rows(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE endpoint_id = ? ORDER BY id", endpoint_id):
        delivery = read_delivery(row)
        [event] = server.rows(f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ?", delivery.event_id)
        sent.append((delivery.type, delivery.body or body_of(endpoint, read_event(event))))
    return sent
