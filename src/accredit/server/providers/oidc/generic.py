"""Any provider with discovery: PKCE always, a pushed request where the provider takes one, a request object by setting.

OpenID Connect Core 1.0, Discovery 1.0; RFC 7636, RFC 9101, RFC 9126; protocol-rest.md section 12.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accredit.encoding import Json, parse_json
from accredit.sealing.algorithms import ENCRYPTIONS
from accredit.server.outbound import Answer
from accredit.server.providers.keys import HeldKeys
from accredit.server.providers.oidc.exchange import Client, Tokens, address_with, load_userinfo, push_request
from accredit.server.providers.oidc.once import Once
from accredit.server.providers.oidc.provider import Peer
from accredit.server.providers.oidc.remote import AttemptEnded, Metadata, Remote
from accredit.server.providers.oidc.settings import GenericSettings
from accredit.server.providers.oidc.signatures import AnswerError, PeerKey
from accredit.server.providers.oidc.tokens import TokenRules, read_token
from accredit.server.providers.provider import Asked, Ended
from accredit.server.providers.records import LOAS, Loa

REQUEST_TYPE = "oauth-authz-req+jwt"


class GenericProfile:
    """A provider by its issuer's metadata. secret: of the client."""

    def __init__(self, remote: Remote, settings: GenericSettings, keys: HeldKeys, secret: str) -> None:
        self._remote = remote
        self._settings = settings
        self._keys = keys
        self._secret = secret

    async def meet(self, asked: Asked) -> Peer:
        """Read the metadata."""
        settings, metadata = self._settings, await self._metadata(asked)
        plain = asked.scope.environment == "sandbox"
        audience = metadata.token_endpoint if settings.assertion_audience == "token_endpoint" else metadata.issuer
        client = Client(settings.client_id, settings.client_auth, audience, plain, self._secret, self._keys.signing)
        encrypted = settings.id_token_encryption == "required"
        rules = TokenRules(metadata.issuer, settings.client_id, encrypted, self._keys.opening, ENCRYPTIONS)

        async def source(again: bool) -> Sequence[PeerKey]:
            return await self._remote.keys(metadata.jwks_uri, plain=plain, now_ms=asked.now_ms, again=again)

        required = metadata.authorization_response_iss_parameter_supported
        return Peer(client, metadata.issuer, metadata.token_endpoint, rules, source, required)

    async def request(self, asked: Asked, peer: Peer, once: Once) -> str:
        """The authorization endpoint with the request, or with what stands for it."""
        metadata, now = await self._metadata(asked), asked.now_ms // 1000
        parameters = self._parameters(asked, once)
        if self._settings.request_object:
            signed = {"iss": peer.client.client_id, "aud": peer.issuer, **parameters}
            request = peer.client.sign(signed, typ=REQUEST_TYPE, now=now)
            # OpenID Connect Core 1.0 section 6.1: what OAuth requires stands outside as well.
            outside = {name: parameters[name] for name in ("client_id", "response_type", "scope")}
            parameters = {**outside, "request": request}
        pushed_to = metadata.pushed_authorization_request_endpoint
        if pushed_to is not None:
            request_uri = await push_request(self._remote, peer.client, pushed_to, parameters, now)
            parameters = {"client_id": peer.client.client_id, "request_uri": request_uri}
        return address_with(metadata.authorization_endpoint, parameters, plain=peer.client.plain)

    def _parameters(self, asked: Asked, once: Once) -> dict[str, str]:
        settings = self._settings
        optional = {
            "acr_values": self._acr_values(asked.requested_loa),
            "login_hint": asked.prefilled.get(settings.login_hint) if settings.login_hint else None,
        }
        return {
            "client_id": settings.client_id,
            "response_type": "code",
            "redirect_uri": asked.callback_address,
            "scope": " ".join(settings.scopes),
            "state": once.state,
            "nonce": once.nonce,
            "code_challenge": once.challenge,
            "code_challenge_method": "S256",
            "ui_locales": asked.language,
            **{name: value for name, value in optional.items() if value},
        }

    def _acr_values(self, requested: Loa | None) -> str | None:
        """What fulfils the level asked for, the lowest first."""
        levels = LOAS[LOAS.index(requested) :] if requested else ()
        return " ".join(self._settings.acr_values[level] for level in levels if level in self._settings.acr_values)

    def judge(self, asked: Asked, claims: Mapping[str, Json]) -> Loa:
        """By `acr`, where the record says what its values mean; else the level of the record."""
        if not self._settings.acr_values:
            return asked.provider.loa
        # Of several levels with one value the lowest counts.
        values, acr = self._settings.acr_values, claims.get("acr")
        reached = next((level for level in LOAS if level in values and values[level] == acr), None)
        requested = asked.requested_loa
        if reached is None and requested is None:
            return "low"
        if reached is None or (requested is not None and LOAS.index(reached) < LOAS.index(requested)):
            raise AttemptEnded(Ended("failed", "loa_too_low", "acr_unknown" if reached is None else "acr_too_low"))
        return reached

    async def more_claims(self, asked: Asked, peer: Peer, tokens: Tokens, subject: str) -> dict[str, Json]:
        """UserInfo, of the same subject (OpenID Connect Core 1.0 section 5.3.2)."""
        if self._settings.userinfo == "off":
            return {}
        endpoint = (await self._metadata(asked)).userinfo_endpoint
        if endpoint is None or tokens.access_token is None:
            raise AnswerError("userinfo_missing")
        answer = await load_userinfo(self._remote, peer.client, endpoint, tokens.access_token)
        claims = await self._read_userinfo(answer, peer)
        if claims.get("sub") != subject:
            raise AnswerError("subject_mismatch")
        return claims

    async def _read_userinfo(self, answer: Answer, peer: Peer) -> dict[str, Json]:
        """UserInfo of the one form that the record says, never another."""
        signed = self._settings.userinfo != "plain"
        media_type = next((value for name, value in answer.headers.items() if name.lower() == "content-type"), "")
        if media_type.partition(";")[0].strip().lower() != ("application/jwt" if signed else "application/json"):
            raise AnswerError("userinfo_not_signed" if signed else "userinfo_malformed")
        try:
            if not signed:
                claims = parse_json(answer.body, max_depth=16)
                return claims if isinstance(claims, dict) else {}
            token = answer.body.decode("ascii").strip()
        except ValueError as error:
            raise AnswerError("userinfo_malformed") from error
        rules = replace(peer.rules, encrypted=self._settings.userinfo == "encrypted")
        verified = await read_token(token, rules, peer.source)
        if verified.get("iss", peer.issuer) != peer.issuer or peer.client.client_id not in _audiences(verified, peer):
            raise AnswerError("userinfo_malformed")
        return verified

    async def _metadata(self, asked: Asked) -> Metadata:
        plain = asked.scope.environment == "sandbox"
        return await self._remote.metadata(self._settings.issuer, plain=plain, now_ms=asked.now_ms)


def _audiences(claims: Mapping[str, Json], peer: Peer) -> Sequence[Json]:
    audience = claims.get("aud", peer.client.client_id)
    return audience if isinstance(audience, list) else [audience]
