"""A code by e-mail, through a real SMTP server: deliveries, entries, limits, and that a sandbox sends nothing."""

import asyncio
import re

import pytest

from accredit.server.mail import Mailer, SmtpServer
from accredit.server.otp.codes import DELIVERIES, WRONG_ENTRIES, mask_email
from accredit.server.otp.texts import TEXTS, find_text, write_message
from accredit.server.providers.provider import Ended, Show, Verified

from ...post import Post
from .conftest import LIVE, SANDBOX, finished

EMAIL = "Person@Shop.example"


@pytest.fixture
def post(run, desk):
    """A mail server that the desk's letters go to."""
    post = Post()
    server = run(post.start())
    desk.mailer = Mailer(SmtpServer("127.0.0.1", post.port, "off"), "Example <no-reply@example.com>")
    desk.providers = desk.node()
    yield post
    server.close()
    run(server.wait_closed())


class Visit:
    """A person at the page: one attempt, whose state goes from step to step."""

    def __init__(self, desk, scope=LIVE, **members):
        self.desk = desk
        self.record = desk.create(f"mail-{scope.environment}", scope, kind="email_otp")
        self.members = members
        self.again()

    def again(self):
        """Another attempt of the same session."""
        self.provider = self.desk.open(self.record)
        self.attempt = self.desk.ask(self.record, **self.members).attempt_id
        self.step = self.desk.run(self.provider.start(self.asked))
        return self.step

    @property
    def asked(self):
        return self.desk.ask(self.record, attempt_id=self.attempt, **self.members)

    def send(self, **form):
        state = getattr(self.step, "state", {})
        self.step = self.desk.run(self.provider.submit(self.asked, state, form))
        return self.step


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_person_proves_an_address(desk, post):
    visit = Visit(desk, language="fi")
    assert (visit.step.screen, visit.step.values) == ("address", {"fault": None})
    step = visit.send(email=f"  {EMAIL} ")
    assert step.screen == "code"
    assert step.values == {
        "masked": "P•••@S•••.example",
        "fixed": False,
        "fault": None,
        "entries_left": 3,
        "deliveries_left": 2,
        "resend_after_s": 30,
    }
    to, letter, _ = post.letters[0]
    assert to == [EMAIL]
    assert (letter["From"], letter["To"], letter["Subject"]) == ("Example <no-reply@example.com>", EMAIL, "Koodisi")
    assert (letter["Auto-Submitted"], letter["Content-Language"]) == ("auto-generated", "fi")
    assert post.code() not in str(step)
    assert finished(visit.send(code=f" {post.code()[:3]} {post.code()[3:]}")) == Verified(
        EMAIL.lower(), {"email": EMAIL}, "low"
    )


