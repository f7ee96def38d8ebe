"""What we publish as the client of providers: our entity statement and our keys (protocol-rest.md section 12).

`/auth/federation/{ref}/entity-statement`, signed under our long-lived entity key, is handed to a broker of the Finnish trust network;
`/auth/federation/{ref}/jwks` is signed under the same key for a broker, and a plain JWKS for any other provider.
"""

from dataclasses import dataclass

from accredit.encoding import Json, compact_json
from accredit.sealing.signing import ServerKey, sign_compact
from accredit.server.providers.checking import read_settings_of
from accredit.server.providers.keys import HeldKeys
from accredit.server.providers.oidc.entity_statement import STATEMENT_TYPE
from accredit.server.providers.oidc.remote import KEY_SET_TYPE
from accredit.server.providers.oidc.settings import FtnSettings
from accredit.server.providers.records import ProviderRecord

# A broker remembers a key set for a day at most; the statement itself is exchanged by hand.
_KEY_SET_S, _STATEMENT_S = 24 * 3600, 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Document:
    """A document to be published."""

    media_type: str
    body: bytes


def entity_id_of(public_url: str, record: ProviderRecord) -> str:
    """What we are called as the client of this provider, unless its record says otherwise."""
    return f"{public_url}/auth/federation/{record.ref}"


def callback_of(public_url: str, record: ProviderRecord) -> str:
    """Where browsers come back from this provider."""
    return f"{public_url}/auth/callback/{record.ref}"


def render_statement(public_url: str, record: ProviderRecord, keys: HeldKeys, now: int) -> Document | None:
    """Our entity statement; None where the provider is no broker. now: Unix seconds."""
    settings = read_settings_of(record)
    if not isinstance(settings, FtnSettings) or keys.entity is None or keys.signing is None:
        return None
    entity_id = entity_id_of(public_url, record)
    name = settings.client_id or entity_id
    client: dict[str, Json] = {
        "redirect_uris": [callback_of(public_url, record)],
        "application_type": "web",
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "client_registration_types": [],
        "signed_jwks_uri": f"{entity_id}/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": keys.signing.alg,
        "request_object_signing_alg": keys.signing.alg,
        "id_token_signed_response_alg": "RS256",
        "id_token_encrypted_response_alg": "RSA-OAEP",
        "id_token_encrypted_response_enc": "A128CBC-HS256",
        "client_name": settings.sp_name,
    }
    claims: dict[str, Json] = {
        "iss": name,
        "sub": name,
        "iat": now,
        "exp": now + _STATEMENT_S,
        "jwks": {"keys": [_public_jwk(keys.entity)]},
        "metadata": {"openid_relying_party": client},
    }
    return _signed(claims, keys.entity, STATEMENT_TYPE)


def render_key_set(public_url: str, record: ProviderRecord, keys: HeldKeys, now: int) -> Document | None:
    """Our keys as this provider is to see them now; None where it needs none. now: Unix seconds."""
    settings = read_settings_of(record)
    published: list[Json] = list(keys.published)
    if not isinstance(settings, FtnSettings) or keys.entity is None:
        return Document("application/jwk-set+json", compact_json({"keys": published})) if published else None
    name = settings.client_id or entity_id_of(public_url, record)
    claims: dict[str, Json] = {"keys": published, "iss": name, "sub": name, "iat": now, "exp": now + _KEY_SET_S}
    return _signed(claims, keys.entity, KEY_SET_TYPE)


def _signed(claims: dict[str, Json], key: ServerKey, typ: str) -> Document:
    return Document(f"application/{typ}", sign_compact(compact_json(claims), key, typ=typ).encode("ascii"))


def _public_jwk(key: ServerKey) -> dict[str, Json]:
    members = {name: str(value) for name, value in key.parsed.as_dict(private=False).items()}
    return {**members, "alg": key.alg, "use": "sig", "kid": key.kid}
