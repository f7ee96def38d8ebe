"""The benchmark runs and writes its page. No figure is judged here: a machine that runs tests is no machine to measure on."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is written of three rows."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("the server and the load each need a core")
    out = tmp_path_factory.mktemp("bench") / "results.md"
    chosen = ["--only", "embed,create,read", "--seconds", "0.1", "--rounds", "1", "--no-peers", "--out", out]
    done = subprocess.run([sys.executable, "-m", "bench", *chosen], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out.read_text(encoding="utf-8")


def test_every_line_has_a_figure_and_what_has_a_limit_has_a_verdict(page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith(("| embed", "| GET"))]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) == 4
    for _path, ours, beside, figure, by_cpu, limit, verdict in rows:
        assert re.match(r"[\d,]+/s, p99 [\d.]+ ms, [\d,]+ us CPU", ours)
        assert re.search(r": [\d,]+/s", beside)
        assert re.fullmatch(r"[\d.,]+x", figure)
        assert re.fullmatch(r"[\d.,]+x", by_cpu)
        assert re.fullmatch(r">= [\d.]+x", limit)
        assert verdict in ("met", "MISSED")


def test_what_has_no_limit_has_a_figure_too(page: str) -> None:
    lines = [line for line in page.splitlines() if line.startswith("| create")]
    assert [line.split("|")[1].strip() for line in lines] == [
        f"create a session, {kind}, SQLite" for kind in ("plain", "sealed")
    ]
    for line in lines:
        assert re.search(r"plain handler: [\d,]+/s", line)


def test_the_page_says_how_it_came_about_and_nothing_of_where(page: str) -> None:
    assert "`python -m bench --seconds 0.1 --rounds 1 --only embed,create,read --no-peers`" in page
    assert "| processor |" in page
    assert "**embed.** `POST /embed`" in page
    assert str(ROOT) not in page
    assert os.uname().nodename not in page
