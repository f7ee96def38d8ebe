"""Figures and what becomes of them: medians of the rounds, ratios beside their limits, a table on the terminal, and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from bench.load import Taken


@dataclass(frozen=True, slots=True)
class Limit:
    """At least, or at most, so much. unit: what stands behind the figure."""

    value: float
    at_most: bool = False
    unit: str = "x"

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.value:g}{self.unit}"

    def holds(self, figure: float) -> bool:
        """Whether the figure keeps it."""
        return figure <= self.value if self.at_most else figure >= self.value


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. limit: None for what is told for information. by_cpu: the ratio of processor times, if there is one."""

    path: str
    ours: str
    beside: str
    figure: float
    limit: Limit | None = None
    by_cpu: float | None = None
    unit: str = "x"

    @property
    def cells(self) -> tuple[str, ...]:
        """As the columns of COLUMNS have it."""
        by_cpu = "" if self.by_cpu is None else f"{_rounded(self.by_cpu)}x"
        shown = (self.path, self.ours, self.beside, f"{_rounded(self.figure)}{self.unit}", by_cpu)
        return (*shown, "" if self.limit is None else str(self.limit), self.verdict)

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing where there is no limit."""
        if self.limit is None:
            return ""
        return "met" if self.limit.holds(self.figure) else "MISSED"


COLUMNS = ("path", "ours", "beside", "figure", "by processor time", "limit", "verdict")


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the run: its lines, and how they were measured. notes: what is worth knowing besides."""

    name: str
    lines: Sequence[Line]
    how: str
    notes: Sequence[str] = ()


def compare(path: str, ours: Sequence[Taken], beside: str, *others: Sequence[Taken], limit: Limit | None = None) -> Line:
    """A line that holds ours against another contender; where others are several, against their mean in each round."""
    rounds = list(zip(ours, zip(*others, strict=True), strict=True))
    ratios = [mine.rate / mean(each.rate for each in theirs) for mine, theirs in rounds]
    by_cpu = [mean(each.cpu_us for each in theirs) / mine.cpu_us for mine, theirs in rounds]
    told = [each for several in others for each in several]
    return Line(path, tell(ours), f"{beside}: {tell(told)}", median(ratios), limit, median(by_cpu) or None)


def tell(several: Sequence[Taken]) -> str:
    """The medians of some measurements, in words; what was not measured is left out."""
    rate, p99, cpu = (median(getattr(each, name) for each in several) for name in ("rate", "p99_ms", "cpu_us"))
    return f"{rate:,.0f}/s" + (f", p99 {p99:.1f} ms" if p99 else "") + (f", {cpu:,.0f} us CPU" if cpu else "")


def _rounded(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
