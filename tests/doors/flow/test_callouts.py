"""Call-outs: what a service is sent, what it answers at once and later, and what changes nothing (protocol-webhooks.md section 8)."""

import json

import pytest

from accredit import generate_encryption_key, open_event, verify_webhook

from ...site import Reply, Site
from .service import Person, Service, eventually

NAME = {"first": "Leslie", "last": "Knope"}
USER = {"user": {"name": NAME, "email": "leslie@pawnee.example"}}


@pytest.fixture(scope="module")
def site():
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def service(backend, site):
    """A service that the account of `backend` names, at a path of its own."""
    return Service(backend.owner, site, f"/{backend.owner.owner_id}")


@pytest.fixture
def visit(backend, service):
    """Sends a person through a template whose steps the service decides: visit({"step": ...}, ..., name=...)."""

    def visit(*steps, **members):
        rules = [{"service": service.id, "simulate": False, **each} for each in steps or [{"step": "kyc_check"}]]
        template = backend.owner.call("POST", "/v1/integrations", 201, {"door": "flow", "steps": rules})
        backend.template_id = template["integration_id"]
        return Person(backend, backend.create(shareable=True, **{**USER, **members}))

    return visit


@pytest.fixture
def ends(backend):
    """The session object once the session is no longer active."""
    return lambda person: eventually(lambda: (found := backend.get(person.session_id))["status"] != "active" and found)


def audited(server, kind, session_id):
    """The reasons that the audit record has for a session."""
    rows = server.rows("SELECT code, detail FROM audit WHERE kind = ? AND session_id = ? ORDER BY seq", kind, session_id)
    return [(code, json.loads(detail)) for code, detail in rows]


def test_a_service_is_sent_the_fields_of_its_step_and_nothing_else(backend, service, visit, ends):
    person = visit({"step": "kyc_check", "fields": ["name"]})
    found = ends(person)
    call, (event,) = service.call(), service.heard
    template = backend.owner.call("GET", f"/v1/integrations/{backend.template_id}")
    url = backend.server.url
    assert call == {
        "type": "flow.step.requested",
        "id": event.id,
        "session_id": person.session_id,
        "template": {"id": backend.template_id, "version": template["version"]},
        "environment": "sandbox",
        "step": "kyc_check",
        "attempt": 1,
        "input": {"name": NAME},
        "callback_url": f"{url}/flow/callouts/{event.id}",
        "return_url": f"{url}/verify/{person.session_id}",
        "deadline": found["expires_at"],
    }
    assert event.id.startswith("cal_")
    assert (found["status"], found["steps"]["kyc_check"]) == ("success", "success")
    assert 'accredit_callout_tries_total{outcome="success"}' in backend.server.metrics()


def test_the_account_signs_beside_the_secret(service, site, visit, ends):
    ends(visit())
    (request,) = site.asked(service.path)
    assert request.headers["webhook-signature"].startswith("v1,")
    assert service.verify(request, public_keys=service.record["public_keys"]).id == service.call()["id"]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Accredit-Webhooks/")


@pytest.mark.parametrize("status", ["success", "failed", "pending_review"])
def test_an_answer_ends_the_step(service, visit, ends, status):
    detail = {"name": {"summary": "match", "score": 3}, "unheard": "of", "address": {"summary": "no_match", "type": "po_box"}}
    service.says({"status": status, "detail": detail, "unknown": 1})
    found = ends(visit())
    assert (found["status"], found["steps"]["kyc_check"]) == (status, status)
    assert found["kyc_check"]["name"] == {"summary": "match"}
    assert found["kyc_check"]["address"] == {"summary": "no_match", "type": "po_box", "po_box": None}


def test_fields_that_nobody_gave_are_asked_of_the_person(service, visit, ends):
    person = visit({"step": "kyc_check", "fields": ["name", "phone", "address"]}, user={"name": NAME})
    assert person.shown["step"] == "kyc_check"
    assert service.heard == []
    person.send(phone="+47 123 45 678")
    assert service.heard == []
    address = {"address__street": "1 Main St", "address__city": "Pawnee", "address__country_code": "us"}
    person.send(phone="+47 (123) 45-678", **address)
    ends(person)
    given = {"street": "1 Main St", "city": "Pawnee", "country_code": "US"}
    assert service.call()["input"] == {"name": NAME, "phone": "+4712345678", "address": given}


