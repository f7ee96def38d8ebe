"""`accredit keys leak-check`: what it finds in files and in git histories, and what it shows of it."""

import io
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.leaks.forms import find_secrets
from accredit.cli.leaks.reading import find_in
from accredit.keys import generate_secret

API = "live_secret_" + "7e57" * 16
OURS = generate_secret("sandbox", "reference")
ENDPOINT = "whsec_" + "A" * 43 + "="
PUBLISHED = "live_secret_" + "abcd1234" * 8


def git(folder: Path, *arguments: str) -> str:
    """A command of git as somebody of no name, whatever is configured on this machine."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", "-C", str(folder), *names, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A history in which a secret came with the second commit, and went with the third."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for text, message in (("nothing\n", "one"), (f"a\nkey = {API}\n", "two"), ("nothing\n", "three")):
        (folder / "config.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", message)
    return folder


def found(done: Any) -> list[tuple[str, int, str]]:
    return [(place["path"], place["line"], place["shown"]) for place in done.json["found"]]


def test_finds_every_form_and_shows_its_beginning(accredit: Any) -> None:
    folder = accredit.directory / "shop"
    (folder / "deep" / ".hidden").mkdir(parents=True)
    (folder / "config.js").write_text(f'const a = 1;\nconst key = "{API}";\n')
    (folder / "deep" / ".hidden" / "data.bin").write_bytes(b"\x00\xff" + OURS.encode() + b"\n\n" + ENDPOINT.encode())
    done = accredit("keys", "leak-check", "shop", "--json", code=1)
    assert found(done) == [
        ("shop/config.js", 2, "live_secret_7e57..."),
        ("shop/deep/.hidden/data.bin", 1, f"{OURS[:31]}..."),
        ("shop/deep/.hidden/data.bin", 3, "whsec_AAAA..."),
    ]
    text = accredit("keys", "leak-check", "shop", code=1).out
    assert "shop/config.js:2: live_secret_7e57..." in text.splitlines()
    assert not any(secret in text + done.out for secret in (API, OURS, ENDPOINT))


@pytest.mark.parametrize(
    "text",
    [
        PUBLISHED,
        API[:-1],
        API.upper(),
        OURS[:-1] + ("A" if OURS[-1] != "A" else "B"),
        "live_publishable_key_" + "0" * 32,
        "live_key_" + "0" * 32,
        ENDPOINT[:-1],
    ],
)
def test_what_is_no_secret_is_not_found(accredit: Any, text: str) -> None:
    (accredit.directory / "notes.txt").write_text(text)
    done = accredit("keys", "leak-check", "notes.txt")
    assert (done.out, "No secret was found" in done.err) == ("", True)


def test_finds_what_a_history_holds_though_no_file_does(accredit: Any, repository: Path) -> None:
    accredit("keys", "leak-check", "shop")
    done = accredit("keys", "leak-check", "shop", "--history", "--json", code=1)
    (place,) = done.json["found"]
    assert place == {
        "path": "config.py",
        "line": 2,
        "shown": "live_secret_7e57...",
        "commit": git(repository, "rev-parse", "HEAD~1"),
    }
    told = accredit("keys", "leak-check", "shop", "--history", code=1).out
    assert told == f"{place['commit'][:12]} config.py:2: live_secret_7e57...\n"


def test_finds_secrets_in_messages_branches_and_packs(accredit: Any, repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "side")
    (repository / "with space.txt").write_text(OURS)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", f"see {ENDPOINT}")
    side = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "gc", "--quiet")
    done = accredit("keys", "leak-check", "shop", "--history", "--json", code=1)
    places = {(place["path"], place["shown"], place["commit"]) for place in done.json["found"]}
    assert places >= {("", "whsec_AAAA...", side), ("with space.txt", f"{OURS[:31]}...", side)}
    assert len(places) == 3
    assert "(message):" in accredit("keys", "leak-check", "shop", "--history", code=1).out


def test_a_folder_without_a_history_is_wrong_usage(accredit: Any) -> None:
    (accredit.directory / "empty").mkdir()
    done = accredit("keys", "leak-check", "empty", "--history", code=2)
    assert "no history" in done.err


def test_an_empty_history_holds_nothing(accredit: Any) -> None:
    folder = accredit.directory / "new"
    folder.mkdir()
    git(folder, "init", "--quiet")
    accredit("keys", "leak-check", "new", "--history")


def test_links_are_not_followed_and_pipes_not_waited_for(accredit: Any) -> None:
    folder = accredit.directory / "shop"
    folder.mkdir()
    (accredit.directory / "outside.txt").write_text(API)
    (folder / "link.txt").symlink_to(accredit.directory / "outside.txt")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    accredit("keys", "leak-check", "shop")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here that is there and cannot be read")
def test_what_cannot_be_read_is_said(accredit: Any) -> None:
    done = accredit("keys", "leak-check", "/proc/self/mem", "--json", code=3)
    assert done.json == {"found": [], "unreadable": ["/proc/self/mem"]}
    assert "/proc/self/mem could not be read" in accredit("keys", "leak-check", "/proc/self/mem", code=3).err


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6), st.integers(1, 200))
def test_finds_the_same_however_it_is_read(gaps: list[int], size: int) -> None:
    octets = b"".join(b"x\n" * (gap // 2) + API.encode() for gap in gaps)
    stream = io.BytesIO(octets)
    assert list(find_in(lambda _: stream.read(size))) == list(find_secrets(octets))
