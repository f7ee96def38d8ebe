"""Who may know whom: the arrows of design.md section 3, the purity of the core, and what `import accredit` costs."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "accredit"
CORE = sorted(path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in ("cli", "client", "server"))
# No clock, socket, environment, file or log.
IMPURE = {
    *("asyncio", "concurrent", "datetime", "fcntl", "getpass", "glob", "http", "io", "locale", "logging", "multiprocessing"),
    *("os", "pathlib", "platform", "pwd", "queue", "random", "sched", "select", "selectors", "shelve", "shutil", "signal"),
    *("socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "syslog", "tempfile", "threading", "time", "urllib"),
}
SERVER_PACKAGES = {
    *(
        "aiohttp",
        "alembic",
        "asyncio",
        "click",
        "httptools",
        "httpx",
        "jinja2",
        "msgspec",
        "opentelemetry",
        "prometheus_client",
    ),
    *("psycopg", "rich", "sqlalchemy", "sqlite3", "starlette", "uuid_utils", "uvicorn", "uvloop"),
}


def test_the_arrows_hold() -> None:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache', '--no-logo'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_core_stands_on_the_standard_library_cryptography_and_joserfc(path: Path) -> None:
    packages = {name.split(".")[0] for name in imports_of(path)}
    assert packages <= {*sys.stdlib_module_names, "cryptography", "joserfc", "accredit"}
    assert not packages & IMPURE
    assert not {name for name in imports_of(path) if name.startswith(("accredit.server", "accredit.cli", "accredit.client"))}


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_core_opens_and_prints_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"open", "print", "input", "exec", "eval", "__import__"}


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after the statement, besides what it has loaded anyway."""
    script = f"import json, sys; bare = set(sys.modules); {statement}; print(json.dumps(sorted(set(sys.modules) - bare)))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_accredit_loads_nothing_else() -> None:
    loaded = modules_after("import accredit")
    assert "accredit" in loaded
    assert not {name for name in loaded if name.startswith("accredit.")}
    assert not {name.split(".")[0] for name in loaded} - sys.stdlib_module_names - {"accredit"}
    assert not loaded & {"ssl", "socket", "asyncio", "sqlite3", "logging", "hashlib", "cryptography"}


def test_using_all_of_accredit_loads_no_server() -> None:
    loaded = modules_after("from accredit import *")
    assert {"accredit.deployment", "accredit.passport", "joserfc"} <= loaded
    assert not {name for name in loaded if name.startswith(("accredit.server", "accredit.cli"))}
    assert not {name.split(".")[0] for name in loaded} & SERVER_PACKAGES


def test_errors_cost_no_cryptography() -> None:
    loaded = modules_after("from accredit import AccreditError")
    assert not {name for name in loaded if name.split(".")[0] in ("cryptography", "joserfc")}
