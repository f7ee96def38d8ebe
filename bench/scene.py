"""What is set up before anything is measured: an owner, a deployer with its keys, integrations, and the visitors' requests.

One integration asks for all that an extended token can hold, single use included; one takes the original's token, which a page may
show to any number of visitors; one takes users by name alone; one boots users under identity signatures. A backend asks who people
are (see asking.py). Every contender hears the very same octets.
"""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec

from accredit import IdentitySecret, sign_deployment, sign_identity
from accredit.encoding import Json, b64url_decode
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.accounts.deployers import DeployerChange, create_deployer
from accredit.server.app import open_node, system_clock
from accredit.server.integrations.integration import Door
from accredit.server.integrations.publishing import Publication, create_integration
from accredit.server.keyring.api_keys import create_api_key
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.deployment_keys import Holder, generate_deployment_key
from accredit.server.keyring.identity_secrets import SecretHolder, issue_identity_secret
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.settings import read_settings
from bench.asking import Asking, set_up_asking

PUBLIC_URL, ORIGIN, APPLICATION_URL = "https://id.owner.example", "https://shop.example", "https://app.owner.example/start"
OWNER_ID, DEPLOYER_ID = "owner", "shop"
SINGLE_USE, SHOWN_TO_MANY, UNSIGNED, BOOTED = "report-single-use", "report-for-many", "report-unsigned", "cpd_report"
_SCOPE = Scope("acc_bench", "live")
_POLICY: dict[str, Json] = {
    "application_url": APPLICATION_URL,
    "views": [{"id": "summary"}, {"id": "details"}],
    "allowed_origins": [ORIGIN],
    "origin_check": "require",
    "signed_deployment": "required",
}
_PASSPORT: Mapping[str, Json] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "country": "GB",
    "newsletter": True,
}
_BOOT_POLICY: dict[str, Json] = {name: _POLICY[name] for name in ("application_url", "views", "allowed_origins")}
_CUSTOMER: Mapping[str, str] = {
    "first_name": "Ada",
    "surname": "Lovelace",
    "gender": "female",
    "title": "Ms",
    "building_number": "12",
    "address_1": "St James's Square",
    "town_city": "London",
    "postcode": "SW1Y 4JH",
    "dob": "1978-12-06T12:27:41.201Z",
}
# What a browser says when a page posts a form into a frame.
_BROWSER = (
    f"Origin: {ORIGIN}\r\nReferer: {ORIGIN}/\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Site: cross-site\r\n"
    "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"
)


