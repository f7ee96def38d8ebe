"""Of all that end a session one wins, and everybody reads its end (protocol-rest.md sections 9 and 10, scenarios 10 and 11)."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from accredit.errors import ConflictError
from accredit.server.providers.provider import Ended, Show, Verified
from accredit.server.sessions.rest.answers import kept_answer
from accredit.server.sessions.rest.changing import choose_provider, keep_step, note_browser
from accredit.server.sessions.rest.finishing import abort, cancel, expire_if_due, finish
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import load_open

from ...rest_backend import AUTO, visit

SUCCESS = Verified("person-1", {"firstName": "Ada"}, "high")


class Attempt:
    """A session in the server's database, seen from a second node, with an attempt at `nbid`."""

    def __init__(self, backend, **members):
        self.backend, self.run, self.node = backend, backend.server.run, backend.server.node
        self.made = backend.create(allowedProviders=["nbid"], **members)
        self.session = self.run(find_any(self.node, self.made["id"]))
        self.session = self.run(choose_provider(self.node, self.session, "nbid"))

    def finish(self, outcome=SUCCESS, attempt_id=None):
        return finish(self.node, self.session, outcome, attempt_id=attempt_id or self.session.attempt_id)

    def now(self):
        return self.run(find_any(self.node, self.made["id"]))

    def late_answers(self):
        return len(self.backend.owner.call("GET", "/v1/audit?kind=rest.late_answer")["entries"])


async def both(*ends):
    return await asyncio.gather(*ends, return_exceptions=True)


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
@pytest.mark.parametrize("first", ["success", "cancel"])
def test_of_cancel_and_success_one_wins_and_both_read_its_end(backend, first, sealed):
    """Scenario 10."""
    key = {"encryptionPublicKey": backend.key()} if sealed else {}
    for _ in range(5):
        attempt = Attempt(backend, **key)
        ends = [attempt.finish(), cancel(attempt.node, attempt.session)]
        outcomes = attempt.run(both(*(ends if first == "success" else reversed(ends))))
        stored = attempt.now()
        assert stored.status in ("success", "cancelled")
        for outcome in outcomes:
            if isinstance(outcome, ConflictError):
                assert (outcome.code, stored.status) == ("session_not_active", "success")
            else:
                assert (outcome.status, outcome.answer) == (stored.status, stored.answer)
        assert stored.sequence == 3
        read = backend.send("GET", f"/{attempt.made['id']}")
        assert read.content == kept_answer(attempt.node, stored)


def test_of_many_at_once_over_http_one_wins(backend):
    for _ in range(3):
        made, token = backend.create(allowedProviders=["nbid"], **AUTO), backend.token
        with ThreadPoolExecutor(4) as pool:
            seen = pool.submit(visit, made)
            cancelled = list(pool.map(lambda path: backend.send("POST", path).status_code, [f"/{made['id']}/cancel"] * 3))
            seen.result()
        assert token
        status = backend.get(made["id"])["status"]
        assert set(cancelled) == ({200} if status == "CANCELLED" else {409})


def test_an_answer_after_the_end_changes_nothing(backend, clock):
    ended, expired = Attempt(backend), Attempt(backend)
    stored = ended.run(cancel(ended.node, ended.session))
    assert ended.run(ended.finish()) == stored
    clock.advance(1200)
    assert expired.run(expired.finish()).status == "expired"
    assert expired.now().status == "expired"
    assert ended.late_answers() == 2


def test_an_answer_of_an_earlier_attempt_changes_nothing(backend):
    attempt = Attempt(backend)
    earlier = attempt.session.attempt_id
    again = attempt.run(choose_provider(attempt.node, attempt.session, "nbid"))
    assert again.attempt_id != earlier
    assert attempt.run(attempt.finish(attempt_id=earlier)).status == "waiting"
    assert attempt.late_answers() == 1
    with pytest.raises(ConflictError):
        attempt.run(keep_step(attempt.node, attempt.now(), Show("person", {}, {}), attempt_id=earlier))
    assert attempt.run(attempt.finish(attempt_id=again.attempt_id)).status == "success"


