"""A service of the owner's that finds out who a person is, asked by signed call-outs (protocol-webhooks.md section 8).

The same request is sent each time, under the same id: when an attempt starts, when the browser comes back, and headless once a
second. The service answers where it stands:

    {"status": "pending", "continue_url": "https://..."}           the person goes there, and comes back to `return_url`
    {"status": "pending", "idp_data": {"qrData": "..."}}           headless
    {"status": "success", "detail": {"idp_id": "...", "loa": "high", "claims": {...}}}
    {"status": "failed"} or {"status": "aborted"}
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from accredit.encoding import Json, compact_json, parse_json
from accredit.errors import FailureError, MalformedError
from accredit.server.outbound import Answer, Outbound, OutboundRequest
from accredit.server.providers.callout.settings import CalloutSettings
from accredit.server.providers.oidc.exchange import address_with
from accredit.server.providers.oidc.once import Once, is_state_of
from accredit.server.providers.oidc.remote import AttemptEnded, unavailable
from accredit.server.providers.provider import (
    Asked,
    Dropped,
    Ended,
    Finished,
    Outcome,
    Redirect,
    Show,
    State,
    Step,
    Verified,
    Waiting,
)
from accredit.server.providers.records import LOAS, Loa
from accredit.webhooks import sign_webhook

_MAX_BYTES = 32 * 1024
_POLL_MS, _HEADLESS_S = 1000, 4
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Detail(msgspec.Struct, frozen=True):
    idp_id: Text
    claims: dict[str, Any] = {}
    loa: Loa | None = None


class _Said(msgspec.Struct, frozen=True):
    status: Literal["pending", "success", "failed", "aborted"]
    continue_url: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    idp_data: Annotated[dict[Text, Text], msgspec.Meta(max_length=20)] = {}
    detail: _Detail | None = None


class CalloutProvider:
    """A provider of kind `callout`. secret: `whsec_` and base64."""

    def __init__(self, outbound: Outbound, settings: CalloutSettings, secret: str) -> None:
        self._outbound = outbound
        self._settings = settings
        self._secret = secret

    async def start(self, asked: Asked) -> Step:
        """Ask for the first time."""
        once = Once.fresh(asked.session_id)
        # The address to come back to is told once and kept whole, so that every request of the attempt says the same.
        state: dict[str, Json] = {**once.kept(pkce=False), "return_url": f"{asked.callback_address}?state={once.state}"}
        return await self._ask(asked, state)

    async def submit(self, asked: Asked, state: State, form: Mapping[str, str]) -> Step:
        """The person looks again whether it is done."""
        return await self._ask(asked, state)

    async def come_back(self, asked: Asked, state: State, query: Mapping[str, str]) -> Step:
        """The browser is back from `continue_url`."""
        if not is_state_of(state, query.get("state", "")):
            return Dropped("state_mismatch")
        step = await self._ask(asked, state)
        # Sent back at once, a browser would go round in circles.
        return Show("waiting", {}, state) if isinstance(step, Redirect) else step

    async def poll(self, asked: Asked, state: State) -> Step:
        """Headless: where it stands now."""
        return await self._ask(asked, state)

    async def _ask(self, asked: Asked, state: State) -> Step:
        try:
            said = _read(await self._call(asked, state))
            if said.status == "pending":
                return _pending(asked, state, said)
            return Finished(_outcome(asked, said))
        except AttemptEnded as over:
            return Finished(over.ended)

    async def _call(self, asked: Asked, state: State) -> Answer:
        body = compact_json(_request(asked, state))
        try:
            headers = sign_webhook(body, event_id=_id_of(asked), secrets=[self._secret], now=asked.now_ms // 1000)
        except MalformedError as error:
            raise AttemptEnded(Ended("error", "session_error", "provider_secret_malformed")) from error
        try:
            return await self._outbound.send(
                OutboundRequest(
                    self._settings.url,
                    method="POST",
                    headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
                    body=body,
                    plain=asked.scope.environment == "sandbox",
                    # Headless, the caller's own request waits for this one.
                    timeout_s=min(self._settings.timeout_s, _HEADLESS_S)
                    if asked.flow == "headless"
                    else self._settings.timeout_s,
                    max_body_bytes=_MAX_BYTES,
                )
            )
        except (FailureError, MalformedError) as error:
            raise unavailable(error.code) from error


def _id_of(asked: Asked) -> str:
    return "cal_" + asked.attempt_id.replace("-", "")


def _request(asked: Asked, state: State) -> dict[str, Json]:
    """What a service is told: the same each time, so that the latest answer is the one that counts."""
    return {
        "type": "rest.provider.requested",
        "id": _id_of(asked),
        "session_id": asked.session_id,
        "environment": asked.scope.environment,
        "provider": asked.provider.provider_id,
        "flow": asked.flow,
        "language": asked.language,
        "requested_loa": asked.requested_loa,
        "requested_attributes": list(asked.requested_attributes),
        "input": dict(asked.prefilled),
        "return_url": state.get("return_url"),
    }


def _read(answer: Answer) -> _Said:
    if answer.status not in (200, 202) or not answer.complete:
        raise unavailable("status_5xx" if answer.status >= 500 else "response_malformed")
    try:
        return msgspec.convert(parse_json(answer.body, max_depth=16), _Said)
    except (ValueError, msgspec.ValidationError) as error:
        raise AttemptEnded(Ended("failed", "provider_response_invalid", "response_malformed")) from error


def _pending(asked: Asked, state: State, said: _Said) -> Step:
    if asked.flow == "headless":
        return Waiting(dict(said.idp_data), state, asked.now_ms + _POLL_MS)
    if said.continue_url is None:
        return Show("waiting", {}, state)
    return Redirect(address_with(said.continue_url, {}, plain=asked.scope.environment == "sandbox"), state)


def _outcome(asked: Asked, said: _Said) -> Outcome:
    if said.status == "aborted":
        return Ended("aborted", "provider_aborted")
    if said.status == "failed":
        return Ended("error", "provider_rejected", "service_failed")
    if said.detail is None:
        return Ended("failed", "provider_response_invalid", "response_malformed")
    # A service does not reach beyond what its owner vouches for.
    highest = LOAS.index(asked.provider.loa)
    reached = LOAS.index(said.detail.loa or asked.provider.loa)
    return Verified(said.detail.idp_id, said.detail.claims, LOAS[min(highest, reached)])
