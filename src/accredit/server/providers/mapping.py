"""From a provider's claims to the attributes of a subject (protocol-rest.md section 13)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from accredit.encoding import Json
from accredit.server.providers.records import ProviderRecord


@dataclass(frozen=True, slots=True)
class Mapped:
    """subject: attributes that were asked for and are known, without `id` and `idpId`. missing: required ones that are not there.

    left_out: those asked for whose claim is missing or of a wrong type, for the audit record.
    """

    subject: dict[str, Json] = field(repr=False)
    missing: tuple[str, ...]
    left_out: tuple[str, ...]


def map_claims(record: ProviderRecord, claims: Mapping[str, Json], wanted: Collection[str]) -> Mapped:
    """Map what a provider said of a person, cut to what was asked. wanted: `requestedAttributes`. Raises nothing."""
    raise NotImplementedError
