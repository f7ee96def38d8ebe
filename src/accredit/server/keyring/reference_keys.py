"""Keys for customer references alone: secrets that sign them by the original's formula, and public keys that verify tokens.

protocol-flow.md sections 3 and 12. With a secret of its own a backend need not hold the API secret where pages are made; with a
public key it shares no secret at all. A JWK that holds its private half is refused, and its public half is denied in the account.

    made = await issue_reference_secret(store, sealer, scope, "shop pages", Cause(now_ms, actor=api_key.key_id))
    made.secret_text          # accredit_live_reference_..., shown once
"""

from dataclasses import dataclass, field

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.keys import SIGNATURE_ALGORITHMS, generate_secret, secret_hash
from accredit.reference import parse_reference_key
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.deployment_keys import burn_if_private
from accredit.server.keyring.flow_keys import find_reference_records
from accredit.server.keyring.leaks import find_denied
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, bump_config, one_by_one

# Each costs a MAC whenever somebody offers a signature.
MAX_REFERENCE_KEYS = 8


@dataclass(frozen=True, slots=True)
class MadeReferenceSecret:
    """A fresh secret: its record, and its text, for the backend that signs references."""

    record: KeyRecord
    secret_text: str = field(repr=False)


async def issue_reference_secret(store: Store, sealer: Sealer, scope: Scope, label: str, cause: Cause) -> MadeReferenceSecret:
    """Make a secret; tokens under it name its key id. Raises NotFoundError `account_not_found`, ConflictError `key_limit_reached`."""
    secret_text, key_id = generate_secret(scope.environment, "reference"), new_id("key_")
    await sealer.ready(scope)
    record = KeyRecord(
        key_id=key_id,
        scope=scope,
        purpose="reference",
        label=label,
        created_ms=cause.at_ms,
        alg="HS256",
        secret=sealer.seal(scope, secret_text.encode("ascii"), row=key_id, column="keys.secret"),
        secret_hash=secret_hash(secret_text),
    )
    return MadeReferenceSecret(await store.write(_add, (record, cause)), secret_text)


@dataclass(frozen=True, slots=True)
class NewReferenceKey:
    """A public key to be registered. alg: the one algorithm that it verifies, `ES256`, `ES512` or `EdDSA`."""

    scope: Scope
    public_jwk: Json
    alg: str = "ES256"
    label: str = ""


async def register_reference_key(store: Store, wanted: NewReferenceKey, cause: Cause) -> KeyRecord:
    """Keep a public key; tokens that name the id of its record as `kid` are verified with it.

    Raises MalformedError: those of `parse_reference_key`, `key_denied`; ConflictError: `key_exists`, `key_limit_reached`;
    NotFoundError `account_not_found`.
    """
    if wanted.alg not in SIGNATURE_ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    await burn_if_private(store, wanted.scope, wanted.public_jwk, cause)
    parsed, row = parse_reference_key(wanted.public_jwk, wanted.alg), SIGNATURE_ALGORITHMS[wanted.alg]
    assert isinstance(wanted.public_jwk, dict)
    record = KeyRecord(
        key_id=new_id("key_"),
        scope=wanted.scope,
        purpose="reference",
        label=wanted.label,
        created_ms=cause.at_ms,
        alg=wanted.alg,
        thumbprint=parsed.thumbprint,
        public_jwk={name: wanted.public_jwk[name] for name in ("kty", "crv", *row.coordinates)},
    )
    return await store.write(_add, (record, cause))


def check_room(tx: Transaction, scope: Scope, at_ms: int) -> list[KeyRecord]:
    """The live records of purpose `reference`, to which one more may be added. Raises ConflictError `key_limit_reached`."""
    live = [record for record in find_reference_records(tx, scope) if record.is_live(at_ms)]
    if len(live) >= MAX_REFERENCE_KEYS:
        raise ConflictError("key_limit_reached")
    return live


@one_by_one
def _add(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    """Change: add a key to an account that has room for it."""
    record, cause = item
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (record.scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    if record.thumbprint is not None and find_denied(tx, record.scope.account_id, [record.thumbprint]):
        raise MalformedError("key_denied")
    live = check_room(tx, record.scope, cause.at_ms)
    if record.thumbprint is not None and any(each.thumbprint == record.thumbprint for each in live):
        raise ConflictError("key_exists")
    return add_key(tx, record, cause)
