"""What it weighs: the import, the server at rest, its start, the browser SDK."""

import gzip
import inspect
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from bench.load import LoadError, send_all
from bench.machine import cpu_seconds, memory_mb, pinned
from bench.results import Limit, Line, Result
from bench.servers import serve_accredit
from bench.stage import Stage

_IMPORTS, _STARTS = 9, 5
_SDK_LIMIT = Limit(5, at_most=True, unit=" kB")
_ROOT = Path(__file__).parents[2]
_SOURCES = _ROOT / "sdk"
_SDK = _ROOT / "src" / "accredit" / "server" / "sdk" / "accredit.js"
# As sdk/build.mjs bundles the script, asking only how many octets of it each module became.
_ASK_MODULES = """
import { build } from "esbuild";
const done = await build({ entryPoints: ["src/global.ts"], bundle: true, minify: true, mangleProps: /^_/, target: "es2020",
  charset: "utf8", define: { VERSION: '"0"' }, format: "iife", write: false, metafile: true });
const [output] = Object.values(done.metafile.outputs);
console.log(JSON.stringify(Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput])));
"""


def measure_import(stage: Stage) -> Result:
    """Fresh interpreters, in turn with ones that import nothing: the median of nine, less that of the bare ones.

    `import accredit` loads what it exports when it is first used, so the import of all of it is told as well.
    """
    bare, alone, everything = [], [], []
    for number in range(_IMPORTS):
        stage.tell(f"import: {number + 1} of {_IMPORTS}")
        bare.append(_interpreter_ms(stage, "pass"))
        alone.append(_interpreter_ms(stage, "import accredit"))
        everything.append(_interpreter_ms(stage, "from accredit import *"))
    lines = [
        _import_line("import accredit", median(alone), median(bare), Limit(100, at_most=True, unit=" ms")),
        _import_line("from accredit import *", median(everything), median(bare)),
    ]
    return Result("import", lines, inspect.getdoc(measure_import) or "")


def _interpreter_ms(stage: Stage, statement: str) -> float:
    with pinned(stage.cores.server):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", statement], check=True)
        return (time.perf_counter() - began) * 1e3


def _import_line(path: str, with_it_ms: float, bare_ms: float, limit: Limit | None = None) -> Line:
    return Line(path, f"{with_it_ms:.1f} ms", f"bare Python: {bare_ms:.1f} ms", with_it_ms - bare_ms, limit, unit=" ms")


def measure_memory(stage: Stage) -> Result:
    """`accredit serve` on SQLite, freshly started, after one admission: its resident memory, and its proportional share of it."""
    scene = stage.scene
    stage.tell("memory")
    with serve_accredit(stage.cores, stage.data_dir("memory")) as target:
        send_all(target, [scene.embed(scene.token_for_many())], expected=303)
        resident, proportional = memory_mb(target.pid)
    beside = f"proportional share: {proportional:.0f} MB"
    line = Line(
        "server memory at rest", f"{resident:.0f} MB", beside, resident, Limit(90, at_most=True, unit=" MB"), unit=" MB"
    )
    return Result("memory", [line], inspect.getdoc(measure_memory) or "")


def measure_start(stage: Stage) -> Result:
    """From the start of `accredit serve` to the first 200 of `/readyz`, on the server's core; the median of the starts.

    The very first start of all, which makes the root key and the database, is told as well.
    """
    first, later = [], []
    environ = stage.data_dir("start")
    for number in range(_STARTS):
        stage.tell(f"start: {number + 1} of {_STARTS}")
        first.append(_start(stage, stage.empty_data_dir(f"start-{number}")))
        later.append(_start(stage, environ))
    lines = [
        _start_line("ready after start", later, Limit(0.8, at_most=True, unit=" s")),
        _start_line("ready after the very first start", first),
    ]
    return Result("start", lines, inspect.getdoc(measure_start) or "")


def _start(stage: Stage, environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds until it was ready, by the clock and of processor time."""
    began = time.perf_counter()
    with serve_accredit(stage.cores, environ) as target:
        return time.perf_counter() - began, cpu_seconds(target.pid)


def _start_line(path: str, starts: list[tuple[float, float]], limit: Limit | None = None) -> Line:
    wall_s, cpu_s = (median(values) for values in zip(*starts, strict=True))
    return Line(path, f"{wall_s:.2f} s", f"processor time: {cpu_s:.2f} s", wall_s, limit, unit=" s")


def measure_sdk(stage: Stage) -> Result:
    """The script that pages load, as it is served, under gzip at its highest level; before gzip, what each module of it became."""
    stage.tell("sdk")
    if not _SDK.exists():
        raise LoadError("the browser SDK is not built: make sdk")
    script = _SDK.read_bytes()
    size = len(gzip.compress(script, 9)) / 1000
    line = Line("browser SDK, gzip", f"{size:.2f} kB", f"{len(script) / 1000:.2f} kB minified", size, _SDK_LIMIT, unit=" kB")
    return Result("sdk", [line], inspect.getdoc(measure_sdk) or "", _describe_modules())


def _describe_modules() -> list[str]:
    """Each module of the script with its octets and the first sentence about it."""
    asked = ["node", "--input-type=module", "-e", _ASK_MODULES]
    done = subprocess.run(asked, cwd=_SOURCES, capture_output=True, text=True, check=True)
    modules = sorted(json.loads(done.stdout), key=lambda module: -module[1])
    return [f"`{Path(path).name}` {octets:,} octets: {_first_sentence(_SOURCES / path)}" for path, octets in modules if octets]


def _first_sentence(path: Path) -> str:
    comment = re.search(r"/\*\*(.*?)\*/", path.read_text(encoding="utf-8"), re.DOTALL)
    words = " ".join(line.strip(" *") for line in comment[1].splitlines()) if comment else ""
    return words.strip().partition(". ")[0].rstrip(".") + "."
