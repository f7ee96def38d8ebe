"""A code by e-mail: whoever can read it there holds the address.

A session gets 3 deliveries, 30 seconds apart, and 3 wrong entries, in all its attempts (protocol-rest.md section 12).
"""

from collections.abc import Mapping

from accredit.server.keyring.sealing import Sealer
from accredit.server.mail import Mailer, MailError, is_address
from accredit.server.otp.codes import APART_MS, SANDBOX_CODE, Codes, SentCode, Whose, make_code, mask_email
from accredit.server.otp.texts import write_letter
from accredit.server.providers.provider import Asked, Dropped, Ended, Finished, Show, State, Step, Verified
from accredit.server.store import Store


class EmailOtpProvider:
    """Every provider of kind `email_otp`."""

    def __init__(self, store: Store, sealer: Sealer, mailer: Mailer) -> None:
        self._codes = Codes(store, sealer)
        self._mailer = mailer

    async def start(self, asked: Asked) -> Step:
        """Send a code to the prefilled address, or ask for one."""
        email = asked.prefilled.get("email")
        return _ask(None) if email is None else await self._deliver(asked, email, fixed=True)

    async def submit(self, asked: Asked, state: State, form: Mapping[str, str]) -> Step:
        """An address, a code, or the wish for another of either."""
        sent = SentCode.find(state)
        if sent is None:
            return await self._deliver(asked, form.get("email", "").strip(), fixed=False)
        if "change" in form and not sent.fixed:
            return _ask(None)
        if "again" in form:
            if asked.now_ms < sent.sent_ms + APART_MS:
                return _show(asked, sent, "too_soon")
            return await self._deliver(asked, sent.address, fixed=sent.fixed)
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
        place = await self._codes.claim_delivery(_whose(asked))
        if not isinstance(place, int):
            return Finished(Ended("error", "otp_attempts_exceeded", "deliveries_exceeded"))
        sandbox = asked.scope.environment == "sandbox"
        code = SANDBOX_CODE if sandbox else make_code()
        try:
            if not sandbox:
                await self._mailer.send(write_letter(email, code, asked.language))
        except MailError as error:
            if error.reason == "mail_refused" and not fixed:
                return _ask("refused")
            return Finished(Ended("error", "provider_unavailable", error.reason))
        return _show(asked, await self._codes.sent(_whose(asked), email, code, fixed=fixed, deliveries=place + 1), None)

    async def _enter(self, asked: Asked, sent: SentCode, text: str) -> Step:
        entry, sent = await self._codes.enter(_whose(asked), sent, text)
        if entry == "right":
            return Finished(Verified(sent.address.lower(), {"email": sent.address}, "low"))
        if entry == "spent":
            return Finished(Ended("error", "otp_attempts_exceeded", "entries_exceeded"))
        return _show(asked, sent, entry)


def _whose(asked: Asked) -> Whose:
    counted = (asked.session_id, asked.provider.ref)
    return Whose(asked.scope, "email_otp", counted, asked.attempt_id, asked.now_ms)


def _ask(fault: str | None) -> Show:
    return Show("address", {"fault": fault}, {})


def _show(asked: Asked, sent: SentCode, fault: str | None) -> Show:
    return Show("code", sent.shown(mask_email(sent.address), fault, asked.now_ms), sent.kept())
