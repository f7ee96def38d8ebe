"""One server on each engine for all tests of the boot door; each test has an account, an integration and a secret of its own.

    def test_something(server, shop):
        answer = server.boot(shop.signed("jane@example.com", first_name="Jane"))
        assert shop.redeem(answer)["trust"] == "signed"

The clock is shared too, and only moves on. Tests that need other settings take `start_server`.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvloop

from accredit import IdentitySecret, sign_identity_v2

from ..conftest import ORIGIN, Clock, Owner, Server, start

EMAIL = "jane@example.com"
OTHER = "https://elsewhere.example"
CHANNEL = "AAAAAAAAAAAAAAAAAAAAAA"
WRONG_MAC = "A" * 43 + "="


@dataclass
class Shop:
    """A deployer with one integration, by default at level SECURE_IDENTITY, and a secret that signs its users."""

    server: Server
    owner: Owner
    app: dict[str, Any]
    secret: str
    secret_id: str

    @property
    def address(self) -> str:
        return f"/v1/integrations/{self.app['integration_id']}"

    def set(self, **members: Any) -> None:
        """Change the integration."""
        self.owner.call("PATCH", self.address, 200, members)

    def debug(self, seconds: int = 3600, **members: Any) -> None:
        """Let the level be SECURE_IDENTITY_DEBUG for so long."""
        until = wire(self.server.clock.now + seconds)
        self.set(level="SECURE_IDENTITY_DEBUG", debug_until=until, force=True, **members)

    def fields(self, **fields: Any) -> dict[str, Any]:
        """The body of a boot without a signature."""
        return self.owner.boot_fields(self.app, **fields)

    def signed(self, email: str = "", *, now: int | None = None, nonce: str | None = None, **fields: Any) -> dict[str, Any]:
        """The body of a boot with a version 1 signature of now."""
        moment = {"now": self.server.clock.now if now is None else now, "nonce": nonce}
        signature = self.owner.signature(self.app, self.secret, email, **moment)
        return self.fields(signature=signature, **({"email": email} if email else {}), **fields)

    def signed_v2(self, info: dict[str, Any], *, origin: str | None = ORIGIN, **beside: Any) -> dict[str, Any]:
        """The body of a boot whose version 2 signature covers all of it. beside: page, locale."""
        secret = IdentitySecret.from_base64(self.secret, self.secret_id)
        ids = self.app["deployer_id"], self.app["integration_id"]
        signature = sign_identity_v2(secret, *ids, info, now=self.server.clock.now, origin=origin, **beside)
        return self.fields(signature=signature, **info, **beside)

    def redeem(self, answer: httpx.Response) -> dict[str, Any]:
        """The session of an admission."""
        assert answer.status_code == 303, answer.text
        code = answer.headers["location"].partition("code=")[2]
        return self.owner.call("POST", "/v1/exchange", 200, {"code": code})

    def visit(self, body: dict[str, Any], **how: Any) -> dict[str, Any]:
        """The session that a boot opens."""
        return self.redeem(self.server.boot(body, **how))

    def listed(self) -> list[dict[str, Any]]:
        """All sessions of the account."""
        return self.owner.call("GET", "/v1/sessions?limit=100")["sessions"]

    def refusal(self, body: dict[str, Any], **how: Any) -> str:
        """The audit code of a boot that is refused and from outside looks like any other that is."""
        return self.code_of(self.server.boot(body, **how))

    def code_of(self, answer: httpx.Response) -> str:
        """The audit code of a refusal that tells nothing."""
        assert answer.status_code == 403, answer.text
        asked = "SELECT code FROM audit WHERE request_id = ? AND kind = 'boot.refused'"
        ((code,),) = self.server.rows(asked, answer.headers["x-request-id"])
        assert "admission_refused" in answer.text
        assert code not in answer.text
        return code


def wire(seconds: int) -> str:
    """A time as the API reads it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="package")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests here, on each engine in turn."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        if request.param == "sqlite":
            path = tmp_path_factory.mktemp("boot") / "accredit.sqlite"
            shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
            url = f"sqlite:///{path}"
        else:
            migrated = request.getfixturevalue("migrated_postgresql")
            migrated.execute("CREATE DATABASE boot TEMPLATE migrated STRATEGY file_copy")
            ending.callback(migrated.execute, "DROP DATABASE boot WITH (FORCE)")
            url = migrated.address.format("boot")
        yield start(ending, runner.run, clock, url, {"refusals_per_minute": 100_000})


@pytest.fixture
def open_shop(server: Server) -> Callable[..., Shop]:
    """A new account with a deployer: open_shop(level="BASIC")."""
    return lambda **policy: new_shop(server, **policy)


@pytest.fixture
def shop(server: Server) -> Shop:
    """A new account with a deployer whose integration is at level SECURE_IDENTITY."""
    return new_shop(server)


def new_shop(server: Server, **policy: Any) -> Shop:
    owner = server.owner()
    app = owner.boot_integration(**policy)
    return Shop(server, owner, app, *owner.identity_secret(app["deployer_id"]))
