"""The calls below `/flow_sessions`, each with what it is answered and what it refuses (protocol-flow.md sections 9 and 11)."""

import accredit

from ...flow_backend import errors, make_flow_backend

STEPS = [{"step": name} for name in ("accept_tos", "verify_sms", "kyc_check", "documentary_verification", "selfie_check")]
USER = {
    "email": "ada@example.org",
    "phone": "+4712345678",
    "name": {"first": "Ada", "last": "Knope"},
    "date_of_birth": "1990-04-01",
    "address": {"street": "1 Main St", "city": "Oslo", "country_code": "NO", "postal_code": None},
    "id_number": {"value": "123-45-6788", "type": "us_ssn"},
}
MEMBERS = (
    *("id", "status", "customer_reference", "template", "created_at", "completed_at", "previous_session_id", "shareable_url"),
    *("screening_id", "user", "steps", "redacted_at", "_meta", "kyc_check", "documentary_verification", "selfie_check"),
    *("screening", "risk_check", "verify_sms", "environment", "expires_at", "admitted_by", "tags", "details", "unverified"),
    "sealed",
)
PERSONAL = {"user", "screening_id", "kyc_check", "documentary_verification", "selfie_check", "screening", "risk_check"} | {
    *("verify_sms", "details", "unverified", "sealed")
}


def finished(backend, reference="user-1", **simulate):
    """A session that simulators have brought to its end; nobody needs to be there."""
    return backend.create(reference, user=USER, simulate={"run": True, **simulate})


def test_creates_and_reads(backend):
    made = backend.create(42, user=USER, shareable=True, tags=["eu"], locale="nb")
    assert set(made) == set(MEMBERS)
    assert (made["status"], made["customer_reference"], made["admitted_by"]) == ("active", "42", "api")
    assert (made["environment"], made["_meta"], made["tags"]) == ("sandbox", "2020-08-14", ["eu"])
    assert made["template"] == {"id": backend.template_id, "version": 1}
    address = {"street2": None, "subdivision": None, **USER["address"]}
    id_number = {"value": "123456788", "type": "us_ssn", "category": None}
    assert made["user"] == {**USER, "address": address, "id_number": id_number, "ip_address": None}
    assert made["shareable_url"].startswith(f"{backend.server.url}/verify/{made['id']}?key=")
    assert made["unverified"] == []
    assert backend.get(made["id"]) == made


def test_one_session_for_a_customer_of_a_template(backend):
    first = backend.create()
    assert errors(backend.create(status=409)) == [("session_already_exists", None)]
    assert errors(backend.create(status=409, query="?idempotent=false")) == [("session_already_exists", None)]
    again = backend.create(status=200, query="?idempotent=true", tags=["other"], user={"email": "other@example.org"})
    assert again == first
    linked = backend.create(status=200, query="?idempotent=true", shareable=True)
    assert linked == {**first, "shareable_url": linked["shareable_url"]}
    assert linked["shareable_url"]
    assert backend.create(status=200, query="?idempotent=true", shareable=True) == linked
    assert backend.create("user-2")["id"] != first["id"]
    other = make_flow_backend(backend.owner)
    assert other.create()["id"] != first["id"]


def test_says_what_is_wrong_with_a_create(backend):
    for query in ("?idempotent=yes", "?idempotent=", "?idempotent=true&idempotent=true"):
        assert errors(backend.create(status=400, query=query)) == [("parameter_invalid", "idempotent")]
    told = backend.create("a\nb", status=422)
    assert errors(told) == [("customer_reference_invalid", "/user/customer_reference")]
    told = backend.create(status=422, user={"name": {"first": "Ada"}}, tags=["ok", 5], shareable="yes", consent=[])
    assert errors(told) == [
        ("validation_failed", "/user/name/last"),
        ("validation_failed", "/consent"),
        ("validation_failed", "/shareable"),
        ("validation_failed", "/tags/1"),
    ]
    assert errors(backend.call("POST", "", 422, {})) == [("validation_failed", "/template_id"), ("validation_failed", "/user")]
    assert errors(backend.create(status=404, template_id="flwtmp_nowhere")) == [("template_not_found", "/template_id")]


