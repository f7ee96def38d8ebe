"""A deployer's keys: handed in as a public JWK or made here (protocol-embed.md section 10).

A JWK that holds its private half is refused, and its public half is denied in the account for good: the private half has travelled.
Several keys live at once, so that a rotation overlaps.

    made = await generate_deployment_key(store, Holder(scope, "shop"), Cause(now_ms, actor=api_key.key_id))
    made.private_jwk          # shown once, kept nowhere
"""

from dataclasses import dataclass, field

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.keys import PRIVATE_MEMBERS, SIGNATURE_ALGORITHMS, DeploymentKey, parse_deployment_key, public_thumbprint
from accredit.keys import generate_deployment_key as generate_pair
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.exposed import Exposed, derived_thumbprint
from accredit.server.keyring.leaks import Leak, deny_key, end_all, find_denied
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, bump_config, one_by_one

# How many live keys a deployer may have: handed in, and from its key sets.
MAX_KEYS, MAX_SET_KEYS = 5, 10
_MAX_KID, _MAX_INTEGRATIONS = 256, 100


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key it is to be. alg: the one algorithm that it verifies. integration_ids: where it counts, None means everywhere."""

    scope: Scope
    deployer_id: str
    alg: str = "ES512"
    integration_ids: tuple[str, ...] | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key pair made here: its record, and the private half, which nobody keeps."""

    record: KeyRecord
    private_jwk: dict[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checked record that waits for its transaction."""

    record: KeyRecord
    cause: Cause


async def register_deployment_key(store: Store, holder: Holder, jwk: Json, cause: Cause) -> KeyRecord:
    """Keep a deployer's public key; tokens that it signed are verified from now on.

    Raises MalformedError: those of `parse_deployment_key`, `field_invalid` (alg, kid), `key_denied`; ConflictError: `key_exists`,
    `key_limit_reached`; NotFoundError: `deployer_not_found`, `integration_not_found`.
    """
    await burn_if_private(store, holder.scope, jwk, cause)
    return await store.write(add_deployment_key, Candidate(check_jwk(holder, jwk, cause.at_ms), cause))


async def generate_deployment_key(store: Store, holder: Holder, cause: Cause) -> MadeKey:
    """Make a key pair for a deployer and keep the public half. Raises as `register_deployment_key`."""
    check_holder(holder)
    pair = generate_pair(holder.alg)
    record = await store.write(add_deployment_key, Candidate(check_jwk(holder, pair.public_jwk, cause.at_ms), cause))
    return MadeKey(record, pair.private_jwk)


def check_holder(holder: Holder) -> None:
    """Raises MalformedError field_invalid for an algorithm that deployments are not signed with, or a scope of no integration."""
    if holder.alg not in SIGNATURE_ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    if holder.integration_ids is not None and not 1 <= len(holder.integration_ids) <= _MAX_INTEGRATIONS:
        raise MalformedError("field_invalid", "integration_ids")


def check_jwk(holder: Holder, jwk: Json, at_ms: int) -> KeyRecord:
    """The record that a public JWK would make. Raises MalformedError: those of `parse_deployment_key`, `field_invalid`."""
    check_holder(holder)
    kid = jwk.get("kid") if isinstance(jwk, dict) else None
    parsed = parse_deployment_key(jwk, holder.alg)
    if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= _MAX_KID and kid.isprintable()):
        raise MalformedError("field_invalid", "kid")
    return KeyRecord(
        key_id=new_id("key_"),
        scope=holder.scope,
        purpose="deployment",
        label=holder.label,
        created_ms=at_ms,
        deployer_id=holder.deployer_id,
        alg=holder.alg,
        kid=kid,
        thumbprint=parsed.thumbprint,
        public_jwk=_public_half(jwk, parsed),
        integration_ids=holder.integration_ids,
    )


def _public_half(jwk: Json, parsed: DeploymentKey) -> dict[str, Json]:
    """Only what makes the key: whatever else a JWK carried is not kept."""
    row = SIGNATURE_ALGORITHMS[parsed.alg]
    assert isinstance(jwk, dict)
    return {name: jwk[name] for name in ("kty", "crv", *row.coordinates)}


async def burn_if_private(store: Store, scope: Scope, jwk: Json, cause: Cause, *, proven: bool = False) -> None:
    """Deny a key whose private half was handed in, and end its records in the account, durably, though the call is refused.

    proven: burn only the public half that the private member truly has, where the caller may not speak for the account.
    Raises MalformedError key_private_member.
    """
    if not isinstance(jwk, dict) or all(jwk.get(member) is None for member in PRIVATE_MEMBERS):
        return
    claimed = None if proven else public_thumbprint(jwk)
    thumbprints = tuple({name for name in (claimed, derived_thumbprint(jwk)) if name is not None})
    if thumbprints:
        await store.write(burn_keys, Burning(scope, thumbprints, cause))
    raise MalformedError("key_private_member")


@dataclass(frozen=True, slots=True)
class Burning:
    """Keys that an account may never have again. code: what was wrong with them."""

    scope: Scope
    thumbprints: tuple[str, ...]
    cause: Cause
    code: str = "key_private_member"


def burn(tx: Transaction, item: Burning) -> None:
    """Deny keys in an account, and end their records in it."""
    scope, cause = item.scope, item.cause
    for thumbprint in item.thumbprints:
        deny_key(tx, scope.account_id, thumbprint, cause.at_ms)
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind="key.denied",
        account_id=scope.account_id,
        environment=scope.environment,
        code=item.code,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"thumbprints": list(item.thumbprints)},
    )
    audit.append(tx, [entry])
    end_all(tx, Leak(Exposed(thumbprints=item.thumbprints), "api", cause, account_id=scope.account_id))


burn_keys = one_by_one(burn)


def add_checked(tx: Transaction, item: Candidate) -> KeyRecord:
    """Add a key that a deployer handed in, within a transaction that has bumped the config version, if nothing stands against it."""
    record = item.record
    scope, deployer_id = record.scope, str(record.deployer_id)
    require_deployer(tx, scope, deployer_id, record.integration_ids)
    if find_denied(tx, scope.account_id, [str(record.thumbprint)]):
        raise MalformedError("key_denied")
    live = [each for each in find_deployment_records(tx, scope, deployer_id) if each.is_live(item.cause.at_ms)]
    if any(each.thumbprint == record.thumbprint for each in live):
        raise ConflictError("key_exists")
    if sum(each.key_set_id is None for each in live) >= MAX_KEYS:
        raise ConflictError("key_limit_reached")
    return add_key(tx, record, item.cause)


@one_by_one
def add_deployment_key(tx: Transaction, item: Candidate) -> KeyRecord:
    """Change: add a deployer's key."""
    bump_config(tx)
    return add_checked(tx, item)


def find_deployment_records(tx: Transaction, scope: Scope, deployer_id: str) -> list[KeyRecord]:
    """All deployment keys of a deployer, dead ones too."""
    return find_records(
        tx,
        "k.account_id = ? AND k.environment = ? AND k.purpose = 'deployment' AND k.deployer_id = ?",
        (scope.account_id, scope.environment, deployer_id),
    )


def require_deployer(tx: Transaction, scope: Scope, deployer_id: str, integration_ids: tuple[str, ...] | None) -> None:
    """Raises NotFoundError: deployer_not_found, or integration_not_found where one of the ids is not this deployer's."""
    whose = (scope.account_id, scope.environment, deployer_id)
    if tx.row("SELECT 1 FROM deployers WHERE account_id = ? AND environment = ? AND id = ?", whose) is None:
        raise NotFoundError("deployer_not_found", "deployer_id")
    for integration_id in integration_ids or ():
        found = tx.row(
            "SELECT 1 FROM integrations WHERE account_id = ? AND environment = ? AND deployer_id = ? AND id = ?"
            " AND deleted_ms IS NULL",
            (*whose, integration_id),
        )
        if found is None:
            raise NotFoundError("integration_not_found", "integration_ids")
