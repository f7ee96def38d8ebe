"""The rental's backend: it opens sessions at the rest door, and it alone reads the answers. Its private key never leaves it.

desk = RentalDesk(http, "http://127.0.0.1:8400", credentials, private_jwk, system_clock)
heard = await desk.create(desk.body("redirect", nonce="n-1"))
desk.open(heard.body, nonce="n-1")["authenticationUrl"]
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

import accredit
from accredit.encoding import b64_encode
from accredit.server.demo.addresses import Addresses
from accredit.server.demo.told import Party, Told

Flow = Literal["redirect", "embedded", "headless"]
SESSIONS, TOKENS = "/auth/rest/sessions", "/auth/open/connect/token"
ATTRIBUTES = ("dateOfBirth", "firstName", "lastName", "nin")
# Whatever their length, answers are as long as the next multiple of this.
_PAD_TO = 512
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of an API client: what a backend has to call the rest door with."""

    account_id: str
    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def media_type(self) -> str:
        """`application/jose` where it is sealed."""
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def code(self) -> str:
        """Of an error, as precisely as the caller is told it; `ok` of anything else."""
        if self.status < 400:
            return "ok"
        problem = json.loads(self.body)
        return str(problem.get("invalidParams", [problem])[0]["code"])


class RentalDesk:
    """The backend, or whoever has these credentials. private_jwk: what it opens answers with. told: what it did, in order."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        addresses: Addresses,
        credentials: Credentials,
        private_jwk: dict[str, Any],
        clock: Callable[[], int],
    ) -> None:
        self._http = http
        self._clock = clock
        self._private_jwk = private_jwk
        self._key = accredit.parse_decryption_key(private_jwk)
        self._token, self._jwks = "", dict[str, Any]()
        self.addresses = addresses
        self.credentials = credentials
        self.public_jwk = {name: value for name, value in private_jwk.items() if name not in _PRIVATE}
        self.told: list[Told] = []

    def with_key(self, private_jwk: dict[str, Any]) -> "RentalDesk":
        """The same desk with another key; both note what they do in one place."""
        return self._like_this(self.credentials, private_jwk)

    def with_credentials(self, credentials: Credentials) -> "RentalDesk":
        """Another client with the same key."""
        return self._like_this(credentials, self._private_jwk)

    def _like_this(self, credentials: Credentials, private_jwk: dict[str, Any]) -> "RentalDesk":
        desk = RentalDesk(self._http, self.addresses, credentials, private_jwk, self._clock)
        desk.told = self.told
        return desk

    def body(self, flow: Flow, nonce: str | None = None, **members: Any) -> dict[str, Any]:
        """A create request with our key. nonce: asks for an answer that is signed too, and names it."""
        back = f"{self.addresses.rental}/back?ended="
        body = {
            "flow": flow,
            "allowedProviders": ["nbid", "sbid", "mitid"],
            "requestedAttributes": list(ATTRIBUTES),
            "callbackUrls": {kind: f"{back}{kind}" for kind in ("success", "abort", "error")},
            "encryptionPublicKey": self.public_jwk,
            **members,
        }
        if nonce is not None:
            body["responseProtection"] = {"mode": "jws+jwe", "nonce": nonce, "padTo": _PAD_TO}
        return {name: value for name, value in body.items() if value is not None}

    async def ask_for_token(self, **headers: str) -> Heard:
        """Ask for an access token. headers: names with underscores."""
        form = {"grant_type": "client_credentials", "scope": "accredit"}
        basic = b64_encode(f"{self.credentials.client_id}:{self.credentials.secret}".encode())
        return await self._send("POST", TOKENS, data=form, headers={"Authorization": f"Basic {basic}", **_named(headers)})

    async def send(self, method: str, path: str = "", **given: Any) -> Heard:
        """A call below `/auth/rest/sessions`. given: as aiohttp has it."""
        if not self._token:
            heard = await self.ask_for_token()
            if heard.status != 200:
                return heard
            self._token = json.loads(heard.body)["access_token"]
        headers = {**given.pop("headers", {}), "Authorization": f"Bearer {self._token}"}
        return await self._send(method, f"{SESSIONS}{path}", headers=headers, **given)

    async def create(self, body: Mapping[str, Any], **headers: str) -> Heard:
        """Open a session."""
        return await self.send("POST", json=dict(body), headers=_named(headers))

    async def read(self, session_id: str, session_nonce: str | None = None) -> Heard:
        """Read one. session_nonce: what the browser brought."""
        query = {} if session_nonce is None else {"sessionNonce": session_nonce}
        return await self.send("GET", f"/{session_id}", params=query)

    def open(self, body: str) -> dict[str, Any]:
        """Open an answer without asking who sealed it. Raises SealedError."""
        return accredit.open_sealed(body, [self._key])

    async def open_signed(self, body: str, nonce: str, session_id: str | None = None) -> dict[str, Any]:
        """Open an answer that Accredit must have signed, for that request, and for that session once its id is known.

        Raises SealedError.
        """
        url = self.addresses.accredit
        if not self._jwks:
            self._jwks = json.loads((await self._send("GET", "/.well-known/jwks.json")).body)
        now, account = self._clock() // 1000, self.credentials.account_id
        signer = accredit.Signer(self._jwks, f"{url}/auth/open", account, session_id, now, nonce)
        session = accredit.open_sealed(body, [self._key], signer=signer)
        self.tell("rental", "Opened", "With the private key, once the signature inside held", f"status {session['status']}")
        return session

    def tell(self, party: Party, title: str, what: str, *facts: str) -> None:
        """Note for the audience what was done."""
        self.told.append(Told(party, title, what, facts))

    def refuse(self, what: str, *facts: str) -> None:
        """Note that we refused something."""
        self.told.append(Told("rental", "Not opened", what, facts, refused=True))

    async def _send(self, method: str, path: str, **given: Any) -> Heard:
        async with self._http.request(method, f"{self.addresses.accredit}{path}", **given) as answer:
            heard = Heard(answer.status, dict(answer.headers), await answer.text())
        shown = f"{len(heard.body):,} octets" if heard.status < 400 else heard.code
        told = "Accredit answered" if heard.status < 400 else "Accredit refused"
        facts = (_shown_path(path), str(heard.status), heard.media_type, shown)
        self.told.append(Told("accredit", method, told, facts, refused=heard.status >= 400))
        return heard


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _shown_path(path: str) -> str:
    """Without the length of an id."""
    return "/".join(f"{part[:8]}…" if len(part) == 36 else part for part in path.split("/"))
