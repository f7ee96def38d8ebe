"""A broker's entity statement: entered by hand, confirmed by its fingerprint, and from then on the root of all trust in the broker.

OpenID Federation 1.0 section 3, as the profile of the Finnish trust network uses it (protocol-rest.md section 12). The statement is
signed under a key that stands in it: what makes it trustworthy is the fingerprint, which the broker told by another way.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from accredit.encoding import parse_json
from accredit.errors import MalformedError
from accredit.server.providers.oidc.settings import FtnSettings, Url
from accredit.server.providers.oidc.signatures import AnswerError, PeerKey, peek_jws, read_jwks, verify_jws

STATEMENT_TYPE = "entity-statement+jwt"
_LEEWAY_S = 60
# What people put between the digits of a fingerprint.
_SEPARATORS = re.compile(r"[\s:-]")


class _OpenIdProvider(msgspec.Struct, frozen=True):
    issuer: Url
    authorization_endpoint: Url
    token_endpoint: Url
    signed_jwks_uri: Url
    request_object_signing_alg_values_supported: tuple[str, ...] = ("RS256",)


class _Metadata(msgspec.Struct, frozen=True):
    openid_provider: _OpenIdProvider


class _Claims(msgspec.Struct, frozen=True):
    iss: Url
    sub: Url
    exp: int
    jwks: dict[str, Any]
    metadata: _Metadata


@dataclass(frozen=True, slots=True)
class BrokerStatement:
    """What a broker's statement says.

    provider: its addresses and algorithms. keys: those that sign its key set. expires: Unix seconds.
    """

    entity_id: str
    provider: _OpenIdProvider
    keys: tuple[PeerKey, ...]
    expires: int

    @classmethod
    def peek(cls, settings: FtnSettings) -> Self:
        """The statement of a record, whose fingerprint was checked when it was written.

        Raises MalformedError `entity_statement_invalid`.
        """
        try:
            return cls._read(settings.entity_statement.strip())
        except (AnswerError, ValueError, msgspec.ValidationError) as error:
            raise MalformedError("entity_statement_invalid", "entity_statement") from error

    @classmethod
    def _read(cls, statement: str) -> Self:
        peeked = peek_jws(statement)
        claims = msgspec.convert(parse_json(peeked.payload, max_depth=16), _Claims)
        # The statement holds the keys that verify it.
        keys = read_jwks(claims.jwks)
        verify_jws(peeked, keys, kid_required=True)
        if peeked.header.get("typ") != STATEMENT_TYPE or claims.iss != claims.sub:
            raise ValueError("of another kind")
        return cls(claims.iss, claims.metadata.openid_provider, keys, claims.exp)


def read_statement(settings: FtnSettings, now_ms: int) -> BrokerStatement:
    """Check a statement that is being entered.

    Raises MalformedError: `entity_statement_invalid`; `entity_fingerprint_mismatch`; `field_invalid` (`signing_alg`).
    """
    told = _SEPARATORS.sub("", settings.entity_statement_sha256).lower()
    if not hmac.compare_digest(statement_fingerprint(settings.entity_statement).encode(), told.encode("utf-8", "replace")):
        raise MalformedError("entity_fingerprint_mismatch", "entity_statement_sha256")
    statement = BrokerStatement.peek(settings)
    if statement.expires + _LEEWAY_S <= now_ms // 1000:
        raise MalformedError("entity_statement_invalid", "entity_statement")
    if settings.signing_alg not in statement.provider.request_object_signing_alg_values_supported:
        raise MalformedError("field_invalid", "signing_alg")
    return statement


def statement_fingerprint(statement: str) -> str:
    """SHA-256 of the statement's octets as 64 hexadecimal digits; white space around it does not count."""
    return hashlib.sha256(statement.strip().encode("utf-8", "replace")).hexdigest()
