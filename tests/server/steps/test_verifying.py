"""`verify_email` and `verify_sms`: through a real mail server and a gateway over real HTTP, with their limits to the letter."""

import asyncio
import json
import re

import pytest

from accredit.server.gate.flow.user import User
from accredit.server.integrations.flow import StepRule
from accredit.server.keyring.scope import Scope
from accredit.server.mail import Mailer, SmtpServer
from accredit.server.outbound import Outbound
from accredit.server.steps.gateway_changes import GatewayChange, remove_gateway, set_gateway
from accredit.server.steps.step import Done

from ...post import Post
from ...site import Reply, Site
from .conftest import LIVE, SANDBOX, Visit

EMAIL = "Person@Shop.example"
PHONE = "+4712345678"
VERIFY_EMAIL, VERIFY_SMS = StepRule(step="verify_email"), StepRule(step="verify_sms")
BODY = {"recipients": [{"msisdn": "{to}"}], "content": "Shop: {text}", "reference": "{id}", "priority": 1}


@pytest.fixture
def post(run, desk):
    """A mail server that letters go to."""
    post = Post()
    server = run(post.start())
    desk.mailer = Mailer(SmtpServer("127.0.0.1", post.port, "off"), "Example <no-reply@example.com>")
    yield post
    server.close()
    run(server.wait_closed())


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def gateway(run, desk, site):
    """A gateway of the sandbox that takes all messages."""
    site.requests.clear()
    site.paths["/sms"] = lambda _: Reply(status=202)
    headers = {"Authorization": "Basic c2VjcmV0", "X-Sender": "Shop"}
    change = GatewayChange(SANDBOX, site.url("/sms"), BODY, headers, desk.cause())
    run(set_gateway(desk.store, desk.sealer, desk.outbound, change))
    return site


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_person_proves_an_address(desk, post):
    visit = Visit(desk, VERIFY_EMAIL, language="fi")
    assert (visit.screen, visit.said.values["addresses_left"]) == (("email_address", None), 3)
    visit.send(email=f" {EMAIL} ")
    assert visit.said.screen == "email_code"
    assert visit.said.values == {
        "masked": "P•••@S•••.example",
        "fixed": False,
        "fault": None,
        "entries_left": 3,
        "deliveries_left": 2,
        "resend_after_s": 30,
        "addresses_left": 2,
    }
    to, letter, _ = post.letters[0]
    assert (to, letter["Subject"], letter["Content-Language"]) == ([EMAIL], "Koodisi", "fi")
    assert post.code() not in str(visit.said.state)
    visit.send(code=f" {post.code()[:3]} {post.code()[3:]}")
    assert visit.outcome == ("success", None)
    assert (visit.user.email, visit.said.outcome.checked) == (EMAIL, ("email",))


def test_an_address_that_the_backend_vouches_for_cannot_be_changed(desk, post):
    visit = Visit(desk, VERIFY_EMAIL, user=User(email=EMAIL), fixed=frozenset({"email"}))
    assert visit.said.values["fixed"] is True
    visit.send(change="1")
    assert visit.screen == ("email_code", "form")
    visit.send(code=post.code())
    assert visit.outcome == ("success", None)


def test_an_address_that_nobody_vouches_for_can(desk, post):
    visit = Visit(desk, VERIFY_EMAIL, user=User(email="typo@shop.example"))
    visit.send(change="1")
    assert visit.screen == ("email_address", None)
    assert visit.look().screen == "email_address"
    visit.send(email=EMAIL)
    assert visit.look().screen == "email_code"
    visit.send(code=post.code())
    assert visit.user.email == EMAIL


def test_what_is_no_address_is_asked_for_again(desk, post):
    visit = Visit(desk, VERIFY_EMAIL)
    for email in ("", "person", "a@b", "a@shop.example\r\nBcc: b@shop.example", "å@shop.example"):
        visit.send(email=email)
        assert visit.screen == ("email_address", "address")
    assert post.letters == []
    assert Visit(desk, VERIFY_EMAIL, user=User(email="å@shop.example"), fixed=frozenset({"email"})).outcome == (
        "failed",
        "address_invalid",
    )


def test_an_address_has_three_wrong_entries_and_another_one_three_of_its_own(desk, post):
    visit = Visit(desk, VERIFY_EMAIL)
    visit.send(email=EMAIL)
    for left in (2, 1):
        visit.send(code=wrong(post.code()))
        assert (visit.screen, visit.said.values["entries_left"]) == (("email_code", "wrong"), left)
    visit.send(code=wrong(post.code()))
    assert (visit.screen, visit.said.values["addresses_left"]) == (("email_address", "spent"), 2)
    desk.now_ms += 30_000
    visit.send(email=EMAIL.upper())
    assert visit.screen == ("email_address", "spent"), "an address in capitals is not another one"
    assert len(post.letters) == 1
    visit.send(email="other@shop.example")
    visit.send(code=post.code())
    assert visit.outcome == ("success", None)


