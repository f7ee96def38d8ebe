"""`accredit demo`: where it listens, what it prints, how it stops, and what it leaves behind."""

import json
import signal
import socket
import sqlite3

import httpx
import pytest

from accredit.server.demo.reading import read_page


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_tells_where_to_look_and_stops_cleanly(start, number):
    process = start("--port", "0", "--json")
    addresses = json.loads(process.stdout.readline())
    assert addresses.pop("client").keys() == {"client_id", "client_secret"}
    assert len(set(addresses.values())) == 7
    for name, address in addresses.items():
        path = {"accredit": "/sdk/accredit.js", "application": "/report"}.get(name, "/")
        assert httpx.get(address + path).status_code == (403 if name == "application" else 200)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(addresses["bank"])


def test_tells_people_in_words(start):
    process = start("--port", "0")
    shown = ""
    while "Ctrl-C stops it" not in shown:
        shown += process.stdout.readline()
        assert process.poll() is None
    assert "Open" in shown
    assert "Harbour Bank" in shown
    assert "Beacon Energy" in shown
    assert "Kestrel Cars" in shown
    assert "Juniper Exchange" in shown
    assert "accredit_sandbox_api_" in shown
    process.send_signal(signal.SIGINT)
    out, _err = process.communicate(timeout=60)
    assert out == "Stopped.\n"


def test_passes_over_ports_that_are_taken(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--port", str(port), "--json")
        addresses = json.loads(process.stdout.readline())
    ports = [
        int(addresses[name].rpartition(":")[2])
        for name in ("accredit", "bank", "application", "copycat", "utility", "rental", "exchange")
    ]
    assert ports == sorted(ports)
    assert ports[0] > port


def test_says_so_when_another_demo_has_the_data_directory(start, tmp_path):
    first = start("--port", "0", "--json", "--data-dir", str(tmp_path))
    assert first.stdout.readline()
    second = start("--port", "0", "--data-dir", str(tmp_path))
    _out, err = second.communicate(timeout=60)
    assert second.returncode == 3
    assert err.startswith("accredit: database_in_use: ")


def test_a_kept_database_goes_on_with_its_users_and_holds_nobody_in_clear(start, tmp_path):
    for visits in (1, 2):
        process = start("--port", "0", "--json", "--data-dir", str(tmp_path))
        addresses = json.loads(process.stdout.readline())
        assert [visit(addresses, site) for site in ("bank", "utility")] == [visits, visits]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    octets = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    for text in (b"ada-1815", b"Lovelace", b"4111111111111111", b"ada@example.com"):
        assert text not in octets
    database = sqlite3.connect(tmp_path / "accredit.sqlite")
    assert database.execute("SELECT count(*) FROM users").fetchone()[0] == 2
    database.close()


def visit(addresses, site):
    """The number that the report shows for Ada's visit."""
    stage = read_page(httpx.get(f"{addresses[site]}/?as=ada").text).blocks["stage-data"]
    (call,) = stage["calls"]
    fields = {name: value for name, value in call["fields"].items() if name != "marketplace_url"}
    body = {"json": fields} if stage["door"] == "boot" else {"data": fields}
    posted = httpx.post(f"{addresses['accredit']}/{stage['door']}", headers={"Origin": addresses[site]}, **body)
    address = posted.headers["Location"]
    return read_page(httpx.get(address).text).blocks["report"]["opened"]["visits"]