def test_a_sealed_call_is_read_by_the_service_alone(backend, service, site, visit, ends):
    key = generate_encryption_key("ECDH-ES+A256KW")
    backend.owner.call("PATCH", f"/v1/step_services/{service.id}", 200, {"encryption_public_key": key.public_jwk})
    ends(visit({"step": "kyc_check", "fields": ["name"]}))
    (request,) = site.asked(service.path)
    assert request.headers["content-type"] == "application/jose"
    assert b"Knope" not in request.body
    assert open_event(service.heard[0], key.private_jwk).payload["input"] == {"name": NAME}


def test_an_answer_that_comes_later_sends_the_person_on_meanwhile(backend, service, visit, ends):
    service.says({"status": "pending", "continue_url": "https://kyc.example/go?x=1"})
    person = visit()
    call = service.call()
    shown = eventually(lambda: "kyc.example" in (html := person.look()["html"]) and html)
    assert "https://kyc.example/go?x=1" in shown
    assert backend.get(person.session_id)["status"] == "active"
    answer = service.post(call, {"status": "success"})
    assert (answer.status_code, answer.json()) == (200, {})
    assert ends(person)["status"] == "success"


def test_an_answer_counts_once(backend, service, visit, ends):
    service.says({"status": "pending"})
    person = visit({"step": "kyc_check"}, {"step": "screening"})
    call = service.call()
    assert service.post(call, {"status": "success"}).status_code == 200
    for status in ("failed", "success"):
        late = service.post(call, {"status": status})
        assert (late.status_code, late.json()["code"]) == (409, "callout_closed")
    assert backend.get(person.session_id)["steps"]["kyc_check"] == "success"
    audit = audited(backend.server, "flow.late_answer", person.session_id)
    assert [code for code, _ in audit] == ["callout_closed"] * 2
    assert service.call(2)["step"] == "screening"


def test_an_answer_after_the_deadline_or_the_end_of_the_session_changes_nothing(backend, service, visit):
    service.says({"status": "pending"})
    canceled, expired = visit(), visit(user={"customer_reference": "user-2"})
    calls = {call["session_id"]: call for call in (service.call(1), service.call(2))}
    backend.call("POST", f"/{canceled.session_id}/cancel")
    assert service.post(calls[canceled.session_id], {"status": "success"}).json()["code"] == "callout_closed"
    assert backend.get(canceled.session_id)["status"] == "canceled"
    backend.server.clock.advance(172_800)
    assert service.post(calls[expired.session_id], {"status": "success"}).json()["code"] == "callout_closed"
    assert backend.get(expired.session_id)["status"] == "expired"


def test_an_answer_with_a_wrong_signature_changes_nothing(backend, service, visit):
    service.says({"status": "pending"})
    person = visit()
    call, now = service.call(), backend.server.clock.now
    other = Service(backend.owner, service.site, "/other")
    wrong = (
        {"secrets": other.secrets},
        {"event_id": "cal_1111111111111111111111"},
        {"now": now - 301},
        {"now": now + 301},
    )
    refused = [service.post(call, {"status": "failed"}, **each) for each in wrong]
    unknown = {"id": "cal_1111111111111111111111", "callback_url": call["callback_url"][:-22] + 22 * "1"}
    refused.append(service.post(unknown, {"status": "failed"}))
    bodies = [{name: text for name, text in answer.json().items() if name != "request_id"} for answer in refused]
    assert [answer.status_code for answer in refused] == [401] * 5
    assert bodies == [bodies[0]] * 5
    assert bodies[0]["code"] == "webhook_signature_mismatch"
    assert backend.get(person.session_id)["status"] == "active"
    codes = [code for code, _ in audited(backend.server, "flow.callout_refused", person.session_id)]
    assert codes == ["webhook_signature_mismatch"] * 2 + ["webhook_timestamp_out_of_range"] * 2
    assert service.post(call, {"status": "success"}, now=now - 300).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code", "member"),
    [
        ({"status": "pending"}, 400, "field_invalid", "status"),
        ({"status": "maybe"}, 400, "request_malformed", "body"),
        ({"status": "success", "detail": 1}, 400, "request_malformed", "body"),
        ({"status": "success", "detail": {"x": "y" * 16_384}}, 413, "body_too_large", "detail"),
    ],
)
def test_what_is_no_answer_may_be_mended(service, visit, ends, body, status, code, member):
    service.says({"status": "pending"})
    person = visit()
    answer = service.post(service.call(), body)
    assert (answer.status_code, answer.json()["code"], answer.json()["member"]) == (status, code, member)
    assert service.post(service.call(), {"status": "failed"}).status_code == 200
    assert ends(person)["status"] == "failed"


