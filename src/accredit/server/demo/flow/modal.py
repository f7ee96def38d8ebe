"""The modal of a page without the screen: it posts the form that the SDK would, and fills the screens as a person would."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from accredit.encoding import b64url_encode
from accredit.server.demo.reading import read_page

ADDRESS = {"address.street": "1 Ramsett Park", "address.city": "Pawnee", "address.country_code": "US"}
# What a person enters on the way to the details; `123456` is the code of the sandbox.
_PROOFS: tuple[Mapping[str, str], ...] = (
    {"accept": "1"},
    {"email": "leslie@parks.example"},
    {"code": "123456"},
    {"phone": "+47 21 00 00 01"},
    {"code": "123456"},
)


@dataclass
class Modal:
    """A frame that was asked for. code: `created`, `resumed`, or why it was refused. told: what its script knows, of a session."""

    http: aiohttp.ClientSession = field(repr=False)
    url: str
    code: str
    request_id: str
    told: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def status(self) -> str:
        """How the session stands, as the screen says."""
        return str(self.told["session"]["status"])

    async def submit(self, form: Mapping[str, str]) -> None:
        """Fill the screen that is shown."""
        body = {"step": self.told["step"], "attempt": self.told["attempt"], "form": dict(form), "language": "en"}
        headers = {"Authorization": f"Bearer {self.told['token']}"}
        async with self.http.post(f"{self.url}/flow/frame/submit", json=body, headers=headers) as answer:
            self.told = {"token": self.told["token"], **await answer.json()}

    async def go_through(self, family_name: str = "Knope") -> None:
        """All the screens of the sandbox, as Leslie of that family."""
        for form in (*_PROOFS, {"name.first": "Leslie", "name.last": family_name, **ADDRESS}):
            await self.submit(form)


async def open_modal(http: aiohttp.ClientSession, url: str, options: Mapping[str, Any], origin: str) -> Modal:
    """What `new Flow(options).open()` does on a page of that origin. url: Accredit's."""
    named = {name: options[name] for name in ("publishableKey", "templateId")}
    form = {**named, **options["user"], "channel": b64url_encode(secrets.token_bytes(16)), "sdk": "accredit.js/check"}
    headers = {"Origin": origin, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}
    async with http.post(f"{url}/flow", data=form, headers=headers) as answer:
        blocks, request_id = read_page(await answer.text()).blocks, answer.headers["X-Request-Id"]
        if answer.status != 200:
            return Modal(http, url, blocks["message"]["code"], request_id)
    first = blocks["script"]["first"]
    return Modal(http, url, first["opening"], request_id, first)


async def follow_link(http: aiohttp.ClientSession, link: str) -> Modal:
    """What the button does on the page of a hosted link."""
    parts = urlsplit(link)
    (key,) = parse_qs(parts.query or parts.fragment)["key"]
    url = f"{parts.scheme}://{parts.netloc}"
    async with http.post(f"{url}{parts.path}/exchange", json={"key": key, "language": "en"}) as answer:
        told = await answer.json()
        request_id = answer.headers["X-Request-Id"]
    return Modal(http, url, "exchanged" if "token" in told else str(told["code"]), request_id, told)
