"""How a client is set up, checked once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict
from urllib.parse import urlsplit

from accredit.client.wire import ResponseSignature
from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.sealing import DecryptionKey, parse_decryption_key, parse_encryption_key

_PUBLIC = ("kty", "crv", "x", "y", "n", "e", "alg", "kid")
_HERE = ("localhost", "127.0.0.1", "::1")


class Options(TypedDict, total=False):
    """What a client may be given beside its address.

    client_id, client_secret: of an API client. api_key: for `exchange`, where the API client has not the permission `api`.
    account_id: needed by a client that serves several accounts, and with verify_sender. public_url: what the server calls itself,
    where it is reached at another address.

    keys: private JWKs that open answers, the newest first; the public half of the first goes along with every request that brings
    or names no other. encryption_key_id: the registered key that requests name in its place. allow_plain: take answers that are not
    sealed although there are keys, for sessions that others created without one.

    verify_sender: ask for answers that are signed inside, and take no others. response_signature: what the integration's policy has.
    encrypted_requests: seal requests to the server's key, so that nothing on the way reads `prefilled_input`.

    scope: of the tokens, by default all that the client has. retries: how often a call is sent again that got no answer. allow_http:
    also to another machine. clock: Unix seconds.
    """

    client_id: str
    client_secret: str
    api_key: str
    account_id: str
    public_url: str
    keys: Sequence[Mapping[str, Json]]
    encryption_key_id: str
    allow_plain: bool
    verify_sender: bool
    response_signature: ResponseSignature
    encrypted_requests: bool
    scope: str
    retries: int
    allow_http: bool
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A client's options, checked. public_jwk: of the first key."""

    base_url: str
    public_url: str
    client_id: str | None
    client_secret: str | None = field(repr=False)
    api_key: str | None = field(repr=False)
    account_id: str | None
    keys: tuple[DecryptionKey, ...] = field(repr=False)
    public_jwk: Mapping[str, Json] | None
    encryption_key_id: str | None
    allow_plain: bool
    verify_sender: bool
    response_signature: ResponseSignature
    encrypted_requests: bool
    scope: str | None
    retries: int
    clock: Callable[[], float]

    @property
    def issuer(self) -> str:
        """Who signs answers."""
        return f"{self.public_url}/auth/open"


def configure(base_url: str, options: Options) -> Configuration:
    """Check a client's options.

    Raises MalformedError: `field_invalid` (base_url), `field_missing` (what an option needs besides), and for keys as
    `parse_decryption_key`.
    """
    base_url = check_address(base_url, allow_http=options.get("allow_http", False))
    jwks = [dict(jwk) for jwk in options.get("keys", ())]
    keys = tuple(map(parse_decryption_key, jwks))
    client_id, client_secret = options.get("client_id"), options.get("client_secret")
    if (client_id is None) is not (client_secret is None):
        raise MalformedError("field_missing", "client_secret" if client_secret is None else "client_id")
    verify_sender, account_id = options.get("verify_sender", False), options.get("account_id")
    if verify_sender and account_id is None:
        raise MalformedError("field_missing", "account_id")
    if not keys and (verify_sender or "encryption_key_id" in options):
        raise MalformedError("field_missing", "keys")
    return Configuration(
        base_url=base_url,
        public_url=options.get("public_url", base_url).rstrip("/"),
        client_id=client_id,
        client_secret=client_secret,
        api_key=options.get("api_key"),
        account_id=account_id,
        keys=keys,
        public_jwk=_public_half(jwks[0]) if jwks else None,
        encryption_key_id=options.get("encryption_key_id"),
        allow_plain=options.get("allow_plain", False),
        verify_sender=verify_sender,
        response_signature=options.get("response_signature", "off"),
        encrypted_requests=options.get("encrypted_requests", False),
        scope=options.get("scope"),
        retries=options.get("retries", 2),
        clock=options.get("clock", time.time),
    )


def check_address(base_url: str, *, allow_http: bool) -> str:
    """The address without a slash at its end. Secrets and persons travel to it: in clear at most within this machine.

    Raises MalformedError `field_invalid` (base_url).
    """
    try:
        parts = urlsplit(base_url)
    except ValueError:
        raise MalformedError("field_invalid", "base_url") from None
    plain = parts.scheme == "http" and (allow_http or parts.hostname in _HERE)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc or not (plain or parts.scheme == "https"):
        raise MalformedError("field_invalid", "base_url")
    return base_url.rstrip("/")


def _public_half(jwk: Mapping[str, Json]) -> Mapping[str, Json]:
    public = {name: jwk[name] for name in _PUBLIC if jwk.get(name) is not None}
    return parse_encryption_key({**public, "use": "enc"}).public_jwk
