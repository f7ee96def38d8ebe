"""A provider that speaks OpenID Connect: the code flow, from the request to the claims, for both profiles.

OpenID Connect Core 1.0 section 3.1, RFC 9207; protocol-rest.md section 12, whose numbers 1 to 8 stand here and in `tokens.py`. What
differs between providers in general and the Finnish trust network is a `Profile`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from accredit.encoding import Json
from accredit.server.claims import Claim, claim_place
from accredit.server.providers.oidc.exchange import KNOWN_ERRORS, Client, Tokens, redeem_code
from accredit.server.providers.oidc.once import Once, is_state_of
from accredit.server.providers.oidc.remote import AttemptEnded, Remote
from accredit.server.providers.oidc.signatures import AnswerError
from accredit.server.providers.oidc.tokens import KeySource, TokenRules, check_claims, read_token
from accredit.server.providers.provider import Asked, Dropped, Ended, Finished, Redirect, State, Step, Verified
from accredit.server.providers.records import Loa
from accredit.server.store import Store

_MAX_CODE = 4096
_ABORTED = ("cancel", "access_denied")
_OUT_OF_ORDER = {"temporarily_unavailable": "provider_unavailable", "server_error": "provider_error"}


@dataclass(frozen=True, slots=True)
class Peer:
    """One provider as an attempt meets it. iss_required: its answers always name it (RFC 9207). pkce: it is told a challenge."""

    client: Client
    issuer: str
    token_endpoint: str
    rules: TokenRules
    source: KeySource
    iss_required: bool = False
    pkce: bool = True


class Profile(Protocol):
    """What tells one kind of provider from the other."""

    async def meet(self, asked: Asked) -> Peer:
        """Find out whom to talk to and how. Raises AttemptEnded."""

    async def request(self, asked: Asked, peer: Peer, once: Once) -> str:
        """The address to send the browser to. Raises AttemptEnded."""

    async def more_claims(self, asked: Asked, peer: Peer, tokens: Tokens, subject: str) -> dict[str, Json]:
        """Claims beside those of the ID token. Raises AttemptEnded, AnswerError."""

    def judge(self, asked: Asked, claims: Mapping[str, Json]) -> Loa:
        """Step 8: the level reached. Raises AttemptEnded `loa_too_low`, AnswerError."""


class OidcProvider:
    """A provider of kind `oidc`."""

    def __init__(self, profile: Profile, remote: Remote, store: Store) -> None:
        self._profile = profile
        self._remote = remote
        self._store = store

    async def start(self, asked: Asked) -> Step:
        """Send the browser to the provider."""
        try:
            peer = await self._profile.meet(asked)
            once = Once.fresh(asked.session_id)
            return Redirect(await self._profile.request(asked, peer, once), once.kept(pkce=peer.pkce))
        except AttemptEnded as over:
            return Finished(over.ended)

    async def submit(self, asked: Asked, state: State, form: Mapping[str, str]) -> Step:
        """No screen of ours is shown, so no form is ours."""
        return Dropped("unexpected_form")

    async def poll(self, asked: Asked, state: State) -> Step:
        """Never headless."""
        return Dropped("unexpected_poll")

    async def come_back(self, asked: Asked, state: State, query: Mapping[str, str]) -> Step:
        """Judge what the browser brought back."""
        if not is_state_of(state, query.get("state", "")):  # (1)
            return Dropped("state_mismatch")
        try:
            peer = await self._profile.meet(asked)
            if query.get("iss", None if peer.iss_required else peer.issuer) != peer.issuer:
                return Dropped("issuer_mismatch")
            # The state is good for one answer, whatever else arrives at the same time and on whichever node.
            claim = Claim(("provider_state", str(state["state"])), 1, asked.now_ms)
            if await self._store.write(claim_place, claim) is None:
                return Dropped("answer_repeated")
            return Finished(await self._verify(asked, peer, state, query))
        except AttemptEnded as over:
            return Finished(over.ended)
        except AnswerError as error:
            return Finished(Ended("failed", "provider_response_invalid", error.audit))

    async def _verify(self, asked: Asked, peer: Peer, state: State, query: Mapping[str, str]) -> Verified:
        if "error" in query:  # (2)
            raise AttemptEnded(_told(query["error"]))
        code, now = query.get("code", ""), asked.now_ms // 1000
        if not 1 <= len(code) <= _MAX_CODE or not code.isascii():
            raise AnswerError("code_missing")
        form = {"code": code, "redirect_uri": asked.callback_address}
        verifier = state.get("verifier")
        if isinstance(verifier, str):
            form["code_verifier"] = verifier
        tokens = await redeem_code(self._remote, peer.client, peer.token_endpoint, form, now)  # (3)
        claims = await read_token(tokens.id_token, peer.rules, peer.source)  # (4) to (6)
        subject = check_claims(claims, peer.rules, str(state.get("nonce")), now)  # (7)
        loa = self._profile.judge(asked, claims)  # (8)
        more = await self._profile.more_claims(asked, peer, tokens, subject)
        return Verified(subject, {**more, **claims}, loa)


def _told(error: str) -> Ended:
    if error in _ABORTED:
        return Ended("aborted", "provider_aborted", error)
    return Ended("error", _OUT_OF_ORDER.get(error, "provider_rejected"), f"authorization_{_known(error)}")


def _known(error: str) -> str:
    return error if error in KNOWN_ERRORS else "error"
