"""What a backend asks of the rest door (protocol-rest.md section 5). The server judges it all, and names each member at fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from accredit.encoding import Json
from accredit.errors import MalformedError

Flow = Literal["redirect", "headless", "embedded"]
Loa = Literal["low", "substantial", "high"]
Mode = Literal["jwe", "jws+jwe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackUrls:
    """Where the browser goes at the end, by how it ended."""

    success: str
    abort: str
    error: str

    @classmethod
    def to(cls, address: str) -> "CallbackUrls":
        """One address for all ends: a callback proves nothing, so the session is read in any case."""
        return cls(success=address, abort=address, error=address)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefilledInput:
    """What is known of the person beforehand; at least one. date_of_birth: YYYY-MM-DD or 6 digits. mobile: E.164 with `+`."""

    nin: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    user_name: str | None = field(default=None, repr=False)
    date_of_birth: str | None = field(default=None, repr=False)
    device_id: str | None = field(default=None, repr=False)
    first_name: str | None = field(default=None, repr=False)
    last_name: str | None = field(default=None, repr=False)
    bank_account_number: str | None = field(default=None, repr=False)
    organisation: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseProtection:
    """How answers are sealed. mode: `jws+jwe` signs them inside. nonce: comes back inside a signed answer; keep it for reading."""

    mode: Mode | None = None
    enc: str | None = None
    signing_alg: str | None = None
    pad_to: int | None = None
    nonce: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What `create` asks for; None is what the server's policy decides. callback_urls: required with `redirect`.

    encryption_public_key, encryption_key_id: in place of the client's own. session_lifetime: seconds. external_reference: comes back
    in callbacks. Neither reference is for personal data.
    """

    flow: Flow = "redirect"
    requested_attributes: tuple[str, ...] = ()
    callback_urls: CallbackUrls | None = None
    allowed_providers: tuple[str, ...] | None = None
    prefilled_input: PrefilledInput | None = None
    additional_parameters: Mapping[str, str] | None = field(default=None, repr=False)
    encryption_public_key: Mapping[str, Json] | None = None
    requested_loa: Loa | None = None
    tags: tuple[str, ...] | None = None
    return_url: str | None = None
    embedded_parent_domains: tuple[str, ...] | None = None
    language: str | None = None
    theme_id: str | None = None
    external_reference: str | None = None
    usage_reference: str | None = None
    session_lifetime: int | None = None
    request_domain: str | None = None
    encryption_key_id: str | None = None
    response_protection: ResponseProtection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions to list; None leaves a member open. created_from, created_to: RFC 3339 with an offset."""

    status: str | None = None
    provider: str | None = None
    tag: str | None = None
    external_reference: str | None = None
    created_from: str | None = None
    created_to: str | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser brought to a callback address. It proves nothing: read the session that you started for this browser."""

    session_id: str
    external_reference: str | None = None
    session_nonce: str | None = field(default=None, repr=False)


def read_callback(address: str) -> Callback:
    """Read the address that a browser came to, whole or from its path on.

    Raises MalformedError `field_invalid`: `sessionId` is missing or comes twice.
    """
    query = parse_qs(urlsplit(address).query, keep_blank_values=True)
    ids = query.get("sessionId", [])
    if len(ids) != 1 or not ids[0]:
        raise MalformedError("field_invalid", "sessionId")
    reference, nonce = (query.get(name, [None])[0] for name in ("externalReference", "sessionNonce"))
    return Callback(ids[0], reference, nonce)
