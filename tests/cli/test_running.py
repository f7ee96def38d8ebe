"""The command as a whole: what it imports, how it ends, and what it says when something is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import accredit as package

BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {missing!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["accredit", *{args!r}]
from accredit.cli import main
main()
"""


def run_without(missing: str, *args: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    script = BLOCKED.format(missing=missing, args=args)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=cwd, check=False)


def test_tells_its_version(accredit):
    done = accredit.process("--version")
    assert (done.code, done.out) == (0, f"accredit {package.__version__}\n")


def test_an_unknown_command_is_wrong_usage(accredit):
    done = accredit.process("embrace")
    assert done.code == 2
    assert "No such command 'embrace'" in done.err


def test_help_imports_neither_the_server_nor_what_it_stands_on(tmp_path):
    script = (
        "import sys, runpy; sys.argv = ['accredit', '--help']\n"
        "from accredit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    loaded = set(done.stderr.split())
    assert not [name for name in loaded if name.startswith("accredit.server")]
    assert not loaded & {"msgspec", "uvicorn", "starlette", "aiohttp", "jinja2", "rich", "cryptography", "joserfc", "asyncio"}


@pytest.mark.parametrize("args", [("keys", "generate"), ("deployment", "sign", "--help"), ("keys", "thumbprint", "--help")])
def test_what_needs_no_server_runs_without_it(args, tmp_path):
    for missing in ("msgspec", "rich"):
        done = run_without(missing, *args, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_without_click_there_is_a_hint(tmp_path):
    done = run_without("click", "--help", cwd=tmp_path)
    assert done.returncode == 3
    assert "pip install 'accredit[server]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("missing", "args", "extra"),
    [
        ("msgspec", ("account", "list"), "accredit[server]"),
        ("uvicorn", ("serve",), "accredit[server]"),
        ("psycopg", ("account", "list", "--database-url", "postgresql:///accredit"), "accredit[postgres]"),
    ],
)
def test_a_command_that_needs_more_says_what(missing, args, extra, tmp_path, monkeypatch):
    monkeypatch.setenv("ACCREDIT_ROOT_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    done = run_without(missing, *args, cwd=tmp_path)
    assert done.returncode == 3
    assert f"needs {missing}" in done.stderr
    assert f"pip install '{extra}'" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_nobody_foresaw_is_one_sentence_without_its_text(accredit, monkeypatch):
    def fail(*_args):
        raise RuntimeError("the very value that was typed")

    monkeypatch.setattr("accredit.cli.keys.thumbprint.read_keys", fail)
    (accredit.directory / "key.jwk").write_text("{}")
    done = accredit("keys", "thumbprint", "key.jwk", code=3)
    assert done.err.startswith("accredit: internal_error: Something went wrong here; nothing was done. (RuntimeError at test_")
    assert "typed" not in done.err
    assert done.err.count("\n") == 1


def test_an_error_is_one_sentence_with_its_code(accredit):
    done = accredit("account", "list", code=3)
    assert done.out == ""
    assert done.err == (
        "accredit: database_missing: There is no database in the data directory; name another, or begin with"
        " `accredit account create`.\n"
    )
    assert not (accredit.directory / "accredit-data").exists()


def test_an_error_is_an_object_for_programs(accredit):
    done = accredit("account", "list", "--json", code=3)
    assert json.loads(done.err)["code"] == "database_missing"


@pytest.mark.parametrize(
    ("environ", "member"),
    [
        ({"ACCREDIT_PUBLIC_URL": "id.example.com"}, "ACCREDIT_PUBLIC_URL"),
        ({"ACCREDIT_PORT": "many"}, "ACCREDIT_PORT"),
        ({"ACCREDIT_PATH_PREFIX": "id/"}, "ACCREDIT_PATH_PREFIX"),
        ({"ACCREDIT_LOG_LEVEL": "loud"}, "ACCREDIT_LOG_LEVEL"),
        ({"ACCREDIT_ROOT_KEY": "short"}, "ACCREDIT_ROOT_KEY"),
    ],
)
def test_a_setting_of_a_wrong_form_is_named(accredit, environ, member):
    accredit.environ.update(environ)
    done = accredit("account", "create", "Example", code=2)
    assert f"settings_invalid: A setting has a wrong form. ({member})" in done.err


def test_a_database_that_there_is_not_is_told(accredit):
    accredit.environ["ACCREDIT_ROOT_KEY"] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert "database_url_invalid" in accredit("account", "list", "--database-url", "mysql://db", code=3).err
    assert "schema_behind" in accredit("account", "list", "--database-url", "sqlite:///new.sqlite", code=3).err
    assert "service_unavailable" in accredit("account", "list", "--database-url", "postgresql:///x?host=/nowhere", code=3).err


def test_a_data_directory_that_cannot_be_is_told(accredit):
    (accredit.directory / "file").write_text("")
    accredit.environ["ACCREDIT_DATA_DIR"] = "file/data"
    assert "(ACCREDIT_DATA_DIR)" in accredit("account", "create", "Example", code=2).err


def test_a_reader_that_leaves_early_sees_no_traceback(shop):
    command = f"'{Path(sys.executable).with_name('accredit')}' integration show checkout --json | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=shop.directory, env=shop.environment(), check=False
    )
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr


def test_output_is_as_wide_as_it_needs_to_be_where_nobody_looks(shop):
    name = "A name that is quite a lot longer than a terminal of eighty columns would ever show in a single line of a table"
    shop("deployer", "create", "wide", "--name", name)
    assert name in shop("deployer", "list").out


def test_the_installed_command_is_on_the_path_of_this_environment():
    assert os.access(Path(sys.executable).with_name("accredit"), os.X_OK)