@dataclass(frozen=True, slots=True)
class Scene:
    """The parties' secrets."""

    private_jwk: dict[str, Any] = field(repr=False)
    api_secret: str = field(repr=False)
    identity_secret: str = field(repr=False)
    asking: Asking

    @property
    def public_jwk(self) -> dict[str, Any]:
        """What the servers know of the deployer's key."""
        return {name: self.private_jwk[name] for name in ("kty", "crv", "x", "y")}

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The same, parsed."""
        x, y = (int.from_bytes(b64url_decode(self.private_jwk[name])) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP521R1()).public_key()

    def single_use_token(self) -> str:
        """A token for one visitor: it names its key, audience and origin, and can be used once within five minutes."""
        properties = _properties(SINGLE_USE, f"user-{secrets.token_hex(4)}")
        return sign_deployment(properties, self.private_jwk, now=int(time.time()), audience=PUBLIC_URL, origins=[ORIGIN])

    def token_for_many(self) -> str:
        """A token of the original's shape, good until its key is revoked."""
        return sign_deployment(_properties(SHOWN_TO_MANY, "user-12345678"), self.private_jwk)

    def embed(self, token: str) -> bytes:
        """The request of a browser whose page shows this token."""
        return _post({"signed_deployment": token})

    def embed_user(self, uid: str) -> bytes:
        """The request of a browser whose page names a user and proves nothing."""
        ids = {"deployer_id": DEPLOYER_ID, "integration_id": UNSIGNED, "owner_id": OWNER_ID, "view_id": "summary"}
        return _post({**ids, "uid": uid, "data_passport": json.dumps(_PASSPORT)})

    def boot(self) -> bytes:
        """The request of a browser whose page boots a user, with a fresh signature."""
        email = f"user-{secrets.token_hex(4)}@example.com"
        secret = IdentitySecret.from_base64(self.identity_secret)
        signature = sign_identity(secret, DEPLOYER_ID, BOOTED, email, now=int(time.time()))
        ids = {"cp_id": DEPLOYER_ID, "cp_deployment_id": BOOTED}
        return _post({**ids, "signature": signature, "page": "summary", "email": email, **_CUSTOMER}, "/boot")

    def exchange(self, code: str) -> bytes:
        """The request of the application's backend."""
        return _request(
            "POST", "/v1/exchange", f"{self._authorization}Content-Type: application/json\r\n", f'{{"code":"{code}"}}'
        )

    def end(self, session_id: str) -> bytes:
        """The request that finishes a session."""
        lines = f"{self._authorization}Content-Type: application/json\r\n"
        return _request("POST", f"/v1/sessions/{session_id}/end", lines, '{"outcome":"success"}')

    def read(self, session_id: str) -> bytes:
        """The request that reads one."""
        return _request("GET", f"/v1/sessions/{session_id}", self._authorization)

    @property
    def _authorization(self) -> str:
        return f"Authorization: Bearer {self.api_secret}\r\nAccept: application/json\r\nUser-Agent: python-httpx/0.28.1\r\n"


async def set_up(environ: Mapping[str, str]) -> Scene:
    """Make everything in the database that these settings name."""
    async with open_node(read_settings(environ), exclusive=False) as node:
        cause = Cause(system_clock(), actor="bench")
        await create_account(node.store, NewAccount("Owner", _SCOPE.account_id, OWNER_ID), cause)
        await create_deployer(node.store, DeployerChange(_SCOPE, DEPLOYER_ID, "Shop", cause))
        await _publish(node, SHOWN_TO_MANY, _POLICY)
        await _publish(node, SINGLE_USE, _POLICY | {"token_profile": "require"})
        await _publish(node, UNSIGNED, _POLICY | {"signed_deployment": "off"})
        await _publish(node, BOOTED, _BOOT_POLICY, "boot")
        identity = await issue_identity_secret(node.store, node.sealer, SecretHolder(_SCOPE, DEPLOYER_ID), cause)
        key = await generate_deployment_key(node.store, Holder(_SCOPE, DEPLOYER_ID), cause)
        api_key = await create_api_key(node.store, _SCOPE, "backend", cause)
        asking = await set_up_asking(node, _SCOPE.account_id, cause)
        return Scene(key.private_jwk, api_key.secret_text, identity.secret_text, asking)


def plain_request(path: str) -> bytes:
    """A request of nobody in particular."""
    return _request("GET", path, "")


async def _publish(node: Node, integration_id: str, policy: dict[str, Json], door: Door = "embed") -> None:
    await create_integration(
        node.store, Publication(integration_id, _SCOPE, policy, system_clock(), "bench", door, DEPLOYER_ID)
    )


def _post(fields: Mapping[str, str], path: str = "/embed") -> bytes:
    return _request("POST", path, _BROWSER, urlencode({**fields, "channel": "AAECAwQFBgcICQoLDA0ODw", "sdk": "0.1.0"}))


def _properties(integration_id: str, uid: str) -> dict[str, object]:
    return {
        "deployer_id": DEPLOYER_ID,
        "integration_id": integration_id,
        "owner_id": OWNER_ID,
        "uid": uid,
        "view_id": "summary",
        "data_passport": _PASSPORT,
    }


def _request(method: str, path: str, lines: str, body: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: id.owner.example\r\n{lines}{length}\r\n{body}".encode()
