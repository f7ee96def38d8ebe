"""How the samples of examples/ are built and run, language by language.

Interpreted ones run as their README says. What a compiler makes is made once, in a directory that goes away; nothing is written
into examples/. Without its tools a language is skipped, by the name of what is missing: no lock file brings them.
"""

import fcntl
import glob
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
# Where Debian puts the sources of crates; cargo is to look here and nowhere else.
CRATES = Path("/usr/share/cargo/registry")
CARGO_CONFIG = f"""
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "{CRATES}"
[net]
offline = true
"""
LIMIT_S = 240
_SECRETS = ("IDENTITY_", "DEPLOYMENT_", "REFERENCE_")


@dataclass(frozen=True)
class Done:
    """How a sample ended."""

    code: int
    out: str
    err: str


# What makes the command of a program, such as `identity/sign_v2`, in a directory for what is built.
Build = Callable[[str, Path], list[str]]


def missing_crates() -> list[str]:
    """What Debian calls the crates of the samples that are not there."""
    return [
        f"librust-{name}-dev" for name in ("openssl", "serde-json") if not glob.glob(f"{CRATES}/{name.replace('-', '_')}-*")
    ]


def need(*tools: str) -> None:
    """Skip the test where one of the commands is not there."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")


def _interpreted(command: str, tool: str, suffix: str) -> Build:
    def find(program: str, _: Path) -> list[str]:
        need(tool)
        door, _, name = program.partition("/")
        return [command, str(EXAMPLES / door / _FOLDERS[tool] / f"{name}{suffix}")]

    return find


_FOLDERS = {"python3": "python", "node": "node", "ruby": "ruby", "php": "php"}


def _build_java(program: str, directory: Path) -> list[str]:
    need("javac", "java")
    door, _, name = program.partition("/")
    classes, made = directory / f"java-{door}", {"sign": "Sign", "sign_v2": "SignV2"}[name]
    if not (classes / f"{made}.class").exists():
        _make("javac", "-encoding", "UTF-8", "-d", str(classes), str(EXAMPLES / door / "java" / f"{made}.java"))
    # A small program is over before the second compiler of the machine has done any good.
    return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", str(classes), made]


def _build_go(program: str, directory: Path) -> list[str]:
    need("go")
    door, _, name = program.partition("/")
    made = directory / f"go-{door}-{name}"
    folder = EXAMPLES / door / "go"
    if not made.exists():
        _make("go", "build", "-o", str(made), str((folder / name if door == "identity" else folder) / "main.go"))
    return [str(made)]


def _build_rust(program: str, directory: Path) -> list[str]:
    need("cargo")
    # What rustup puts there is no compiler yet.
    if subprocess.run(["cargo", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("needs a toolchain behind cargo")
    if missing_crates():
        pytest.skip(f"needs {' and '.join(missing_crates())}")
    door, _, name = program.partition("/")
    sources, target = directory / "rust" / door, directory / "rust" / "target"
    made = target / "debug" / (name if door == "identity" else f"sign-{door}")
    if not made.exists():
        # Cargo writes beside its manifest.
        shutil.copytree(EXAMPLES / door / "rust", sources)
        config = directory / "rust" / ".cargo" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(CARGO_CONFIG)
        _make("cargo", "build", "--quiet", cwd=sources, CARGO_TARGET_DIR=str(target), CARGO_PROFILE_DEV_DEBUG="0")
    return [str(made)]


def _build_csharp(program: str, directory: Path) -> list[str]:
    need("dotnet")
    door, _, name = program.partition("/")
    return ["dotnet", "run", str(EXAMPLES / door / "csharp" / {"sign": "Sign.cs", "sign_v2": "SignV2.cs"}[name])]


LANGUAGES: dict[str, Build] = {
    # The interpreter of the tests, which has the library.
    "python": _interpreted(sys.executable, "python3", ".py"),
    "node": _interpreted("node", "node", ".mjs"),
    "ruby": _interpreted("ruby", "ruby", ".rb"),
    "php": _interpreted("php", "php", ".php"),
    "java": _build_java,
    "go": _build_go,
    "csharp": _build_csharp,
    "rust": _build_rust,
}


def build(language: str, program: str, directory: Path) -> list[str]:
    """The command of a program, which is compiled if nobody has done so yet."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return LANGUAGES[language](program, directory)


def run(command: list[str], arguments: tuple[str, ...], environ: dict[str, str]) -> Done:
    """Run a sample with these variables beside those of the machine."""
    done = subprocess.run(
        [*command, *arguments],
        env=environment(environ),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def environment(environ: dict[str, str]) -> dict[str, str]:
    """The variables of a sample: no secret but its own, and a locale in which arguments are UTF-8."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}
    return {**inherited, "LC_ALL": "C.UTF-8", **environ}


def _make(*command: str, cwd: Path = ROOT, **environ: str) -> None:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    # No sample compiles with a warning.
    assert (done.returncode, done.stdout + done.stderr) == (0, ""), f"{command}\n{done.stdout}{done.stderr}"
