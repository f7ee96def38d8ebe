"""The embed door: HTTP to durable session, with a new token each time, and with one token for many visitors."""

import inspect
from collections.abc import Callable
from itertools import cycle

from bench.load import Taken, Target, drive
from bench.machine import pinned
from bench.raw import verify_raw
from bench.results import Limit, Line, Result, compare
from bench.stage import Contest, Stage

_ADMITTED = 303
# More tokens than anybody verifies in the time, warm-up included: who would run out of them would only end the turn early.
_SPARE, _WARM_UP_S = 1.1, 0.5
_RAW_SHARE = 0.25

Turns = dict[str, Callable[[], Taken]]
Taking = dict[str, list[Taken]]


def measure_embed(stage: Stage) -> Result:
    """`POST /embed` from 64 browsers, answered 303 when the session is durable on SQLite (WAL, `synchronous = FULL`).

    New token each time: extended tokens under `token_profile: require`, so key id, expiry, single use, audience and origin are all
    demanded. Beside it pyca's bare P-521 verification of such a token on the server's core, right before and after each turn.
    One token for many: the original's shape. Beside it a plain ASGI handler that inserts the same row by the same change of the same
    store, and does nothing else. The peer is bench/peers/fastapi_service.py: FastAPI, pydantic, joserfc and SQLAlchemy on aiosqlite,
    equally durable, which remembers verified tokens as well.
    """
    taken = stage.take_turns("embed", _turns(stage, stage.sqlite))
    lines = [
        _beside_raw("SQLite", taken, Limit(0.8)),
        _beside_plain("SQLite", taken, Limit(0.5)),
        compare(_one("SQLite"), taken["one token"], "new token each time", taken["new tokens"], limit=Limit(4)),
        *_beside_peer("SQLite", taken),
    ]
    return Result("embed", lines, inspect.getdoc(measure_embed) or "")


def measure_embed_postgresql(stage: Stage) -> Result:
    """The same on PostgreSQL as it comes (`fsync`, `synchronous_commit` on), whose processes may use both cores.

    Peer: the same service on asyncpg. pgbench inserts such a session by one prepared statement, one commit for each, from 32 clients.
    """
    contest, server = stage.postgresql, stage.database_server
    seconds = stage.plan.seconds

    def insert_by_pgbench() -> Taken:
        with pinned(stage.cores.server, stage.cores.load):
            return Taken(server.pgbench("ours", door="embed", seconds=seconds))

    turns = _turns(stage, contest) | {"pgbench": insert_by_pgbench}
    taken = stage.take_turns("embed-postgresql", turns)
    lines = [
        _beside_raw("PostgreSQL", taken),
        _beside_plain("PostgreSQL", taken),
        compare(_one("PostgreSQL"), taken["one token"], "pgbench", taken["pgbench"]),
        *_beside_peer("PostgreSQL", taken),
    ]
    return Result("embed-postgresql", lines, inspect.getdoc(measure_embed_postgresql) or "")


def _beside_raw(engine: str, taken: Taking, limit: Limit | None = None) -> Line:
    raw = (taken["raw verification"], taken["raw verification again"])
    return compare(_new(engine), taken["new tokens"], "raw P-521 verification", *raw, limit=limit)


def _beside_plain(engine: str, taken: Taking, limit: Limit | None = None) -> Line:
    return compare(_one(engine), taken["one token"], "plain handler", taken["plain handler"], limit=limit)


def _beside_peer(engine: str, taken: Taking) -> list[Line]:
    if "peer, one token" not in taken:
        return []
    return [
        compare(_new(engine), taken["new tokens"], "FastAPI peer", taken["peer, new tokens"]),
        compare(_one(engine), taken["one token"], "FastAPI peer", taken["peer, one token"]),
    ]


def _new(engine: str) -> str:
    return f"embed, new token each time, {engine}"


def _one(engine: str) -> str:
    return f"embed, one token for many, {engine}"


class _Visitors:
    """The requests of one round: as many new tokens as may be needed, the same ones for everybody, and the token for many."""

    def __init__(self, contest: Contest, seconds: float) -> None:
        self._scene = contest.scene
        self._seconds = seconds
        self._repeated = contest.scene.embed(contest.scene.token_for_many())
        self._fresh: list[bytes] = []

    def sign(self, rate: float) -> None:
        """Sign for everybody who comes in this round, at that rate at most."""
        wanted = int(rate * _SPARE * (self._seconds + _WARM_UP_S))
        self._fresh = [self._scene.embed(self._scene.single_use_token()) for _ in range(wanted)]

    def with_new_tokens(self, target: Target) -> Taken:
        """A turn in which no token comes twice."""
        return drive(target, iter(self._fresh), expected=_ADMITTED, seconds=self._seconds)

    def with_one_token(self, target: Target) -> Taken:
        """A turn in which all show the same."""
        return drive(target, cycle([self._repeated]), expected=_ADMITTED, seconds=self._seconds)


def _turns(stage: Stage, contest: Contest) -> Turns:
    seconds, ours, plain, peer = stage.plan.seconds, contest.ours, contest.plain, contest.peer
    visitors, public_key = _Visitors(contest, seconds), contest.scene.public_key
    token = contest.scene.single_use_token()

    def verify() -> Taken:
        return verify_raw(public_key, token, seconds=max(0.05, seconds * _RAW_SHARE), core=stage.cores.server)

    def new_tokens() -> Taken:
        return visitors.with_new_tokens(ours)

    def sign() -> Taken:
        visitors.sign(verify().rate)
        # Measured once more, because the signing lies between the first time and the turn that it is held against.
        return verify()

    turns = {
        "raw verification": sign,
        "new tokens": new_tokens,
        "raw verification again": verify,
        "one token": lambda: visitors.with_one_token(ours),
        "plain handler": lambda: visitors.with_one_token(plain),
    }
    if peer is not None:
        turns["peer, new tokens"] = lambda: visitors.with_new_tokens(peer)
        turns["peer, one token"] = lambda: visitors.with_one_token(peer)
    return turns
