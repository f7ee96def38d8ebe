"""The root key: where it comes from, who may read it, and that it never shows."""

import base64
import hashlib
import os
import stat
import threading

import pytest

from accredit.errors import FailureError, MalformedError
from accredit.server.keyring.root import (
    RootKey,
    drop_previous_root_key,
    generate_root_key,
    load_root_keys,
    replace_root_key_file,
)

OCTETS = bytes(range(32))
TEXT = base64.b64encode(OCTETS).decode()


def test_key_id_is_a_hash_of_the_key():
    assert RootKey.from_octets(OCTETS).key_id == hashlib.sha256(b"accredit-root-key" + OCTETS).hexdigest()[:16]


def test_takes_the_key_from_the_environment_value():
    assert load_root_keys(TEXT).current.key_id == RootKey.from_octets(OCTETS).key_id


@pytest.mark.parametrize("text", ["", "x", TEXT[:-1], TEXT[:-4], TEXT.replace("=", ""), TEXT + "AAAA", "ä" * 44, "-_" * 22])
def test_refuses_a_key_that_is_not_padded_base64_of_32_bytes(text):
    with pytest.raises(MalformedError) as caught:
        load_root_keys(text)
    assert (caught.value.code, caught.value.member) == ("settings_invalid", "ACCREDIT_ROOT_KEY")
    assert caught.value.__cause__ is None


def test_takes_the_key_from_a_named_file_with_a_line_end(tmp_path):
    path = tmp_path / "key"
    path.write_text(TEXT + "\n")
    path.chmod(0o444)
    assert load_root_keys(file=path).current.key_id == RootKey.from_octets(OCTETS).key_id


def test_refuses_a_named_file_that_others_may_write(tmp_path):
    path = tmp_path / "key"
    path.write_text(TEXT)
    path.chmod(0o620)
    with pytest.raises(FailureError, match="root_key_exposed: ACCREDIT_ROOT_KEY_FILE"):
        load_root_keys(file=path)


def test_refuses_a_named_file_that_is_not_there_or_holds_no_key(tmp_path):
    with pytest.raises(FailureError, match="root_key_missing"):
        load_root_keys(file=tmp_path / "nothing")
    (tmp_path / "key").write_bytes(b"\xff" * 2000)
    with pytest.raises(MalformedError, match="settings_invalid: ACCREDIT_ROOT_KEY_FILE"):
        load_root_keys(file=tmp_path / "key")


def test_refuses_two_sources_and_none(tmp_path):
    with pytest.raises(MalformedError, match="settings_invalid"):
        load_root_keys(TEXT, tmp_path / "key")
    with pytest.raises(FailureError, match="root_key_missing"):
        load_root_keys()


def test_a_value_given_leaves_the_data_directory_alone(tmp_path):
    load_root_keys(TEXT, data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_first_start_makes_a_key_that_only_its_owner_may_read(tmp_path):
    before = os.umask(0)
    try:
        made = load_root_keys(data_dir=tmp_path / "data")
    finally:
        os.umask(before)
    path = tmp_path / "data" / "root.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["root.key"]
    assert made.current.key_id == RootKey.from_text(path.read_text(), "root.key").key_id


def test_second_start_finds_the_key_of_the_first(tmp_path):
    assert load_root_keys(data_dir=tmp_path).current.key_id == load_root_keys(data_dir=tmp_path).current.key_id


def test_first_starts_at_once_agree_on_one_key(tmp_path):
    barrier = threading.Barrier(8)
    found = []

    def start():
        barrier.wait()
        found.append(load_root_keys(data_dir=tmp_path).current.key_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602])
def test_refuses_a_made_key_that_others_may_touch(tmp_path, mode):
    load_root_keys(data_dir=tmp_path)
    (tmp_path / "root.key").chmod(mode)
    with pytest.raises(FailureError, match=r"root_key_exposed: root\.key"):
        load_root_keys(data_dir=tmp_path)


def test_previous_keys_are_found_by_their_id_and_do_not_wrap():
    other = generate_root_key()
    keys = load_root_keys(TEXT, previous=[other])
    older = RootKey.from_text(other, "")
    assert keys.find(older.key_id) == keys.previous[0]
    assert keys.find(keys.current.key_id) is keys.current
    assert keys.find("0" * 16) is None
    with pytest.raises(MalformedError, match="ACCREDIT_PREVIOUS_ROOT_KEYS"):
        load_root_keys(TEXT, previous=["x"])


def test_replacing_the_file_keeps_the_old_key_until_it_is_dropped(tmp_path):
    first = load_root_keys(data_dir=tmp_path).current.key_id
    replaced = replace_root_key_file(tmp_path)
    assert [key.key_id for key in replaced.previous] == [first]
    assert replaced.current.key_id != first
    again = replace_root_key_file(tmp_path)
    assert again.current.key_id == replaced.current.key_id
    assert load_root_keys(data_dir=tmp_path).find(first) is not None
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    drop_previous_root_key(tmp_path)
    assert load_root_keys(data_dir=tmp_path).find(first) is None
    assert load_root_keys(data_dir=tmp_path).current.key_id == replaced.current.key_id


def test_replacing_goes_on_where_a_crash_left_one_key_under_two_names(tmp_path):
    first = load_root_keys(data_dir=tmp_path).current.key_id
    os.link(tmp_path / "root.key", tmp_path / "root.key.previous")
    replaced = replace_root_key_file(tmp_path)
    assert [key.key_id for key in replaced.previous] == [first]
    assert replaced.current.key_id != first


def test_a_wrapped_key_opens_only_with_its_context_and_its_root_key():
    root, other = RootKey.from_octets(OCTETS), RootKey.from_octets(bytes(32))
    wrapped = root.wrap(b"k" * 32, b"context")
    assert root.unwrap(wrapped, b"context") == b"k" * 32
    for attempt in (lambda: root.unwrap(wrapped, b"other"), lambda: other.unwrap(wrapped, b"context")):
        with pytest.raises(FailureError, match="sealed_damaged"):
            attempt()


@pytest.mark.parametrize("wrapped", [b"", b"\x01", b"\x02" + bytes(60), b"\x01" + bytes(13), b"\x01" + bytes(60)])
def test_refuses_what_is_no_wrapped_key(wrapped):
    with pytest.raises(FailureError, match="sealed_damaged"):
        RootKey.from_octets(OCTETS).unwrap(wrapped, b"")


def test_a_root_key_never_shows():
    shown = repr(load_root_keys(TEXT, previous=[generate_root_key()]))
    assert TEXT not in shown
    assert OCTETS.hex() not in shown
