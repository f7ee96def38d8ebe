"""The version of the configuration: one number that grows with every change of integrations or keys, by whichever process.

Caches compare the number, and load again when it has grown:

    version = store.config_version
    if version != cached_version:      # read the number first, then load
        cached, cached_version = await store.read(load_integrations, None), version
"""

import os
import select
import threading
from collections.abc import Callable

from .transaction import Connection, StatementError, Transaction, Unavailable

# Seconds between two looks. PostgreSQL also tells at once; a look behind it finds what was told while the connection
# was lost.
_LOOK_EVERY = 0.25

_FIND = "SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'config_version'"


def bump_config(tx: Transaction) -> None:
    """Belongs into every transaction that changes integrations or keys: all processes drop what they have cached of them."""
    tx.execute("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'config_version'")
    if tx.engine == "postgresql":
        tx.rows("SELECT CAST(pg_notify('accredit_config', '') AS TEXT)")
    tx.config_bumped = True


def find_version(tx: Transaction, _: None = None) -> int:
    """The version as this transaction sees it."""
    return int(tx.rows(_FIND)[0][0])


class ConfigWatcher:
    """A thread that reports the version whenever it may have changed."""

    def __init__(self, connect: Callable[[], Connection], seen: Callable[[int], None]) -> None:
        self._connect = connect
        self._seen = seen
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, name="accredit-config", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the watch soon."""
        os.close(self._stop)

    def join(self) -> None:
        """Waits until the watch has ended."""
        self._thread.join()
        os.close(self._stopped)

    def _run(self) -> None:
        ended = False
        while not ended:
            try:
                ended = self._watch()
            except (Unavailable, StatementError):
                ended = self._wait(None)

    def _watch(self) -> bool:
        connection = self._connect()
        try:
            told = connection.listen()
            while not self._wait(told):
                self._seen(int(connection.rows(_FIND, ())[0][0]))
        finally:
            connection.close()
        return True

    def _wait(self, told: int | None) -> bool:
        """Until it is time to look again; true when the watch is to end."""
        poll = select.poll()
        poll.register(self._stopped, select.POLLIN)
        if told is not None:
            poll.register(told, select.POLLIN)
        ready = poll.poll(int(_LOOK_EVERY * 1000))
        return any(descriptor == self._stopped for descriptor, _ in ready)
