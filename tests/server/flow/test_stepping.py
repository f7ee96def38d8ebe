"""Walking the steps: each is begun once, ends once, and is told of in order (protocol-flow.md section 7, scenario 15)."""

import asyncio

import pytest

from accredit.errors import AccreditError, ConflictError
from accredit.server.sessions.flow.record import load_person
from accredit.server.sessions.flow.stepping import advance, answer_step, arrive, look_again, submit
from accredit.server.sessions.flow.sweeping import wake_flow
from accredit.server.steps.step import StepOutcome

ACCEPT = {"accept": "1"}


def kyc(last="Knope"):
    return {"name.first": "Leslie", "name.last": last}


@pytest.fixture
def waiting(flow):
    """A session whose kyc_check is with a service that takes its time."""
    return flow.walk(flow.open().session, accept_tos=ACCEPT, kyc_check=kyc("Slow-kyc_check"))


def test_tells_of_everything_in_order(flow):
    flow.listen()
    session = flow.pass_all(flow.open().session)
    assert session.status == "success"
    assert [(kind, sequence) for kind, _, sequence in flow.events()] == [
        ("session.created", 1),
        ("session.step_updated", 2),
        ("session.waiting", 3),
        ("session.step_updated", 4),
        ("session.step_updated", 5),
        ("session.step_updated", 6),
        ("session.success", 7),
    ]
    data = flow.rows("SELECT data FROM events WHERE session_id = ? ORDER BY id", session.session_id)
    steps = [row[0] for row in data if '"step"' in row[0]]
    assert ['"step":"accept_tos","step_status":"active"' in each for each in steps] == [True, False, False, False]
    assert not any("Knope" in row[0] for row in data)


def test_a_person_who_declines_may_think_again(flow):
    session = flow.walk(flow.open().session, accept_tos={"decline": "1"})
    assert (session.status, session.active_step) == ("waiting", "accept_tos")
    assert flow.pass_all(session).status == "success"


def test_a_form_of_a_step_that_is_not_due_is_refused(flow):
    session = flow.walk(flow.open().session)
    for step in ("kyc_check", "verify_sms"):
        with pytest.raises(ConflictError, match="step_not_active"):
            flow.run(submit(flow.node, session, step, kyc()))
    ended = flow.pass_all(session)
    with pytest.raises(ConflictError, match="step_not_active"):
        flow.run(submit(flow.node, ended, "kyc_check", kyc()))


def test_a_form_sent_twice_at_once_counts_once(flow):
    session = flow.walk(flow.open().session)
    outcomes = flow.together(*(submit(node, session, "accept_tos", ACCEPT) for node in (flow.node, flow.second)))
    assert [each.code for each in outcomes if isinstance(each, AccreditError)] == ["step_not_active"]
    assert flow.now(session).active_step == "kyc_check"


def test_two_nodes_begin_a_step_once(flow):
    session = flow.create("user-1", consent=True, user={"name": {"first": "Leslie", "last": "Knope"}}).session
    flow.listen()
    arrivals = (arrive(node, session, "198.51.100.7", None) for node in (flow.node, flow.second))
    assert {each.status for each in flow.together(*arrivals)} == {"success"}
    kinds = [kind for kind, _, _ in flow.events()]
    assert kinds == ["session.waiting", "session.step_updated", "session.success"]


@pytest.mark.parametrize(
    ("family", "status", "step_status"),
    [
        ("Gergich", "failed", "failed"),
        ("Fail-kyc_check", "failed", "failed"),
        ("Error-kyc_check", "pending_review", "pending_review"),
    ],
)
def test_what_the_service_says_decides(flow, family, status, step_status):
    """Scenario 15: a service that cannot be reached ends in review."""
    session = flow.walk(flow.open().session, accept_tos=ACCEPT, kyc_check=kyc(family))
    assert (session.status, session.steps["kyc_check"].status) == (status, step_status)
    assert flow.object(session)["kyc_check"]["status"] == step_status


def test_a_slow_service_is_asked_again_though_nobody_is_there(flow, waiting):
    flow.run(wake_flow(flow.node))
    assert flow.now(waiting).status == "waiting"
    flow.clock.advance(5)
    flow.run(wake_flow(flow.second))
    assert flow.now(waiting).status == "success"


def test_a_page_that_waits_writes_nothing_until_there_is_something_new(flow, waiting):
    again = flow.run(look_again(flow.node, waiting))
    assert (again.revision, load_person(flow.node.sealer, again).kept.kind) == (waiting.revision, "wait")
    flow.clock.advance(5)
    assert flow.run(look_again(flow.node, again)).status == "success"


