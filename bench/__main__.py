"""`python -m bench`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.load import CONNECTIONS, LoadError
from bench.machine import Unfit, choose_cores, facts, pinned
from bench.page import show, write
from bench.results import Result
from bench.rows import ROWS
from bench.servers import workspace
from bench.stage import Plan, Stage

_WIDTH = 200
_RESULTS = Path(__file__).with_name("RESULTS.md")


def _choose(_context: click.Context, _parameter: click.Parameter, text: str | None) -> list[str]:
    names = list(ROWS) if text is None else text.split(",")
    for name in names:
        if name not in ROWS:
            raise click.BadParameter(f"there is no row {name}; there are {', '.join(ROWS)}")
    return names


@click.command()
@click.option("--only", "names", metavar="ROW,ROW", callback=_choose, help=f"Of {', '.join(ROWS)}.")
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(0.1, 60), help="Of each turn under load.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100), help="Turns of each contender.")
@click.option("--long", is_flag=True, help="Fill 10 million sessions for the row growth: some 12 GB and ten minutes.")
@click.option("--no-peers", is_flag=True, help="Without the FastAPI peer.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write; bench/RESULTS.md if all was measured."
)
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Where databases are made.")
def command(
    names: list[str], seconds: float, rounds: int, long: bool, no_peers: bool, out: Path | None, directory: Path | None
) -> None:
    """Measure Accredit beside its limits and beside others. Takes some ten minutes; nothing else should run meanwhile."""
    # Servers and databases are taken away at the end, also when somebody asks for it early.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    plan = Plan(seconds, rounds, not no_peers, long)
    try:
        results, told = _measure(console, names, plan, directory)
    except (LoadError, Unfit) as error:
        raise click.ClickException(str(error)) from error
    console.print(show(results))
    complete = set(names) == set(ROWS) and not no_peers
    page = out or (_RESULTS if complete else None)
    if page is not None:
        page.write_text(write(results, told, _command_line(names, plan)), encoding="utf-8")
        console.print(f"written: {click.format_filename(page)}")


def _measure(console: Console, names: list[str], plan: Plan, parent: Path | None) -> tuple[list[Result], list[tuple[str, str]]]:
    cores = choose_cores()
    with ExitStack() as stack:
        directory = stack.enter_context(workspace(parent))
        told = facts(directory, peers=plan.peers)
        stack.enter_context(pinned(cores.load))
        with _progress(console, len(names)) as progress:
            stage = Stage(plan, cores, directory, stack, progress.tell)
            results = [progress.finish(ROWS[name](stage)) for name in names]
        return results, [*told, *_describe_run(stage)]


def _describe_run(stage: Stage) -> list[tuple[str, str]]:
    """What came to be known of the machine meanwhile; also whether it was the load that was slow."""
    told = [("PostgreSQL", stage.database_server.version)] if "database_server" in vars(stage) else []
    if stage.takings:
        busiest = max(stage.takings, key=lambda taken: taken.busy)
        turns = f"{stage.plan.rounds} rounds, {stage.plan.seconds:g} s a turn, {CONNECTIONS} connections"
        told.append(("load", f"{turns}; at most {busiest.busy:.0%} of its core, for {busiest.rate:,.0f} answers a second"))
    return told


class _Shown:
    """Progress that is drawn between measurements only, so that drawing it disturbs none."""

    def __init__(self, progress: Progress, rows: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=rows)

    def tell(self, text: str) -> None:
        """What is under way."""
        self._progress.update(self._task, description=text)
        self._progress.refresh()

    def finish(self, result: Result) -> Result:
        """A row is done."""
        self._progress.advance(self._task)
        return result


@contextmanager
def _progress(console: Console, rows: int) -> Iterator[_Shown]:
    columns = (TimeElapsedColumn(), BarColumn(20), TextColumn("{task.completed} of {task.total} rows, {task.description}"))
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        yield _Shown(progress, rows)


def _command_line(names: list[str], plan: Plan) -> str:
    """What measures the same again, wherever the project is."""
    words = ["python -m bench", f"--seconds {plan.seconds:g} --rounds {plan.rounds}"]
    words += [f"--only {','.join(names)}"] if names != list(ROWS) else []
    words += ["--long"] if plan.long else []
    words += [] if plan.peers else ["--no-peers"]
    return " ".join(words)


if __name__ == "__main__":
    command(prog_name="python -m bench")
