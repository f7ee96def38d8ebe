"""A change of the configuration reaches every process, wherever it was made."""

import asyncio
import subprocess
import sys
import time

import pytest

from accredit.errors import ConflictError
from accredit.server.store import Store, bump_config, one_by_one

_BUMP_IN_ANOTHER_PROCESS = """
import asyncio, sys
from accredit.server.store import Store, bump_config, one_by_one

async def main():
    store = await Store.open(sys.argv[1], exclusive=False)
    await store.write(one_by_one(lambda tx, _: bump_config(tx)), None)
    await store.close()

asyncio.run(main())
"""


@one_by_one
def bump(tx, fails=False):
    bump_config(tx)
    if fails:
        raise ConflictError("session_not_active")


async def seen(store, version, within_s):
    """Waits until the store has the version."""
    began = time.monotonic()
    while store.config_version != version:
        assert time.monotonic() - began < within_s, f"{store.config_version} instead of {version}"
        await asyncio.sleep(0.005)


def test_a_local_change_is_seen_when_the_write_is_answered(store, run):
    async def scenario():
        before = store.config_version
        for number in range(1, 6):
            await store.write(bump, False)
            assert store.config_version == before + number

    run(scenario())


def test_a_change_that_was_undone_is_not_seen(store, run):
    async def scenario():
        before = store.config_version
        with pytest.raises(ConflictError):
            await store.write(bump, True)
        assert store.config_version == before
        await store.write(bump, False)
        assert store.config_version == before + 1

    run(scenario())


def test_starts_with_the_version_in_the_database(database_url, run):
    async def scenario():
        for expected in (1, 2):
            store = await Store.open(database_url)
            assert store.config_version == expected
            await store.write(bump, False)
            await store.close()

    run(scenario())


def test_a_change_on_one_node_is_seen_on_the_other_at_once(postgresql_url, run):
    """Looking alone would take eight times the time between two looks, 0.25 s."""

    async def scenario():
        one, other = await Store.open(postgresql_url), await Store.open(postgresql_url)
        await asyncio.sleep(0.3)
        try:
            began = time.monotonic()
            for _ in range(8):
                await one.write(bump, False)
                await seen(other, one.config_version, 1)
            assert time.monotonic() - began < 1.5
        finally:
            await one.close()
            await other.close()

    run(scenario())


def test_a_change_by_another_process_is_seen_soon(store, database_url, run):
    async def scenario():
        version = store.config_version + 1
        command = [sys.executable, "-c", _BUMP_IN_ANOTHER_PROCESS, database_url]
        await asyncio.to_thread(subprocess.run, command, check=True)
        await seen(store, version, 1)

    run(scenario())
