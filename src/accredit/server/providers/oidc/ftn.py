"""The profile of the Finnish trust network: trust by entity statements, everything signed, every answer encrypted.

The network's OpenID Connect profile, as protocol-rest.md section 12 has it.
"""

from collections.abc import Mapping, Sequence

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.providers.keys import HeldKeys
from accredit.server.providers.oidc.entity_statement import BrokerStatement
from accredit.server.providers.oidc.exchange import Client, Tokens, address_with
from accredit.server.providers.oidc.once import Once
from accredit.server.providers.oidc.provider import Peer
from accredit.server.providers.oidc.remote import AttemptEnded, Remote, unavailable
from accredit.server.providers.oidc.settings import FtnSettings
from accredit.server.providers.oidc.signatures import AnswerError, PeerKey
from accredit.server.providers.oidc.tokens import LEEWAY_S, MAX_AGE_S, TokenRules
from accredit.server.providers.provider import Asked, Ended
from accredit.server.providers.records import LOAS, Loa

SIGNED_WITH = ("RS256", "PS256", "ES256")
ENCRYPTED_WITH = ("A128CBC-HS256", "A128GCM", "A256GCM")
_ACR = "http://ftn.ficora.fi/2017/"
_LEVELS: Mapping[str, Loa] = {f"{_ACR}loa2": "substantial", f"{_ACR}loa3": "high"}
_TEST_LEVELS: Mapping[str, Loa] = {f"{_ACR}loatest2": "substantial", f"{_ACR}loatest3": "high"}
# What the pages of the network's banks speak.
_LANGUAGES = ("fi", "sv", "en")
REQUEST_TYPE = "JWT"


class FtnProfile:
    """A broker by its entity statement. entity_id: our own."""

    def __init__(self, remote: Remote, settings: FtnSettings, keys: HeldKeys, entity_id: str) -> None:
        self._remote = remote
        self._settings = settings
        self._keys = keys
        self._client_id = settings.client_id or entity_id

    async def meet(self, asked: Asked) -> Peer:
        """The broker as its statement describes it, while that has not expired."""
        try:
            broker = BrokerStatement.peek(self._settings)
        except MalformedError as error:
            raise unavailable(error.code) from error
        if asked.now_ms // 1000 >= broker.expires + LEEWAY_S:
            raise unavailable("entity_statement_expired")
        provider, plain = broker.provider, asked.scope.environment == "sandbox"
        client = Client(self._client_id, "private_key_jwt", provider.token_endpoint, plain, key=self._keys.signing)
        rules = TokenRules(
            issuer=provider.issuer,
            client_id=self._client_id,
            encrypted=True,
            opening=[key for key in self._keys.opening if key.alg in ("RSA-OAEP", "RSA-OAEP-256")],
            encs=ENCRYPTED_WITH,
            algs=SIGNED_WITH,
            kid_required=True,
            strict_header=True,
            max_age_s=MAX_AGE_S,
        )

        async def source(again: bool) -> Sequence[PeerKey]:
            return await self._remote.signed_keys(broker, plain=plain, now_ms=asked.now_ms, again=again)

        return Peer(client, provider.issuer, provider.token_endpoint, rules, source, pkce=False)

    async def request(self, asked: Asked, peer: Peer, once: Once) -> str:
        """The authorization endpoint with a signed request, and nothing that is not signed."""
        settings = self._settings
        language = asked.language.partition("-")[0].lower()
        claims: dict[str, Json] = {
            "iss": self._client_id,
            "aud": peer.issuer,
            "client_id": self._client_id,
            "redirect_uri": asked.callback_address,
            "response_type": "code",
            "scope": " ".join(settings.scopes),
            "state": once.state,
            "nonce": once.nonce,
            "acr_values": self._acr_value(asked),
            "ui_locales": language if language in _LANGUAGES else "en",
            "ftn_spname": self._sp_name(asked),
        }
        parameters = {"request": peer.client.sign(claims, typ=REQUEST_TYPE, now=asked.now_ms // 1000)}
        if settings.send_client_id:
            parameters["client_id"] = self._client_id
        endpoint = BrokerStatement.peek(settings).provider.authorization_endpoint
        return address_with(endpoint, parameters, plain=peer.client.plain)

    def _acr_value(self, asked: Asked) -> str:
        levels = _TEST_LEVELS if asked.scope.environment == "sandbox" else _LEVELS
        wanted = "high" if asked.requested_loa == "high" else "substantial"
        return next(acr for acr, level in levels.items() if level == wanted)

    def _sp_name(self, asked: Asked) -> str:
        named = asked.parameters.get("ftn_sp_name")
        return named if named in self._settings.sp_names and named is not None else self._settings.sp_name

    def judge(self, asked: Asked, claims: Mapping[str, Json]) -> Loa:
        """By `acr`; that of a test environment never counts in live."""
        acr, sandbox = str(claims.get("acr")), asked.scope.environment == "sandbox"
        if acr in _TEST_LEVELS and not sandbox:
            raise AnswerError("acr_test_level")
        reached = _LEVELS.get(acr) or _TEST_LEVELS.get(acr)
        if reached is None:
            raise AnswerError("acr_unknown")
        if asked.requested_loa is not None and LOAS.index(reached) < LOAS.index(asked.requested_loa):
            raise AttemptEnded(Ended("failed", "loa_too_low", "acr_too_low"))
        return reached

    async def more_claims(self, asked: Asked, peer: Peer, tokens: Tokens, subject: str) -> dict[str, Json]:
        """Everything stands in the ID token."""
        return {}
