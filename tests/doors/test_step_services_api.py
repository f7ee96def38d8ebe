"""Step services and the SMS gateway over HTTP: created, listed, changed, deleted; secrets shown once, faults with their member."""

from accredit import WebhookSecret, generate_encryption_key

SERVICE = {"url": "https://kyc.example/steps?x=1", "description": "KYC"}
GATEWAY = {"url": "https://sms.example/send", "body": {"to": "{to}", "text": "{text}"}}


def make(owner, **members):
    """A new service of an account, with its secret."""
    return owner.call("POST", "/v1/step_services", 201, {**SERVICE, **members})


def test_a_service_is_created_read_changed_and_deleted(server):
    owner = server.owner()
    made = make(owner)
    WebhookSecret.from_text(made.pop("secret"))
    assert made == {
        "id": made["id"],
        "url": SERVICE["url"],
        "description": "KYC",
        "timeout_s": 15,
        "encryption_public_key": None,
        "public_keys": made["public_keys"],
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
    }
    assert made["id"].startswith("svc_")
    assert [key[:5] for key in made["public_keys"]] == ["whpk_"]
    address = f"/v1/step_services/{made['id']}"
    assert owner.call("GET", address) == made
    server.clock.advance(1)
    key = generate_encryption_key("RSA-OAEP-256").public_jwk
    changed = owner.call("PATCH", address, 200, {"timeout_s": 30, "encryption_public_key": key})
    told = {"timeout_s": 30, "encryption_public_key": key, "updated_at": "2027-01-15T08:00:01.000Z"}
    assert changed == {**made, **told}
    assert owner.call("PATCH", address, 200, {"encryption_public_key": None})["encryption_public_key"] is None
    owner.call("DELETE", address, 204)
    for method in ("GET", "PATCH", "DELETE"):
        assert owner.call(method, address, 404, {} if method == "PATCH" else None)["code"] == "step_service_not_found"
    kinds = [entry["kind"] for entry in owner.call("GET", "/v1/audit?limit=100")["entries"]]
    assert {"step_service.created", "step_service.changed", "step_service.deleted", "key.created", "key.revoked"} <= set(kinds)


def test_a_secret_is_shown_once_and_lies_sealed(server):
    owner = server.owner()
    made = make(owner)
    for path in (f"/v1/step_services/{made['id']}", "/v1/step_services", "/v1/keys", "/v1/audit?limit=100"):
        assert made["secret"] not in owner.api.get(path).text
    stored = server.rows("SELECT secret FROM keys WHERE purpose = 'webhook' AND endpoint_id = ?", made["id"])
    assert stored
    assert made["secret"].encode() not in bytes(stored[0][0])


def test_a_secret_is_exchanged_with_an_overlap(server):
    owner = server.owner()
    made = make(owner)
    address = f"/v1/step_services/{made['id']}/rotate_secret"
    assert owner.call("POST", address, 200, {"overlap_s": 60})["secret"] != made["secret"]
    assert owner.call("POST", address, 409, {"overlap_s": 60})["code"] == "rotation_under_way"
    owner.call("POST", address, 200, {"overlap_s": 0})
    owner.call("POST", address, 200, {})
    server.clock.advance(86_400)
    owner.call("POST", address, 200, {})
    assert owner.call("POST", address, 400, {"overlap_s": 604_801})["member"] == "overlap_s"
    assert owner.call("POST", "/v1/step_services/svc_1/rotate_secret", 404, {})["code"] == "step_service_not_found"


def test_services_are_listed_page_by_page_and_are_limited(start_server, database_url):
    owner = start_server(database_url, outbound_allow=["127.0.0.1"]).owner(environment="sandbox")
    # An address that needs no name server, for it is judged fifty times.
    nearby = {"url": "http://127.0.0.1:8000/steps"}
    made = [make(owner, **nearby)["id"] for _ in range(50)]
    assert owner.call("POST", "/v1/step_services", 409, {**SERVICE, **nearby})["code"] == "step_service_limit_reached"
    first = owner.call("GET", "/v1/step_services?limit=30")
    rest = owner.call("GET", f"/v1/step_services?limit=30&cursor={first['next_cursor']}")
    assert [each["id"] for each in first["step_services"] + rest["step_services"]] == made
    assert rest["next_cursor"] is None


def test_services_and_gateways_cross_no_environment(server):
    live = server.owner()
    sandbox, other = server.owner(live.owner_id, environment="sandbox"), server.owner()
    made = make(live)
    live.call("PUT", "/v1/sms_gateway", 200, GATEWAY)
    for owner in (sandbox, other):
        assert owner.call("GET", f"/v1/step_services/{made['id']}", 404)["code"] == "step_service_not_found"
        assert owner.call("DELETE", f"/v1/step_services/{made['id']}", 404)["code"] == "step_service_not_found"
        assert owner.call("GET", "/v1/sms_gateway", 404)["code"] == "sms_gateway_not_found"
        assert owner.call("DELETE", "/v1/sms_gateway", 404)["code"] == "sms_gateway_not_found"
    sandbox_url = make(sandbox, url="http://kyc.example/")["url"]
    assert sandbox_url == "http://kyc.example/"


