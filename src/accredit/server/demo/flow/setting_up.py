"""Setting the exchange up: templates, a credential for each environment, and endpoints for its webhooks, through the API.

On a data directory that a demo used before, its endpoints are made anew, as the exchange may listen at another port now.
"""

from typing import Any

import aiohttp

from accredit.server.demo.addresses import Addresses
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.flow.keys import KYC, KYC_LIVE, LIVE_ORIGIN, NEWSLETTER, ExchangeKeys, FlowCredentials
from accredit.server.demo.publishing import publish, revoke_all_but
from accredit.server.keyring.api_keys import MadeApiKey

_ALL_STEPS: tuple[dict[str, Any], ...] = (
    {"step": "accept_tos"},
    {"step": "verify_email"},
    {"step": "verify_sms"},
    {"step": "kyc_check", "fields": ["name", "address"]},
    *({"step": step} for step in ("documentary_verification", "selfie_check", "screening", "risk_check", "kyc_screen")),
)
_SIGNED = {"require_signed_requests": True, "allow_localhost": True, "retention_days": 1}
_TEMPLATES: tuple[dict[str, Any], ...] = (
    {"integration_id": KYC, "name": "Before you trade", "steps": list(_ALL_STEPS), **_SIGNED},
    {"integration_id": NEWSLETTER, "name": "Letters", "steps": [{"step": "accept_tos"}], **_SIGNED},
)
_TEMPLATE_LIVE: dict[str, Any] = {
    "integration_id": KYC_LIVE,
    "name": "Before you trade",
    "steps": [{"step": "accept_tos"}],
    "allowed_origins": [LIVE_ORIGIN],
    "retention_days": 1,
}


async def set_up_exchange(
    http: aiohttp.ClientSession, addresses: Addresses, sandbox: MadeApiKey, live: MadeApiKey
) -> ExchangeKeys:
    """Everything that the exchange has at Accredit."""
    office, live_office = (BackendApi(http, addresses.accredit, each.secret_text) for each in (sandbox, live))
    for each in (await office.call("GET", "/v1/webhook_endpoints")).body["webhook_endpoints"]:
        await office.call("DELETE", f"/v1/webhook_endpoints/{each['id']}")
    await revoke_all_but(office, sandbox.record.key_id)
    await revoke_all_but(live_office, live.record.key_id)
    for template in _TEMPLATES:
        await publish(office, {"door": "flow", **template})
    await publish(live_office, {"door": "flow", **_TEMPLATE_LIVE})
    credentials, live_credentials = await _make_credentials(office), await _make_credentials(live_office)
    endpoint = await _make_endpoint(office, addresses, "accredit", event_types=["session.*"], integrations=[KYC])
    await _make_endpoint(office, addresses, "flow", integrations=[KYC], api_key_id=credentials.key_id)
    return ExchangeKeys(credentials, live_credentials, endpoint["id"], endpoint["secret"])


async def _make_credentials(office: BackendApi) -> FlowCredentials:
    publishable = (await office.call("POST", "/v1/publishable_keys", {"label": "page"})).body["publishable_key"]
    made = (await office.call("POST", "/v1/api_credentials", {"label": "backend"})).body
    return FlowCredentials(publishable, made["api_key_id"], office.key, made["secret"])


async def _make_endpoint(office: BackendApi, addresses: Addresses, kind: str, **members: Any) -> dict[str, Any]:
    body = {"kind": kind, "url": f"{addresses.exchange}/hooks/{kind}", **members}
    return (await office.call("POST", "/v1/webhook_endpoints", body)).body