def test_a_prefilled_address_is_masked_and_fixed(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    assert (visit.step.screen, visit.step.values["masked"], visit.step.values["fixed"]) == ("code", "P•••@S•••.example", True)
    assert EMAIL not in str(visit.step.values)
    assert visit.send(change="1", code="1").screen == "code"
    assert finished(visit.send(code=post.code())).idp_id == EMAIL.lower()


def test_asks_again_for_what_is_no_address(desk, post):
    visit = Visit(desk)
    broken = (
        "",
        "person",
        "a@b",
        "a b@shop.example",
        "a@shop.example\r\nBcc: b@shop.example",
        "<a@shop.example>",
        "å@shop.example",
    )
    for email in (*broken, "a" * 250 + "@b.example"):
        assert visit.send(email=email).values == {"fault": "address"}
    assert post.letters == []


def test_an_address_that_takes_no_letters_can_be_mended(desk, post):
    post.refused.add("nobody@shop.example")
    visit = Visit(desk)
    assert visit.send(email="nobody@shop.example").values == {"fault": "refused"}
    assert visit.send(email=EMAIL).screen == "code"


@pytest.mark.parametrize("email", ["not an address", "nobody@shop.example"])
def test_a_prefilled_address_that_does_not_work_ends_the_attempt(desk, post, email):
    post.refused.add("nobody@shop.example")
    outcome = finished(Visit(desk, prefilled={"email": email}).step)
    assert (outcome.status, outcome.audit) in (("error", "address_invalid"), ("error", "mail_refused"))


def test_three_wrong_entries_end_it(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    for left in (2, 1):
        assert visit.send(code=wrong(post.code())).values["entries_left"] == left
        assert visit.step.values["fault"] == "wrong"
    assert finished(visit.send(code=wrong(post.code()))) == Ended("error", "otp_attempts_exceeded", "entries_exceeded")


def test_the_third_entry_may_be_the_right_one(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    for _ in range(WRONG_ENTRIES - 1):
        visit.send(code=wrong(post.code()))
    assert isinstance(finished(visit.send(code=post.code())), Verified)


def test_entries_that_arrive_at_once_are_counted_one_by_one(run, desk, post):
    """Each begins from the same state, as parallel requests do; a state alone would let all of them guess."""
    visit = Visit(desk, prefilled={"email": EMAIL})
    state, guess = visit.step.state, wrong(post.code())

    async def all_at_once():
        return await asyncio.gather(*(visit.provider.submit(visit.asked, state, {"code": guess}) for _ in range(20)))

    steps = run(all_at_once())
    assert sum(isinstance(step, Show) for step in steps) == WRONG_ENTRIES - 1
    assert finished(visit.send(code=post.code())).detail == "otp_attempts_exceeded"


def test_another_attempt_has_no_more_entries(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    visit.send(code=wrong(post.code()))
    visit.send(code=wrong(post.code()))
    visit.again()
    assert finished(visit.send(code=wrong(post.code()))).detail == "otp_attempts_exceeded"


def test_what_is_no_code_is_no_entry(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    for code in ("", "12345", "1234567", "12345a", "１２３４５６"):
        step = visit.send(code=code)
        assert (step.values["fault"], step.values["entries_left"]) == ("form", 3)


def test_a_code_is_good_for_ten_minutes(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    desk.now_ms += 599_999
    before = visit.step
    assert isinstance(finished(visit.send(code=post.code())), Verified)
    visit.step = before
    desk.now_ms += 1
    assert visit.send(code=post.code()).values["fault"] == "expired"


def test_three_deliveries_thirty_seconds_apart(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    for count in range(2, DELIVERIES + 1):
        desk.now_ms += 29_999
        step = visit.send(again="1")
        assert (step.values["fault"], step.values["resend_after_s"]) == ("too_soon", 1)
        desk.now_ms += 1
        assert visit.send(again="1").values["deliveries_left"] == DELIVERIES - count
        assert len(post.letters) == count
    desk.now_ms += 30_000
    assert finished(visit.send(again="1")) == Ended("error", "otp_attempts_exceeded", "deliveries_exceeded")
    assert len(post.letters) == DELIVERIES


def test_another_address_and_another_attempt_are_deliveries_too(desk, post):
    visit = Visit(desk)
    visit.send(email=EMAIL)
    assert visit.send(change="1").screen == "address"
    visit.send(email="other@shop.example")
    visit.again()
    assert visit.send(email=EMAIL).values["deliveries_left"] == 0
    visit.again()
    assert finished(visit.send(email=EMAIL)).audit == "deliveries_exceeded"


def test_an_older_code_counts_no_more(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    first = post.code()
    desk.now_ms += 30_000
    visit.send(again="1")
    if first != post.code():
        assert visit.send(code=first).values["fault"] == "wrong"
    assert isinstance(finished(visit.send(code=post.code())), Verified)


def test_a_code_belongs_to_its_attempt_and_address(run, desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    other = desk.ask(visit.record)
    step = run(visit.provider.submit(other, visit.step.state, {"code": post.code()}))
    assert step.values["fault"] == "wrong"
    step = run(visit.provider.submit(visit.asked, {**visit.step.state, "address": "x@y.example"}, {"code": post.code()}))
    assert step.values["fault"] == "wrong"


def test_the_state_tells_no_code(desk, post):
    visit = Visit(desk, prefilled={"email": EMAIL})
    assert post.code() not in str(visit.step.state)


def test_nothing_is_sent_in_a_sandbox(desk, post):
    visit = Visit(desk, SANDBOX)
    visit.send(email=EMAIL)
    assert visit.send(code="654321").values["fault"] == "wrong"
    assert isinstance(finished(visit.send(code="123456")), Verified)
    assert post.letters == []


def test_a_sandbox_needs_no_mail_server(desk):
    visit = Visit(desk, SANDBOX, prefilled={"email": EMAIL})
    assert isinstance(finished(visit.send(code="123456")), Verified)


def test_live_without_a_mail_server(desk):
    outcome = finished(Visit(desk, prefilled={"email": EMAIL}).step)
    assert outcome == Ended("error", "provider_unavailable", "mail_not_configured")


def test_a_mail_server_that_is_down(desk):
    desk.mailer = Mailer(SmtpServer("127.0.0.1", 1, "off"), "no-reply@example.com")
    desk.providers = desk.node()
    outcome = finished(Visit(desk, prefilled={"email": EMAIL}).step)
    assert outcome == Ended("error", "provider_unavailable", "mail_unreachable")


def test_every_language_tells_code_and_time():
    for language in TEXTS:
        told, text = find_text(f"{language}-XX")
        assert (told, text) == (language, TEXTS[language])
        letter = text.body.format(code="012345", minutes=10)
        assert re.findall(r"\b\d+\b", letter) == ["012345", "10"]
        assert re.findall(r"\b\d+\b", write_message("012345", language)) == ["012345", "10"]
        assert len(write_message("012345", language)) <= 160


@pytest.mark.parametrize(("language", "told"), [("no", "nb"), ("NB-no", "nb"), ("en-GB", "en"), ("tlh", "en"), ("", "en")])
def test_other_languages(language, told):
    assert find_text(language)[0] == told


@pytest.mark.parametrize(("email", "shown"), [("a@b.example", "a•••@b•••.example"), ("jo.doe@mail.co.uk", "j•••@m•••.uk")])
def test_a_mask_shows_where_not_who(email, shown):
    assert mask_email(email) == shown
