"""From a record to a provider that can be asked, and what of a request only a provider can judge.

provider = await open_provider(node, record)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.mail import Mailer
from accredit.server.outbound import Outbound
from accredit.server.providers.callout.settings import CalloutSettings
from accredit.server.providers.checking import read_settings_of
from accredit.server.providers.keys import HeldKeys, ProviderKeys
from accredit.server.providers.oidc.federation import entity_id_of
from accredit.server.providers.oidc.once import find_session_id
from accredit.server.providers.oidc.settings import FtnSettings, GenericSettings
from accredit.server.providers.provider import Provider
from accredit.server.providers.records import ProviderCatalog, ProviderRecord
from accredit.server.providers.sandbox.choosing import HTTP_STATUSES, find_faults
from accredit.server.providers.sandbox.provider import SandboxProvider
from accredit.server.store import Store

if TYPE_CHECKING:
    from accredit.server.node import Node
    from accredit.server.providers.oidc.remote import Remote

__all__ = ["ParameterFault", "Providers", "check_parameters", "find_session_id", "forced_status", "open_provider"]


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """A member of a create request that a provider does not take: for `invalidParams`, always with the code `value`."""

    name: str
    reason: str


class Providers:
    """The providers of one process: their records, our keys as their client, and what they said of themselves."""

    def __init__(self, store: Store, sealer: Sealer, outbound: Outbound, mailer: Mailer, public_url: str) -> None:
        self._store = store
        self._sealer = sealer
        self._outbound = outbound
        self._mailer = mailer
        self._public_url = public_url
        self._catalog = ProviderCatalog(store, sealer)
        self._keys = ProviderKeys(store, sealer)
        self._remote: Remote | None = None

    async def find(self, scope: Scope) -> tuple[ProviderRecord, ...]:
        """The records of an account and environment, in the order of their ids."""
        return await self._catalog.find(scope)

    async def keys_of(self, record: ProviderRecord) -> HeldKeys:
        """Our keys as the client of a provider."""
        return await self._keys.find(record)

    async def open(self, record: ProviderRecord) -> Provider:
        """A provider that is ready to be asked. Raises FailureError `service_unavailable`, `sealed_damaged`."""
        settings = read_settings_of(record)
        # What a kind needs is loaded with its first attempt: most processes have one or two of them.
        if record.kind == "email_otp":
            from accredit.server.providers.email_otp.provider import EmailOtpProvider

            return EmailOtpProvider(self._store, self._sealer, self._mailer)
        if settings is None:
            return SandboxProvider()
        secrets = await self._catalog.secrets_of(record)
        if isinstance(settings, CalloutSettings):
            from accredit.server.providers.callout.provider import CalloutProvider

            return CalloutProvider(self._outbound, settings, secrets.get("secret", ""))
        return await self._open_oidc(record, settings, secrets)

    async def _open_oidc(
        self, record: ProviderRecord, settings: GenericSettings | FtnSettings, secrets: Mapping[str, str]
    ) -> Provider:
        from accredit.server.providers.oidc.ftn import FtnProfile
        from accredit.server.providers.oidc.generic import GenericProfile
        from accredit.server.providers.oidc.provider import OidcProvider
        from accredit.server.providers.oidc.remote import Remote

        keys = await self._keys.find(record)
        remote = self._remote = self._remote or Remote(self._outbound)
        if isinstance(settings, FtnSettings):
            entity_id = entity_id_of(self._public_url, record)
            return OidcProvider(FtnProfile(remote, settings, keys, entity_id), remote, self._store)
        profile = GenericProfile(remote, settings, keys, secrets.get("client_secret", ""))
        return OidcProvider(profile, remote, self._store)


async def open_provider(node: "Node", record: ProviderRecord) -> Provider:
    """A provider that is ready to be asked. Raises FailureError `service_unavailable`, `sealed_damaged`."""
    return await node.providers.open(record)


def check_parameters(
    offered: Sequence[ProviderRecord], parameters: Mapping[str, str], prefilled: Mapping[str, str]
) -> tuple[ParameterFault, ...]:
    """What the offered providers do not take of `additionalParameters` and `prefilledInput` (protocol-rest.md section 12).

    Personal input is judged only where all of them are the sandbox's: it may be meant for another one.
    """
    kinds = {record.kind for record in offered}
    if "sandbox" not in kinds:
        return ()
    faults = find_faults(parameters, prefilled if kinds == {"sandbox"} else {})
    return tuple(ParameterFault(name, reason) for name, reason in faults)


def forced_status(offered: Sequence[ProviderRecord], parameters: Mapping[str, str]) -> int | None:
    """The HTTP status that create must answer with because `sandbox_http` says so: 429, 500, 503, or None."""
    if not any(record.kind == "sandbox" for record in offered):
        return None
    return HTTP_STATUSES.get(parameters.get("sandbox_http", ""))
