"""Passport keys: what opens an integration's encrypted passports (protocol-embed.md sections 8 and 10).

A symmetric key (128 bits; 256 where its content encryption is used directly and wants them) is shown once, to be given to whoever
encrypts, and stays sealed here. Of a pair only the public half leaves, as often as it is asked for.

    made = await create_passport_key(store, sealer, PassportHolder(scope, integration_id), Cause(now_ms))
    made.jwk                  # {"kty": "oct", "k": ..., "alg": "A128KW", "kid": ...}: for the deployer's server
"""

import asyncio
from dataclasses import dataclass, field

from joserfc.jwk import ECKey, OctKey, RSAKey

from accredit.encoding import Json, compact_json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.keys import public_thumbprint, secret_hash
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS, PUBLIC_KEY_ALGORITHMS
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, bump_config, one_by_one

MAX_PASSPORT_KEYS = 2
_RSA_BITS = 2048


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
    if holder.alg not in PASSPORT_ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    if holder.enc not in PASSPORT_ENCRYPTIONS:
        raise MalformedError("field_invalid", "enc")
    # Finding the primes of an RSA key takes long enough to hold up the event loop.
    private = await asyncio.to_thread(_generate, holder)
    await sealer.ready(holder.scope)
    record = _make_record(sealer, holder, private, cause.at_ms)
    await store.write(add_passport_key, (record, cause))
    shown = private if record.public_jwk is None else record.public_jwk
    return MadePassportKey(record, {**shown, "alg": holder.alg, "use": "enc", "kid": record.key_id})


def _generate(holder: PassportHolder) -> dict[str, Json]:
    """The key as a private or symmetric JWK with no other members."""
    key: OctKey | ECKey | RSAKey
    if holder.alg == "RSA-OAEP-256":
        key = RSAKey.generate_key(_RSA_BITS)
    elif holder.alg in PUBLIC_KEY_ALGORITHMS:
        key = ECKey.generate_key("P-256")
    else:
        # RFC 7518 section 4.5: with direct encryption the key is that of the content encryption.
        key = OctKey.generate_key(256 if (holder.alg, holder.enc) == ("dir", "A256GCM") else 128)
    return {name: str(text) for name, text in key.as_dict(private=True).items()}


_PUBLIC_MEMBERS = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}


def _make_record(sealer: Sealer, holder: PassportHolder, private: dict[str, Json], at_ms: int) -> KeyRecord:
    key_id = new_id("key_")
    members = _PUBLIC_MEMBERS.get(str(private["kty"]))
    return KeyRecord(
        key_id=key_id,
        scope=holder.scope,
        purpose="passport",
        label=holder.label,
        created_ms=at_ms,
        integration_id=holder.integration_id,
        alg=holder.alg,
        enc=holder.enc,
        thumbprint=public_thumbprint(private),
        public_jwk=None if members is None else {name: private[name] for name in members},
        secret=sealer.seal(holder.scope, compact_json(private), row=key_id, column="keys.secret"),
        # A symmetric key that a browser sends is known again by this; it is random, so the hash tells nothing.
        secret_hash=None if members is not None else secret_hash(str(private["k"])),
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
