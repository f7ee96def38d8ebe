"""Items of the secrets: that no browser has seen one, that none is old, and that another stands by."""

from collections.abc import Sequence
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
    holders = sorted((record for record in secrets if record.endpoint_id is None), key=_holder)
    faults = [fault for holder, group in groupby(holders, _holder) for fault in _without_standby(holder, list(group))]
    if not holders:
        faults.append(Fault("warn", "No secret is live", "Make an API credential with two secrets, and leave one unused."))
    return item_of("standby_ready", faults, "" if faults else "An unused secret stands by.")


def _holder(record: KeyRecord) -> str:
    return record.api_key_id or ""


def _without_standby(holder: str, records: Sequence[KeyRecord]) -> list[Fault]:
    """What a credential lacks, or the account's own secrets for references: they have the credentials' to stand by them."""
    if not holder:
        return []
    used: dict[bytes | str, bool] = {}
    for record in records:
        text = record.secret_hash or record.key_id
        used[text] = used.get(text, False) or record.last_used_ms is not None
    if len(used) < 2:
        fix = f"Make a second secret and leave it unused: accredit credential secret {holder}."
        return [Fault("warn", f"{holder} has one live secret", fix)]
    if all(used.values()):
        fix = f"Use one secret of {holder} alone, and make another that stands by."
        return [Fault("warn", f"All {len(used)} secrets of {holder} are in use", fix)]
    return []
