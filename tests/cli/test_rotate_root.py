"""`accredit keys rotate-root`: on the embedded default, and where the root key is a setting."""

import subprocess
import sys
from pathlib import Path

ACCREDIT = Path(sys.executable).with_name("accredit")
NEXT_KEY = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def make_passport_key(accredit):
    """Something sealed, which opens only with the right root key."""
    return accredit("keys", "create", "--purpose", "passport", "--integration", "checkout", "--json").json


def test_the_embedded_root_key_is_replaced_and_the_old_one_is_gone(shop):
    make_passport_key(shop)
    path = shop.directory / "accredit-data" / "root.key"
    old = path.read_text()
    counts = shop("keys", "rotate-root", "--json").json
    assert counts["rewrapped"] == counts["total"] > 0
    assert counts["already"] == 0
    assert path.read_text() != old
    assert path.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in path.parent.glob("*root.key*")) == ["root.key"]
    assert shop("audit", "verify").code == 0
    path.write_text(old)
    assert "root_key_missing" in shop("audit", "verify", code=3).err


def test_not_while_a_server_runs(shop):
    with subprocess.Popen(
        [ACCREDIT, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=shop.directory, env=shop.environment()
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        old = (shop.directory / "accredit-data" / "root.key").read_text()
        assert "database_in_use" in shop("keys", "rotate-root", code=3).err
        assert (shop.directory / "accredit-data" / "root.key").read_text() == old
        server.terminate()


def test_a_root_key_that_is_a_setting_is_rotated_beside_the_old_one(on_database, set_up):
    set_up(on_database)
    make_passport_key(on_database)
    old = on_database.environ["ACCREDIT_ROOT_KEY"]
    on_database.environ["ACCREDIT_ROOT_KEY"] = NEXT_KEY
    assert "root_key_missing" in on_database("keys", "rotate-root", code=3).err
    on_database.environ["ACCREDIT_PREVIOUS_ROOT_KEYS"] = old
    told = on_database("keys", "rotate-root").out
    assert "0 were already" in told
    del on_database.environ["ACCREDIT_PREVIOUS_ROOT_KEYS"]
    assert on_database("audit", "verify").code == 0
    again = on_database("keys", "rotate-root", "--json").json
    assert (again["rewrapped"], again["already"]) == (0, again["total"])
