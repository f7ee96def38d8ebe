"""Letters to the owners of an account: what they should hear at once, such as a secret that was exposed.

They go to the addresses that an operator gave the account (`accredit account notices`). Nothing waits for them, and no log line holds
an address or the text; what cannot be sent is logged, because the event and the audit record tell of it anyway.

    node.notices.send_soon(Notice("key_leaked", account_id, "A secret was exposed and revoked", text))
"""

import asyncio
from dataclasses import dataclass, field

from accredit.errors import AccreditError
from accredit.server import telemetry
from accredit.server.accounts.accounts import find_account
from accredit.server.mail import Letter, Mailer, MailError
from accredit.server.store import Store

# How long a server that ends waits for letters that are under way.
_END_WITHIN_S = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told. kind: for the log. text: plain, without any secret or personal data."""

    kind: str
    account_id: str
    subject: str
    text: str = field(repr=False)


class Notices:
    """Sends notices in the background of one process."""

    def __init__(self, store: Store, mailer: Mailer) -> None:
        self._store = store
        self._mailer = mailer
        self._under_way: set[asyncio.Task[None]] = set()

    def send_soon(self, notice: Notice) -> None:
        """Send a notice to every address of its account; the caller goes on at once."""
        task = asyncio.create_task(self.send(notice))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def send(self, notice: Notice) -> None:
        """Send a notice to every address of its account, one after another; a failure is logged."""
        try:
            account = await self._store.read(find_account, notice.account_id)
        except AccreditError as error:
            _log(notice, error.code)
            return
        if account is None or not account.notice_addresses:
            _log(notice, "no_address")
            return
        for address in account.notice_addresses:
            try:
                await self._mailer.send(Letter(address, notice.subject, notice.text))
            except MailError as error:
                _log(notice, error.reason)

    async def close(self) -> None:
        """Wait a while for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_END_WITHIN_S)


def _log(notice: Notice, reason: str) -> None:
    fields = {"account_id": notice.account_id, "notice": notice.kind, "reason": reason}
    telemetry.log.warning("notice_not_sent", extra={"fields": fields})