def test_a_callback_address_takes_posts_only(backend):
    answer = backend.server.http.get("/flow/callouts/cal_1111111111111111111111")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "said",
    [
        404,
        302,
        {"status": "perhaps"},
        {"status": "pending", "continue_url": "javascript:alert(1)"},
        {"status": "success", "detail": {"x": "y" * 16_384}},
        lambda _: Reply(b'{"status":"success"}', status=202),
        lambda _: Reply(b'{"status":"success","status":"failed"}'),
        lambda _: Reply(b" " * 32_768 + b'{"status":"success"}'),
    ],
    ids=["404", "redirect", "unknown_status", "script_address", "detail", "accepted", "twice", "long"],
)
def test_an_answer_of_another_form_ends_the_step_as_its_rule_says(backend, service, visit, ends, said):
    service.says(said)
    reviewed = visit()
    assert ends(reviewed)["steps"]["kyc_check"] == "pending_review"
    assert len(service.heard) == 1


def test_a_failing_service_is_asked_five_times(backend, service, visit, ends):
    """Each try is signed anew under the same id; after the last the step ends as its rule says."""
    service.says(503, 429, 500, lambda _: Reply(status=599), 503)
    person = visit({"step": "kyc_check", "on_error": "fail"})
    for number, wait_s in enumerate((2.2, 11, 66, 330), 1):
        service.call(number)
        eventually(lambda n=number: backend.server.rows("SELECT tries FROM callouts WHERE tries = ?", n))
        backend.server.clock.advance(wait_s)
    found = ends(person)
    assert (found["status"], found["steps"]["kyc_check"]) == ("failed", "failed")
    assert len({event.id for event in service.heard}) == 1
    assert len({event.attempted_at for event in service.heard}) == 5
    (reason,) = audited(backend.server, "flow.step_ended", person.session_id)
    assert reason == (None, {"step": "kyc_check", "step_status": "error", "reason": "status_503"})


def test_a_service_that_cannot_be_reached_is_tried_again(backend, service, site, visit, ends):
    backend.owner.call("PATCH", f"/v1/step_services/{service.id}", 200, {"url": "http://127.0.0.1:1025/nobody"})
    person = visit()
    eventually(lambda: backend.server.rows("SELECT tries FROM callouts WHERE session_id = ? AND tries = 1", person.session_id))
    backend.owner.call("PATCH", f"/v1/step_services/{service.id}", 200, {"url": site.url(service.path)})
    backend.server.clock.advance(2.2)
    assert ends(person)["status"] == "success"


def test_a_service_that_was_deleted_ends_the_step_as_its_rule_says(backend, service, visit, ends):
    service.says(503)
    person = visit()
    service.call()
    backend.owner.call("DELETE", f"/v1/step_services/{service.id}", 204)
    backend.server.clock.advance(2.2)
    assert ends(person)["status"] == "pending_review"
    assert audited(backend.server, "flow.step_ended", person.session_id)[0][1]["reason"] == "service_removed"


def test_both_secrets_count_while_one_is_exchanged(backend, service, visit, ends):
    rotated = backend.owner.call("POST", f"/v1/step_services/{service.id}/rotate_secret", 200, {"overlap_s": 60})
    service.says({"status": "pending"})
    first, second = visit(), visit(user={"customer_reference": "user-2"})
    calls = {call["session_id"]: call for call in (service.call(1), service.call(2))}
    assert len(service.site.asked(service.path)[0].headers["webhook-signature"].split(" v1,")) == 2
    assert service.post(calls[first.session_id], {"status": "success"}).status_code == 200
    backend.server.clock.advance(60)
    assert service.post(calls[second.session_id], {"status": "success"}).status_code == 401
    service.secrets = [rotated["secret"]]
    assert service.post(calls[second.session_id], {"status": "success"}).status_code == 200


def test_nothing_of_the_person_stays_with_a_call_that_is_over(backend, service, visit, ends):
    service.says({"status": "pending", "continue_url": "https://kyc.example/leslie"})
    person = visit({"step": "kyc_check", "fields": ["name"]})
    find = "SELECT body, continue_url IS NULL FROM callouts WHERE session_id = ?"
    eventually(lambda: backend.server.rows(find, person.session_id) == [(None, 0)])
    backend.call("POST", f"/{person.session_id}/cancel")
    assert backend.server.rows(find, person.session_id) == [(None, 1)]


def test_the_library_verifies_what_is_sent_and_no_other_service_does(backend, service, site, visit, ends):
    ends(visit())
    (request,) = site.asked(service.path)
    other = Service(backend.owner, site, "/another")
    with pytest.raises(Exception, match="webhook_signature_mismatch"):
        verify_webhook(request.body, request.headers, secrets=other.secrets, now=backend.server.clock.now)