BAD_SERVICES = (
    ({"url": "http://kyc.example/"}, 422, "endpoint_url_invalid", "url"),
    ({"url": "https://127.0.0.1/"}, 422, "endpoint_url_invalid", "url"),
    ({"url": "https://localhost/"}, 422, "endpoint_address_forbidden", "url"),
    ({"url": 1}, 400, "field_invalid", "url"),
    ({"timeout_s": 0}, 400, "field_invalid", "timeout_s"),
    ({"timeout_s": 31}, 400, "field_invalid", "timeout_s"),
    ({"description": "a\nb"}, 400, "field_invalid", "description"),
    ({"secret": "whsec_x"}, 400, "field_invalid", "secret"),
    ({"encryption_public_key": "x"}, 400, "key_malformed", "encryption_public_key"),
    ({"encryption_public_key": {"kty": "oct"}}, 400, "key_type_not_allowed", "encryption_public_key.kty"),
)


def test_a_fault_names_its_member(server):
    owner = server.owner()
    made = make(owner)
    for members, status, code, member in BAD_SERVICES:
        for method, path in (("POST", "/v1/step_services"), ("PATCH", f"/v1/step_services/{made['id']}")):
            body = {**SERVICE, **members} if method == "POST" else members
            told = owner.call(method, path, status, body)
            assert (told["code"], told.get("member")) == (code, member)
    assert owner.call("POST", "/v1/step_services", 400, {})["code"] == "field_missing"


def test_a_template_names_services_that_are_there(server):
    owner = server.owner()
    step = {"step": "kyc_check", "service": make(owner)["id"]}
    template = owner.call("POST", "/v1/integrations", 201, {"door": "flow", "steps": [step]})
    address = f"/v1/integrations/{template['integration_id']}"
    for service in (make(server.owner())["id"], "svc_1"):
        for method, path in (("POST", "/v1/integrations"), ("PATCH", address)):
            steps = {"steps": [{"step": "accept_tos"}, {**step, "service": service}]}
            told = owner.call(method, path, 400, {**steps, **({"door": "flow"} if method == "POST" else {})})
            assert (told["code"], told["member"]) == ("field_invalid", "steps[1].service")
    owner.call("DELETE", f"/v1/step_services/{step['service']}", 204)
    assert owner.call("PATCH", address, 200, {"session_ttl_s": 600})["version"] == 2


def test_a_key_that_came_with_its_private_half_is_denied(server):
    owner = server.owner()
    key = generate_encryption_key("RSA-OAEP-256")
    for jwk, code in ((key.private_jwk, "key_private_part"), (key.public_jwk, "key_denied")):
        told = owner.call("POST", "/v1/step_services", 400, {**SERVICE, "encryption_public_key": jwk})
        assert told["code"] == code


def test_a_gateway_is_set_read_and_removed(server):
    owner = server.owner()
    headers = {"Authorization": "Bearer gateway-credential", "X-Sender": "Shop"}
    made = owner.call("PUT", "/v1/sms_gateway", 200, {**GATEWAY, "headers": headers})
    assert made == {**GATEWAY, "header_names": ["Authorization", "X-Sender"], "updated_at": "2027-01-15T08:00:00.000Z"}
    assert owner.call("GET", "/v1/sms_gateway") == made
    kept = owner.call("PUT", "/v1/sms_gateway", 200, {**GATEWAY, "url": "https://sms.example/v2"})
    assert (kept["url"], kept["header_names"]) == ("https://sms.example/v2", ["Authorization", "X-Sender"])
    assert owner.call("PUT", "/v1/sms_gateway", 200, {**GATEWAY, "headers": {}})["header_names"] == []
    assert "gateway-credential" not in owner.api.get("/v1/audit?limit=100").text
    owner.call("DELETE", "/v1/sms_gateway", 204)
    assert owner.call("GET", "/v1/sms_gateway", 404)["code"] == "sms_gateway_not_found"


BAD_GATEWAYS = (
    ({"body": {"to": "{to}"}}, "body"),
    ({"body": {"text": ["{text}"], "{to}": 1}}, "body"),
    ({"body": {"to": "{to}", "text": "{text}", "more": "x" * 4096}}, "body"),
    ({"body": []}, "body"),
    ({"headers": {"Bad name": "x"}}, "headers"),
    ({"headers": {"X": "a\r\nY: b"}}, "headers"),
    ({"headers": {"X": ""}}, "headers"),
    ({"headers": {"Content-Length": "1"}}, "headers"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
    ({"headers": {f"X-{number}": "1" for number in range(21)}}, "headers"),
)


def test_a_gateway_that_could_send_nothing_is_refused(server):
    owner = server.owner()
    for members, member in BAD_GATEWAYS:
        told = owner.call("PUT", "/v1/sms_gateway", 400, {**GATEWAY, **members})
        assert (told["code"], told["member"].partition(".")[0]) == ("field_invalid", member)
    assert owner.call("GET", "/v1/sms_gateway", 404)["code"] == "sms_gateway_not_found"
