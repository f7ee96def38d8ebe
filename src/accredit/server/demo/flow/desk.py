"""The exchange's backend: it signs who its users are, asks Accredit how they stand, and allows retries. Its secret never leaves it.

desk = ExchangeDesk(http, addresses, credentials, system_clock)
options = desk.options(user, "kyc", desk.sign(user))              # for the page
heard = await desk.send("POST", "", {"template_id": "kyc", "user": {"customer_reference": user}, "shareable": True})
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

import accredit
from accredit.server.demo.addresses import Addresses
from accredit.server.demo.flow.keys import KYC, FlowCredentials
from accredit.server.demo.told import Party, Told

SESSIONS = "/flow_sessions"
MEDIA_TYPE = "application/vnd.api+json"


def make_user() -> str:
    """Somebody who is at the exchange for the first time: what it calls them for good, which is nothing personal."""
    return f"user-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of the signed API. code: of its error, `ok` without one."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def code(self) -> str:
        """As the caller is told it."""
        return str(self.body["errors"][0]["code"]) if self.status >= 400 else "ok"


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call with its signature, as anybody reads it who sees it pass."""

    method: str
    target: str
    content: bytes
    headers: Mapping[str, str]


class ExchangeDesk:
    """The backend in one environment. told: what it did, in order."""

    def __init__(
        self, http: aiohttp.ClientSession, addresses: Addresses, credentials: FlowCredentials, clock: Callable[[], int]
    ) -> None:
        self._http = http
        self._clock = clock
        self.addresses = addresses
        self.credentials = credentials
        self.told: list[Told] = []

    @property
    def now(self) -> int:
        """Seconds."""
        return self._clock() // 1000

    @property
    def secret(self) -> accredit.ReferenceSecret:
        """What references are signed with."""
        return accredit.ReferenceSecret.from_text(self.credentials.secret, self.credentials.key_id)

    def sign(self, user: str) -> str:
        """The signature of a user, as the original has it: good for ever, on any page, for any template."""
        return accredit.sign_reference(self.secret, user)

    def sign_v2(self, user: str, template_id: str = KYC, secret: accredit.ReferenceSecret | None = None) -> str:
        """A token for one template, this site and ten minutes. secret: another one than ours."""
        return accredit.sign_reference_v2(
            secret or self.secret,
            user,
            [template_id],
            environment="sandbox",
            now=self.now,
            origins=[self.addresses.exchange],
        )

    def options(self, user: str, template_id: str, signature: str | None) -> dict[str, Any]:
        """What the page constructs its `Flow` with."""
        signed = {} if signature is None else {"signature": signature}
        told = {"publishableKey": self.credentials.publishable, "templateId": template_id}
        return {**told, "user": {"customerReference": user, **signed}}

    def sign_call(self, method: str, path: str, body: Mapping[str, Any] | None, *, age_s: int = 0) -> SignedCall:
        """Sign a call below `/flow_sessions`. age_s: how long ago."""
        content, target = b"" if body is None else json.dumps(body).encode(), f"{SESSIONS}{path}"
        signed = accredit.sign_request(
            method, target, content, key_id=self.credentials.key_id, secret=self.credentials.secret, now=self.now - age_s
        )
        return SignedCall(method, target, content, {**signed, "Content-Type": MEDIA_TYPE})

    async def carry(self, call: SignedCall) -> Heard:
        """Send a signed call, whoever signed it."""
        address = f"{self.addresses.accredit}{call.target}"
        async with self._http.request(call.method, address, data=call.content, headers=call.headers) as answer:
            heard = Heard(answer.status, answer.headers, await answer.json(content_type=None))
        said = heard.code if heard.status >= 400 else str(heard.body.get("status", "a list"))
        what = "Accredit answered" if heard.status < 400 else "Accredit refused"
        self.told.append(
            Told("accredit", call.method, what, (_shown(call.target), str(heard.status), said), heard.status >= 400)
        )
        return heard

    async def send(self, method: str, path: str = "", body: Mapping[str, Any] | None = None) -> Heard:
        """Sign a call and send it."""
        return await self.carry(self.sign_call(method, path, body))

    async def create(self, user: str, /, **members: Any) -> Heard:
        """A session for a user."""
        given = {"customer_reference": user, **members.pop("user", {})}
        return await self.send("POST", "", {"template_id": KYC, "user": given, **members})

    async def find(self, user: str) -> dict[str, Any] | None:
        """The newest session of a user, of the template that counts; None without one. A page's word for it is never enough."""
        query = urlencode({"template_id": KYC, "customer_reference": user, "limit": 1})
        found = (await self.send("GET", f"?{query}")).body["flow_sessions"]
        return (await self.send("GET", f"/{found[0]['id']}")).body if found else None

    def tell(self, party: Party, title: str, what: str, *facts: str, refused: bool = False) -> None:
        """Note for the audience what was done."""
        self.told.append(Told(party, title, what, facts, refused))


def _shown(target: str) -> str:
    """Without the query and the length of an id."""
    return "/".join(f"{part[:11]}…" if part.startswith("flwses_") else part for part in target.partition("?")[0].split("/"))
