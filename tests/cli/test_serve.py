"""`accredit serve` as a process: what it says when it is ready, how it stops, and why it does not start."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCREDIT = Path(sys.executable).with_name("accredit")
Started = tuple["subprocess.Popen[str]", list[str]]


@pytest.fixture
def serving(accredit) -> Callable[..., object]:
    """A running server, and the three lines that it says when it is ready."""

    @contextmanager
    def serve(*args: str, **environ: str) -> Iterator[Started]:
        with subprocess.Popen(
            [ACCREDIT, "serve", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=accredit.directory,
            env=accredit.environment(environ),
        ) as process:
            try:
                assert process.stdout is not None
                yield process, [process.stdout.readline().rstrip() for _ in range(3)]
            finally:
                process.kill()

    return serve


def address_of(lines: list[str]) -> str:
    return lines[0].rpartition(" ")[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_says_where_it_listens_and_stops_cleanly(serving, number):
    with serving("--port", "0") as (process, lines):
        address = address_of(lines)
        assert lines[0].startswith("Accredit ")
        assert lines[1].split() == ["public", "URL", address]
        assert lines[2].split() == ["database", "accredit-data/accredit.sqlite"]
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"{address}/embed")
        assert answer.value.code == 405
        answer.value.close()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")


def test_options_win_over_the_environment(serving, accredit):
    options = ("--port", "0", "--public-url", "https://id.example.com", "--data-dir", "elsewhere")
    with serving(*options, ACCREDIT_PUBLIC_URL="https://other.example", ACCREDIT_PORT="1") as (_process, lines):
        assert lines[1].split() == ["public", "URL", "https://id.example.com"]
        assert lines[2].split() == ["database", "elsewhere/accredit.sqlite"]
    assert (accredit.directory / "elsewhere" / "root.key").stat().st_mode & 0o077 == 0


def test_commands_work_beside_a_running_server(serving, accredit):
    with serving("--port", "0"):
        assert accredit("account", "create", "Example").code == 0
        assert "Example" in accredit("account", "list").out


def test_a_second_server_on_the_file_is_refused(serving, accredit):
    with serving("--port", "0"):
        done = accredit.process("serve", "--port", "0")
    assert (done.code, done.out) == (3, "")
    assert done.err == "accredit: database_in_use: Another server process has this SQLite database open.\n"


def test_a_port_that_is_taken_is_told(serving, accredit):
    with serving("--port", "0") as (_process, lines):
        port = address_of(lines).rpartition(":")[2]
        done = accredit.process("serve", "--port", port)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("accredit: address_in_use: ")
    assert f"(127.0.0.1:{port})" in done.err
    assert done.err.count("\n") == 1


def test_a_host_that_there_is_not_is_told(accredit):
    assert "(300.1.1.1:0)" in accredit.process("serve", "--host", "300.1.1.1", "--port", "0").err


def test_a_schema_that_is_behind_is_told(accredit, postgresql_server):
    postgresql_server.execute("CREATE DATABASE behind")
    url = postgresql_server.address.format("behind")
    environ = {"ACCREDIT_ROOT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
    done = accredit.process("serve", "--port", "0", "--database-url", url, environ=environ)
    assert (done.code, done.out) == (3, "")
    assert done.err == "accredit: schema_behind: The database schema is behind; run `accredit migrate`.\n"
    assert accredit.process("migrate", "--database-url", url).out.endswith("applied 0001\nThe schema is at 0001.\n")


def test_serves_on_postgresql_and_keeps_its_password_to_itself(serving, postgresql_url, words):
    environ = {"ACCREDIT_ROOT_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "ACCREDIT_DATABASE_URL": postgresql_url}
    environ["ACCREDIT_DATABASE_URL"] = postgresql_url.replace("accredit@", "accredit:secret-word@")
    with serving("--port", "0", **environ) as (_process, lines):
        assert words(lines[2]).startswith(" database postgresql://")
        assert "secret-word" not in " ".join(lines)
        assert "accredit" not in lines[2].partition("//")[2]


def test_stops_also_while_it_starts(accredit):
    """A supervisor may change its mind at any time."""
    with subprocess.Popen(
        [ACCREDIT, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=accredit.directory, text=True
    ) as process:
        data = accredit.directory / "accredit-data" / "accredit.sqlite"
        while not data.exists() and process.poll() is None:
            time.sleep(0.01)
        process.terminate()
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
