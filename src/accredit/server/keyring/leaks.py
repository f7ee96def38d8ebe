"""The answer to a leak: whatever was exposed ends at once, with every record over it, and its owners hear of it.

design.md section 7, protocol-embed.md sections 7 and 9, protocol-flow.md section 12. A secret or private key that arrives from a
browser, or that a scanner reports, is no secret any more, whoever sent it.

    exposed = find_exposed(form.values())
    if exposed:
        revoked = await respond(store, Leak(exposed, "browser", Cause(now_ms, request_id=request_id)))
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from accredit.keys import secret_hash
from accredit.server.keyring.changes import Cause, end, record_change, tell
from accredit.server.keyring.exposed import Exposed
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.written_secrets import written_hash
from accredit.server.store import Store, Transaction, Value, bump_config, one_by_one


@dataclass(frozen=True, slots=True)
class Leak:
    """Something seen where it must not be. source: `browser`, `api`, or who reported it. url: where it was seen, if that is known.

    account_id: set when only that account's records may end by it, because the finder proves nothing to others.
    """

    exposed: Exposed
    source: str
    cause: Cause
    url: str | None = None
    account_id: str | None = None


def exposed_secret(text: str) -> Exposed:
    """One secret of our form that is known to have been exposed, such as an API key that a browser sent."""
    return Exposed(secret_hashes=(secret_hash(text),))


def exposed_digest(sealer: Sealer, digest: bytes) -> Exposed:
    """A secret, of whichever form, of which SHA-256 is all that is known."""
    return Exposed(secret_hashes=(digest, written_hash(sealer, digest)))


async def respond(store: Store, leak: Leak) -> tuple[KeyRecord, ...]:
    """Revoke every live record over what was exposed and return those records; durable when it returns.

    Keys whose private half was exposed are denied in their accounts for good, dead ones too. What nobody's record stands over, and
    what was dealt with before, changes nothing and costs a read only.
    """
    if not await store.read(_concerns_us, leak):
        return ()
    return await store.write(end_exposed, leak)


def end_all(tx: Transaction, leak: Leak) -> tuple[KeyRecord, ...]:
    """The response inside a transaction."""
    bump_config(tx)
    revoked: list[KeyRecord] = []
    for records in _find_concerned(tx, leak):
        for record in records:
            if record.thumbprint in leak.exposed.thumbprints:
                deny_key(tx, record.scope.account_id, record.thumbprint, leak.cause.at_ms)
        live = [record for record in records if record.is_live(leak.cause.at_ms)]
        for record in live:
            revoked.append(end(tx, record, "secret_exposed", leak.cause.at_ms))
            record_change(tx, "key.leaked", record, leak.cause, code="secret_exposed", detail={"source": leak.source})
        if live:
            tell(tx, "key.leaked", live, leak.cause, {"source": leak.source, "url": leak.url})
    return tuple(revoked)


end_exposed = one_by_one(end_all)


def find_known(tx: Transaction, exposed: Exposed) -> Exposed:
    """Query: what of this anybody's record stands over, a dead one too."""
    return Exposed(
        tuple(_find_values(tx, "secret_hash", exposed.secret_hashes)),
        tuple(_find_values(tx, "thumbprint", exposed.thumbprints)),
    )


def _find_values(tx: Transaction, column: str, values: Sequence[Value]) -> list[Any]:
    if not values:
        return []
    return [
        row[0] for row in tx.rows(f"SELECT DISTINCT {column} FROM keys WHERE {column} IN ({_marks(values)})", tuple(values))
    ]


def deny_key(tx: Transaction, account_id: str, thumbprint: str, at_ms: int) -> None:
    """Refuse a public key for good in an account, because its private half was exposed."""
    tx.execute(
        "INSERT INTO denied_keys (account_id, thumbprint, reason, denied_ms) VALUES (?, ?, 'secret_exposed', ?)"
        " ON CONFLICT DO NOTHING",
        (account_id, thumbprint, at_ms),
    )


def find_denied(tx: Transaction, account_id: str, thumbprints: Sequence[str]) -> frozenset[str]:
    """Those of the public keys that are refused in this account or everywhere."""
    if not thumbprints:
        return frozenset()
    found = tx.rows(
        f"SELECT thumbprint FROM denied_keys WHERE account_id IN (?, '') AND thumbprint IN ({_marks(thumbprints)})",
        (account_id, *thumbprints),
    )
    return frozenset(row[0] for row in found)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _concerns_us(tx: Transaction, leak: Leak) -> bool:
    """Whether anything would change: a page goes on sending what was revoked, and must not empty every cache each time."""
    for records in _find_concerned(tx, leak):
        for record in records:
            thumbprint, at_ms = record.thumbprint, leak.cause.at_ms
            to_deny = thumbprint in leak.exposed.thumbprints and not find_denied(tx, record.scope.account_id, [thumbprint])
            if to_deny or record.is_live(at_ms):
                return True
    return False


def _find_concerned(tx: Transaction, leak: Leak) -> Iterator[list[KeyRecord]]:
    """The records over what was exposed: of each secret or key and each holder, those that one event tells of."""
    for column, values in (("secret_hash", leak.exposed.secret_hashes), ("thumbprint", leak.exposed.thumbprints)):
        by_holder: dict[tuple[object, ...], list[KeyRecord]] = {}
        for record in find_records(tx, f"k.{column} IN ({_marks(values)})", values) if values else ():
            if leak.account_id in (None, record.scope.account_id):
                holder = (getattr(record, column), record.scope, record.deployer_id, record.integration_id)
                by_holder.setdefault(holder, []).append(record)
        yield from by_holder.values()
