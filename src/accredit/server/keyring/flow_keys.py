"""Keys of the flow door as its requests are checked with them: publishable keys, API credentials, keys of customer references.

protocol-flow.md sections 1 to 3 and 12. An API credential is one key id and up to three secrets; each secret is three records, of
purposes `api`, `reference` and `webhook`, which live and end apart. What is held here is in memory only.

    held = await node.keyring.reference_keys(scope, now_ms)
    verified = verify_reference(customer_reference, signature, [each.key for each in held])
    node.keyring.note_use(held[verified.key_index].record_id, now_ms)
"""

import re
from dataclasses import dataclass, field

from accredit.errors import FailureError
from accredit.reference import ReferenceKey, ReferenceSecret, parse_reference_key
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Transaction

# As they are made here; readers take no others.
PUBLISHABLE_KEY = re.compile(r"(live|sandbox)_publishable_key_[0-9a-f]{32}")
API_KEY_ID = re.compile(r"(live|sandbox)_key_[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class PublishableKey:
    """A live publishable key. record_id: of its key record. scope: the account and environment that it names."""

    record_id: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class HeldReference:
    """A live key of purpose `reference`. record_id: of its key record, which sessions and last use name.

    key.key_id is what tokens call it: the API key id where it is a credential's, else the record's.
    """

    record_id: str
    key: ReferenceSecret | ReferenceKey


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A live secret. text: as it is written, prefix included; its ASCII is the HMAC key."""

    record_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiCredential:
    """Who calls the flow API. key_id: the API key id. secrets: its live ones of purpose `api`, oldest first, never none."""

    key_id: str
    scope: Scope
    secrets: tuple[LiveSecret, ...]


def find_publishable_records(tx: Transaction, text: str) -> list[KeyRecord]:
    """Query: the record of a publishable key that is not revoked."""
    return find_records(tx, "k.purpose = 'publishable' AND k.kid = ? AND k.revoked_ms IS NULL", (text,))


def find_reference_records(tx: Transaction, scope: Scope) -> list[KeyRecord]:
    """Query: the records of purpose `reference` of an account and environment that are not revoked, oldest first."""
    return find_records(
        tx,
        "k.account_id = ? AND k.environment = ? AND k.purpose = 'reference' AND k.revoked_ms IS NULL",
        (scope.account_id, scope.environment),
    )


def find_secret_records(tx: Transaction, wanted: tuple[str, str]) -> list[KeyRecord]:
    """Query: the records of an API key id and a purpose that are not revoked, oldest first."""
    return find_records(tx, "k.api_key_id = ? AND k.purpose = ? AND k.revoked_ms IS NULL", wanted)


def open_text(sealer: Sealer, record: KeyRecord) -> str:
    """The text of a sealed secret. Raises FailureError `sealed_damaged`."""
    if record.secret is None:
        raise FailureError("sealed_damaged")
    return sealer.open(record.scope, record.secret, row=record.key_id, column="keys.secret").decode("ascii")


def open_secret(sealer: Sealer, record: KeyRecord) -> LiveSecret:
    """A secret of an API credential. Raises FailureError `sealed_damaged`."""
    return LiveSecret(record.key_id, open_text(sealer, record))


def open_reference(sealer: Sealer, record: KeyRecord) -> HeldReference:
    """A key that references are verified with. Raises FailureError `sealed_damaged`."""
    if record.public_jwk is not None:
        return HeldReference(record.key_id, parse_reference_key(record.public_jwk, str(record.alg), key_id=record.key_id))
    text = open_text(sealer, record)
    return HeldReference(record.key_id, ReferenceSecret.from_text(text, record.api_key_id or record.key_id))
