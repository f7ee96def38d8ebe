"""`verify_email` and `verify_sms`: whoever enters the code that was sent to an address can read what arrives there.

6 digits, good for 10 minutes; for an address 3 deliveries 30 seconds apart and 3 wrong entries; 3 addresses, then the step has
failed (protocol-flow.md section 7). All of it is counted in claims, by keyed hashes of the addresses, so that neither requests that
arrive at once nor a way back to an earlier address get more. An address that the owner's backend vouches for cannot be changed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from accredit.encoding import Json
from accredit.server.claims import Claim, TooSoon, count_taken, take_place
from accredit.server.keyring.sealing import Sealer
from accredit.server.otp.codes import APART_MS, DELIVERIES, WRONG_ENTRIES, Codes, SentCode, Whose
from accredit.server.steps.addresses import AddressKind, Carrier, UndeliveredError
from accredit.server.steps.screens import AddressFault, CodeFault
from accredit.server.steps.step import Ask, Asked, Done, Next, StepOutcome
from accredit.server.store import Store, Transaction, one_by_one

ADDRESSES = 3
# Counts outlive the session by so much, for whoever is in the middle of something at its end.
_KEPT_MS = 3_600_000
# The state's member for an address that took nothing just now: typed again, it is not asked again.
_REFUSED = "refused"


class CodeStep:
    """The step for one kind of addresses."""

    def __init__(self, kind: AddressKind, carrier: Carrier, store: Store, sealer: Sealer) -> None:
        self._kind = kind
        self._carrier = carrier
        self._store = store
        self._sealer = sealer
        self._codes = Codes(store, sealer)

    async def start(self, asked: Asked) -> Next:
        """Send a code to the address that is known, or ask for one."""
        known = self._kind.of(asked.user)
        return self._ask(0, None) if known is None else await self._deliver(asked, known)

    async def submit(self, asked: Asked, form: Mapping[str, str]) -> Next:
        """An address, a code, or the wish for another of either."""
        sent, used = SentCode.find(asked.state), _used(asked)
        if sent is None:
            return await self._deliver(asked, form.get(self._kind.member, ""))
        if "change" in form and not sent.fixed:
            return self._ask(used, None)
        if "again" in form:
            if asked.now_ms < sent.sent_ms + APART_MS:
                return self._show(asked, sent, used, "too_soon")
            return await self._deliver(asked, sent.address)
        return await self._enter(asked, sent, form.get("code", ""))

    async def poll(self, asked: Asked) -> Next:
        """The same screen again."""
        sent = SentCode.find(asked.state)
        if sent is not None:
            return self._show(asked, sent, _used(asked), None)
        return self._ask(_used(asked), None) if "addresses" in asked.state else await self.start(asked)

    async def _deliver(self, asked: Asked, text: str) -> Next:
        fixed = self._kind.member in asked.fixed
        address = self._kind.read(text)
        if address is None:
            return _failed("address_invalid") if fixed else self._ask(_used(asked), "address")
        if asked.state.get(_REFUSED) == address:
            return self._ask(_used(asked), "refused", address)
        whose = await self._whose(asked, address)
        try:
            used = await self._store.write(_claim_address, _AddressClaim(whose))
        except _TooManyAddressesError:
            return _failed("addresses_exceeded")
        if await self._codes.count_entries(whose) >= WRONG_ENTRIES:
            return self._spent(used, "entries_exceeded", fixed=fixed)
        place = await self._codes.claim_delivery(whose)
        if place is None:
            return self._spent(used, "deliveries_exceeded", fixed=fixed)
        if isinstance(place, TooSoon):
            # What was sent there before counts: by a request at the same time, or by a node that could not write it down any more.
            fault: CodeFault | None = "too_soon" if asked.state else None
            return self._show(asked, await self._sent(whose, address, place, fixed=fixed), used, fault)
        sent = await self._sent(whose, address, place, fixed=fixed)
        try:
            await self._carrier.send(asked, address, await self._code(whose, place))
        except UndeliveredError as error:
            return self._undelivered(asked, sent, used, error)
        return self._show(asked, sent, used, None)

    async def _enter(self, asked: Asked, sent: SentCode, text: str) -> Next:
        entry, sent = await self._codes.enter(await self._whose(asked, sent.address), sent, text)
        if entry == "right":
            checked = (self._kind.member,)
            return Done(StepOutcome("success", checked=checked), self._kind.user_with(sent.address))
        if entry == "spent":
            return self._spent(_used(asked), "entries_exceeded", fixed=sent.fixed)
        return self._show(asked, sent, _used(asked), entry)

    async def _sent(self, whose: Whose, address: str, place: int | TooSoon, *, fixed: bool) -> SentCode:
        """The code of this delivery, or of the one before where it is too soon for another."""
        delivery = place if isinstance(place, int) else place.before
        sent_ms = whose.now_ms if isinstance(place, int) else place.from_ms - APART_MS
        code = await self._code(whose, delivery)
        sent = await self._codes.sent(whose, address, code, fixed=fixed, deliveries=delivery + 1, sent_ms=sent_ms)
        return replace(sent, entries=await self._codes.count_entries(whose))

    async def _code(self, whose: Whose, delivery: int) -> str:
        return self._carrier.fixed_code or await self._codes.derive(whose, delivery)

    def _undelivered(self, asked: Asked, sent: SentCode, used: int, error: UndeliveredError) -> Next:
        if error.fault == "refused":
            return _failed(error.reason) if sent.fixed or used >= ADDRESSES else self._ask(used, "refused", sent.address)
        if error.fault == "missing" or sent.deliveries >= DELIVERIES:
            return Done(StepOutcome("error", reason=error.reason))
        return self._show(asked, sent, used, "failed")

    def _spent(self, used: int, reason: str, *, fixed: bool) -> Next:
        return _failed(reason) if fixed or used >= ADDRESSES else self._ask(used, "spent")

    def _ask(self, used: int, fault: AddressFault | None, refused: str | None = None) -> Ask:
        values: dict[str, Json] = {"fault": fault, "addresses_left": ADDRESSES - used}
        return Ask(self._kind.ask, values, {"addresses": used, **({} if refused is None else {_REFUSED: refused})})

    def _show(self, asked: Asked, sent: SentCode, used: int, fault: CodeFault | None) -> Ask:
        values = sent.shown(self._kind.mask(sent.address), fault, asked.now_ms)
        state: dict[str, Json] = {**sent.kept(), "addresses": used}
        return Ask(self._kind.enter, {**values, "addresses_left": ADDRESSES - used}, state)

    async def _whose(self, asked: Asked, address: str) -> Whose:
        await self._sealer.ready(asked.scope)
        # An address in capitals is not another one.
        address_hash = self._sealer.lookup_hash(asked.scope, "code_address", f"{asked.session_id}\0{address.lower()}").hex()
        return Whose(
            scope=asked.scope,
            purpose=asked.step,
            counted=(asked.session_id, address_hash),
            salt=f"{asked.session_id}\0{asked.attempt}",
            now_ms=asked.now_ms,
            until_ms=asked.expires_ms + _KEPT_MS,
            apart_ms=APART_MS,
        )


def _used(asked: Asked) -> int:
    """How many addresses were used, as far as the session knows."""
    used = asked.state.get("addresses", 0)
    return used if isinstance(used, int) else 0


def _failed(reason: str) -> Done:
    return Done(StepOutcome("failed", reason=reason))


class _AddressClaim(NamedTuple):
    """The address that codes are counted for."""

    whose: Whose

    def claim(self, what: str, counted: tuple[str, ...], places: int) -> Claim:
        whose = self.whose
        return Claim((whose.purpose, what, *counted), places, whose.now_ms, whose.until_ms)


class _TooManyAddressesError(Exception):
    """One more than a session has."""


@one_by_one
def _claim_address(tx: Transaction, item: _AddressClaim) -> int:
    """Change: count an address once; how many there are with it. Raises _TooManyAddressesError."""
    session_id, address_hash = item.whose.counted
    addresses = item.claim("addresses", (session_id,), ADDRESSES)
    is_new = take_place(tx, item.claim("address", (session_id, address_hash), 1)) is not None
    if is_new and take_place(tx, addresses) is None:
        # With its savepoint the claim of the address itself is gone, too.
        raise _TooManyAddressesError
    return count_taken(tx, addresses)
