"""Calling a provider as its client: who we are, the redemption of a code, UserInfo.

RFC 6749 sections 2.3.1 and 4.1.3, RFC 7523 section 2.2, RFC 9126, OpenID Connect Core 1.0 sections 5.3 and 9.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus, urlencode

from accredit.encoding import Json, compact_json, parse_json
from accredit.sealing.signing import ServerKey, sign_compact
from accredit.server.outbound import Answer, OutboundRequest
from accredit.server.providers.oidc.remote import CALL_S, MAX_ANSWER_BYTES, AttemptEnded, Remote, unavailable
from accredit.server.providers.oidc.signatures import AnswerError
from accredit.server.providers.provider import Ended

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_S = 300
_ACCESS_TOKEN = re.compile("[!-~]{1,16384}")
# Errors of RFC 6749 section 5.2, RFC 9126 section 2.3 and OpenID Connect: of others, which a peer may invent, the audit says no name.
KNOWN_ERRORS = frozenset(
    (
        *(
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
        ),
        *("unsupported_response_type", "server_error", "temporarily_unavailable", "access_denied", "login_required"),
        *("interaction_required", "account_selection_required", "consent_required", "invalid_request_object"),
        *("invalid_request_uri", "request_not_supported", "unmet_authentication_requirements", "cancel"),
    )
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at one provider. audience: of assertions. plain: http may be (sandbox)."""

    client_id: str
    auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
    audience: str
    plain: bool
    secret: str = field(default="", repr=False)
    key: ServerKey | None = None

    def prove(self, now: int) -> tuple[dict[str, str], dict[str, str]]:
        """What goes into the header and into the form, so that the provider knows us. now: Unix seconds. Raises AttemptEnded."""
        if self.auth == "client_secret_basic":
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}, {}
        if self.auth == "client_secret_post":
            return {}, {"client_id": self.client_id, "client_secret": self.secret}
        claims: dict[str, Json] = {"iss": self.client_id, "sub": self.client_id, "aud": self.audience}
        assertion = self.sign(claims, typ="JWT", now=now)
        return {}, {"client_id": self.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def sign(self, claims: Mapping[str, Json], *, typ: str, now: int) -> str:
        """Claims with `iat`, `exp` and a `jti` of their own, under our key. Raises AttemptEnded `session_error` without one."""
        if self.key is None:
            raise AttemptEnded(Ended("error", "session_error", "provider_key_missing"))
        stamped = {**claims, "iat": now, "exp": now + _ASSERTION_S, "jti": secrets.token_urlsafe(16)}
        return sign_compact(compact_json(stamped), self.key, typ=typ)


async def post_form(remote: Remote, client: Client, url: str, form: Mapping[str, str], now: int) -> Answer:
    """Post a form as this client. Raises AttemptEnded."""
    headers, fields = client.prove(now)
    return await remote.call(
        OutboundRequest(
            url,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", **headers},
            body=urlencode({**form, **fields}).encode("ascii"),
            plain=client.plain,
            timeout_s=CALL_S,
            max_body_bytes=MAX_ANSWER_BYTES,
        )
    )


async def push_request(remote: Remote, client: Client, url: str, form: Mapping[str, str], now: int) -> str:
    """Push an authorization request (RFC 9126); the `request_uri` that stands for it. Raises AttemptEnded."""
    answer = await post_form(remote, client, url, form, now)
    body = _read_object(answer)
    request_uri = body.get("request_uri")
    if answer.status != 201 or not isinstance(request_uri, str) or not 1 <= len(request_uri) <= 2048:
        raise _rejected("par", body)
    return request_uri


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a code was redeemed for."""

    id_token: str = field(repr=False)
    access_token: str | None = field(repr=False)


async def redeem_code(remote: Remote, client: Client, url: str, form: Mapping[str, str], now: int) -> Tokens:
    """Step 3. Raises AttemptEnded; AnswerError `id_token_missing`."""
    answer = await post_form(remote, client, url, {"grant_type": "authorization_code", **form}, now)
    body = _read_object(answer)
    if answer.status != 200:
        raise _rejected("token", body)
    id_token, access_token = body.get("id_token"), body.get("access_token")
    if not isinstance(id_token, str) or not id_token:
        raise AnswerError("id_token_missing")
    # RFC 6749 appendix A.12: what may stand in a header, where it goes next.
    if not isinstance(access_token, str) or not _ACCESS_TOKEN.fullmatch(access_token):
        return Tokens(id_token, None)
    return Tokens(id_token, access_token)


async def load_userinfo(remote: Remote, client: Client, url: str, access_token: str) -> Answer:
    """UserInfo as it came. Raises AttemptEnded; AnswerError `userinfo_refused`."""
    headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json, application/jwt"}
    request = OutboundRequest(url, headers=headers, plain=client.plain, timeout_s=CALL_S, max_body_bytes=MAX_ANSWER_BYTES)
    answer = await remote.call(request)
    if answer.status != 200:
        raise AnswerError("userinfo_refused")
    return answer


def _read_object(answer: Answer) -> dict[str, Json]:
    try:
        body = parse_json(answer.body, max_depth=16)
    except ValueError as error:
        raise unavailable("response_malformed") from error
    if not isinstance(body, dict):
        raise unavailable("response_malformed")
    return body


def _rejected(where: str, body: Mapping[str, Json]) -> AttemptEnded:
    error = body.get("error")
    return AttemptEnded(Ended("error", "provider_rejected", f"{where}_{error if error in KNOWN_ERRORS else 'error'}"))


# Where browsers are sent, so none of what they would read in another way: visible ASCII without quotes, backslash and fragment.
_ADDRESS = re.compile(r"(?i:https?)://[!$-;=?-\[\]_a-z~]{1,2040}")


def address_with(endpoint: str, parameters: Mapping[str, str], *, plain: bool) -> str:
    """An endpoint with parameters behind those that it has (RFC 6749 section 3.1). Raises AttemptEnded where browsers must not go."""
    if not _ADDRESS.fullmatch(endpoint) or not endpoint.lower().startswith(("https:", "http:") if plain else "https:"):
        raise unavailable("authorization_endpoint_invalid")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}" if parameters else endpoint
