"""A code by e-mail: whoever can read it there holds the address.

6 digits, kept as a keyed hash, good for 10 minutes. A session gets 3 deliveries, 30 seconds apart, and 3 wrong entries, counted where
requests that arrive at once and further attempts of the same session cannot get round it (protocol-rest.md section 12).
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from accredit.encoding import b64url_encode
from accredit.server.keyring.sealing import Sealer
from accredit.server.mail import Letter, Mailer, MailError, is_address
from accredit.server.providers.claims import Claim, claim_place
from accredit.server.providers.email_otp.texts import find_text
from accredit.server.providers.provider import Asked, Dropped, Ended, Finished, Show, State, Step, Verified
from accredit.server.store import Store

DIGITS, VALID_MS, APART_MS = 6, 600_000, 30_000
DELIVERIES, WRONG_ENTRIES = 3, 3
SANDBOX_CODE = "123456"


@dataclass(frozen=True, slots=True)
class _Sent:
    """A code that was sent. entries: how many were made of it in this attempt."""

    email: str
    fixed: bool
    code_hash: str
    sent_ms: int
    deliveries: int
    entries: int = 0

    def kept(self) -> State:
        """What the session keeps."""
        return {name: getattr(self, name) for name in self.__slots__}


class EmailOtpProvider:
    """Every provider of kind `email_otp`."""

    def __init__(self, store: Store, sealer: Sealer, mailer: Mailer) -> None:
        self._store = store
        self._sealer = sealer
        self._mailer = mailer

    async def start(self, asked: Asked) -> Step:
        """Send a code to the prefilled address, or ask for one."""
        email = asked.prefilled.get("email")
        return _ask(None) if email is None else await self._deliver(asked, email, fixed=True)

    async def submit(self, asked: Asked, state: State, form: Mapping[str, str]) -> Step:
        """An address, a code, or the wish for another of either."""
        sent = _read(state)
        if sent is None:
            return await self._deliver(asked, form.get("email", "").strip(), fixed=False)
        if "change" in form and not sent.fixed:
            return _ask(None)
        if "again" in form:
            if asked.now_ms < sent.sent_ms + APART_MS:
                return _show(asked, sent, "too_soon")
            return await self._deliver(asked, sent.email, fixed=sent.fixed)
        return await self._enter(asked, sent, form.get("code", ""))

    async def come_back(self, asked: Asked, state: State, query: Mapping[str, str]) -> Step:
        """Nobody is sent away from here."""
        return Dropped("unexpected_return")

    async def poll(self, asked: Asked, state: State) -> Step:
        """Never headless."""
        return Dropped("unexpected_poll")

    async def _deliver(self, asked: Asked, email: str, *, fixed: bool) -> Step:
        if not is_address(email):
            return Finished(Ended("error", "provider_rejected", "address_invalid")) if fixed else _ask("address")
        place = await self._claim(asked, "delivery", DELIVERIES)
        if place is None:
            return Finished(Ended("error", "otp_attempts_exceeded", "deliveries_exceeded"))
        sandbox = asked.scope.environment == "sandbox"
        code = SANDBOX_CODE if sandbox else f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        try:
            if not sandbox:
                await self._mailer.send(_letter(asked, email, code))
        except MailError as error:
            if error.reason == "mail_refused" and not fixed:
                return _ask("refused")
            return Finished(Ended("error", "provider_unavailable", error.reason))
        sent = _Sent(email, fixed, await self._hash(asked, email, code), asked.now_ms, place + 1)
        return _show(asked, sent, None)

    async def _enter(self, asked: Asked, sent: _Sent, text: str) -> Step:
        code = "".join(text.split())
        if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
            # A slip of the hand is no guess.
            return _show(asked, sent, "form")
        if asked.now_ms >= sent.sent_ms + VALID_MS:
            return _show(asked, sent, "expired")
        # Taken before the code is looked at: of entries that arrive at once each takes a place of its own.
        place = await self._claim(asked, "entry", WRONG_ENTRIES)
        if place is not None and hmac.compare_digest(await self._hash(asked, sent.email, code), sent.code_hash):
            return Finished(Verified(sent.email.lower(), {"email": sent.email}, "low"))
        if place is None or place + 1 >= WRONG_ENTRIES:
            return Finished(Ended("error", "otp_attempts_exceeded", "entries_exceeded"))
        return _show(asked, _Sent(sent.email, sent.fixed, sent.code_hash, sent.sent_ms, sent.deliveries, place + 1), "wrong")

    async def _claim(self, asked: Asked, what: str, places: int) -> int | None:
        whose = ("email_otp", what, asked.session_id, asked.provider.ref)
        return await self._store.write(claim_place, Claim(whose, places, asked.now_ms))

    async def _hash(self, asked: Asked, email: str, code: str) -> str:
        await self._sealer.ready(asked.scope)
        return b64url_encode(self._sealer.lookup_hash(asked.scope, "email_otp", f"{asked.attempt_id}\0{email}\0{code}"))


def _letter(asked: Asked, email: str, code: str) -> Letter:
    language, text = find_text(asked.language)
    return Letter(email, text.subject, text.body.format(code=code, minutes=VALID_MS // 60_000), language)


def _read(state: State) -> _Sent | None:
    return None if "code_hash" not in state else _Sent(**{name: state[name] for name in _Sent.__slots__})  # type: ignore[arg-type]


def _ask(fault: str | None) -> Show:
    return Show("address", {"fault": fault}, {})


def _show(asked: Asked, sent: _Sent, fault: str | None) -> Show:
    wait_ms = max(0, sent.sent_ms + APART_MS - asked.now_ms)
    return Show(
        "code",
        {
            "masked": mask(sent.email),
            "fixed": sent.fixed,
            "fault": fault,
            "entries_left": WRONG_ENTRIES - sent.entries,
            "deliveries_left": DELIVERIES - sent.deliveries,
            "resend_after_s": -(-wait_ms // 1000),
        },
        sent.kept(),
    )


def mask(email: str) -> str:
    """An address as a page may show it: `p•••@e•••.com`."""
    local, _, domain = email.rpartition("@")
    name, _, top = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{top}"
