"""What ends sessions from outside, what is told of them then, and what is left after erasure (protocol-flow.md sections 6, 9, 10)."""

import json

import pytest

from accredit import open_sealed, parse_decryption_key
from accredit.errors import AccreditError, ConflictError
from accredit.server.sessions.flow.ending import cancel_flow, find_customer, find_flow_session, review_flow
from accredit.server.sessions.flow.links import link_holds, shareable_url
from accredit.server.sessions.flow.listing import NEWEST, FlowSearch, find_flow_sessions
from accredit.server.sessions.flow.objects import session_summary
from accredit.server.sessions.flow.record import customer_hash
from accredit.server.sessions.flow.redacting import redact_customer, redact_flow
from accredit.server.sessions.flow.sharing import rotate_link
from accredit.server.sessions.flow.sweeping import cancel_flow_of_key, sweep_flow
from accredit.server.sessions.flow.tokens import find_token, issue_token
from accredit.server.sessions.lifecycle import sweep

PRIVATE = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
    "alg": "ECDH-ES",
    "kid": "ours",
    "use": "enc",
}
PUBLIC = {name: value for name, value in PRIVATE.items() if name != "d"}
KEY = parse_decryption_key(PRIVATE)
PERSONAL = ("Knope-of-Pawnee", "knope@parks", "user-1", "198.51.100.7")
REVIEWED = {"steps": {"kyc_check": "pending_review"}, "run": True}


@pytest.fixture
def reviewed(flow):
    """A session that awaits review."""
    return flow.walk(flow.create("user-1", simulate=REVIEWED).session)


def dump(flow):
    """All that the database holds, as text."""
    tables = ("sessions", "flow_sessions", "flow_tokens", "events", "deliveries", "audit")
    return "".join(
        repr([bytes(each) if isinstance(each, memoryview) else each for each in row])
        for table in tables
        for row in flow.rows(f"SELECT * FROM {table}")
    )


def test_at_its_time_a_session_is_expired_though_no_sweeper_ran(flow):
    """Scenario 12."""
    session = flow.walk(flow.open().session)
    flow.clock.advance(172_799.999)
    assert flow.now(session).status == "waiting"
    flow.clock.advance(0.001)
    told = flow.object(session)
    assert (told["status"], told["completed_at"]) == ("expired", told["expires_at"])
    assert (told["steps"]["accept_tos"], told["steps"]["kyc_check"]) == ("expired", "expired")
    assert flow.open().session.status == "expired"
    assert flow.run(find_customer(flow.second, flow.scope, flow.template_id, "user-1")).status == "expired"


def test_the_sweeper_writes_expiry_down_and_tells_of_it_once(flow):
    session = flow.open().session
    flow.listen()
    flow.clock.advance(172_800)
    flow.run(sweep(flow.node.store, now_ms=flow.clock()))
    assert flow.rows("SELECT status FROM sessions WHERE id = ?", session.session_id) == [("created",)]
    flow.together(sweep_flow(flow.node), sweep_flow(flow.second))
    assert flow.rows("SELECT status FROM sessions WHERE id = ?", session.session_id) == [("expired",)]
    assert [kind for kind, _, _ in flow.events()] == ["session.expired"]


def test_what_awaits_review_does_not_expire(flow, reviewed):
    flow.clock.advance(10 * 172_800)
    flow.run(sweep_flow(flow.node))
    told = flow.object(reviewed)
    assert (told["status"], told["expires_at"]) == ("pending_review", None)
    assert told["completed_at"] is not None


@pytest.mark.parametrize(
    ("decision", "status", "step"), [("approve", "success", "manually_approved"), ("reject", "failed", "manually_rejected")]
)
def test_a_reviewer_decides_once(flow, reviewed, decision, status, step):
    flow.listen()
    flow.clock.advance(60)
    decided = flow.together(*(review_flow(node, reviewed, decision, flow.cause()) for node in (flow.node, flow.second)))
    assert [each.code for each in decided if isinstance(each, AccreditError)] == ["session_not_in_review"]
    told = flow.object(reviewed)
    assert (told["status"], told["steps"]["kyc_check"], told["kyc_check"]["status"]) == (status, step, step)
    assert [kind for kind, _, _ in flow.events()] == ["session.step_updated", f"session.{status}"]
    assert flow.now(reviewed).completed_ms == flow.clock()
    audited = flow.rows("SELECT actor FROM audit WHERE kind = 'session.reviewed' AND session_id = ?", reviewed.session_id)
    assert audited == [("tester",)]


def test_only_what_awaits_review_is_reviewed(flow):
    with pytest.raises(ConflictError, match="session_not_in_review"):
        flow.run(review_flow(flow.node, flow.open().session, "approve", flow.cause()))


