"""The demo as a value: its addresses, its parties' keys, and how they reach each other."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from accredit.server.demo.addresses import Addresses
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.boot.signing import SIGNED, IdentityDesk
from accredit.server.demo.embed.signing import STRICT, SigningDesk
from accredit.server.demo.flow.desk import ExchangeDesk
from accredit.server.demo.rest.backend import RentalDesk
from accredit.server.demo.setting_up import Keys

_SCRIPT = re.compile(r'<script src="(?P<src>[^"]+)" integrity="(?P<integrity>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Snippet:
    """What the owner gave a customer to paste. src, integrity: of the script in it."""

    integration_id: str
    html: str
    src: str
    integrity: str


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is running. http: a client for all parties, without cookies. clock: milliseconds UTC. snippets: by door.

    data_dir: where Accredit keeps its database.
    """

    addresses: Addresses
    keys: Keys = field(repr=False)
    http: aiohttp.ClientSession
    clock: Callable[[], int]
    snippets: Mapping[str, Snippet]
    data_dir: Path

    @property
    def desk(self) -> SigningDesk:
        """The bank's server, where it signs."""
        return SigningDesk(self.addresses, self.keys.bank, self.keys.passport, self.clock)

    @property
    def identity_desk(self) -> IdentityDesk:
        """The utility's server, where it signs."""
        return IdentityDesk(self.addresses, self.keys.utility, self.clock)

    def rental_desk(self) -> RentalDesk:
        """The rental's server, where it asks who somebody is: a new one, which did nothing yet."""
        return RentalDesk(self.http, self.addresses, self.keys.rental_client, self.keys.rental, self.clock)

    def exchange_desk(self, environment: str = "sandbox") -> ExchangeDesk:
        """The exchange's server, where it signs and asks: a new one, which did nothing yet."""
        keys = self.keys.exchange
        return ExchangeDesk(self.http, self.addresses, keys.live if environment == "live" else keys.sandbox, self.clock)

    @property
    def rental_owner(self) -> BackendApi:
        """The rental's back office."""
        return BackendApi(self.http, self.addresses.accredit, self.keys.rental_owner)

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


async def load_snippets(owner: BackendApi) -> dict[str, Snippet]:
    """The snippets of the customers' first integrations, by door."""
    return {door: await _load_snippet(owner, integration_id) for door, integration_id in (("embed", STRICT), ("boot", SIGNED))}


async def _load_snippet(owner: BackendApi, integration_id: str) -> Snippet:
    html: str = (await owner.call("GET", f"/v1/integrations/{integration_id}/snippet")).body["html"]
    script = _SCRIPT.search(html)
    assert script is not None
    return Snippet(integration_id, html, script["src"], script["integrity"])
