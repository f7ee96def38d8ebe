"""Passport keys: what opens an integration's encrypted passports (protocol-embed.md sections 8 and 10).

A symmetric key (128 bits; 256 where its content encryption is used directly and wants them) is shown once, to be given to whoever
encrypts, and stays sealed here. Of a pair only the public half leaves, as often as it is asked for.

    made = await create_passport_key(store, sealer, PassportHolder(scope, integration_id), Cause(now_ms))
    made.jwk                  # {"kty": "oct", "k": ..., "alg": "A128KW", "kid": ...}: for the deployer's server
"""

import asyncio
from dataclasses import dataclass, field

from accredit.encoding import Json, compact_json
from accredit.errors import ConflictError, NotFoundError
from accredit.keys import public_thumbprint, secret_hash
from accredit.passport import GeneratedPassportKey, generate_passport_key
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, bump_config, one_by_one

MAX_PASSPORT_KEYS = 2


@dataclass(frozen=True, slots=True)
class PassportHolder:
    """Which integration the key is for, and the algorithms that its record fixes."""

    scope: Scope
    integration_id: str
    alg: str = "A128KW"
    enc: str = "A128GCM"
    label: str = ""


@dataclass(frozen=True, slots=True)
class MadePassportKey:
    """jwk: what the encrypting side needs; a secret, shown this once, if the algorithm is symmetric, else the public half."""

    record: KeyRecord
    jwk: dict[str, Json] = field(repr=False)


async def create_passport_key(store: Store, sealer: Sealer, holder: PassportHolder, cause: Cause) -> MadePassportKey:
    """Make a passport key. Raises MalformedError field_invalid (alg, enc), NotFoundError integration_not_found, ConflictError
    key_limit_reached when two live already.
    """
    # Finding the primes of an RSA key takes long enough to hold up the event loop.
    made = await asyncio.to_thread(generate_passport_key, holder.alg, holder.enc)
    await sealer.ready(holder.scope)
    record = _make_record(sealer, holder, made, cause.at_ms)
    await store.write(add_passport_key, (record, cause))
    shown = made.private_jwk if made.public_jwk is None else made.public_jwk
    return MadePassportKey(record, {**shown, "kid": record.key_id})


def _make_record(sealer: Sealer, holder: PassportHolder, made: GeneratedPassportKey, at_ms: int) -> KeyRecord:
    key_id = new_id("key_")
    return KeyRecord(
        key_id=key_id,
        scope=holder.scope,
        purpose="passport",
        label=holder.label,
        created_ms=at_ms,
        integration_id=holder.integration_id,
        alg=holder.alg,
        enc=holder.enc,
        thumbprint=public_thumbprint(made.private_jwk),
        public_jwk=made.public_jwk,
        secret=sealer.seal(holder.scope, compact_json(made.private_jwk), row=key_id, column="keys.secret"),
        # A symmetric key that a browser sends is known again by this; it is random, so the hash tells nothing.
        secret_hash=None if made.public_jwk is not None else secret_hash(str(made.private_jwk["k"])),
    )


@one_by_one
def add_passport_key(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    """Change: add a passport key to an integration that has room for it."""
    record, cause = item
    bump_config(tx)
    whose = (record.integration_id, record.scope.account_id, record.scope.environment)
    found = tx.row(
        "SELECT 1 FROM integrations WHERE id = ? AND account_id = ? AND environment = ? AND deleted_ms IS NULL", whose
    )
    if found is None:
        raise NotFoundError("integration_not_found")
    held = find_records(tx, "k.integration_id = ? AND k.purpose = 'passport'", whose[:1])
    if sum(each.is_live(cause.at_ms) for each in held) >= MAX_PASSPORT_KEYS:
        raise ConflictError("key_limit_reached")
    return add_key(tx, record, cause)
