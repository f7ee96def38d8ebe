"""A signed request takes effect once: what its transaction claims, on both databases and between nodes."""

import asyncio
import hashlib

import pytest

from accredit.errors import ConflictError
from accredit.server.keyring.scope import SERVER
from accredit.server.sessions.flow.claims import (
    IDEMPOTENCY_KEPT_MS,
    SIGNATURE_KEPT_MS,
    Replayed,
    ReplayedError,
    claiming,
    find_replayed,
    forget_request_claims,
    make_claim,
    note,
    take,
)
from accredit.server.store import one_by_one

KEY_ID, PATH = "live_key_1", "/flow_sessions"


@one_by_one
def act(tx, item):
    """An effect with an answer, as the doors have it. Raises what it is given."""
    claim, status, error = item
    replayed = take(tx, claim)
    if replayed is not None:
        return replayed
    if error is not None:
        raise error
    note(tx, claim, status, f"flwses_{status}")
    return "done"


@pytest.fixture
def claim_of(run, sealer, now_ms):
    run(sealer.ready(SERVER))

    def claim(signature="s-1", key=None, *, body=b"{}", now_ms=now_ms, key_id=KEY_ID, path=PATH):
        digest = hashlib.sha256(body).digest()
        return make_claim(
            sealer, key_id, signature, digest, idempotent=None if key is None else ("POST", path, key), now_ms=now_ms
        )

    return claim


@pytest.fixture
def attempt(run, store):
    return lambda claim, status=201, error=None: run(store.write(act, (claim, status, error)))


def test_the_same_request_again_has_the_first_answer(attempt, claim_of, run, store):
    assert run(store.read(find_replayed, claim_of())) is None
    assert attempt(claim_of()) == "done"
    assert attempt(claim_of(), 200) == Replayed(201, "flwses_201")
    assert run(store.read(find_replayed, claim_of())) == Replayed(201, "flwses_201")
    assert attempt(claim_of("s-2")) == "done"
    assert attempt(claim_of(key_id="live_key_2")) == "done"


def test_what_was_refused_may_come_again(attempt, claim_of):
    with pytest.raises(ConflictError, match="session_not_active"):
        attempt(claim_of(key="k"), error=ConflictError("session_not_active"))
    assert attempt(claim_of(key="k")) == "done"


def test_a_signature_is_kept_longer_than_its_date_is_good_for(attempt, claim_of, now_ms):
    attempt(claim_of())
    assert SIGNATURE_KEPT_MS > 2 * 900_000
    assert attempt(claim_of(now_ms=now_ms + SIGNATURE_KEPT_MS - 1)) == Replayed(201, "flwses_201")
    assert attempt(claim_of(now_ms=now_ms + SIGNATURE_KEPT_MS), 200) == "done"
    assert attempt(claim_of(now_ms=now_ms + SIGNATURE_KEPT_MS)) == Replayed(200, "flwses_200")


def test_an_idempotency_key_is_the_same_request_under_new_signatures(attempt, claim_of, now_ms, run, store):
    attempt(claim_of("s-1", "k"))
    assert attempt(claim_of("s-2", "k"), 200) == Replayed(201, "flwses_201")
    assert run(store.read(find_replayed, claim_of("s-3", "k"))) == Replayed(201, "flwses_201")
    later = now_ms + IDEMPOTENCY_KEPT_MS
    assert attempt(claim_of("s-4", "k", now_ms=later - 1)) == Replayed(201, "flwses_201")
    assert attempt(claim_of("s-5", "k", now_ms=later)) == "done"


def test_who_takes_a_request_down_gains_nothing_by_another_key(attempt, claim_of):
    """The header is not signed; the signature is claimed all the same, also where the key itself replayed."""
    attempt(claim_of("s-1", "k"))
    for key in (None, "other"):
        assert attempt(claim_of("s-1", key)) == Replayed(201, "flwses_201")
    attempt(claim_of("s-2", "k"))
    assert attempt(claim_of("s-2", None), 200) == Replayed(201, "flwses_201")


def test_a_key_belongs_to_its_body_path_and_signer(attempt, claim_of, run, store):
    attempt(claim_of("s-1", "k"))
    for look in (lambda claim: run(store.read(find_replayed, claim)), attempt):
        with pytest.raises(ConflictError) as refused:
            look(claim_of("s-2", "k", body=b"[]"))
        assert (refused.value.code, refused.value.member) == ("idempotency_key_reused", "Idempotency-Key")
    assert attempt(claim_of("s-3", "k", path="/flow_sessions/retry", body=b"[]")) == "done"
    assert attempt(claim_of("s-4", "k", key_id="live_key_2", body=b"[]")) == "done"


def test_a_change_of_one_session_writes_its_claim_beside(run, store, claim_of):
    change = one_by_one(lambda tx, item: claiming(item, "flwses_1", 200)(tx))
    assert run(store.write(change, claim_of())) is None
    with pytest.raises(ReplayedError) as refused:
        run(store.write(change, claim_of()))
    assert refused.value.replayed == Replayed(200, "flwses_1")
    assert run(store.write(change, None)) is None


def test_of_many_at_once_one_has_the_effect(database_url, run, store, second_store, claim_of):
    """Two nodes, and several callers at each: a claim that is not committed yet is waited for."""

    async def all_of_them():
        stores = [store, second_store] * 4
        return await asyncio.gather(*(each.write(act, (claim_of("s-1", "k"), 201, None)) for each in stores))

    outcomes = run(all_of_them())
    assert outcomes.count("done") == 1
    assert outcomes.count(Replayed(201, "flwses_201")) == 7


def test_claims_past_their_time_are_dropped(attempt, claim_of, run, store, now_ms):
    attempt(claim_of("s-1", "k"))
    assert run(store.write(forget_request_claims, now_ms + SIGNATURE_KEPT_MS - 1)) == 0
    assert run(store.write(forget_request_claims, now_ms + SIGNATURE_KEPT_MS)) == 1
    assert run(store.write(forget_request_claims, now_ms + IDEMPOTENCY_KEPT_MS)) == 1
    assert run(store.read(lambda tx, _: tx.rows("SELECT * FROM request_claims"), None)) == []
