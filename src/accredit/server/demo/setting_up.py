"""Setting up, as an owner would: accounts with their first keys beside the server, everything else through `/v1`.

On a data directory that a demo used before, it goes on: secrets were kept nowhere, so all keys are made anew and the old ones are
revoked. What an owner has switched off since stays off.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from accredit import IdentitySecret, generate_encryption_key
from accredit.server.accounts.accounts import NewAccount, create_account, list_accounts
from accredit.server.app import open_node
from accredit.server.demo.addresses import Addresses
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.boot.signing import ALL_SIGNED, CP_ID, DEBUGGED, LISTED, OPEN, SIGNED
from accredit.server.demo.embed.signing import DEPLOYER_ID, LIFETIME_S, ORIGINAL, OWNER_ID, STRICT
from accredit.server.demo.flow.keys import ExchangeKeys
from accredit.server.demo.flow.setting_up import set_up_exchange
from accredit.server.demo.publishing import create, publish, revoke_all_but
from accredit.server.demo.rest.backend import Credentials
from accredit.server.keyring.api_keys import MadeApiKey, create_api_key
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.settings import Settings
from accredit.server.times import wire_time

DRIFTWOOD_ID = "driftwood-deals"
_DEPLOYERS = ((DEPLOYER_ID, "Harbour Bank"), (DRIFTWOOD_ID, "Driftwood Deals"), (CP_ID, "Beacon Energy"))
_INTEGRATIONS = [STRICT, ORIGINAL, SIGNED, ALL_SIGNED, LISTED, OPEN, DEBUGGED]
# As long as a level that debugs may last, but for the time that it takes to ask for it.
_DEBUG_S = 23 * 3600
_ACME = NewAccount("Acme Reports", "acc_acme", OWNER_ID)
_ELSE = NewAccount("Somebody else", "acc_else", "somebody-else")
_KESTREL = NewAccount("Kestrel Cars", "acc_kestrel", "kestrel-cars")
_JUNIPER = NewAccount("Juniper Exchange", "acc_juniper", "juniper")
# Persons are identified in the sandbox: nobody is asked for real.
_FIRST_KEYS = (
    (_ACME, "live"),
    (_ELSE, "live"),
    (_KESTREL, "sandbox"),
    (_ELSE, "sandbox"),
    (_JUNIPER, "sandbox"),
    (_JUNIPER, "live"),
)
# API clients of the rest door: the rental's, somebody else's, and one for the audience to call with.
_RENTAL_CLIENT, _STRANGE_CLIENT, _AUDIENCE_CLIENT = "kestrel-cars", "somebody-else", "you"
DRIVER_CHECK, AT_DEFAULTS = "driver-check", "at-defaults"
_SCHEMA = (
    {"name": "first_name", "type": "string"},
    {"name": "last_name", "type": "string"},
    {"name": "card_number", "type": "string", "encrypted_only": True},
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of the parties, each of which would keep its own.

    owner: the owner's back office, for everything. stranger: another account's. application: the report's backend, for its
    integrations only. bank, driftwood: private JWKs of two deployers. passport: what the bank seals passports with. utility: what
    the utility signs its users with. rental_owner: the rental's back office, in the sandbox. rental_client, stranger_client: of their
    backends at the rest door; audience_client: for whoever wants to call. rental: private JWK that opens the rental's answers.
    exchange: all that the exchange has.
    """

    owner: str = field(repr=False)
    stranger: str = field(repr=False)
    application: str = field(repr=False)
    bank: dict[str, Any] = field(repr=False)
    driftwood: dict[str, Any] = field(repr=False)
    passport: dict[str, Any] = field(repr=False)
    utility: IdentitySecret = field(repr=False)
    rental_owner: str = field(repr=False)
    rental_client: Credentials
    stranger_client: Credentials
    audience_client: Credentials
    rental: dict[str, Any] = field(repr=False)
    exchange: ExchangeKeys


async def make_first_keys(settings: Settings, clock: Callable[[], int]) -> list[MadeApiKey]:
    """API keys of the owners and of a stranger, made while no server runs, as `accredit account create` and `accredit keys` do."""
    cause = Cause(clock(), actor="demo")
    async with open_node(settings, clock=clock) as node:
        return [await _make_first_key(node, wanted, environment, cause) for wanted, environment in _FIRST_KEYS]


async def _make_first_key(node: Node, wanted: NewAccount, environment: str, cause: Cause) -> MadeApiKey:
    known = {account.account_id for account in await node.store.read(list_accounts, None)}
    account_id = wanted.account_id or ""
    if account_id not in known:
        await create_account(node.store, wanted, cause)
    return await create_api_key(node.store, Scope(account_id, environment), "back office", cause)


