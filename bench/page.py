"""The results as a table on the terminal, and as a page of Markdown."""

from collections.abc import Sequence

from rich.table import Table

from bench.results import COLUMNS, Result

_RIGHT = ("figure", "by processor time", "limit")
_COLOURS = {"met": "green", "MISSED": "bold red"}
_PREFACE = """# What was measured

Written by `{command}`; every figure is of that run. Ratios compare what was measured in turns on one machine in one run, and are
medians of the rounds; *by processor time* is the same ratio of processor time for a request, which a busy machine disturbs less. The
limits are those of [docs/design.md](../docs/design.md), section 10; a line without one is told for information.
"""


def show(results: Sequence[Result]) -> Table:
    """The table for the terminal."""
    table = Table(title="Accredit, measured", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in _RIGHT else "left", no_wrap=column in _RIGHT)
    for result in results:
        for line in result.lines:
            table.add_row(*line.cells, style=_COLOURS.get(line.verdict, "") if line.verdict == "MISSED" else "")
        table.add_section()
    return table


def write(results: Sequence[Result], facts: Sequence[tuple[str, str]], command: str) -> str:
    """The page."""
    lines = [_PREFACE.format(command=command), _row(("machine", "")), _row(("---", "---")), *map(_row, facts), ""]
    lines += [_row(COLUMNS), _row(["---:" if column in _RIGHT else "---" for column in COLUMNS])]
    lines += [_row(line.cells) for result in results for line in result.lines]
    lines += ["", "## How", ""]
    for result in results:
        lines += [f"**{result.name}.** {result.how}", ""]
        lines += [*(f"- {note}" for note in result.notes), *([""] if result.notes else [])]
    return "\n".join(lines).rstrip() + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
