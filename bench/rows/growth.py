"""What many sessions cost those who come after them."""

import inspect
import random
import shutil
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Self

from bench.filling import Population
from bench.load import Taken, drive, send_all
from bench.results import Limit, Line, Result, tell
from bench.servers import serve_accredit
from bench.stage import Plan, Stage

_SMALL, _LARGE, _LONG = 10_000, 200_000, 10_000_000
_LIMIT = Limit(1.3, at_most=True)
# Which sessions are read: the same draw for everybody.
_SEED, _READERS, _USERS = 20, 5_000, 50_000


def measure_growth(stage: Stage) -> Result:
    """p99 of opening sessions, each for another user, and of reading ones drawn at random, on databases of two sizes in turn.

    SQLite, 64 connections; no token, as its verification would hide what the database costs. The sessions ended over the past year
    and belong to a quarter as many users. Each turn has a server that was just started, the small database as it was at first. The
    limit is for 10 million sessions, which `python -m bench --long` fills in; otherwise 200,000 are told of, for information.
    """
    plan, large = stage.plan, _LONG if stage.plan.long else _LARGE
    few, many = _Town(stage, "few", _SMALL), _Town(stage, "many", large)
    taken = stage.take_turns(
        "growth",
        {
            "opening among few": lambda: few.anew().open_sessions(plan.seconds),
            "opening among many": lambda: many.open_sessions(plan.seconds),
            "reading among few": lambda: few.anew().read_sessions(plan.seconds),
            "reading among many": lambda: many.read_sessions(plan.seconds),
        },
    )
    lines = [
        _compare(f"p99 of {what} at {large:,} sessions", taken[f"{what} among many"], taken[f"{what} among few"], plan)
        for what in ("opening", "reading")
    ]
    return Result("growth", lines, inspect.getdoc(measure_growth) or "")


class _Town:
    """A data directory with so many sessions that ended."""

    def __init__(self, stage: Stage, name: str, count: int) -> None:
        self._stage = stage
        self._environ = stage.data_dir(name)
        self._file = Path(self._environ["ACCREDIT_DATA_DIR"]) / "accredit.sqlite"
        self._population = Population(count)
        with serve_accredit(stage.cores, self._environ) as target:
            send_all(target, [stage.scene.embed_user("user-0")], expected=303)
        stage.tell(f"growth: filling in {count:,} sessions")
        self._population.fill(self._file)
        self._opening = [stage.scene.embed_user(f"user-{number}") for number in range(_USERS)]
        self._kept = self._file.with_suffix(".kept")

    def anew(self) -> Self:
        """The same, without what was opened in earlier turns."""
        if not self._kept.exists():
            shutil.copyfile(self._file, self._kept)
        # The server took its log away when it stopped; what a crash leaves behind must not be played into the copy.
        for ending in ("-wal", "-shm"):
            self._file.with_name(self._file.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self._kept, self._file)
        return self

    def open_sessions(self, seconds: float) -> Taken:
        """A turn of visitors."""
        with serve_accredit(self._stage.cores, self._environ) as target:
            return drive(target, cycle(self._opening), expected=303, seconds=seconds)

    def read_sessions(self, seconds: float) -> Taken:
        """A turn of a backend that reads sessions of all ages."""
        draw, population, scene = random.Random(_SEED), self._population, self._stage.scene
        reading = [scene.read(population.session_id(draw.randrange(population.count))) for _ in range(_READERS)]
        with serve_accredit(self._stage.cores, self._environ) as target:
            return drive(target, cycle(reading), expected=200, seconds=seconds)


def _compare(path: str, many: list[Taken], few: list[Taken], plan: Plan) -> Line:
    ratio = median(late.p99_ms / early.p99_ms for late, early in zip(many, few, strict=True))
    return Line(path, tell(many), f"at {_SMALL:,}: {tell(few)}", ratio, _LIMIT if plan.long else None)
