"""The demo as a value: its addresses, its parties' keys, and how they reach each other."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from accredit.server.demo.addresses import Addresses
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.setting_up import Keys
from accredit.server.demo.signing import STRICT, SigningDesk

_SCRIPT = re.compile(r'<script src="(?P<src>[^"]+)" integrity="(?P<integrity>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Snippet:
    """What the owner gave the bank to paste. src, integrity: of the script in it."""

    html: str
    src: str
    integrity: str


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is running. http: a client for all parties, without cookies. clock: milliseconds UTC."""

    addresses: Addresses
    keys: Keys = field(repr=False)
    http: aiohttp.ClientSession
    clock: Callable[[], int]
    snippet: Snippet

    @property
    def desk(self) -> SigningDesk:
        """The bank's server, where it signs."""
        return SigningDesk(self.addresses, self.keys.bank, self.keys.passport, self.clock)

    @property
    def owner(self) -> BackendApi:
        """The owner's back office."""
        return BackendApi(self.http, self.addresses.accredit, self.keys.owner)

    @property
    def application(self) -> BackendApi:
        """The backend of the embedded application."""
        return BackendApi(self.http, self.addresses.accredit, self.keys.application)

    @property
    def stranger(self) -> BackendApi:
        """A backend of another account."""
        return BackendApi(self.http, self.addresses.accredit, self.keys.stranger)


async def load_snippet(owner: BackendApi) -> Snippet:
    """The snippet of the bank's integration."""
    html: str = (await owner.call("GET", f"/v1/integrations/{STRICT}/snippet")).body["html"]
    script = _SCRIPT.search(html)
    assert script is not None
    return Snippet(html, script["src"], script["integrity"])
