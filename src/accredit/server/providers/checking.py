"""What the settings of a kind mean beyond their types: which addresses they name, which keys of ours they need."""

from typing import TypeAlias

import msgspec

from accredit.errors import MalformedError
from accredit.server.providers.callout.settings import CalloutSettings
from accredit.server.providers.keys import Role
from accredit.server.providers.members import Parsed
from accredit.server.providers.oidc.entity_statement import BrokerStatement, read_statement
from accredit.server.providers.oidc.settings import FtnSettings, GenericSettings
from accredit.server.providers.records import ProviderRecord, StoredMembers
from accredit.webhooks import WebhookSecret

Settings: TypeAlias = GenericSettings | FtnSettings | CalloutSettings


def read_settings_of(record: ProviderRecord | StoredMembers) -> Settings | None:
    """The settings of a record by their type; None for kinds that have none."""
    if record.kind == "callout":
        return msgspec.convert(record.settings, CalloutSettings)
    if record.kind != "oidc":
        return None
    if record.settings.get("profile") == "ftn":
        return msgspec.convert(record.settings, FtnSettings)
    return msgspec.convert(record.settings, GenericSettings)


def check_settings(parsed: Parsed, now_ms: int) -> Settings | None:
    """Raises MalformedError: `field_missing` (a secret), `field_invalid`, `entity_statement_invalid`."""
    settings = read_settings_of(parsed.stored)
    if isinstance(settings, GenericSettings):
        _check_generic(settings, parsed)
    if isinstance(settings, FtnSettings):
        read_statement(settings, now_ms)
    if isinstance(settings, CalloutSettings):
        _check_callout(parsed)
    return settings


def _check_generic(settings: GenericSettings, parsed: Parsed) -> None:
    if settings.client_auth != "private_key_jwt" and "client_secret" not in parsed.secrets:
        raise MalformedError("field_missing", "client_secret")
    if "openid" not in settings.scopes:
        raise MalformedError("field_invalid", "scopes")
    if "?" in settings.issuer or "#" in settings.issuer:
        raise MalformedError("field_invalid", "issuer")


def _check_callout(parsed: Parsed) -> None:
    if "secret" not in parsed.secrets:
        raise MalformedError("field_missing", "secret")
    try:
        WebhookSecret.from_text(parsed.secrets["secret"])
    except MalformedError as error:
        raise MalformedError(error.code, "secret") from error


def addresses_of(settings: Settings | None) -> dict[str, str]:
    """The addresses that we shall call because the settings say so, by member."""
    if isinstance(settings, GenericSettings):
        return {"issuer": settings.issuer}
    if isinstance(settings, CalloutSettings):
        return {"url": settings.url}
    if isinstance(settings, FtnSettings):
        provider = BrokerStatement.peek(settings).provider
        return {"entity_statement": provider.signed_jwks_uri, "entity_statement.token_endpoint": provider.token_endpoint}
    return {}


def roles_of(record: ProviderRecord) -> tuple[Role, ...]:
    """The keys of ours that a provider needs."""
    settings = read_settings_of(record)
    if isinstance(settings, FtnSettings):
        return ("entity", "sig", "enc")
    if not isinstance(settings, GenericSettings):
        return ()
    wanted: dict[Role, bool] = {"sig": settings.signs, "enc": settings.decrypts}
    return tuple(role for role, needed in wanted.items() if needed)


def signing_alg_of(record: ProviderRecord) -> str:
    """What new keys of ours sign with."""
    return str(record.settings.get("signing_alg", "RS256"))