def test_an_address_has_three_deliveries_thirty_seconds_apart(desk, post):
    visit = Visit(desk, VERIFY_EMAIL)
    visit.send(email=EMAIL)
    for count in (2, 3):
        desk.now_ms += 29_999
        visit.send(again="1")
        assert (visit.screen, visit.said.values["resend_after_s"]) == (("email_code", "too_soon"), 1)
        visit.send(change="1")
        visit.send(email=EMAIL)
        assert visit.screen == ("email_code", "too_soon"), "neither way round"
        visit.send(change="1")
        desk.now_ms += 1
        visit.send(email=EMAIL)
        assert (visit.said.values["deliveries_left"], len(post.letters)) == (3 - count, count)
    desk.now_ms += 30_000
    visit.send(again="1")
    assert visit.screen == ("email_address", "spent")
    assert len(post.letters) == 3


def test_a_person_has_three_addresses(desk, post):
    visit = Visit(desk, VERIFY_EMAIL)
    for number, left in ((1, 2), (2, 1), (3, 0)):
        visit.send(email=f"person{number}@shop.example")
        assert visit.said.values["addresses_left"] == left
        visit.send(change="1")
    desk.now_ms += 30_000
    visit.send(email="person1@shop.example")
    assert visit.screen == ("email_code", None), "an earlier one is not one more"
    visit.send(change="1")
    visit.send(email="person4@shop.example")
    assert visit.outcome == ("failed", "addresses_exceeded")
    assert len(post.letters) == 4


def test_a_fixed_address_that_is_spent_fails_the_step(desk, post):
    visit = Visit(desk, VERIFY_EMAIL, user=User(email=EMAIL), fixed=frozenset({"email"}))
    for _ in range(3):
        visit.send(code=wrong(post.code()))
    assert visit.outcome == ("failed", "entries_exceeded")


def test_requests_that_arrive_at_once_are_counted_one_by_one(run, desk, post):
    visit = Visit(desk, VERIFY_EMAIL)
    visit.send(email=EMAIL)
    kind = visit.kind

    async def all_at_once(asked, form):
        return await asyncio.gather(*(kind.submit(asked, form) for _ in range(12)))

    desk.now_ms += 30_000
    run(all_at_once(visit.asked, {"again": "1"}))
    assert len(post.letters) == 2
    visit.send(again="1")
    said = run(all_at_once(visit.asked, {"code": wrong(post.code())}))
    assert [each.values["fault"] for each in said].count("wrong") == 2
    assert [each.values["fault"] for each in said].count("spent") == 10
    other = Visit(desk, VERIFY_EMAIL, session_id="flwses_1111111111111111111111")
    run(all_at_once(other.asked, {"email": "other@shop.example"}))
    assert len(post.letters) == 3


def test_a_step_that_began_twice_sends_one_code(desk, post):
    """The node that began it died before it had written that down."""
    user = User(email=EMAIL)
    first = Visit(desk, VERIFY_EMAIL, user=user)
    desk.now_ms += 10_000
    second = Visit(desk, VERIFY_EMAIL, user=user)
    assert (first.screen, second.screen) == (("email_code", None), ("email_code", None))
    assert (len(post.letters), second.said.values["resend_after_s"]) == (1, 20)
    second.send(code=post.code())
    assert second.outcome == ("success", None)


def test_a_code_that_was_sent_counts_after_another_address_was_tried(desk, post):
    visit = Visit(desk, VERIFY_EMAIL)
    visit.send(email=EMAIL)
    code = post.code()
    visit.send(change="1")
    visit.send(email="other@shop.example")
    visit.send(code=code)
    assert visit.screen == ("email_code", "wrong")
    visit.send(change="1")
    visit.send(email=EMAIL.upper())
    assert (visit.screen, visit.said.values["entries_left"]) == (("email_code", "too_soon"), 3)
    visit.send(code=wrong(code))
    visit.send(change="1")
    visit.send(email=EMAIL)
    assert visit.said.values["entries_left"] == 2
    visit.send(code=code)
    assert visit.outcome == ("success", None)


def test_codes_are_of_one_session_step_address_and_delivery(desk, post):
    codes = []
    for session_id in ("flwses_1", "flwses_2"):
        visit = Visit(desk, VERIFY_EMAIL, session_id=session_id)
        for email in (EMAIL, "other@shop.example"):
            visit.send(email=email)
            codes.append(post.code())
            desk.now_ms += 30_000
            visit.send(again="1")
            codes.append(post.code())
            visit.send(change="1")
    assert len(set(codes)) > len(codes) - 2, "one in a hundred thousand times two of eight are equal"


def test_an_address_that_takes_no_letters_can_be_mended(desk, post):
    post.refused.add("nobody@shop.example")
    visit = Visit(desk, VERIFY_EMAIL)
    visit.send(email="nobody@shop.example")
    assert (visit.screen, visit.said.values["addresses_left"]) == (("email_address", "refused"), 2)
    visit.send(email="nobody@shop.example")
    assert visit.screen == ("email_address", "refused"), "typed once more, it still takes none"
    visit.send(email=EMAIL)
    assert visit.screen == ("email_code", None)
    fixed = Visit(desk, VERIFY_EMAIL, session_id="s2", user=User(email="nobody@shop.example"), fixed=frozenset({"email"}))
    assert fixed.outcome == ("failed", "mail_refused")


