"""The public keys of whoever reports leaked secrets: from the sender's address, or from a file that an operator pinned.

protocol-flow.md section 12. Both hold `{"public_keys":[{"key_identifier":...,"key":PEM}]}`. They are read when a report names a key
that is not known, or when what is known is an hour old, but at most once in 5 minutes: nobody makes us call there by sending reports.

    pem_by_identifier = await keys.find("f9525bf0...", now_ms)
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from accredit.encoding import JsonError, parse_json
from accredit.errors import AccreditError, FailureError
from accredit.server import telemetry
from accredit.server.outbound import Outbound, OutboundRequest

_READ_EVERY_MS, _GOOD_FOR_MS, _DEAD_AFTER_MS = 5 * 60_000, 60 * 60_000, 24 * 60 * 60_000
_MAX_BYTES, _MAX_DEPTH = 256 * 1024, 6


class ReportKeys:
    """The keys as one process knows them. where: an https address, or a path; empty: nobody's reports are taken."""

    def __init__(self, outbound: Outbound, where: str) -> None:
        self._outbound = outbound
        self._where = where
        self._keys: Mapping[str, str] = {}
        self._read_ms: int | None = None
        self._tried_ms: int | None = None
        self._reading = asyncio.Lock()

    async def find(self, key_identifier: str, now_ms: int) -> Mapping[str, str]:
        """The keys, as PEM by their identifiers, read anew where that one is not among them."""
        # Who comes while they are being read waits for them, instead of being told that there are none.
        if self._where and (self._reading.locked() or self._is_due(key_identifier, now_ms)):
            async with self._reading:
                if self._is_due(key_identifier, now_ms):
                    self._tried_ms = now_ms
                    await self._read(now_ms)
        alive = self._read_ms is not None and now_ms - self._read_ms < _DEAD_AFTER_MS
        return self._keys if alive else {}

    def _is_due(self, key_identifier: str, now_ms: int) -> bool:
        if self._tried_ms is not None and now_ms - self._tried_ms < _READ_EVERY_MS:
            return False
        return key_identifier not in self._keys or self._read_ms is None or now_ms - self._read_ms >= _GOOD_FOR_MS

    async def _read(self, now_ms: int) -> None:
        """Read the keys; those that are known stay where that fails."""
        try:
            self._keys, self._read_ms = read_report_keys(await self._fetch()), now_ms
        except (AccreditError, OSError) as error:
            code = error.code if isinstance(error, AccreditError) else type(error).__name__
            telemetry.log.warning("report_keys_unreadable", extra={"fields": {"code": code}})

    async def _fetch(self) -> bytes:
        if not self._where.startswith("https://"):
            return await asyncio.to_thread(Path(self._where).read_bytes)
        asked = OutboundRequest(self._where, headers={"Accept": "application/json"}, max_body_bytes=_MAX_BYTES)
        answer = await self._outbound.send(asked)
        if answer.status != 200 or not answer.complete:
            raise FailureError("key_set_unreadable")
        return answer.body


def read_report_keys(octets: bytes) -> dict[str, str]:
    """The keys of such a document, as PEM by their identifiers. Raises FailureError `key_set_unreadable` where it is none."""
    try:
        document = parse_json(octets, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise FailureError("key_set_unreadable") from error
    listed = document.get("public_keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise FailureError("key_set_unreadable")
    named = [(each.get("key_identifier"), each.get("key")) for each in listed if isinstance(each, dict)]
    return {name: pem for name, pem in named if isinstance(name, str) and isinstance(pem, str)}
