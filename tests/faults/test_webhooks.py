"""Deliveries while something goes wrong: `kill -9`, and two nodes at once (protocol-webhooks.md sections 9 and 13)."""

import asyncio
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from accredit.server.events import outbox
from accredit.server.store import Store, one_by_one

from ..program import Program
from ..site import Reply, Request, Site
from .conftest import UNLIMITED, running

ALLOWED = {**UNLIMITED, "ACCREDIT_OUTBOUND_ALLOW": "127.0.0.0/8"}
PATIENCE_S = 60.0


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.paths["/hooks"] = lambda _: Reply()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def program(migrated_sqlite, tmp_path_factory) -> Iterator[Program]:
    """A server on SQLite that may call this machine; tests kill it and start it again, and have accounts of their own."""
    directory = tmp_path_factory.mktemp("killed")
    path = directory / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    with running(directory, f"sqlite:///{path}", **ALLOWED) as programs:
        yield programs[0]


def hook(owner, site: Site, **members) -> str:
    """The id of an endpoint that hears of all sessions."""
    return owner.call("POST", "/v1/webhook_endpoints", 201, {"url": site.url("/hooks"), **members})["id"]


def happen(program: Program, owner, count: int) -> None:
    """So many events at once, as the server writes them, by another process on its database."""
    at_ms = time.time_ns() // 1_000_000
    events = [
        outbox.Event("session.success", owner.scope, at_ms, f"s-{number}", "int_1", 1, {"door": "embed", "status": "success"})
        for number in range(count)
    ]

    async def write() -> None:
        store = await Store.open(program.database_url, exclusive=False)
        try:
            for start in range(0, count, 500):
                await store.write(_append, events[start : start + 500])
        finally:
            await store.close()

    asyncio.run(write())


@one_by_one
def _append(tx, events) -> None:
    outbox.append(tx, events)


def heard(site: Site) -> Counter[str]:
    """How often each event came."""
    return Counter(request.headers["webhook-id"] for request in list(site.requests))


def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S, *, every_s: float = 0.02) -> None:
    ends_at = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < ends_at, "it did not come to that"
        time.sleep(every_s)


def until_rows(rows, program: Program, wanted: list, sql: str, *values, patience_s: float = PATIENCE_S) -> None:
    """The database has come to hold these rows."""
    until(lambda: rows(program.database_url, sql, *values) == wanted, patience_s, every_s=0.2)


def test_after_a_kill_what_was_committed_comes_and_what_was_accepted_comes_again(program, rows, site) -> None:
    owner = program.owner(environment="sandbox")
    # One accepts nothing until the server is gone; of the other's 200 the server never hears.
    site.paths["/away"] = lambda _: Reply(status=500)
    hook(owner, site, url=site.url("/away"))
    fields = owner.fields(owner.integration())
    assert [program.embed(fields).status_code for _ in range(5)] == [303] * 5
    endpoint_id = hook(owner, site, event_types=["session.created"])

    def accept(_: Request) -> Reply:
        if len(site.asked("/hooks")) == 1:
            program.kill()
        return Reply()

    site.paths["/hooks"] = accept
    program.embed(fields)
    until(lambda: program.process.poll() is not None and len(site.asked("/hooks")) == 1)
    heard_before = len(site.asked("/away"))
    site.paths["/away"] = lambda _: Reply()
    program.start()
    wanted = "SELECT id FROM events WHERE type = 'session.created' AND account_id = ?"
    written = {event_id for (event_id,) in rows(program.database_url, wanted, owner.owner_id)}
    assert len(written) == 6
    until(lambda: written <= {each.headers["webhook-id"] for each in site.asked("/away")[heard_before:]})
    until_rows(rows, program, [("succeeded", 1)], "SELECT status, attempts FROM deliveries WHERE endpoint_id = ?", endpoint_id)
    first, second = site.asked("/hooks")
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


