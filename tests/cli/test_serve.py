"""`accredit serve` as a process: what it says when it is ready, how it stops, and why it does not start."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accredit.cli.serve import listen
from accredit.errors import FailureError

from .conftest import ROOT_KEY, Commands

ACCREDIT = Path(sys.executable).with_name("accredit")
Started = tuple["subprocess.Popen[str]", list[str]]


@contextmanager
def serve(accredit: Commands, *args: str, **environ: str) -> Iterator[Started]:
    """A running server on a free port, and the three lines that it says when it is ready."""
    with subprocess.Popen(
        [ACCREDIT, "serve", "--port", "0", *args],
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


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Commands, list[str]]]:
    """Commands in the directory of a running server, and what it said."""
    accredit = Commands(tmp_path_factory.mktemp("serving"))
    with serve(accredit) as (_process, lines):
        yield accredit, lines


def stop(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """A server that is told to stop does so cleanly."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")


def address_of(lines: list[str]) -> str:
    return lines[0].rpartition(" ")[2]


def test_says_where_it_listens(beside):
    _accredit, lines = beside
    address = address_of(lines)
    assert lines[0].startswith("Accredit ")
    assert lines[1].split() == ["public", "URL", address]
    assert lines[2].split() == ["database", "accredit-data/accredit.sqlite"]
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"{address}/embed")
    assert answer.value.code == 405
    answer.value.close()


def test_options_win_over_the_environment_and_an_interrupt_stops_it(accredit):
    options = ("--public-url", "https://id.example.com", "--data-dir", "elsewhere")
    environ = {"ACCREDIT_PUBLIC_URL": "https://other.example", "ACCREDIT_PORT": "1"}
    with serve(accredit, *options, **environ) as (process, lines):
        assert lines[1].split() == ["public", "URL", "https://id.example.com"]
        assert lines[2].split() == ["database", "elsewhere/accredit.sqlite"]
        stop(process, signal.SIGINT)
    assert (accredit.directory / "elsewhere" / "root.key").stat().st_mode & 0o077 == 0


def test_commands_work_beside_a_running_server(beside):
    accredit, _lines = beside
    assert accredit("account", "create", "Example").code == 0
    assert "Example" in accredit("account", "list").out


def test_a_second_server_on_the_file_is_refused(beside):
    accredit, _lines = beside
    done = accredit.process("serve", "--port", "0")
    assert (done.code, done.out) == (3, "")
    assert done.err == "accredit: database_in_use: Another server process has this SQLite database open.\n"


def test_a_port_that_is_taken_is_told(beside):
    accredit, lines = beside
    port = address_of(lines).rpartition(":")[2]
    done = accredit.process("serve", "--port", port)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("accredit: address_in_use: ")
    assert f"(127.0.0.1:{port})" in done.err
    assert done.err.count("\n") == 1


def test_a_host_that_there_is_not_is_told():
    with pytest.raises(FailureError, match=r"address_in_use: 300\.1\.1\.1:0"):
        listen("300.1.1.1", 0)


def test_a_schema_that_is_behind_is_told(accredit, postgresql_server):
    postgresql_server.execute("CREATE DATABASE behind")
    url = postgresql_server.address.format("behind")
    environ = {"ACCREDIT_ROOT_KEY": ROOT_KEY}
    done = accredit.process("serve", "--port", "0", "--database-url", url, environ=environ)
    assert (done.code, done.out) == (3, "")
    assert done.err == "accredit: schema_behind: The database schema is behind; run `accredit migrate`.\n"
    assert accredit("migrate", "--database-url", url).out.endswith("applied 0001\nThe schema is at 0001.\n")


def test_serves_on_postgresql_keeps_its_password_to_itself_and_stops_when_told(accredit, postgresql_url, words):
    address = postgresql_url.replace("accredit@", "accredit:secret-word@")
    with serve(accredit, ACCREDIT_ROOT_KEY=ROOT_KEY, ACCREDIT_DATABASE_URL=address) as (process, lines):
        assert words(lines[2]).startswith(" database postgresql://")
        assert "secret-word" not in " ".join(lines)
        assert "accredit" not in lines[2].partition("//")[2]
        stop(process, signal.SIGTERM)


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
