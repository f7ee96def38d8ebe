"""Letters over TLS and with a password, and what settings name no mail server or sender."""

import ssl

import pytest

from accredit.errors import MalformedError
from accredit.server.mail import Letter, Mailer, MailError, SmtpServer, is_address, is_sender, parse_smtp_url
from accredit.server.settings import read_settings

from ..post import Post

LETTER = Letter("person@shop.example", "Subject", "Text with ö\n")
SENDER = "Example <no-reply@example.com>"


@pytest.fixture
def post(run, authority):
    """A mail server for localhost that takes letters after STARTTLS and a password only."""
    post = Post(users={"accredit": "pass:word/1"})
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority[1], authority[2])
    server = run(post.start(tls))
    yield post
    server.close()
    run(server.wait_closed())


def trusting(authority):
    """A context that knows the test's authority; its certificate is for another name, which this does not compare."""
    context = ssl.create_default_context(cafile=authority[0])
    context.check_hostname = False
    return context


def test_sends_over_starttls_with_a_password(run, post, authority):
    server = SmtpServer("127.0.0.1", post.port, "starttls", "accredit", "pass:word/1")
    run(Mailer(server, SENDER, ssl_context=trusting(authority)).send(LETTER))
    ((to, message, encrypted),) = post.letters
    assert (to, encrypted, message.get_content().splitlines()) == (["person@shop.example"], True, ["Text with ö"])
    assert message["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_no_letter(run, post, authority, password):
    server = SmtpServer("127.0.0.1", post.port, "starttls", "accredit", password)
    with pytest.raises(MailError, match="mail_unreachable"):
        run(Mailer(server, SENDER, ssl_context=trusting(authority)).send(LETTER))
    assert post.letters == []


def test_says_nothing_to_a_server_whose_certificate_it_does_not_know(run, post):
    server = SmtpServer("127.0.0.1", post.port, "starttls", "accredit", "pass:word/1")
    with pytest.raises(MailError, match="mail_unreachable"):
        run(Mailer(server, SENDER).send(LETTER))
    assert post.letters == []


def test_sends_nothing_in_clear_where_tls_is_asked_for(run):
    async def session():
        clear = Post()
        server = await clear.start()
        try:
            with pytest.raises(MailError, match="mail_unreachable"):
                await Mailer(SmtpServer("127.0.0.1", clear.port, "starttls"), SENDER).send(LETTER)
        finally:
            server.close()
        return clear.letters

    assert run(session()) == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 587, "starttls")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, "implicit")),
        ("smtp://u%40x:p%3A%2F@mail.example:2525", SmtpServer("mail.example", 2525, "starttls", "u@x", "p:/")),
        ("smtp://localhost:25", SmtpServer("localhost", 25, "off")),
        ("smtp://mail.internal?tls=off", SmtpServer("mail.internal", 587, "off")),
        ("smtps://127.0.0.1", SmtpServer("127.0.0.1", 465, "implicit")),
    ],
)
def test_reads_the_address_of_a_mail_server(url, server):
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    [
        *("", "mail.example", "http://mail.example", "smtp://", "smtp://mail.example/path", "smtp://mail.example:x"),
        *("smtp://mail.example?tls=on", "smtps://mail.example?tls=off", "smtp://mail.example#x", "smtp://mail.example?tls"),
    ],
)
def test_refuses_what_is_no_address_of_a_mail_server(url):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        parse_smtp_url(url)


@pytest.mark.parametrize(
    ("variable", "value"), [("ACCREDIT_SMTP_URL", "http://mail.example"), ("ACCREDIT_MAIL_FROM", "a@b\r\nBcc: c@d.example")]
)
def test_a_wrong_setting_ends_the_start(variable, value):
    with pytest.raises(MalformedError) as error:
        read_settings({variable: value})
    assert (error.value.code, error.value.member) == ("settings_invalid", variable)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("no-reply@example.com", True),
        ("Example Ltd <no-reply@example.com>", True),
        ("Example", False),
        ("<no-reply@example.com", False),
        ("A\n<no-reply@example.com>", False),
    ],
)
def test_a_sender(text, good):
    assert is_sender(text) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a@b.example", True),
        ("first.last+tag@sub.shop.example", True),
        ("o'brien@shop.example", True),
        ("a..b@shop.example", False),
        ("a@-b.example", False),
        ("a@b.1", False),
        ("a@b", False),
        ("a@@b.example", False),
        ('"a b"@c.example', False),
        ("a@b.example\n", False),
        ("x" * 65 + "@b.example", False),
    ],
)
def test_an_address(text, good):
    assert is_address(text) is good
