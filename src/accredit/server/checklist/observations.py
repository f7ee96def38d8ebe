"""What is noted of a template's use for its checklist: counters and keyed hashes, written in groups behind the answers.

Nothing here tells who anybody is. A reference is known by the hash that its session has anyway, and by another of its text without
case and outer space; a client by a hash of its address that no other record has. Clients are kept for two days, all else for thirty.
What a process has noted and not written yet is lost when it is killed: these are measurements.

    observations.note_opening(SeenOpening(scope, integration_id, customer_hash, reference, "legacy", now_ms, origin, address))
    await observations.flush()
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from accredit.errors import FailureError
from accredit.server.checklist.recording import Opening, StepTry, record_openings, record_tries
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.limits import network_of
from accredit.server.store import Store

# Between two flushes; beyond this openings are not looked at.
_MAX_WAITING = 20_000
_AT_ONCE = 256
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# With a country code, or as people group numbers; digits alone are what databases count with.
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{5,18}[0-9]|\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}")


@dataclass(frozen=True, slots=True)
class SeenOpening:
    """A session that was opened or resumed for a customer. admitted_by: `unsigned`, `legacy`, `v2`, `api`.

    origin, address: of the page and of its client; None where a backend asked.
    """

    scope: Scope
    integration_id: str
    customer_hash: bytes
    customer_reference: str = field(repr=False)
    admitted_by: str
    at_ms: int
    origin: str | None = None
    address: str | None = field(default=None, repr=False)


class Observations:
    """What one process has noted. Belongs to the event loop of its store."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._openings: list[Opening] = []
        self._tries: dict[tuple[str, str, bool], StepTry] = {}
        self._flushing = asyncio.Lock()

    def note_opening(self, seen: SeenOpening) -> None:
        """Note a session that was opened. The sealer is ready for its scope."""
        if len(self._openings) >= _MAX_WAITING:
            return
        text, client = seen.customer_reference, None
        if seen.address is not None:
            client = self._sealer.server_mac("flow_client", network_of(seen.address).encode())[:16]
        opening = Opening(
            integration_id=seen.integration_id,
            customer_hash=seen.customer_hash,
            folded_hash=self._sealer.lookup_hash(seen.scope, "flow_folded", text.strip().casefold())[:16],
            likeness=likeness_of(text),
            admitted_by=seen.admitted_by,
            at_ms=seen.at_ms,
            origin=seen.origin,
            client_hash=client,
        )
        self._openings.append(opening)

    def note_step(self, integration_id: str, step: str, reason: str | None, at_ms: int) -> None:
        """Note that what a step stands on was asked, and did what it is there for; reason: a code that says why it did not."""
        self._tries[integration_id, step, reason is None] = StepTry(integration_id, step, reason, at_ms)

    async def flush(self) -> None:
        """Write what was noted, durably. Raises FailureError `service_unavailable`; what was to be written is lost then."""
        async with self._flushing:
            openings, self._openings = self._openings, []
            tries, self._tries = self._tries, {}
            for part in _parts(openings):
                await self._store.write(record_openings, part)
            if tries:
                await self._store.write(record_tries, list(tries.values()))

    async def close(self) -> None:
        """Write what is left; where the store is out of reach, it is lost."""
        with suppress(FailureError):
            await self.flush()


def likeness_of(customer_reference: str) -> str | None:
    """What a reference looks like that it must not be: `email`, `phone`, or None."""
    text = customer_reference.strip()
    if _EMAIL.fullmatch(text):
        return "email"
    return "phone" if _PHONE.fullmatch(text) else None


def _parts(openings: Sequence[Opening]) -> Iterable[Sequence[Opening]]:
    # Small, so that no change of a session waits long for one.
    return (openings[start : start + _AT_ONCE] for start in range(0, len(openings), _AT_ONCE))
