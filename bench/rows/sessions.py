"""What the application's backend does: redeem a code, read a session."""

import inspect
import json
import re
from itertools import cycle

from bench.load import Taken, Target, drive, send_all
from bench.results import Limit, Result, compare
from bench.scene import Scene, plain_request
from bench.stage import Stage

_FINISHED = 500
_CODE = re.compile(rb"[?&]code=([A-Za-z0-9_-]{43})")
# Codes to prepare for a second: more than are redeemed in it, yet so few that none of them expires meanwhile.
_OURS_A_SECOND, _PLAIN_A_SECOND, _PEERS_A_SECOND = 8_000, 16_000, 1_500
_LONGEST_S = 5.0


def measure_exchange(stage: Stage) -> Result:
    """`POST /v1/exchange` from 64 connections of a backend, each code redeemed once; the session is unsealed and answered as JSON.

    Beside it the plain handler, which redeems codes by the same change of the same store and answers as many octets, and the FastAPI
    peer, which redeems by one `UPDATE ... RETURNING`. SQLite, durable as above.
    """
    contest, seconds = stage.sqlite, min(stage.plan.seconds, _LONGEST_S)
    scene, ours, plain, peer = contest.scene, contest.ours, contest.plain, contest.peer
    turns = {
        "ours": lambda: _redeem(scene, ours, seconds, _OURS_A_SECOND),
        "plain handler": lambda: _redeem_plainly(scene, plain, seconds),
    }
    if peer is not None:
        turns["peer"] = lambda: _redeem(scene, peer, seconds, _PEERS_A_SECOND)
    taken = stage.take_turns("exchange", turns)
    lines = [compare("exchange a code, SQLite", taken["ours"], "plain handler", taken["plain handler"])]
    if "peer" in taken:
        lines.append(compare("exchange a code, SQLite", taken["ours"], "FastAPI peer", taken["peer"]))
    return Result("exchange", lines, inspect.getdoc(measure_exchange) or "")


def measure_read(stage: Stage) -> Result:
    """`GET /v1/sessions/{session_id}` of 500 finished sessions in turn, with an API key, from 64 connections.

    Beside it a plain ASGI application that answers `hello` under the same uvicorn.
    """
    contest, seconds = stage.sqlite, stage.plan.seconds
    scene, ours, plain = contest.scene, contest.ours, contest.plain
    finished = [scene.read(session_id) for session_id in finish_sessions(scene, ours, _FINISHED)]
    hello = [plain_request("/readyz")]
    taken = stage.take_turns(
        "read",
        {
            "ours": lambda: drive(ours, cycle(finished), expected=200, seconds=seconds),
            "plain hello": lambda: drive(plain, cycle(hello), expected=200, seconds=seconds),
        },
    )
    line = compare("GET a finished session", taken["ours"], "plain ASGI hello", taken["plain hello"], limit=Limit(0.4))
    return Result("read", [line], inspect.getdoc(measure_read) or "")


def finish_sessions(scene: Scene, target: Target, count: int) -> list[str]:
    """The ids of that many sessions, each opened, redeemed and ended."""
    answers = send_all(target, [scene.exchange(code) for code in _open_sessions(scene, target, count)], expected=200)
    ids = [str(json.loads(answer.partition(b"\r\n\r\n")[2])["session_id"]) for answer in answers]
    send_all(target, [scene.end(session_id) for session_id in ids], expected=200)
    return ids


def _open_sessions(scene: Scene, target: Target, count: int) -> list[str]:
    """The codes of that many new sessions."""
    answers = send_all(target, [scene.embed(scene.token_for_many())] * count, expected=303)
    return [found[1].decode() for answer in answers if (found := _CODE.search(answer))]


def _redeem(scene: Scene, target: Target, seconds: float, a_second: int) -> Taken:
    codes = _open_sessions(scene, target, int(a_second * (seconds + 0.5)))
    return drive(target, iter([scene.exchange(code) for code in codes]), expected=200, seconds=seconds)


def _redeem_plainly(scene: Scene, target: Target, seconds: float) -> Taken:
    count = int(_PLAIN_A_SECOND * (seconds + 0.5))
    send_all(target, [plain_request(f"/prepare?{count}")], expected=200)
    return drive(target, iter([scene.exchange("A" * 43)] * count), expected=200, seconds=seconds)
