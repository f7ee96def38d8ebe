"""What an integration of the rest door has of its own: its policy, and the rules that gate and sessions read.

protocol-rest.md section 1. No deployer stands behind it: an API client names it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.hosts import parse_host_entry, parse_parent
from accredit.server.integrations.policy import check_distinct

Protection = Literal["optional", "jwe", "jws+jwe"]
KeyAlg = Literal["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"]
Enc = Literal["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"]
PadTo = Literal[0, 256, 512, 1024]
PlainInput = Literal["auto", "allow", "refuse"]
NonceUse = Literal["embedded", "always"]
ResponseSignature = Literal["off", "rfc9421", "jws"]

ProviderId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,30}\Z")]
_Hosts = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=300)], ...], msgspec.Meta(max_length=100)]
MIN_LIFETIME_S, MAX_LIFETIME_S = 300, 86_400
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class RestRules:
    """The policy as gate and sessions read it.

    providers: ids in their order, empty for all enabled ones. Lists of hosts and parents are in their one spelling. times: seconds.
    """

    providers: tuple[str, ...]
    callback_hosts: frozenset[str]
    request_domains: frozenset[str]
    embedded_parent_domains: tuple[str, ...]
    protection: Protection
    registered_only: bool
    allowed_alg: tuple[str, ...]
    allowed_enc: tuple[str, ...]
    response_enc: str
    pad_to: int
    json_ascii: bool
    plain_personal_input: PlainInput
    session_nonce: NonceUse
    require_session_nonce: bool
    consent: bool
    response_signature: ResponseSignature
    refuse_unknown: bool
    max_lifetime_s: int
    delete_after_read_s: int | None
    rate_per_minute: int | None
    encryption_jwks_uri: str | None


class RestPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of the rest door; the first value of each choice is the default.

    quota_per_day, rate_per_minute: sessions that may be created; null sets no limit. encryption_jwks_uri: where the caller publishes
    its encryption keys.
    """

    enabled: bool = True
    providers: Annotated[tuple[ProviderId, ...], msgspec.Meta(max_length=50)] = ()
    callback_hosts: _Hosts = ()
    request_domains: _Hosts = ()
    embedded_parent_domains: _Hosts = ()
    protection: Protection = "optional"
    inline_keys: Literal["allow", "registered_only"] = "allow"
    allowed_alg: Annotated[tuple[KeyAlg, ...], msgspec.Meta(min_length=1)] = get_args(KeyAlg)
    allowed_enc: Annotated[tuple[Enc, ...], msgspec.Meta(min_length=1)] = get_args(Enc)
    response_enc: Enc = "A128CBC-HS256"
    pad_to: PadTo = 0
    json_ascii: bool = True
    plain_personal_input: PlainInput = "auto"
    session_nonce: NonceUse = "embedded"
    require_session_nonce: bool = False
    consent: Literal["never", "always"] = "never"
    response_signature: ResponseSignature = "off"
    unknown_members: Literal["ignore", "refuse"] = "ignore"
    max_session_lifetime_s: Annotated[int, msgspec.Meta(ge=MIN_LIFETIME_S, le=MAX_LIFETIME_S)] = MAX_LIFETIME_S
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 7
    delete_after_read_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    quota_per_day: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | None = None
    rate_per_minute: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    encryption_jwks_uri: Annotated[str, msgspec.Meta(max_length=2048)] | None = None

    @classmethod
    def read_spellings(cls, members: dict[str, Json]) -> dict[str, Json]:
        """The members as they are: there is no other spelling."""
        return members

    def normalised(self) -> "RestPolicy":
        """With each host in its one spelling, once. Raises MalformedError `field_invalid` with the entry."""
        return msgspec.structs.replace(
            self,
            callback_hosts=_read_all("callback_hosts", self.callback_hosts, parse_host_entry),
            request_domains=_read_all("request_domains", self.request_domains, parse_host_entry),
            embedded_parent_domains=_read_all("embedded_parent_domains", self.embedded_parent_domains, parse_parent),
        )

    def check(self, environment: str, now_ms: int) -> None:
        """Check what no type says. Raises MalformedError `field_invalid` with the member."""
        for name in ("providers", "allowed_alg", "allowed_enc"):
            check_distinct(name, list(getattr(self, name)))
        for index, entry in enumerate(self.embedded_parent_domains):
            if environment == "live" and entry.startswith("http:"):
                raise MalformedError("field_invalid", f"embedded_parent_domains[{index}]")
        if self.response_enc not in self.allowed_enc:
            raise MalformedError("field_invalid", "response_enc")
        if self.encryption_jwks_uri is not None and not _is_key_set_address(self.encryption_jwks_uri):
            raise MalformedError("jwks_uri_invalid", "encryption_jwks_uri")

    @property
    def retention_ms(self) -> int:
        """From the end of a session to its redaction."""
        return self.retention_days * _DAY_MS

    def rules(self) -> RestRules:
        """What gate and sessions ask of a request."""
        return RestRules(
            providers=self.providers,
            callback_hosts=frozenset(self.callback_hosts),
            request_domains=frozenset(self.request_domains),
            embedded_parent_domains=self.embedded_parent_domains,
            protection=self.protection,
            registered_only=self.inline_keys == "registered_only",
            allowed_alg=self.allowed_alg,
            allowed_enc=self.allowed_enc,
            response_enc=self.response_enc,
            pad_to=self.pad_to,
            json_ascii=self.json_ascii,
            plain_personal_input=self.plain_personal_input,
            session_nonce=self.session_nonce,
            require_session_nonce=self.require_session_nonce,
            consent=self.consent == "always",
            response_signature=self.response_signature,
            refuse_unknown=self.unknown_members == "refuse",
            max_lifetime_s=self.max_session_lifetime_s,
            delete_after_read_s=self.delete_after_read_s,
            rate_per_minute=self.rate_per_minute,
            encryption_jwks_uri=self.encryption_jwks_uri,
        )


def _read_all(member: str, entries: tuple[str, ...], read: Callable[[str], str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, entry in enumerate(entries):
        try:
            found[read(entry)] = None
        except ValueError as error:
            raise MalformedError("field_invalid", f"{member}[{index}]") from error
    return tuple(found)


def _is_key_set_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and "#" not in text