def test_cancelling_again_is_the_same_and_after_another_end_refused(flow, reviewed):
    active = flow.open("user-2").session
    for session in (active, reviewed):
        first = flow.run(cancel_flow(flow.node, session, flow.cause()))
        assert flow.run(cancel_flow(flow.node, session, flow.cause())) == first
        assert flow.object(session)["status"] == "canceled"
    ended, expired = flow.pass_all(flow.open("user-3").session), flow.open("user-4").session
    flow.clock.advance(172_800)
    for session in (ended, expired):
        with pytest.raises(ConflictError, match="session_not_active"):
            flow.run(cancel_flow(flow.node, session, flow.cause()))
    assert flow.rows("SELECT status FROM sessions WHERE id = ?", expired.session_id) == [("expired",)]


def test_a_revoked_key_s_sessions_may_be_cancelled(flow):
    made, opened = flow.create("user-1"), flow.open("user-2")
    assert flow.run(cancel_flow_of_key(flow.node, flow.scope, "key_1")) == 1
    assert (flow.now(made.session).status, flow.now(made.session).reason) == ("cancelled", "key_revoked")
    assert flow.now(opened.session).status == "created"


def test_a_session_is_its_account_s_and_environment_s(flow, make_flow):
    session, other = flow.open().session, make_flow("sandbox")
    assert flow.run(find_flow_session(flow.node, flow.scope, session.session_id)) == session
    assert flow.run(find_flow_session(flow.node, other.scope, session.session_id)) is None


def test_a_finished_session_with_a_key_tells_of_its_person_to_that_key_only(make_flow):
    flow = make_flow("sandbox", encryption_public_key=PUBLIC)
    session = flow.open("user-1", None, "page@example.org").session
    assert flow.object(session)["user"]["email"] == "page@example.org"
    ended = flow.pass_all(session)
    told = flow.object(ended)
    assert (told["user"]["email"], told["kyc_check"], told["details"], told["unverified"]) == (None, None, None, [])
    assert (told["status"], told["customer_reference"], told["steps"]["kyc_check"]) == ("success", "user-1", "success")
    opened = open_sealed(told["sealed"].encode(), [KEY])
    assert (opened["id"], opened["user"]["email"], opened["kyc_check"]["status"]) == (told["id"], "page@example.org", "success")
    assert flow.object(ended)["sealed"] == told["sealed"], "the same bytes on every read"


def test_the_caller_s_key_comes_before_the_template_s(make_flow):
    flow = make_flow("sandbox")
    session = flow.create("user-1", encryption_public_key=PUBLIC, simulate={"run": True}).session
    assert open_sealed(flow.object(flow.walk(session))["sealed"].encode(), [KEY])["id"] == session.session_id
    assert flow.retry("reset").control.encryption_key == session.control.encryption_key


def test_after_redaction_the_database_holds_nothing_the_person_entered(flow):
    """Scenario 12."""
    created = flow.create("user-1", user={"email": "knope@parks.example"}, tags=["tagged"], shareable=True, locale="da")
    session = flow.pass_all(created.session, last="Knope-of-Pawnee")
    token = flow.run(issue_token(flow.node, session, origin=None, language=None, resumed=False))
    key = flow.object(session)["shareable_url"].partition("=")[2]
    flow.listen()
    for text in PERSONAL:
        assert text not in dump(flow), "what is of the person is sealed from the beginning"
    erased = flow.run(redact_flow(flow.node, session, flow.cause()))
    assert flow.run(redact_flow(flow.node, session, flow.cause())) == erased, "again is the same"
    told = flow.object(session)
    assert (told["customer_reference"], told["shareable_url"], told["details"], told["tags"], told["sealed"]) == (None,) * 5
    assert set(told["user"].values()) == {None}
    assert (told["status"], told["redacted_at"] is not None, told["id"]) == ("success", True, session.session_id)
    assert told["completed_at"] is not None
    assert (flow.now(session).own_key, flow.now(session).sealed, flow.run(find_token(flow.node, token))) == (None, None, None)
    assert not link_holds(flow.node.sealer, flow.now(session), key)
    assert flow.rows("SELECT data FROM events WHERE session_id = ?", session.session_id)[0][0].endswith('"tags":["tagged"]}')
    assert "tagged" not in repr(flow.rows("SELECT control, tags FROM flow_sessions"))
    for text in PERSONAL:
        assert text not in dump(flow)
    assert [kind for kind, _, _ in flow.events()] == ["session.redacted"]


def test_only_ended_sessions_are_redacted(flow, reviewed):
    for session in (reviewed, flow.open("user-2").session):
        with pytest.raises(ConflictError, match="session_active"):
            flow.run(redact_flow(flow.node, session, flow.cause()))