@pytest.fixture(scope="module")
def pair(migrated_postgresql, tmp_path_factory) -> Iterator[list[Program]]:
    """Two servers on one PostgreSQL database, which may call this machine."""
    migrated_postgresql.execute("CREATE DATABASE hooks TEMPLATE migrated STRATEGY file_copy")
    with running(tmp_path_factory.mktemp("hooks"), migrated_postgresql.address.format("hooks"), 2, **ALLOWED) as programs:
        yield programs


def test_two_nodes_share_the_work_and_send_each_event_once(pair, rows, site) -> None:
    owner = pair[0].owner(environment="sandbox")
    ids = [hook(owner, site, event_types=["session.created"]) for _ in range(2)]
    fields = owner.fields(owner.integration())
    for number in range(40):
        assert pair[number % 2].embed(fields).status_code == 303
    until_rows(rows, pair[0], [(80,)], "SELECT COUNT(*) FROM deliveries WHERE status = 'succeeded'")
    # The same event for two endpoints is two requests.
    assert (set(heard(site).values()), len(site.requests)) == ({2}, 80)
    attempted = "SELECT endpoint_id, CAST(SUM(attempts) AS BIGINT) FROM deliveries GROUP BY endpoint_id"
    assert dict(rows(pair[0].database_url, attempted)) == dict.fromkeys(ids, 40)
    name = 'accredit_delivery_attempts_total{kind="accredit",outcome="succeeded"} '
    told = [node.metrics() for node in pair]
    shares = [float(text.partition(name)[2].partition("\n")[0] or 0) for text in told]
    assert sum(shares) == 80
    # Each is woken by what it writes itself.
    assert min(shares) > 0


def kill_at_random(programs: list[Program], site: Site, enough: int, between: tuple[int, int]) -> int:
    """Kill one program after another, each after a random number of requests, until there were enough; how often that was."""
    kills, chance = 0, random.Random(20)
    while len(site.requests) < enough:
        next_at = len(site.requests) + chance.randint(*between)
        until(lambda next_at=next_at: len(site.requests) >= min(next_at, enough))
        program = chance.choice(programs)
        program.kill()
        program.start()
        kills += 1
    return kills


def test_no_event_is_lost_while_the_server_is_killed_again_and_again(program, rows, site) -> None:
    owner = program.owner(environment="sandbox")
    endpoint_id = hook(owner, site, concurrency=32)
    happen(program, owner, 400)
    kills = kill_at_random([program], site, 360, (120, 250))
    until(lambda: len(heard(site)) == 400)
    until_rows(rows, program, [("succeeded",)], "SELECT DISTINCT status FROM deliveries WHERE endpoint_id = ?", endpoint_id)
    # What came twice was under way when the server died.
    assert len(site.requests) <= 400 + 32 * kills


@pytest.mark.long
def test_no_event_of_ten_thousand_is_lost_while_nodes_are_killed_again_and_again(
    migrated_postgresql, tmp_path, rows, site
) -> None:
    """Takes some minutes: what a dead node had claimed waits for its lease to end."""
    migrated_postgresql.execute("CREATE DATABASE killed TEMPLATE migrated STRATEGY file_copy")
    address = migrated_postgresql.address.format("killed")
    with running(tmp_path, address, 2, **ALLOWED) as programs:
        owner = programs[0].owner(environment="sandbox")
        for _ in range(4):
            hook(owner, site, concurrency=8, timeout_s=5, event_types=["session.success"])
        happen(programs[0], owner, 2500)
        kills = kill_at_random(programs, site, 9500, (200, 1500))
        until_rows(rows, programs[0], [("succeeded",)], "SELECT DISTINCT status FROM deliveries", patience_s=180)
    # Four endpoints hear of each.
    assert len(heard(site)) == 2500
    assert min(heard(site).values()) >= 4
    assert len(site.requests) <= 10_000 + 32 * kills