def test_a_return_address_is_of_an_allowed_origin(shared_server):
    backend = make_flow_backend(shared_server.owner(environment="sandbox"), allowed_origins=["https://shop.example"])
    assert backend.create("1", return_url="https://shop.example/back?x=1")["id"]
    for url in ("https://other.example/", "http://shop.example/", "https://shop.example.evil/", "javascript:alert(1)", "//x"):
        assert errors(backend.create("2", status=422, return_url=url)) == [("validation_failed", "/return_url")]


def test_a_template_that_is_switched_off_is_not_there(backend):
    made = backend.create()
    backend.owner.call("PATCH", f"/v1/integrations/{backend.template_id}", 200, {"enabled": False})
    assert errors(backend.create("user-2", status=404)) == [("template_not_found", "/template_id")]
    assert errors(backend.retry(status=404)) == [("template_not_found", "/template_id")]
    assert backend.get(made["id"])["status"] == "active"


def test_consent_by_the_backend_spares_the_terms(shared_server):
    backend = make_flow_backend(shared_server.owner(environment="sandbox"), steps=STEPS)
    for number, members in enumerate(({"consent": True}, {"gave_consent": True}, {"consent": False})):
        made = backend.create(f"user-{number}", **members)
        assert made["steps"]["accept_tos"] == ("active" if members == {"consent": False} else "skipped")


def test_simulators_run_without_a_person(shared_server):
    backend = make_flow_backend(shared_server.owner(environment="sandbox"), steps=STEPS)
    passed = finished(backend)
    assert (passed["status"], set(passed["steps"].values())) == ("success", {"success", "not_applicable"})
    failed = finished(backend, "user-2", steps={"kyc_check": "failed"})
    assert (failed["status"], failed["steps"]["kyc_check"]) == ("failed", "failed")
    waits = finished(backend, "user-3", steps={"kyc_check": "pending_review"})
    assert (waits["status"], waits["steps"]["selfie_check"]) == ("pending_review", "success")
    # Without `run` the person is waited for.
    assert backend.create("user-4", simulate={"steps": {"kyc_check": "failed"}})["status"] == "active"


def test_live_has_no_simulators(live_backend):
    for simulate in ({}, {"run": True}, {"steps": {"accept_tos": "failed"}}):
        assert errors(live_backend.create(status=422, simulate=simulate)) == [("sandbox_only", "/simulate")]
    assert live_backend.create()["environment"] == "live"


def test_a_reviewer_decides_once(shared_server):
    backend = make_flow_backend(shared_server.owner(environment="sandbox"), steps=STEPS)
    for decision, status, step in (("approve", "success", "manually_approved"), ("reject", "failed", "manually_rejected")):
        waits = finished(backend, f"user-{decision}", steps={"kyc_check": "pending_review"})
        path = f"/{waits['id']}/review"
        assert errors(backend.call("POST", path, 422, {"decision": "maybe"})) == [("validation_failed", "/decision")]
        decided = backend.call("POST", path, 200, {"decision": decision})
        assert (decided["status"], decided["steps"]["kyc_check"]) == (status, step)
        assert errors(backend.call("POST", path, 409, {"decision": "approve"})) == [("session_not_in_review", None)]
    assert errors(backend.call("POST", f"/{backend.create()['id']}/review", 409, {"decision": "approve"})) == [
        ("session_not_in_review", None)
    ]