async def set_up(http: aiohttp.ClientSession, addresses: Addresses, first_keys: list[MadeApiKey], now_ms: int) -> Keys:
    """Deployers, integrations, clients and keys, through the API of the running server."""
    first, stranger, rental, strange_sandbox, *juniper = first_keys
    owner = BackendApi(http, addresses.accredit, first.secret_text)
    await revoke_all_but(owner, first.record.key_id)
    for deployer_id, name in _DEPLOYERS:
        await create(owner, "/v1/deployers", {"deployer_id": deployer_id, "name": name})
    for policy in (*_embed_policies(addresses), *_boot_policies(addresses, now_ms)):
        await publish(owner, policy)
    limited = {"purpose": "api", "label": "credit report backend", "integration_ids": _INTEGRATIONS}
    application, bank, driftwood, passport, utility = await asyncio.gather(
        owner.call("POST", "/v1/keys", limited),
        owner.call("POST", f"/v1/deployers/{DEPLOYER_ID}/keys", {"generate": True, "label": "Harbour Bank"}),
        owner.call("POST", f"/v1/deployers/{DRIFTWOOD_ID}/keys", {"generate": True, "label": "Driftwood Deals"}),
        owner.call("POST", f"/v1/integrations/{STRICT}/passport_keys", {"label": "Harbour Bank"}),
        owner.call("POST", f"/v1/deployers/{CP_ID}/secrets", {"label": "Beacon Energy"}),
    )
    rental_client, audience_client, stranger_client = await _set_up_clients(http, addresses, rental, strange_sandbox)
    return Keys(
        owner=first.secret_text,
        stranger=stranger.secret_text,
        application=application.body["secret"],
        bank=bank.body["private_jwk"],
        driftwood=driftwood.body["private_jwk"],
        passport=passport.body["jwk"],
        utility=IdentitySecret.from_base64(utility.body["secret"], utility.body["key"]["key_id"]),
        rental_owner=rental.secret_text,
        rental_client=rental_client,
        stranger_client=stranger_client,
        audience_client=audience_client,
        rental=generate_encryption_key("ECDH-ES", kid="kestrel-2026").private_jwk,
        exchange=await set_up_exchange(http, addresses, *juniper),
    )


async def _set_up_clients(
    http: aiohttp.ClientSession, addresses: Addresses, rental: MadeApiKey, strange: MadeApiKey
) -> tuple[Credentials, Credentials, Credentials]:
    """API clients of the rental, of the audience in the same account, and of somebody else."""
    office, stranger = (BackendApi(http, addresses.accredit, each.secret_text) for each in (rental, strange))
    for api, first in ((office, rental), (stranger, strange)):
        await revoke_all_but(api, first.record.key_id)
    await publish(office, _rest_policy(addresses))
    await publish(office, {"integration_id": AT_DEFAULTS, "door": "rest", "name": "Whatever you like"})
    return (
        await _make_client(office, _KESTREL, _RENTAL_CLIENT, DRIVER_CHECK),
        await _make_client(office, _KESTREL, _AUDIENCE_CLIENT, AT_DEFAULTS),
        await _make_client(stranger, _ELSE, _STRANGE_CLIENT),
    )


async def _make_client(api: BackendApi, account: NewAccount, client_id: str, integration_id: str | None = None) -> Credentials:
    own = {} if integration_id is None else {"integration_id": integration_id}
    await create(api, "/v1/api_clients", {"client_id": client_id, "name": account.name, **own})
    made = await api.call("POST", f"/v1/api_clients/{client_id}/secrets", {"label": "backend"})
    return Credentials(str(account.account_id), client_id, made.body["secret"])


def _rest_policy(addresses: Addresses) -> dict[str, Any]:
    """What the rental asks of itself: callbacks lead to it and nowhere else, and who comes back has to be who was identified."""
    return {
        "integration_id": DRIVER_CHECK,
        "door": "rest",
        "name": "Driver check",
        "callback_hosts": [str(urlsplit(addresses.rental).hostname)],
        "session_nonce": "always",
        "require_session_nonce": True,
        "retention_days": 1,
    }


def _common(addresses: Addresses) -> dict[str, Any]:
    return {
        "application_url": f"{addresses.application}/report",
        "session_lifetime_s": LIFETIME_S,
        "user_data_min_trust": "signed",
        "retention_days": 1,
    }


def _embed_policies(addresses: Addresses) -> list[dict[str, Any]]:
    """Two integrations: one that asks for all that there is, and one at the defaults that clients of the original know."""
    own = {"deployer_id": DEPLOYER_ID, "allowed_origins": [addresses.bank], "signed_deployment": "required"}
    common = _common(addresses) | own
    strict = {
        "integration_id": STRICT,
        "name": "Credit report",
        "views": [{"id": "summary"}],
        "origin_check": "require",
        "token_profile": "require",
        "passport_schema": _SCHEMA,
        "passport_envelope": "require",
    }
    return [common | strict, common | {"integration_id": ORIGINAL, "name": "Credit report, as the original has it"}]


def _boot_policies(addresses: Addresses, now_ms: int) -> list[dict[str, Any]]:
    """An integration for each of the four levels, and one whose signatures cover all that is passed."""
    common = _common(addresses) | {"door": "boot", "deployer_id": CP_ID}
    until = wire_time(now_ms + _DEBUG_S * 1000)
    own: dict[str, dict[str, Any]] = {
        SIGNED: {"name": "Credit check", "allowed_origins": [addresses.utility]},
        ALL_SIGNED: {"name": "Credit check, every field signed", "identity_v2": "require", "identity_origin": "require"},
        LISTED: {"name": "Credit check, by origin", "level": "CSP", "allowed_origins": [addresses.utility]},
        OPEN: {"name": "Credit check, for anybody", "level": "BASIC"},
        DEBUGGED: {
            "name": "Credit check, while it is built",
            "level": "SECURE_IDENTITY_DEBUG",
            "debug_until": until,
            "force": True,
        },
    }
    return [common | {"integration_id": integration_id} | members for integration_id, members in own.items()]
