"""Items of the secrets: that no browser has seen one, that none is old, and that another stands by."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from accredit.server.checklist.item import Fault, Item, item_of, told
from accredit.server.checklist.recording import DAY_MS
from accredit.server.keyring.records import KeyFilter, KeyRecord, list_keys
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction

_MAX_DAYS = 365


def find_flow_secrets(tx: Transaction, wanted: tuple[Scope, int]) -> list[KeyRecord]:
    """Query: the live secrets of the flow door and of webhook endpoints, oldest first."""
    scope, now_ms = wanted
    found = [
        record
        for purpose in ("api", "reference", "webhook")
        for record in list_keys(tx, KeyFilter(scope=scope, purpose=purpose))
    ]
    # What is no credential's and no endpoint's is a key of the owner's API.
    ours = [record for record in found if record.purpose != "api" or record.api_key_id is not None]
    secrets = [record for record in ours if record.secret is not None and record.public_jwk is None and record.is_live(now_ms)]
    return sorted(secrets, key=lambda record: (record.created_ms, record.key_id))


def judge_secrets(secrets: Sequence[KeyRecord], exposures: int, now_ms: int) -> list[Item]:
    """The items, in the order of the checklist. exposures: within 90 days."""
    return [_unseen(exposures), _age(secrets, now_ms), _standby(secrets)]


def _unseen(exposures: int) -> Item:
    if not exposures:
        return item_of("secrets_unseen_in_browsers", [], "No browser showed a secret in 90 days.")
    fix = "Take the secret out of the page, make a new one for the backend, and ask again when 90 days have passed without one."
    evidence = f"Browsers showed secrets {told(exposures, 'time', 'times')} in 90 days"
    return item_of("secrets_unseen_in_browsers", [Fault("fail", evidence, fix)])


def _age(secrets: Sequence[KeyRecord], now_ms: int) -> Item:
    if not secrets:
        return item_of("secret_age", [], "No secret is live.")
    days = max(0, now_ms - secrets[0].created_ms) // DAY_MS
    count = len({record.secret_hash or record.key_id for record in secrets})
    evidence = f"{told(count, 'live secret', 'live secrets')}, the oldest {told(days, 'day', 'days')} old"
    if days < _MAX_DAYS:
        return item_of("secret_age", [], f"{evidence}.")
    fix = f"Make another secret, give it to the backend, and retire {secrets[0].key_id}."
    return item_of("secret_age", [Fault("warn", evidence, fix)])


def _standby(secrets: Sequence[KeyRecord]) -> Item:
    callers = [record for record in secrets if record.endpoint_id is None]
    faults = [fault for name, records in _holders(callers) for fault in _without_standby(name, records)]
    if not callers:
        faults.append(Fault("warn", "No secret is live", "Make an API credential with two secrets, and leave one unused."))
    return item_of("standby_ready", faults, "" if faults else "An unused secret stands by.")


def _holders(callers: Sequence[KeyRecord]) -> Iterator[tuple[str | None, list[KeyRecord]]]:
    """The live records of each credential, and under None the account's own for references, where no credential's verify them."""
    ordered = sorted(callers, key=lambda record: record.api_key_id or "")
    for name, group in groupby(ordered, lambda record: record.api_key_id):
        if name is not None or not any(record.purpose == "reference" and record.api_key_id for record in callers):
            yield name, list(group)


def _without_standby(holder: str | None, records: Sequence[KeyRecord]) -> list[Fault]:
    used: dict[bytes | str, bool] = {}
    for record in records:
        text = record.secret_hash or record.key_id
        used[text] = used.get(text, False) or record.last_used_ms is not None
    name = holder or "The account's own references"
    make = "accredit keys create --purpose reference" if holder is None else f"accredit credential secret {holder}"
    if len(used) < 2:
        return [
            Fault(
                "warn",
                f"{name} {'has' if holder else 'have'} one live secret",
                f"Make a second secret and leave it unused: {make}.",
            )
        ]
    if all(used.values()):
        fix = f"Use one secret alone, and make another that stands by: {make}."
        return [Fault("warn", f"All {len(used)} secrets of {name[0].lower() + name[1:]} are in use", fix)]
    return []