def test_a_mail_server_that_is_down_may_come_back(desk, post):
    working, desk.mailer = desk.mailer, Mailer(SmtpServer("127.0.0.1", 1, "off"), "no-reply@example.com")
    visit = Visit(desk, VERIFY_EMAIL, user=User(email=EMAIL))
    assert visit.screen == ("email_code", "failed")
    desk.now_ms += 30_000
    desk.mailer = working
    visit.send(again="1")
    assert visit.screen == ("email_code", None)
    desk.mailer = Mailer(SmtpServer("127.0.0.1", 1, "off"), "no-reply@example.com")
    desk.now_ms += 30_000
    visit.send(again="1")
    assert visit.outcome == ("error", "mail_unreachable")


def test_without_a_mail_server_or_a_gateway_nobody_can_say(desk):
    assert Visit(desk, VERIFY_EMAIL, user=User(email=EMAIL)).outcome == ("error", "mail_not_configured")
    assert Visit(desk, VERIFY_SMS, user=User(phone=PHONE)).outcome == ("error", "sms_not_configured")


REAL_SMS = StepRule(step="verify_sms", simulate=False)


def test_a_gateway_is_asked_to_send_the_code(desk, gateway):
    visit = Visit(desk, REAL_SMS, SANDBOX, language="de")
    visit.send(phone="47 12 34")
    assert visit.screen == ("phone_number", "address")
    visit.send(phone="+47 (123) 45-678")
    assert (visit.said.screen, visit.said.values["masked"]) == ("phone_code", "+47•••78")
    (request,) = gateway.requests
    sent = json.loads(request.body)
    code = re.search(r"\b\d{6}\b", sent["content"])[0]
    assert sent == {
        "recipients": [{"msisdn": PHONE}],
        "content": f"Shop: {code} ist Ihr Code. Er gilt 10 Minuten. Sagen Sie ihn niemandem.",
        "reference": sent["reference"],
        "priority": 1,
    }
    assert re.fullmatch(r"sms_\w{22}", sent["reference"])
    assert (request.headers["authorization"], request.headers["x-sender"]) == ("Basic c2VjcmV0", "Shop")
    visit.send(code=code)
    assert (visit.outcome, visit.user.phone, visit.said.outcome.checked) == (("success", None), PHONE, ("phone",))


@pytest.mark.parametrize(
    ("status", "screen"),
    [
        (200, ("phone_code", None)),
        (299, ("phone_code", None)),
        (400, ("phone_number", "refused")),
        (422, ("phone_number", "refused")),
        (401, ("phone_code", "failed")),
        (302, ("phone_code", "failed")),
        (503, ("phone_code", "failed")),
    ],
)
def test_what_a_gateway_answers(desk, gateway, status, screen):
    gateway.paths["/sms"] = lambda _: Reply(status=status, headers={"Location": "/elsewhere"})
    visit = Visit(desk, REAL_SMS, SANDBOX, user=User(phone=PHONE))
    assert visit.screen == screen
    assert [request.path for request in gateway.requests] == ["/sms"]


def test_a_gateway_inside_is_out_of_reach(run, desk, gateway):
    desk.outbound = Outbound()
    assert Visit(desk, REAL_SMS, SANDBOX, user=User(phone=PHONE)).screen == ("phone_code", "failed")
    assert gateway.requests == []


def test_a_gateway_that_was_removed(run, desk, gateway):
    run(remove_gateway(desk.store, SANDBOX, desk.cause()))
    assert Visit(desk, REAL_SMS, SANDBOX, user=User(phone=PHONE)).outcome == ("error", "sms_not_configured")


def test_the_database_holds_no_header_of_a_gateway_and_no_address_of_a_person(desk, gateway):
    Visit(desk, REAL_SMS, SANDBOX, user=User(phone=PHONE))
    ((sealed,),) = desk.rows("SELECT headers FROM sms_gateways")
    assert b"c2VjcmV0" not in sealed
    rows = desk.rows("SELECT claim FROM claims")
    assert len(rows) == 3
    assert all(len(claim) == 32 for (claim,) in rows)
    assert all(PHONE not in detail for (detail,) in desk.rows("SELECT detail FROM audit"))


def test_another_account_has_a_gateway_of_its_own(desk, gateway):
    other = Visit(desk, REAL_SMS, Scope("acc_2", "sandbox"), user=User(phone=PHONE))
    assert other.outcome == ("error", "sms_not_configured")
    assert Visit(desk, VERIFY_SMS, LIVE, user=User(phone=PHONE)).outcome == ("error", "sms_not_configured")
    assert isinstance(other.said, Done)