def test_retries_by_their_strategies(shared_server):
    backend = make_flow_backend(shared_server.owner(environment="sandbox"), steps=STEPS)
    assert errors(backend.retry(status=404)) == [("session_not_found", None)]
    first = finished(backend, steps={"kyc_check": "failed"})
    again = backend.retry(strategy="infer", user={"phone": "+4787654321"}, shareable=True)
    assert (again["previous_session_id"], again["admitted_by"]) == (first["id"], "retry")
    assert (again["user"]["phone"], bool(again["shareable_url"])) == ("+4787654321", True)
    assert [again["steps"][name] for name in ("accept_tos", "verify_sms", "kyc_check")] == ["skipped", "skipped", "active"]
    assert errors(backend.retry(strategy="incomplete", status=422)) == [("retry_strategy_not_applicable", "/strategy")]
    assert errors(backend.retry(strategy="again", status=422)) == [("validation_failed", "/strategy")]
    assert errors(backend.retry(strategy="custom", status=422)) == [("steps_required", "/steps")]
    steps = {"verify_sms": False, "kyc_check": True, "documentary_verification": False, "selfie_check": False}
    assert errors(backend.retry(steps=steps, status=422)) == [("steps_not_allowed", "/steps")]
    told = backend.retry(strategy="custom", steps={**steps, "screening": True}, status=422)
    assert errors(told) == [("validation_failed", "/steps/screening")]
    custom = backend.retry(strategy="custom", steps=steps)
    assert (custom["steps"]["kyc_check"], custom["steps"]["selfie_check"]) == ("active", "skipped")
    assert backend.get(again["id"])["status"] == "canceled"


def test_cancels_what_is_open(backend):
    made = backend.create()
    for _ in range(2):
        assert backend.call("POST", f"/{made['id']}/cancel")["status"] == "canceled"
    done = finished(backend, "user-2")
    assert errors(backend.call("POST", f"/{done['id']}/cancel", 409)) == [("session_not_active", None)]


def test_redacts_what_has_ended(backend):
    made = backend.create(user=USER, tags=["eu"], shareable=True)
    assert errors(backend.call("POST", f"/{made['id']}/redact", 409)) == [("session_active", None)]
    backend.call("POST", f"/{made['id']}/cancel")
    redacted = backend.call("POST", f"/{made['id']}/redact")
    assert redacted["redacted_at"]
    for name in ("customer_reference", "shareable_url", "tags", "details", "sealed"):
        assert redacted[name] is None
    assert set(redacted["user"].values()) == {None}
    assert backend.call("POST", f"/{made['id']}/redact") == redacted == backend.get(made["id"])
    # Erasure is no second chance.
    assert errors(backend.create(status=409)) == [("session_already_exists", None)]


def test_redacts_all_of_a_customer(backend):
    other = make_flow_backend(backend.owner)
    ids = [backend.create()["id"], other.create()["id"], backend.retry()["id"]]
    stays = backend.create("user-2")
    erased = backend.call("POST", "/redact", 200, {"customer_reference": "user-1"})
    assert [each["id"] for each in erased["flow_sessions"]] == ids[::-1]
    assert {each["status"] for each in erased["flow_sessions"]} == {"canceled"}
    assert all(each["redacted_at"] and each["customer_reference"] is None for each in erased["flow_sessions"])
    assert backend.get(stays["id"])["customer_reference"] == "user-2"
    assert backend.call("POST", "/redact", 200, {"customer_reference": "nobody"})["flow_sessions"] == []
    assert errors(backend.call("POST", "/redact", 422, {})) == [("validation_failed", "/customer_reference")]
    assert errors(backend.call("POST", "/redact", 422, {"customer_reference": ""})) == [
        ("customer_reference_invalid", "/customer_reference")
    ]


def test_a_new_link_ends_the_one_before(backend):
    made = backend.create()
    links = [backend.call("POST", f"/{made['id']}/rotate_key")["shareable_url"] for _ in range(2)]
    assert len({*links, made["shareable_url"]}) == 3
    assert backend.get(made["id"])["shareable_url"] == links[-1]
    backend.call("POST", f"/{made['id']}/cancel")
    assert errors(backend.call("POST", f"/{made['id']}/rotate_key", 409)) == [("session_not_active", None)]


