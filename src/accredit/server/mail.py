"""Outgoing e-mail: plain text by SMTP, over TLS unless the server stands on this machine or the operator says otherwise.

RFC 5321, RFC 3207 (STARTTLS), RFC 8314 (implicit TLS), RFC 3834 (nobody is to answer automatically).

    mailer = Mailer(parse_smtp_url("smtp://user:password@mail.example:587"), "Example <no-reply@example.com>")
    await mailer.send(Letter("person@example.com", "Your code", "123456"))
"""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

_TIMEOUT_S = 10
_PORTS = {"smtp": 587, "smtps": 465}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
# What SMTP carries without its extensions, and no quoted oddities: one address, no controls, nothing that begins another header.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
MAX_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Who takes our letters. tls: from the first octet, by STARTTLS before anything is said, or not at all."""

    host: str
    port: int
    tls: Literal["implicit", "starttls", "off"]
    username: str | None = None
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one person."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    language: str = "en"


class MailError(Exception):
    """A letter was not taken. reason: `mail_not_configured`, `mail_unreachable`, or `mail_refused` for this address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_address(text: str) -> bool:
    """Whether letters can be sent there: one plain address of at most 254 characters."""
    return len(text) <= MAX_ADDRESS and ".." not in text and bool(_ADDRESS.fullmatch(text))


def parse_smtp_url(url: str) -> SmtpServer:
    """Read `smtp://[user:password@]host[:port][?tls=off]`, `smtps://...` for TLS from the start. Raises ValueError."""
    parts = urlsplit(url)
    query = parse_qs(parts.query, strict_parsing=True, keep_blank_values=True) if parts.query else {}
    known = parts.scheme in _PORTS and parts.hostname and parts.path in ("", "/") and not parts.fragment
    if not known or parts.hostname is None or query not in ({}, {"tls": ["off"]}) or (query and parts.scheme == "smtps"):
        raise ValueError("not an SMTP address")
    plain = bool(query) or parts.hostname in _THIS_MACHINE
    tls: Literal["implicit", "starttls", "off"] = "implicit" if parts.scheme == "smtps" else "off" if plain else "starttls"
    username = None if parts.username is None else unquote(parts.username)
    return SmtpServer(parts.hostname, parts.port or _PORTS[parts.scheme], tls, username, unquote(parts.password or ""))


def is_sender(text: str) -> bool:
    """Whether letters can come from there: an address, or a name with an address in angle brackets."""
    return text.isprintable() and is_address(_address_in(text))


def _address_in(sender: str) -> str:
    match = re.fullmatch(r"[^<>]*<([^<>]*)>", sender)
    return match[1] if match else sender


def _domain_of(sender: str) -> str:
    return _address_in(sender).rpartition("@")[2]


def open_mailer(smtp_url: str, sender: str) -> "Mailer":
    """A mailer as the settings have it; without a server it refuses every letter."""
    return Mailer(parse_smtp_url(smtp_url) if smtp_url else None, sender)


class Mailer:
    """Sends letters. server: None where the operator has named none. ssl_context: the system's, unless a test has its own."""

    def __init__(self, server: SmtpServer | None, sender: str, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._sender = sender
        self._ssl_context = ssl_context

    async def send(self, letter: Letter) -> None:
        """Send a letter, within 10 seconds for each step of it. Raises MailError."""
        if self._server is None or not self._sender:
            raise MailError("mail_not_configured")
        await asyncio.to_thread(self._send, self._server, letter)

    def _send(self, server: SmtpServer, letter: Letter) -> None:
        # Loaded with the first letter: most processes send none.
        import smtplib

        try:
            with self._connect(server) as connection:
                if server.username is not None:
                    connection.login(server.username, server.password)
                connection.send_message(self._message(letter), to_addrs=[letter.to])
        except smtplib.SMTPRecipientsRefused as error:
            raise MailError("mail_refused") from error
        # SMTPException is an OSError; ValueError: a server that speaks no SMTP, or asks for what it did not offer.
        except (OSError, ValueError) as error:
            raise MailError("mail_unreachable") from error

    def _connect(self, server: SmtpServer) -> "smtplib.SMTP":
        import smtplib

        # What we say to be called: else this machine's own name is looked for and told.
        name = _domain_of(self._sender)
        if server.tls == "implicit":
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=_TIMEOUT_S, context=self._tls())
        connection = smtplib.SMTP(server.host, server.port, name, timeout=_TIMEOUT_S)
        try:
            if server.tls == "starttls":
                connection.starttls(context=self._tls())
        except BaseException:
            connection.close()
            raise
        return connection

    def _tls(self) -> ssl.SSLContext:
        context = self._ssl_context or ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _message(self, letter: Letter) -> "EmailMessage":
        from email.message import EmailMessage
        from email.utils import localtime, make_msgid

        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=_domain_of(self._sender))
        message["Auto-Submitted"] = "auto-generated"
        # It clears whatever describes the content, so the language comes after.
        message.set_content(letter.text)
        message["Content-Language"] = letter.language
        return message
