"""Six digits that were sent somewhere: whoever can enter them reads what arrives there.

Kept as a keyed hash, good for 10 minutes; 3 deliveries, 30 seconds apart, and 3 wrong entries, counted where requests that arrive at
once and further attempts cannot get round them (protocol-rest.md section 12, protocol-flow.md section 7).

    place = await codes.claim_delivery(whose)
    sent = await codes.sent(whose, address, code, deliveries=place + 1)     # after it was sent; keep sent.kept()
    entry, sent = await codes.enter(whose, sent, text)
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from accredit.encoding import Json, b64url_encode
from accredit.server.claims import Claim, TooSoon, claim_place, count_taken
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store

DIGITS, VALID_MS, APART_MS = 6, 600_000, 30_000
DELIVERIES, WRONG_ENTRIES = 3, 3
SANDBOX_CODE = "123456"

Entry: TypeAlias = Literal["right", "wrong", "form", "expired", "spent"]


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose codes are counted. purpose: the kind of code. counted: whose the counts are, without personal data. salt: of the attempt.

    until_ms: how long the counts are kept, as `Claim.until_ms`. apart_ms: between deliveries, wherever else the caller looks at it.
    """

    scope: Scope
    purpose: str
    counted: tuple[str, ...]
    salt: str
    now_ms: int
    until_ms: int | None = None
    apart_ms: int = 0


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that was sent, as a session keeps it. fixed: to an address that the person cannot change. entries: wrong ones so far."""

    address: str = field(repr=False)
    fixed: bool
    code_hash: str
    sent_ms: int
    deliveries: int
    entries: int = 0

    def kept(self) -> dict[str, Json]:
        """What the session keeps."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def find(cls, state: Mapping[str, Json]) -> "SentCode | None":
        """The code that a state tells of."""
        kept: dict[str, Any] = {name: state.get(name) for name in cls.__slots__}
        return cls(**kept) if "code_hash" in state else None

    def shown(self, masked: str, fault: str | None, now_ms: int) -> dict[str, Json]:
        """The values of a screen that asks for the code."""
        return {
            "masked": masked,
            "fixed": self.fixed,
            "fault": fault,
            "entries_left": WRONG_ENTRIES - self.entries,
            "deliveries_left": DELIVERIES - self.deliveries,
            "resend_after_s": -(-max(0, self.sent_ms + APART_MS - now_ms) // 1000),
        }


def make_code() -> str:
    """A fresh code."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


class Codes:
    """The codes of one process."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def claim_delivery(self, whose: Whose) -> int | TooSoon | None:
        """Take the place of one more delivery, counted from 0, before it is made; None when there is none left."""
        return await self._claim(whose, "delivery", DELIVERIES, whose.apart_ms)

    async def count_entries(self, whose: Whose) -> int:
        """How many entries were made."""
        return await self._store.read(count_taken, _claim(whose, "entry", WRONG_ENTRIES))

    async def derive(self, whose: Whose, delivery: int) -> str:
        """The code of one delivery: to whoever lacks the key any of all, to every node the same, so that none gets lost with one."""
        digest = await self._keyed(whose, f"{whose.purpose}_code", "\0".join((*whose.counted, str(delivery))))
        return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"

    async def sent(
        self, whose: Whose, address: str, code: str, *, fixed: bool, deliveries: int, sent_ms: int | None = None
    ) -> SentCode:
        """A code that was sent to the address, by default just now. deliveries: how many that makes."""
        code_hash = await self._hash(whose, address, code)
        return SentCode(address, fixed, code_hash, whose.now_ms if sent_ms is None else sent_ms, deliveries)

    async def enter(self, whose: Whose, sent: SentCode, text: str) -> tuple[Entry, SentCode]:
        """Judge an entry; the code as it stands then. `spent`: it was not right, and the last one."""
        code = "".join(text.split())
        if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
            # A slip of the hand is no guess.
            return "form", sent
        if whose.now_ms >= sent.sent_ms + VALID_MS:
            return "expired", sent
        # Taken before the code is looked at: of entries that arrive at once each takes a place of its own.
        place = await self._claim(whose, "entry", WRONG_ENTRIES)
        if not isinstance(place, int):
            return "spent", replace(sent, entries=WRONG_ENTRIES)
        if hmac.compare_digest(await self._hash(whose, sent.address, code), sent.code_hash):
            return "right", sent
        return "wrong" if place + 1 < WRONG_ENTRIES else "spent", replace(sent, entries=place + 1)

    async def _claim(self, whose: Whose, what: str, places: int, apart_ms: int = 0) -> int | TooSoon | None:
        return await self._store.write(claim_place, _claim(whose, what, places, apart_ms))

    async def _hash(self, whose: Whose, address: str, code: str) -> str:
        return b64url_encode(await self._keyed(whose, whose.purpose, f"{address}\0{code}"))

    async def _keyed(self, whose: Whose, kind: str, text: str) -> bytes:
        await self._sealer.ready(whose.scope)
        return self._sealer.lookup_hash(whose.scope, kind, f"{whose.salt}\0{text}")


def _claim(whose: Whose, what: str, places: int, apart_ms: int = 0) -> Claim:
    return Claim((whose.purpose, what, *whose.counted), places, whose.now_ms, whose.until_ms, apart_ms)


def mask_email(email: str) -> str:
    """An address as a page may show it: `p•••@e•••.com`."""
    local, _, domain = email.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{top}"


def mask_phone(phone: str) -> str:
    """A number as a page may show it: `+47•••89`."""
    return f"{phone[:3]}•••{phone[-2:]}"