def test_a_step_begun_by_a_node_that_died_is_begun_again(flow):
    """Scenario 15: the answer of the step before is durable, and the next one is asked."""
    session = flow.walk(flow.open().session)
    answered = flow.run(answer_step(flow.node, session, "accept_tos", 1, StepOutcome("success")))
    assert (answered.active_step, load_person(flow.node.sealer, answered).kept) == ("kyc_check", None)
    flow.clock.advance(10)
    flow.run(wake_flow(flow.second))
    assert load_person(flow.node.sealer, flow.now(session)).kept.screen == "fields"


def test_a_service_answers_once(flow, waiting):
    outcome = StepOutcome("success", {"name": {"summary": "match"}, "secret": "x"}, ("name",), "fine")
    answers = flow.together(*(answer_step(node, waiting, "kyc_check", 1, outcome) for node in (flow.node, flow.second)))
    assert sorted(getattr(each, "status", None) for each in answers if not isinstance(each, AccreditError)) == ["success"]
    told = flow.object(waiting)
    assert (told["kyc_check"]["name"], told["unverified"]) == ({"summary": "match"}, [])
    late = flow.rows("SELECT COUNT(*) FROM audit WHERE kind = 'flow.late_answer' AND session_id = ?", waiting.session_id)
    assert late == [(1,)]
    entries = flow.rows("SELECT detail FROM audit WHERE kind = 'flow.step_ended' AND session_id = ?", waiting.session_id)
    assert [row[0] for row in entries] == ['{"step":"kyc_check","step_status":"success","reason":"fine"}']


@pytest.mark.parametrize(("step", "attempt"), [("kyc_check", 2), ("accept_tos", 1), ("screening", 1)])
def test_an_answer_to_another_attempt_or_step_changes_nothing(flow, waiting, step, attempt):
    with pytest.raises(ConflictError, match="step_not_active"):
        flow.run(answer_step(flow.node, waiting, step, attempt, StepOutcome("failed")))
    assert flow.now(waiting) == waiting


def test_an_answer_after_the_end_changes_nothing(flow, waiting):
    flow.clock.advance(172_800)
    with pytest.raises(ConflictError, match="step_not_active"):
        flow.run(answer_step(flow.node, waiting, "kyc_check", 1, StepOutcome("success")))
    assert flow.now(waiting).status == "expired"


def test_an_answer_and_what_is_written_with_it_are_one(flow, waiting):
    def fail(tx):
        raise ConflictError("session_changed")

    with pytest.raises(ConflictError, match="session_changed"):
        flow.run(answer_step(flow.node, waiting, "kyc_check", 1, StepOutcome("success"), fail))
    assert flow.now(waiting) == waiting


def test_what_the_backend_said_a_person_cannot_change(flow):
    user = {"name": {"first": "Ada", "last": "Lovelace"}}
    session = flow.walk(flow.create("user-1", user=user, consent=True).session)
    assert flow.object(session)["user"]["name"] == user["name"]


def test_what_was_typed_is_unverified_until_it_is_checked(flow):
    session = flow.walk(flow.open("user-1", None, "page@example.org").session, accept_tos=ACCEPT, kyc_check=kyc("Review"))
    told = flow.object(session)
    assert (told["user"]["name"]["last"], told["unverified"]) == ("Review", ["email"])


def test_nobody_walks_on_in_a_session_that_is_over(flow):
    session = flow.pass_all(flow.open().session)
    assert flow.run(advance(flow.node, session)) == session
    assert flow.run(look_again(flow.node, session)) == session
    assert flow.run(arrive(flow.node, session, "198.51.100.8", "fr")) == session


def test_the_end_is_the_same_for_all_that_race_for_it(flow, waiting):
    from accredit.server.sessions.flow.ending import cancel_flow

    async def race():
        return await asyncio.gather(
            answer_step(flow.node, waiting, "kyc_check", 1, StepOutcome("success")),
            cancel_flow(flow.second, waiting, flow.cause()),
            return_exceptions=True,
        )

    flow.listen()
    outcomes = flow.run(race())
    assert len([each for each in outcomes if isinstance(each, AccreditError)]) == 1
    ends = [kind for kind, _, _ in flow.events() if kind != "session.step_updated"]
    assert ends == [f"session.{flow.now(waiting).status}"]