def test_a_session_past_its_time_has_expired_for_every_call(backend):
    made = backend.create(shareable=True)
    backend.server.clock.advance(48 * 3600)
    listed = backend.call("GET", "?status=expired")["flow_sessions"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert errors(backend.call("POST", f"/{made['id']}/cancel", 409)) == [("session_not_active", None)]
    found = backend.get(made["id"])
    assert (found["status"], found["completed_at"], found["steps"]["accept_tos"]) == ("expired", made["expires_at"], "expired")


def test_lists_newest_first_page_by_page(backend):
    made = [backend.create(f"user-{number}", tags=["even"] if number % 2 == 0 else [])["id"] for number in range(5)]
    first = backend.call("GET", "?limit=2")
    assert [each["id"] for each in first["flow_sessions"]] == made[:2:-1]
    newer = backend.create("user-9")["id"]
    second = backend.call("GET", f"?limit=2&cursor={first['next_cursor']}")
    third = backend.call("GET", f"?cursor={second['next_cursor']}&limit=2")
    assert [each["id"] for page in (second, third) for each in page["flow_sessions"]] == made[2::-1]
    assert third["next_cursor"] is None
    assert backend.call("GET", "")["flow_sessions"][0]["id"] == newer
    assert not PERSONAL & set(first["flow_sessions"][0])


def test_lists_what_was_asked_for(backend):
    other = make_flow_backend(backend.owner)
    made = [backend.create("a/b c", tags=["é"])["id"], other.create("a/b c")["id"], backend.create("user-2")["id"]]
    backend.call("POST", f"/{made[2]}/cancel")

    def ids(query):
        return [each["id"] for each in backend.call("GET", query)["flow_sessions"]]

    assert ids("?customer_reference=a%2Fb%20c") == ids("?customer_reference=a/b+c") == made[1::-1]
    assert ids(f"?template_id={other.template_id}") == [made[1]]
    assert ids("?tag=%C3%A9") == [made[0]]
    assert ids("?status=canceled") == [made[2]]
    assert ids("?status=active&unknown=1&unknown=2") == made[1::-1]
    assert ids("?customer_reference=nobody") == ids("?template_id=nowhere") == ids("?tag=e") == []
    assert ids("?customer_reference=&tag=") == made[::-1]


def test_names_the_parameter_at_fault(backend):
    for query, name in (
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=x", "limit"),
        ("?limit=%D9%A3", "limit"),
        ("?status=done", "status"),
        ("?status=active&status=failed", "status"),
        ("?customer_reference=a%0Ab", "customer_reference"),
        (f"?tag={'x' * 256}", "tag"),
        (f"?template_id={'x' * 65}", "template_id"),
        ("?template_id=%00", "template_id"),
        ("?cursor=x", "cursor"),
    ):
        assert errors(backend.call("GET", query, 400)) == [("parameter_invalid", name)]
    backend.create("user-1")
    backend.create("user-2")
    cursor = backend.call("GET", "?limit=1")["next_cursor"]
    other = make_flow_backend(backend.server.owner(environment="sandbox"))
    for who, query in ((backend, f"?status=active&cursor={cursor}"), (other, f"?cursor={cursor}")):
        assert errors(who.call("GET", query, 400)) == [("parameter_invalid", "cursor")]
    assert errors(backend.call("GET", "?tag=%FF", 400)) == [("request_malformed", None)]


def test_what_is_nobodys_is_not_found_by_any_call(backend):
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/cancel", None),
        ("POST", "/redact", None),
        ("POST", "/rotate_key", None),
        ("POST", "/review", {"decision": "approve"}),
    ):
        assert errors(backend.call(method, f"/flwses_1{path}", 404, body)) == [("session_not_found", None)]


def test_a_finished_session_is_sealed_to_the_key_it_was_given(backend):
    pair = accredit.generate_encryption_key("ECDH-ES")
    made = backend.create(user=USER, encryption_public_key=pair.public_jwk, simulate={"run": True})
    assert made["status"] == "success"
    assert set(made["user"].values()) == {None}
    opened = accredit.open_sealed(made["sealed"], [accredit.parse_decryption_key(pair.private_jwk)])
    assert (opened["id"], opened["user"]["email"]) == (made["id"], USER["email"])
    assert backend.get(made["id"])["sealed"] == made["sealed"]


def test_a_key_pair_that_came_along_is_burnt(backend):
    pair = accredit.generate_encryption_key("ECDH-ES")
    at = [("validation_failed", "/encryption_public_key")]
    assert errors(backend.create(status=422, encryption_public_key=pair.private_jwk)) == at
    assert errors(backend.create(status=422, encryption_public_key=pair.public_jwk)) == at
    assert errors(backend.create(status=422, encryption_public_key={"kty": "oct", "k": "AAAA"})) == at
    assert errors(backend.create(status=422, encryption_public_key="key")) == at
