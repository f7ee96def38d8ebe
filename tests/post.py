"""A mail server of the tests' own, on a loopback port.

post = Post()
server = run(post.start())          # on the test's event loop
post.letters                        # (recipients, message, whether it came over TLS) of each letter
"""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Post:
    """A mail server: keeps what it took, and refuses some addresses. users: who may send, None lets everybody."""

    refused: set[str] = field(default_factory=set)
    users: dict[str, str] | None = None
    letters: list[Any] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return "550 No such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.append((envelope.rcpt_tos, message, session.ssl is not None))
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        known = self.users is not None and self.users.get(login.login.decode()) == login.password.decode()
        return AuthResult(success=known, handled=False)

    async def start(self, tls: ssl.SSLContext | None = None) -> Any:
        def protocol() -> SMTP:
            return SMTP(
                self,
                hostname="mail.example",
                tls_context=tls,
                require_starttls=tls is not None,
                authenticator=self.authenticate,
                auth_required=self.users is not None,
                auth_require_tls=tls is not None,
            )

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def code(self) -> str:
        """The code of the letter that came last."""
        return re.search(r"\b\d{6}\b", self.letters[-1][1].get_content())[0]
