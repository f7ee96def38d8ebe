"""Letters to the owners of an account: to every address, in the background, and what is logged where none can be sent."""

from typing import Any

import pytest

from accredit.errors import MalformedError, NotFoundError
from accredit.server import audit
from accredit.server.accounts.accounts import (
    NewAccount,
    change_notice_addresses,
    create_account,
    find_account,
)
from accredit.server.keyring.changes import Cause
from accredit.server.mail import Mailer, SmtpServer
from accredit.server.notices import Notice, Notices

from ..post import Post

ADDRESSES = ("first@shop.example", "second@shop.example")
NOTICE = Notice("key_leaked", "acc_1", "Subject", "A text that is in no log\n")


@pytest.fixture
def account(run: Any, store: Any, sealer: Any) -> str:
    """An account with two addresses."""
    run(audit.ready(store, sealer))
    return run(create_account(store, NewAccount(account_id="acc_1", notice_addresses=ADDRESSES), Cause(0))).account_id


@pytest.fixture
def post(run: Any) -> Any:
    post = Post()
    server = run(post.start())
    yield post
    server.close()
    run(server.wait_closed())


def mailer_to(port: int) -> Mailer:
    return Mailer(SmtpServer("127.0.0.1", port, "off"), "Accredit <no-reply@accredit.example>")


def reasons(caplog: Any) -> list[str]:
    told = [record.fields for record in caplog.records if record.message == "notice_not_sent"]
    assert all((each["account_id"], each["notice"]) == ("acc_1", "key_leaked") for each in told)
    return [each["reason"] for each in told]


def test_every_address_gets_a_letter_before_the_server_ends(run: Any, store: Any, account: str, post: Any) -> None:
    async def tell() -> None:
        notices = Notices(store, mailer_to(post.port))
        notices.send_soon(NOTICE)
        assert post.letters == [], "nobody waits for it"
        await notices.close()

    run(tell())
    told = [(to, message["Subject"], message.get_content().strip()) for to, message, _ in post.letters]
    assert told == [([address], NOTICE.subject, NOTICE.text.strip()) for address in ADDRESSES]


def test_one_address_that_is_refused_keeps_no_letter_from_the_others(
    run: Any, store: Any, account: str, post: Any, caplog: Any
) -> None:
    post.refused.add(ADDRESSES[0])
    run(Notices(store, mailer_to(post.port)).send(NOTICE))
    assert [to for to, _, _ in post.letters] == [[ADDRESSES[1]]]
    assert reasons(caplog) == ["mail_refused"]
    assert ADDRESSES[0] not in str([record.__dict__ for record in caplog.records])


def test_what_cannot_be_sent_is_logged(run: Any, store: Any, account: str, caplog: Any) -> None:
    run(Notices(store, Mailer(None, "")).send(NOTICE))
    run(change_notice_addresses(store, account, (), Cause(0)))
    run(Notices(store, Mailer(None, "")).send(NOTICE))
    assert reasons(caplog) == ["mail_not_configured"] * 2 + ["no_address"]


def test_addresses_are_changed_and_judged(run: Any, store: Any, account: str) -> None:
    changed = run(change_notice_addresses(store, account, [*ADDRESSES, ADDRESSES[0]], Cause(0)))
    assert changed.notice_addresses == ADDRESSES == run(store.read(find_account, account)).notice_addresses
    eleven = [f"a{number}@shop.example" for number in range(11)]
    for addresses in (["nobody"], eleven, [""]):
        with pytest.raises(MalformedError, match="field_invalid: notice_addresses"):
            run(change_notice_addresses(store, account, addresses, Cause(0)))
    with pytest.raises(NotFoundError, match="account_not_found"):
        run(change_notice_addresses(store, "acc_9", ADDRESSES, Cause(0)))
