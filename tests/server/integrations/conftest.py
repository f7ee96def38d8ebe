"""Runs the programs of a snippet as they are printed, by the language's own interpreter."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NODE_MODULES = Path(__file__).parents[2] / "interop" / "node" / "node_modules"
COMMANDS = {
    "python": ([sys.executable], "sign.py"),
    "node": (["node"], "sign.mjs"),
    "ruby": (["ruby", "-w"], "sign.rb"),
    "php": (["php", "-d", "error_reporting=E_ALL", "-d", "display_errors=stderr"], "sign.php"),
}


@pytest.fixture
def run_sample(tmp_path):
    """Runs a sample with these variables in its environment, and returns what it prints."""

    def run(language, text, **variables):
        command, name = COMMANDS[language]
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        if "npm install jose" in text:
            if not (NODE_MODULES / "jose").exists():
                pytest.skip("jose is not installed: run npm ci in tests/interop/node")
            (tmp_path / "node_modules").symlink_to(NODE_MODULES)
        (tmp_path / name).write_text(text, encoding="utf-8")
        environ = {"PATH": f"{Path(shutil.which(command[0])).parent}:/usr/bin:/bin", **variables}
        done = subprocess.run(
            [*command, name], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()

    return run
