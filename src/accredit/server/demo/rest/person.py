"""A person with a browser, without the screen: follows redirects, presses the buttons of Accredit's pages, comes back."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from accredit.server.demo.reading import read_page


@dataclass(frozen=True, slots=True)
class Place:
    """Where the browser is, and what it shows."""

    url: str
    status: int
    html: str

    @property
    def query(self) -> dict[str, str]:
        """What the address says."""
        return dict(parse_qsl(urlsplit(self.url).query))


class Person:
    """One browser with a jar of cookies of its own: `async with Person() as person`."""

    def __init__(self) -> None:
        # Addresses of this machine are numbers; those have no cookies by default.
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> "Person":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def go(self, address: str, **form: str) -> Place:
        """Go there, or post a form there, and wherever that leads."""
        method, data = ("POST", form) if form else ("GET", None)
        async with self._http.request(method, address, data=data) as answer:
            return Place(str(answer.url), answer.status, await answer.text())

    async def read(self, address: str) -> dict[str, Any]:
        """What the script of a page asks of its own backend: JSON."""
        async with self._http.get(address) as answer:
            told: dict[str, Any] = await answer.json()
        return told

    async def choose(self, place: Place, provider: str) -> Place:
        """Press a provider's button."""
        return await self._press(place, "choose", provider=provider)

    async def sign_in(self, place: Place, person: str = "no-1", outcome: str = "success") -> Place:
        """Be somebody of the sandbox."""
        return await self._press(place, "provider", person=person, outcome=outcome)

    async def identify(self, session: dict[str, Any]) -> Place:
        """Open a session's page where the sandbox asks nothing, and come back to the rental."""
        return await self.go(str(session["authenticationUrl"]))

    async def _press(self, place: Place, verb: str, **fields: str) -> Place:
        parts = urlsplit(place.url)
        address = parts._replace(path=f"{parts.path}/{verb}").geturl()
        return await self.go(address, token=read_page(place.html).hidden["token"], **fields)
