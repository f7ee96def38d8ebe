"""What a key set holds, and what that means for the ring. Pure: octets and records in, a plan out.

RFC 7517 section 5; protocol-embed.md section 10: keys of a wrong form are skipped, a key that left the set is revoked, at most ten
of a deployer's keys come from sets. A set only ever brings back what it took away: a key that an owner ended stays ended.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from accredit.encoding import JsonError, parse_json
from accredit.errors import FailureError, MalformedError
from accredit.server.keyring.deployment_keys import MAX_SET_KEYS, Holder, check_jwk
from accredit.server.keyring.exposed import derived_thumbprint
from accredit.server.keyring.records import KeyRecord

# Ends that the set itself brought about.
KEY_LEFT, SET_REMOVED = "key_set_left", "key_set_removed"
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """candidates: keys of the right form, as the records that they would make. skipped: codes of the others, one for each.

    exposed: thumbprints of keys that were published with their private half.
    """

    candidates: tuple[KeyRecord, ...]
    skipped: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """kept, added: the keys that the set stands for now. left: those to be revoked. skipped: codes of keys that do not count."""

    kept: tuple[KeyRecord, ...]
    added: tuple[KeyRecord, ...]
    left: tuple[KeyRecord, ...]
    skipped: tuple[str, ...]

    @property
    def changes_keys(self) -> bool:
        """Whether the ring is not yet as the set wants it."""
        return bool(self.added or self.left)


def read_key_set(body: bytes, holder: Holder, key_set_id: str, at_ms: int) -> Reading:
    """Read a JWK set. Raises FailureError key_set_unreadable if it is none."""
    try:
        parsed = parse_json(body, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise FailureError("key_set_unreadable") from error
    keys = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(keys, list):
        raise FailureError("key_set_unreadable")
    candidates: list[KeyRecord] = []
    skipped: list[str] = []
    for jwk in keys:
        try:
            candidates.append(replace(check_jwk(holder, jwk, at_ms), key_set_id=key_set_id))
        except MalformedError as error:
            skipped.append(error.code)
    private = [derived_thumbprint(jwk) for jwk in keys if isinstance(jwk, dict)]
    return Reading(tuple(candidates), tuple(skipped), tuple({name for name in private if name is not None}))


def plan_changes(
    reading: Reading, key_set_id: str, records: Sequence[KeyRecord], denied: Container[str | None], now_ms: int
) -> Plan:
    """Compare a reading with the ring. A key is known again by its thumbprint and its `kid`.

    records: all deployment keys of the deployer. denied: thumbprints that its account may not have.
    """
    # A key whose hold has passed counts as held too: now that the set is read, it stands again or leaves.
    held = {_name(each): each for each in records if each.key_set_id == key_set_id and each.revoked_ms is None}
    # Of keys that stand in the set twice the first counts.
    candidates = {each.thumbprint: each for each in reversed(reading.candidates)}
    skipped = [*reading.skipped, *["key_exists"] * (len(reading.candidates) - len(candidates))]
    wanted = {_name(each) for each in candidates.values() if each.thumbprint not in denied}
    left = tuple(record for name, record in held.items() if name not in wanted)
    leaving = {record.key_id for record in left}
    others = [record for record in records if record.key_id not in leaving]
    room = MAX_SET_KEYS - sum(each.key_set_id is not None and _stands(each, now_ms) for each in others)
    added: list[KeyRecord] = []
    for candidate in reversed(candidates.values()):
        if _name(candidate) in wanted & held.keys():
            continue
        code = _obstacle(candidate, others, denied, now_ms)
        if code is None and len(added) < room:
            added.append(candidate)
        else:
            skipped.append(code or "key_limit_reached")
    kept = tuple(record for name, record in held.items() if name in wanted and _stands(record, now_ms))
    return Plan(kept, tuple(added), left, tuple(sorted(skipped)))


def _name(record: KeyRecord) -> tuple[str | None, str | None]:
    return record.thumbprint, record.kid


def _stands(record: KeyRecord, now_ms: int) -> bool:
    """Whether nobody ended it, whatever the state of its set."""
    return record.revoked_ms is None and (record.retire_ms is None or now_ms < record.retire_ms)


def _obstacle(candidate: KeyRecord, others: Sequence[KeyRecord], denied: Container[str | None], now_ms: int) -> str | None:
    """Why a key of the set does not become one of the ring: the code, or None."""
    if candidate.thumbprint in denied:
        return "key_denied"
    same = [record for record in others if record.thumbprint == candidate.thumbprint]
    if any(_stands(record, now_ms) for record in same):
        return "key_exists"
    return "key_not_live" if any(map(_was_ended_by_hand, same)) else None


def _was_ended_by_hand(record: KeyRecord) -> bool:
    return record.retire_ms is not None or record.revoke_reason not in (KEY_LEFT, SET_REMOVED)