def test_none_who_change_an_open_session_at_once_loses_the_others_work(backend):
    attempt = Attempt(backend)
    step = Show("person", {"fault": None}, {"n": 1})
    outcomes = attempt.run(
        both(
            note_browser(attempt.node, attempt.session, b"b" * 32, "192.0.2.1", "agent"),
            keep_step(attempt.node, attempt.session, step, attempt_id=attempt.session.attempt_id),
        )
    )
    assert not any(isinstance(outcome, Exception) for outcome in outcomes)
    stored = attempt.now()
    part = load_open(attempt.node.sealer, stored)
    assert (stored.browser_hash, part.environment.ip_address, part.step.state) == (b"b" * 32, "192.0.2.1", {"n": 1})
    assert part.session_nonce == load_open(attempt.node.sealer, attempt.session).session_nonce


def test_a_provider_that_is_not_offered_or_another_browser_begins_nothing(backend):
    attempt = Attempt(backend)
    with pytest.raises(ConflictError):
        attempt.run(choose_provider(attempt.node, attempt.session, "sbid"))
    attempt.run(note_browser(attempt.node, attempt.session, b"b" * 32, "192.0.2.1", None))
    with pytest.raises(ConflictError):
        attempt.run(choose_provider(attempt.node, attempt.session, "nbid"))
    assert attempt.now().attempt_id == attempt.session.attempt_id


def test_ends_of_the_person_and_of_the_clock_are_one_end_too(backend, clock):
    attempt = Attempt(backend)
    stored = attempt.run(abort(attempt.node, attempt.session))
    assert (stored.status, stored.reason) == ("aborted", "user_aborted")
    assert attempt.run(abort(attempt.node, attempt.session)) == stored
    clock.advance(1200)
    assert attempt.run(expire_if_due(attempt.node, attempt.session)) == stored
    assert backend.get(attempt.made["id"])["statusDetail"] == "user_aborted"


def change_provider(backend, **members):
    """Change a provider, and wait until the second node has heard of it."""
    backend.owner.call("PATCH", "/v1/providers/nbid", 200, members)
    ((version,),) = backend.server.rows("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'config_version'")
    while backend.server.node.store.config_version < version:
        backend.server.run(asyncio.sleep(0.01))


def test_what_does_not_hold_ends_without_the_person(backend):
    """The level, a required attribute, the need for encryption are looked at again when the answer comes."""
    low = Attempt(backend, requestedLoa="high")
    stored = low.run(low.finish(Verified("person-1", {}, "substantial")))
    assert (stored.status, stored.reason) == ("failed", "loa_too_low")
    attempts = [Attempt(backend) for _ in range(2)]
    change_provider(backend, required_attributes=["email"])
    missing = attempts[0].run(attempts[0].finish())
    assert (missing.status, missing.reason) == ("failed", "attribute_missing")
    change_provider(backend, required_attributes=[], requires_encryption=True)
    plain = attempts[1].run(attempts[1].finish())
    assert (plain.status, plain.reason) == ("error", "encryption_required")
    for attempt in (low, *attempts):
        assert "subject" not in backend.get(attempt.made["id"])


def test_an_answer_that_cannot_be_sealed_ends_in_an_error(make_backend):
    """Signed claims are JSON of some depth; what a provider claims may be deeper."""
    backend = make_backend(protection="jws+jwe")
    deep: object = "end"
    for _ in range(30):
        deep = [deep]
    change_provider(backend, mapping={"deep": {"claim": "deep", "as": "json"}})
    answer = backend.post(
        backend.body(encryptionPublicKey=backend.key(), allowedProviders=["nbid"], requestedAttributes=["deep"])
    )
    assert answer.status_code == 200
    server = backend.server
    ((session_id,),) = server.rows("SELECT id FROM sessions")
    session = server.run(choose_provider(server.node, server.run(find_any(server.node, session_id)), "nbid"))
    claims = {"deep": deep}
    ended = server.run(finish(server.node, session, Verified("person-1", claims, "high"), attempt_id=session.attempt_id))
    assert (ended.status, ended.reason) == ("error", "session_error")


def test_what_an_end_says_besides_goes_to_the_audit_record_alone(backend):
    attempt = Attempt(backend)
    attempt.run(attempt.finish(Ended("failed", "provider_response_invalid", "nonce_mismatch")))
    session = backend.get(attempt.made["id"])
    assert (session["status"], session["error"]["code"]) == ("INVALID", "provider_response_invalid")
    (entry,) = backend.owner.call("GET", "/v1/audit?kind=session.failed")["entries"]
    assert (entry["code"], entry["detail"]["reason"], entry["session_id"]) == (
        "provider_response_invalid",
        "nonce_mismatch",
        attempt.made["id"],
    )
