"""The boot door: identity signatures, HTTP to durable session."""

import inspect
from collections.abc import Callable

from bench.load import Taken, Target, drive
from bench.machine import pinned
from bench.results import Limit, Result, compare
from bench.stage import Contest, Stage

_ADMITTED = 303
# More signatures than anybody verifies in a turn, warm-up included; the plain handler takes the same requests.
_A_SECOND, _WARM_UP_S = 16_000, 0.5


def measure_boot(stage: Stage) -> Result:
    """`POST /boot` from 64 browsers, answered 303 when the session is durable on SQLite (WAL, `synchronous = FULL`).

    At level SECURE_IDENTITY each request has a fresh version 1 signature and ten customer fields, and its nonce opens one session.
    Beside it a plain ASGI handler that inserts the same row, nonce key included, by the same change of the same store, and does
    nothing else. The peer is bench/peers/fastapi_service.py: FastAPI, pydantic and SQLAlchemy on aiosqlite, equally durable.
    """
    taken = stage.take_turns("boot", _turns(stage, stage.sqlite))
    lines = [compare("identity boot, SQLite", taken["ours"], "plain handler", taken["plain handler"], limit=Limit(0.5))]
    if "peer" in taken:
        lines.append(compare("identity boot, SQLite", taken["ours"], "FastAPI peer", taken["peer"], limit=Limit(10)))
    return Result("boot", lines, inspect.getdoc(measure_boot) or "")


def measure_boot_postgresql(stage: Stage) -> Result:
    """The same on PostgreSQL as it comes (`fsync`, `synchronous_commit` on), whose processes may use both cores.

    Peer: the same service on asyncpg. pgbench inserts such a session by one prepared statement, one commit for each, from 32 clients.
    """
    contest, server, seconds = stage.postgresql, stage.database_server, stage.plan.seconds

    def insert_by_pgbench() -> Taken:
        with pinned(stage.cores.server, stage.cores.load):
            return Taken(server.pgbench("ours", door="boot", seconds=seconds))

    taken = stage.take_turns("boot-postgresql", _turns(stage, contest) | {"pgbench": insert_by_pgbench})
    lines = [
        compare("identity boot, PostgreSQL", taken["ours"], "plain handler", taken["plain handler"]),
        compare("identity boot, PostgreSQL", taken["ours"], "pgbench", taken["pgbench"], limit=Limit(0.4)),
    ]
    if "peer" in taken:
        lines.append(compare("identity boot, PostgreSQL", taken["ours"], "FastAPI peer", taken["peer"], limit=Limit(5)))
    return Result("boot-postgresql", lines, inspect.getdoc(measure_boot_postgresql) or "")


def _turns(stage: Stage, contest: Contest) -> dict[str, Callable[[], Taken]]:
    seconds, scene = stage.plan.seconds, contest.scene
    contenders: dict[str, Target] = {"ours": contest.ours, "plain handler": contest.plain}
    if contest.peer is not None:
        contenders["peer"] = contest.peer

    def turn(target: Target) -> Callable[[], Taken]:
        def boot() -> Taken:
            # Signed right before the turn: a signature lives for a minute.
            requests = [scene.boot() for _ in range(int(_A_SECOND * (seconds + _WARM_UP_S)))]
            return drive(target, iter(requests), expected=_ADMITTED, seconds=seconds)

        return boot

    return {name: turn(target) for name, target in contenders.items()}
