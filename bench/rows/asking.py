"""The rest door: a session created, plain and sealed, and a finished one read."""

import inspect
import json
import time
from functools import partial
from itertools import cycle

from accredit import open_sealed, parse_decryption_key
from bench.asking import Asking
from bench.load import LoadError, Taken, Target, drive, send_all
from bench.results import Limit, Line, Result, compare
from bench.scene import plain_request
from bench.stage import Stage

# Each session may be read five times a second, so that many are read in turn that nobody is told to wait.
_FINISHED = 3000
_DUE_S = 1.2
_KINDS = ("plain", "sealed")


def measure_create(stage: Stage) -> Result:
    """`POST /auth/rest/sessions` from 64 connections of a backend, answered when the session is durable on SQLite.

    The request is the published design's, once without a key and once with its RSA-2048 key, to which the answer is then sealed. An
    access token is verified with it. Beside it a plain ASGI handler that inserts the same rows by the same change of the same store,
    and answers the same octets. The peer is bench/peers/fastapi_rest.py, which remembers verified tokens and parsed keys as well.
    """
    contest, seconds, asking = stage.sqlite, stage.plan.seconds, stage.sqlite.scene.asking
    contenders: dict[str, Target] = {"ours": contest.ours, "plain handler": contest.plain}
    if contest.peer is not None:
        contenders["peer"] = contest.peer
    turns = {
        f"{name}, {kind}": partial(_send, target, [asking.create(sealed=kind == "sealed")], seconds)
        for kind in _KINDS
        for name, target in contenders.items()
    }
    taken = stage.take_turns("create", turns)
    lines: list[Line] = []
    for kind in _KINDS:
        path, ours = f"create a session, {kind}, SQLite", taken[f"ours, {kind}"]
        lines.append(compare(path, ours, "plain handler", taken[f"plain handler, {kind}"]))
        if "peer" in contenders:
            lines.append(compare(path, ours, "FastAPI peer", taken[f"peer, {kind}"]))
    return Result("create", lines, inspect.getdoc(measure_create) or "")


def measure_get(stage: Stage) -> Result:
    """`GET /auth/rest/sessions/{id}` of 3,000 sessions in turn that ended in `SUCCESS`, from 64 connections with an access token.

    A sealed answer is sent as it is kept; a plain one is unsealed from under the account's data key. Beside it a plain ASGI
    application that answers `hello` under the same uvicorn, and the peer.
    """
    contest, seconds, asking = stage.sqlite, stage.plan.seconds, stage.sqlite.scene.asking
    hello = [plain_request("/readyz")]
    turns = {"plain hello": partial(_send, contest.plain, hello, seconds)}
    for kind in _KINDS:
        ids = finish_asked(asking, contest.ours, _FINISHED, sealed=kind == "sealed")
        turns[f"ours, {kind}"] = partial(_send, contest.ours, [asking.read(each) for each in ids], seconds)
        if contest.peer is not None:
            ids = finish_at_peer(asking, contest.peer, _FINISHED // 3, sealed=kind == "sealed")
            turns[f"peer, {kind}"] = partial(_send, contest.peer, [asking.read(each) for each in ids], seconds)
    taken = stage.take_turns("get", turns)
    lines: list[Line] = []
    for kind in _KINDS:
        path, ours = f"GET a finished rest session, {kind}", taken[f"ours, {kind}"]
        lines.append(compare(path, ours, "plain ASGI hello", taken["plain hello"], limit=Limit(0.4)))
        if contest.peer is not None:
            lines.append(compare(path, ours, "FastAPI peer", taken[f"peer, {kind}"]))
    return Result("get", lines, inspect.getdoc(measure_get) or "")


def _send(target: Target, requests: list[bytes], seconds: float) -> Taken:
    return drive(target, cycle(requests), expected=200, seconds=seconds)


def finish_asked(asking: Asking, target: Target, count: int, *, sealed: bool) -> list[str]:
    """The ids of that many sessions, each created, and ended by the provider. Raises LoadError where one did not end well."""
    answers = send_all(target, [asking.create(sealed=sealed, finishing=True)] * count, expected=200)
    ids = [str(_open(asking, answer)["id"]) for answer in answers]
    # The provider is asked by the next read, a second after it was asked first.
    time.sleep(_DUE_S)
    ended = send_all(target, [asking.read(each) for each in ids], expected=200)
    if _open(asking, ended[-1])["status"] != "SUCCESS":
        raise LoadError("the sandbox identified nobody")
    return ids


def finish_at_peer(asking: Asking, target: Target, count: int, *, sealed: bool) -> list[str]:
    """The same at the peer, which has no provider to ask."""
    answers = send_all(target, [asking.create(sealed=sealed)] * count, expected=200)
    ids = [str(_open(asking, answer)["id"]) for answer in answers]
    send_all(target, [asking.finish(each) for each in ids], expected=200)
    return ids


def _open(asking: Asking, answer: bytes) -> dict[str, object]:
    body = answer.partition(b"\r\n\r\n")[2]
    if body.startswith(b"{"):
        return dict(json.loads(body))
    return dict(open_sealed(body, [parse_decryption_key(asking.private_jwk)]))
