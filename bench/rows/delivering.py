"""Webhooks: from events that are written to deliveries that are acknowledged, and what an endpoint that hangs costs the others."""

import asyncio
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import count
from statistics import median

from accredit.server.app import open_node, system_clock
from accredit.server.events import outbox
from accredit.server.events.endpoints import EndpointChange, Parts, create_endpoint
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.settings import read_settings
from accredit.server.store import Store, Transaction, one_by_one
from bench.load import LoadError, Taken
from bench.machine import cpu_seconds, pinned
from bench.receiving import HANGING, Receiver, receiving
from bench.results import Limit, Line, Result, compare, tell
from bench.servers import ROOT, clean_environ, serve_accredit
from bench.stage import Stage

_SCOPE = Scope("acc_bench", "sandbox")
_ENDPOINTS, _CONCURRENCY = 2, 32
# More than are delivered in a second; what comes first warms up.
_A_SECOND, _FEWEST, _WARM_UP = 1200, 400, 0.2
_PATIENCE_S = 300
_numbers = count(1)


def measure_webhooks(stage: Stage) -> Result:
    """Events that lie in the outbox on SQLite (`synchronous = FULL`), each for one of two endpoints with 32 slots, delivered by a
    server that starts beside them: claimed, signed with HMAC and Ed25519, sent through the guard, and their outcome written. All are
    acknowledged at the end.

    Counted is what the receiver hears, after a fifth of it. Beside it a bare loop over the same HTTP client, which posts as large a
    body with as many connections.
    """
    taken = stage.take_turns("webhooks", {"ours": lambda: _deliver(stage, ["/a", "/b"]), "bare": lambda: _deliver_bare(stage)})
    path = "webhooks, event to acknowledged delivery, SQLite"
    line = compare(path, taken["ours"], "bare aiohttp loop", taken["bare"], limit=Limit(0.3))
    return Result("webhooks", [line], inspect.getdoc(measure_webhooks) or "")


def measure_fairness(stage: Stage) -> Result:
    """The same with one endpoint of 4 slots, alone, and beside one that hears of the same events and never answers.

    The figure is how many times as long the healthy one waits for all of its events.
    """
    taken = stage.take_turns(
        "fairness",
        {
            "alone": lambda: _deliver(stage, ["/a"], concurrency=4),
            "beside one that hangs": lambda: _deliver(stage, ["/a"], [HANGING], concurrency=4),
        },
    )
    alone, beside = taken["alone"], taken["beside one that hangs"]
    longer = median(first.rate / second.rate for first, second in zip(alone, beside, strict=True))
    line = Line("a healthy endpoint while one hangs", tell(beside), f"alone: {tell(alone)}", longer, Limit(1.2, at_most=True))
    return Result("fairness", [line], inspect.getdoc(measure_fairness) or "")


def _wanted(stage: Stage) -> int:
    return max(_FEWEST, int(_A_SECOND * stage.plan.seconds))


def _deliver(stage: Stage, paths: Sequence[str], hanging: Sequence[str] = (), *, concurrency: int = _CONCURRENCY) -> Taken:
    """A server's turn. Raises LoadError when not all is acknowledged."""
    environ = {**stage.data_dir(f"webhooks-{next(_numbers)}"), "ACCREDIT_OUTBOUND_ALLOW": "127.0.0.0/8"}
    with receiving() as receiver:
        events = _wanted(stage) // len(paths)
        asyncio.run(_set_up(environ, [receiver.url(path) for path in (*paths, *hanging)], concurrency, events))
        with serve_accredit(stage.cores, environ) as target:
            taken = _watch(receiver, paths, events * len(paths), target.pid)
    # Asked to stop, the server has written every outcome that it knows of.
    asyncio.run(_check(environ, events * len(paths)))
    return taken


async def _set_up(environ: Mapping[str, str], urls: Sequence[str], concurrency: int, events: int) -> None:
    async with open_node(read_settings(environ)) as node:
        cause = Cause(system_clock(), actor="bench")
        parts = Parts(node.store, node.sealer, node.outbound, node.webhook_keys)
        for url in urls:
            members = {"url": url, "concurrency": concurrency, "timeout_s": 30}
            await create_endpoint(parts, EndpointChange(_SCOPE, members, cause))
        data = {"door": "embed", "status": "success", "reason": None}
        event = outbox.Event("session.success", _SCOPE, cause.at_ms, "s-1", "int_1", 1, data)
        await node.store.write(_append, [event] * events)


@one_by_one
def _append(tx: Transaction, events: list[outbox.Event]) -> None:
    outbox.append(tx, events)


def _watch(receiver: Receiver, paths: Sequence[str], wanted: int, pid: int) -> Taken:
    """Wait until all has come; rate and processor time are of what came after the first fifth."""
    until, begun, spent = time.monotonic() + _PATIENCE_S, 0, 0.0
    while (come := sum(len(receiver.arrivals[path]) for path in paths)) < wanted:
        if time.monotonic() > until:
            raise LoadError(f"{come} of {wanted} deliveries came")
        if not begun and come >= wanted * _WARM_UP:
            begun, spent = come, cpu_seconds(pid)
        time.sleep(0.005)
    cpu_s = cpu_seconds(pid) - spent
    arrivals = sorted(at for path in paths for at in receiver.arrivals[path])
    return Taken(rate=_rate(arrivals), cpu_us=cpu_s / (wanted - begun) * 1e6)


def _rate(arrivals: Sequence[float]) -> float:
    counted = arrivals[int(len(arrivals) * _WARM_UP) :]
    return (len(counted) - 1) / (counted[-1] - counted[0])


async def _check(environ: Mapping[str, str], wanted: int) -> None:
    store = await Store.open(read_settings(environ).database)
    try:
        row = await store.read(lambda tx, _: tx.row("SELECT COUNT(*) FROM deliveries WHERE status = 'succeeded'"), None)
    finally:
        await store.close()
    if row is None or row[0] != wanted:
        raise LoadError(f"{0 if row is None else row[0]} of {wanted} deliveries are acknowledged")


def _deliver_bare(stage: Stage) -> Taken:
    """The bare loop's turn, in a process of its own on the server's core."""
    wanted = _wanted(stage)
    with receiving() as receiver:
        headers = {f"webhook-{name}": "x" * 60 for name in ("id", "timestamp", "signature")}
        given = {"url": receiver.url("/a"), "count": wanted, "connections": _ENDPOINTS * _CONCURRENCY, "headers": headers}
        with pinned(stage.cores.server):
            done = subprocess.run(
                [sys.executable, "-m", "bench.peers.bare_deliveries"],
                input=json.dumps({**given, "body": "x" * 400}),
                capture_output=True,
                text=True,
                cwd=ROOT,
                env=clean_environ(),
                check=True,
            )
        return Taken(rate=_rate(receiver.arrivals["/a"]), cpu_us=float(done.stdout) / wanted * 1e6)