def test_all_of_a_customer_goes_at_once(flow):
    first = flow.pass_all(flow.open().session)
    second, other = flow.retry("reset"), flow.open("user-2").session
    flow.listen()
    erased = flow.run(redact_customer(flow.node, flow.scope, "user-1", flow.cause(), None))
    assert [each.session_id for each in erased] == [second.session_id, first.session_id]
    assert [(kind, session) for kind, session, _ in flow.events()] == [
        ("session.cancelled", second.session_id),
        ("session.redacted", second.session_id),
        ("session.redacted", first.session_id),
    ]
    assert flow.object(second)["status"] == "canceled"
    assert flow.object(other)["customer_reference"] == "user-2"
    assert flow.open().session.session_id == second.session_id, "erasure is no new chance"


def test_the_retention_of_the_policy_erases(make_flow):
    flow = make_flow("sandbox", retention_days=1)
    session, open_one = flow.pass_all(flow.open().session), flow.open("user-2").session
    flow.clock.advance(86_399)
    flow.run(sweep_flow(flow.node))
    assert flow.object(session)["redacted_at"] is None
    flow.clock.advance(1)
    flow.run(sweep(flow.node.store, now_ms=flow.clock()))
    assert flow.object(session)["redacted_at"] is None
    flow.run(sweep_flow(flow.node))
    assert flow.object(session)["redacted_at"] is not None
    assert flow.object(open_one)["redacted_at"] is None


def test_a_link_holds_until_it_is_given_a_new_key(flow):
    """Scenario 11."""
    session = flow.create("user-1", shareable=True).session
    link = str(shareable_url(flow.node, session))
    key = link.partition("?key=")[2]
    assert len(key) == 64
    assert link_holds(flow.second.sealer, session, key)
    rotated = flow.run(rotate_link(flow.node, session, flow.cause()))
    assert shareable_url(flow.node, rotated) != link
    assert not link_holds(flow.node.sealer, rotated, key)
    for wrong in ("", "0" * 64, key.upper(), "\ud800"):
        assert not link_holds(flow.node.sealer, session, wrong)
    unshared = flow.open("user-2").session
    assert shareable_url(flow.node, unshared) is None
    ended = flow.run(cancel_flow(flow.node, unshared, flow.cause()))
    with pytest.raises(ConflictError, match="session_not_active"):
        flow.run(rotate_link(flow.node, ended, flow.cause()))


def test_the_key_may_stand_in_the_fragment(make_flow):
    flow = make_flow("sandbox", hosted_key_in="fragment")
    assert "#key=" in flow.object(flow.create("user-1", shareable=True).session)["shareable_url"]


def test_a_frame_token_is_good_for_two_hours_after_its_last_use(flow):
    opened = flow.open()
    found = flow.run(find_token(flow.node, opened.token))
    assert (found.session_id, found.origin, found.resumed) == (opened.session.session_id, "https://shop.example", False)
    assert flow.run(find_token(flow.node, flow.open().token)).resumed
    for _ in range(3):
        flow.clock.advance(7199)
        assert flow.run(find_token(flow.second, opened.token)) == found
    flow.clock.advance(7200)
    assert flow.run(find_token(flow.node, opened.token)) is None
    flow.run(sweep_flow(flow.node))
    assert flow.count("flow_tokens") == 0


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud800" * 43])
def test_a_token_that_is_none_leads_nowhere(flow, token):
    assert flow.run(find_token(flow.node, token)) is None


def test_lists_are_newest_first_and_tell_nothing_personal(flow):
    made = [flow.create(f"user-{n}", tags=["beta"] if n else [], user={"email": "a@example.org"}).session for n in range(3)]
    flow.run(cancel_flow(flow.node, made[1], flow.cause()))

    def ids(**wanted):
        search = FlowSearch(flow.scope, flow.clock(), **wanted)
        return [each.session_id for each in flow.run(flow.node.store.read(find_flow_sessions, (search, NEWEST, 10)))]

    zero, one, two = (each.session_id for each in made)
    assert ids() == [two, one, zero]
    assert ids(tag="beta") == [two, one]
    assert ids(status="canceled") == [one]
    assert ids(status="active", template_id=flow.template_id) == [two, zero]
    assert ids(customer_hash=customer_hash(flow.node.sealer, flow.scope, "user-0")) == [zero]
    assert ids(template_id="flwtmp_other") == []
    flow.clock.advance(172_800)
    assert (ids(status="active"), ids(status="expired")) == ([], [two, zero])
    summary = session_summary(flow.node, made[2])
    assert summary["customer_reference"] == "user-2"
    assert "a@example.org" not in json.dumps(summary)
    assert not {"user", "details", "kyc_check", "sealed"} & summary.keys()


def test_the_generic_lifecycle_leaves_sessions_of_the_flow_door_alone(flow):
    from accredit.server.keyring.scope import Scope
    from accredit.server.sessions.lifecycle import Ending, end_session
    from accredit.server.sessions.record import find_session

    session = flow.open().session
    assert flow.run(flow.node.store.read(find_session, (session.session_id, flow.scope))) is None
    with pytest.raises(AccreditError, match="session_not_found"):
        flow.run(end_session(flow.node.store, Ending(session.session_id, Scope("acc_none", "live"), "success", flow.clock())))
