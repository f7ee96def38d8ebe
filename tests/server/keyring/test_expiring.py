"""Keys that are to end are told of a week and a day ahead, once each."""

import json

import pytest

from accredit.sealing import generate_encryption_key
from accredit.server.keyring.changes import Retirement, retire_key
from accredit.server.keyring.credentials import NewSecret, create_credential
from accredit.server.keyring.encryption_records import NewEncryptionKey, register_encryption_key
from accredit.server.keyring.expiring import tell_expiring
from accredit.server.times import wire_time

DAY_MS = 86_400_000


@pytest.fixture
def look(ring):
    """Moves the clock to so many days before the end, looks, and says what was told since the last look."""
    told = []

    def move_and_look(until_ms, days):
        ring.clock.now_ms = until_ms - int(days * DAY_MS)
        ring.run(ring.store.write(tell_expiring, ring.clock.now_ms))
        fresh = [json.loads(row[0]) for row in ring.events("key.expiring")][len(told) :]
        told.extend(fresh)
        return fresh

    return move_and_look


def test_a_key_that_was_made_to_end_is_told_of_twice(ring, look):
    until_ms = ring.clock.now_ms + 30 * DAY_MS
    jwk = generate_encryption_key("ECDH-ES").public_jwk
    record = ring.run(
        register_encryption_key(ring.store, NewEncryptionKey(ring.scope, jwk, not_after_ms=until_ms), ring.cause())
    )
    expected = {"key_id": record.key_id, "purposes": ["encryption"], "until": wire_time(until_ms)}
    told = [look(until_ms, days) for days in (7.1, 7, 6, 1.1, 1, 0.5, 0, -1)]
    assert told == [[], [expected], [], [], [expected], [], [], []]


def test_records_over_one_secret_are_told_of_together(ring, look):
    made = ring.run(create_credential(ring.store, ring.sealer, NewSecret(ring.scope), ring.cause()))
    until_ms = ring.clock.now_ms + 10 * DAY_MS
    retirement = Retirement(ring.scope, made.records[0].key_id, until_ms, ring.cause(), whole_secret=True)
    ring.run(ring.store.write(retire_key, retirement))
    [told] = look(until_ms, 3)
    assert sorted(told["purposes"]) == ["api", "reference", "webhook"]


@pytest.mark.parametrize(("ahead", "expected"), [(0.5, []), (3, [1]), (20, [7, 1])])
def test_what_is_said_to_end_soon_is_not_told_of_twice(ring, look, ahead, expected):
    made = ring.run(create_credential(ring.store, ring.sealer, NewSecret(ring.scope), ring.cause()))
    until_ms = ring.clock.now_ms + int(ahead * DAY_MS)
    ring.run(ring.store.write(retire_key, Retirement(ring.scope, made.records[0].key_id, until_ms, ring.cause())))
    assert [days for days in (15, 7, 1, 0.1) if days <= ahead and look(until_ms, days)] == expected
