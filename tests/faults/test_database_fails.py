"""A database that goes away or takes nothing more: 503 while it lasts, nothing half-done, and no restart afterwards."""

import resource
import signal
import sqlite3
from contextlib import closing

import pytest

from accredit.server.store.migrate import migrate

from ..postgresql import PostgresqlServer
from .visitors import Visitors, redeem


@pytest.fixture
def postgresql():
    """A server of this test's own, with a database named `accredit`."""
    server = PostgresqlServer()
    server.start()
    server.execute("CREATE DATABASE accredit")
    migrate(server.address.format("accredit"))
    yield server
    server.stop()
    server.remove()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["in good order", "by a crash"])
def test_a_restart_of_postgresql_is_answered_with_503_and_survived(start_program, postgresql, number):
    program = start_program(postgresql.address.format("accredit"))
    owner = program.owner()
    fields = owner.fields(owner.integration())
    with Visitors(program, lambda number: {**fields, "uid": f"user-{number}"}) as visitors:
        visitors.until(303, 100)
        postgresql.stop(number)
        visitors.until(503, 20)
        down = owner.api.get("/v1/sessions")
        assert (down.status_code, down.json()["code"]) == (503, "service_unavailable")
        assert [program.http.get(path).status_code for path in ("/livez", "/readyz")] == [200, 503]
        postgresql.start()
        visitors.until(303, 100)
    assert program.http.get("/readyz").status_code == 200
    assert {answer.status for answer in visitors.answers} == {303, 503}
    assert all("service_unavailable" in answer.body for answer in visitors.answers if answer.status == 503)
    assert len(redeem(owner, visitors.codes)) >= 200


def test_a_full_disk_is_answered_with_503_and_leaves_nothing_half_done(start_program, sqlite_url, rows, audit_holds):
    """The limit on file sizes stands in for a disk without room: every write to a file fails, as it does there."""
    program = start_program(sqlite_url)
    owner = program.owner()
    integration = owner.integration(quota_per_day=1_000_000)
    fields = owner.fields(integration)
    session = owner.visit(integration, uid="reader")
    data = f"/v1/users/reader/data?integration_id={integration['integration_id']}"
    owner.call("PUT", data, 204, {"visits": 1})
    room = resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE)
    with Visitors(program, lambda number: {**fields, "uid": f"user-{number}"}) as visitors:
        visitors.until(303, 50)
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (0, room[1]))
        visitors.until(503, 50)
        assert owner.call("PUT", data, 503, {"visits": 2})["code"] == "service_unavailable"
        assert owner.call("POST", "/v1/integrations", 503, {"deployer_id": "shop"})["code"] == "service_unavailable"
        assert owner.call("GET", f"/v1/sessions/{session['session_id']}")["uid"] == "reader"
        resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, room)
        visitors.until(303, 50)
    assert {answer.status for answer in visitors.answers} == {303, 503}
    assert owner.call("GET", data) == {"visits": 1}
    assert len(redeem(owner, visitors.codes)) == len(visitors.codes)
    opened = len(visitors.codes) + 1
    assert rows(sqlite_url, "SELECT COUNT(*) FROM sessions") == [(opened,)]
    assert rows(sqlite_url, "SELECT n FROM counters") == [(opened,)]
    assert len(owner.call("GET", "/v1/integrations")["integrations"]) == 1
    assert audit_holds(program)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
