"""The embed door from the outside: acceptance scenarios of protocol-embed.md section 13, as forms that a browser would post."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from accredit import generate_deployment_key, sign_deployment

from .conftest import ORIGIN, code_of

OTHER = "https://elsewhere.example"


def refusal_of(server, answer) -> str:
    """The audit code of a refusal that looks like every other one from outside."""
    assert answer.status_code == 403, answer.text
    ((code,),) = server.rows(
        "SELECT code FROM audit WHERE request_id = ? AND kind = 'embed.refused'", answer.headers["x-request-id"]
    )
    assert "admission_refused" in answer.text
    assert code not in answer.text
    return code


def session_count(server) -> int:
    return server.rows("SELECT COUNT(*) FROM sessions")[0][0]


@pytest.fixture
def owner(server):
    return server.owner()


def test_admits_a_token_and_sends_the_frame_to_the_application_with_a_code(server, owner):
    integration, key = owner.integration(signed_deployment="required"), owner.deployment_key()
    answer = server.embed({"signed_deployment": owner.token(integration, key, uid="user-1")})
    assert answer.status_code == 303
    assert re.fullmatch(r"https://app\.example/start\?code=[A-Za-z0-9_-]{43}", answer.headers["location"])
    session = owner.call("POST", "/v1/exchange", 200, {"code": code_of(answer)})
    assert (session["uid"], session["trust"], session["proof"]["kind"]) == ("user-1", "signed", "deployment")


def test_keeps_the_query_of_the_application_address(server, owner):
    integration = owner.integration(application_url="https://app.example/start?plan=gold")
    assert server.embed(owner.fields(integration)).headers["location"].startswith("https://app.example/start?plan=gold&code=")


def test_framed_answers_carry_their_headers(server, owner):
    integration = owner.integration(allowed_origins=[ORIGIN, "https://*.shop.example:8443"])
    admitted, refused = server.embed(owner.fields(integration)), server.embed(owner.fields(integration), origin=OTHER)
    for answer, ancestors in ((admitted, f"{ORIGIN} https://*.shop.example:8443"), (refused, OTHER)):
        assert f"frame-ancestors {ancestors}" in answer.headers["content-security-policy"].split("; ")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        assert "x-frame-options" not in answer.headers
        assert "set-cookie" not in answer.headers


def test_shows_the_hosted_page_where_there_is_no_application(server, owner):
    integration, key = owner.integration(application_url=None), owner.deployment_key()
    token = owner.token(integration, key, uid="<b>user</b>")
    answer = server.embed({"signed_deployment": token})
    assert answer.status_code == 200
    assert "&lt;b&gt;user&lt;/b&gt;" in answer.text
    assert server.rows("SELECT status FROM sessions") == [("waiting",)]


def test_a_captured_anonymous_token_gains_no_user(server, owner):
    integration, key = owner.integration(), owner.deployment_key()
    token = owner.token(integration, key)
    assert refusal_of(server, server.embed({"signed_deployment": token, "uid": "victim"})) == "unsigned_value_refused"
    passport = {"signed_deployment": token, "data_passport": '{"plan":"gold"}'}
    assert refusal_of(server, server.embed(passport)) == "unsigned_value_refused"
    assert session_count(server) == 0


def test_a_signed_value_wins_over_a_differing_direct_one(server, owner):
    integration, key = owner.integration(), owner.deployment_key()
    token = owner.token(integration, key, uid="user-1")
    assert owner.visit(integration, signed_deployment=token, uid="victim")["uid"] == "user-1"
    owner.call("PATCH", f"/v1/integrations/{integration['integration_id']}", 200, {"strict_direct": True})
    assert refusal_of(server, server.embed({"signed_deployment": token, "uid": "victim"})) == "direct_conflict"


def test_a_bad_token_is_refused_even_where_none_is_required(server, owner):
    integration = owner.integration()
    foreign = generate_deployment_key().private_jwk
    fields = owner.fields(integration, signed_deployment=owner.token(integration, foreign))
    assert refusal_of(server, server.embed(fields)) == "jws_signature_invalid"
    assert refusal_of(server, server.embed(owner.fields(integration, signed_deployment="a.b.c"))) == "jws_malformed"


def test_refusals_look_alike(server, owner):
    integration, key = owner.integration(), owner.deployment_key()
    revoked = owner.deployment_key()
    (listed,) = [
        each for each in owner.call("GET", "/v1/keys?purpose=deployment")["keys"] if each["thumbprint"] == revoked["kid"]
    ]
    owner.call("POST", f"/v1/keys/{listed['key_id']}/revoke", 200, {})
    unknown = {**integration, "integration_id": "nowhere"}
    tokens = [
        owner.token(unknown, key),
        owner.token(integration, revoked),
        owner.token(integration, generate_deployment_key().private_jwk),
    ]
    answers = [server.embed({"signed_deployment": token}) for token in tokens]
    assert [refusal_of(server, answer) for answer in answers] == ["integration_unknown"] + 2 * ["jws_signature_invalid"]
    assert len({faceless(answer) for answer in answers}) == 1


def faceless(answer) -> tuple[str, ...]:
    """An answer without what is random in it: request id and nonce."""
    text = answer.text + answer.headers["content-security-policy"]
    for known in (answer.headers["x-request-id"], *re.findall(r"nonce-([\w-]+)", text)):
        text = text.replace(known, "")
    return (str(answer.status_code), text, *sorted(answer.headers))


def test_a_site_off_the_list_gets_no_session(server, owner):
    integration = owner.integration(allowed_origins=["https://shop.example", "https://*.shop.example"])
    fields = owner.fields(integration)
    for origin in ("https://shop.example", "https://a.shop.example", "https://a.b.shop.example"):
        assert server.embed(fields, origin=origin).status_code == 303
    for origin in (
        OTHER,
        "http://shop.example",
        "https://shop.example:444",
        "https://notshop.example",
        "https://shop.example.evil",
    ):
        assert refusal_of(server, server.embed(fields, origin=origin)) == "origin_not_allowed"
    for origin in (None, "null"):
        assert refusal_of(server, server.embed(fields, origin=origin)) == "origin_missing"
    assert refusal_of(server, server.embed(fields, **{"Sec-Fetch-Dest": "document"})) == "not_framed"
    assert session_count(server) == 3


def test_an_empty_list_with_require_refuses_everybody(server, owner):
    integration = owner.integration(origin_check="require")
    assert refusal_of(server, server.embed(owner.fields(integration))) == "origin_not_allowed"


def test_a_required_token_must_be_there(server, owner):
    integration = owner.integration(signed_deployment="required")
    assert refusal_of(server, server.embed(owner.fields(integration))) == "signed_deployment_required"


def extended(owner, integration, key, clock, **members):
    ids = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
    return sign_deployment(ids, key, now=clock.now, **members)


def test_a_jti_used_before_is_refused_on_another_node_too(start_server, clock, postgresql_url):
    one, two = start_server(postgresql_url), start_server(postgresql_url)
    owner = one.owner()
    integration, key = owner.integration(token_key_id="warn"), owner.deployment_key()
    token = {"signed_deployment": extended(owner, integration, key, clock)}
    assert one.embed(token).status_code == 303
    assert refusal_of(one, one.embed(token)) == "token_replayed"
    assert refusal_of(two, two.embed(token)) == "token_replayed"


def test_of_fifty_boots_with_one_jti_exactly_one_is_admitted(server, owner, clock):
    integration, key = owner.integration(token_key_id="warn"), owner.deployment_key()
    token = {"signed_deployment": extended(owner, integration, key, clock)}
    plain = owner.fields(integration)
    with ThreadPoolExecutor(25) as threads:
        answers = list(threads.map(lambda number: server.embed(plain if number % 5 == 0 else token).status_code, range(60)))
    # The twelve plain ones share commits with the replays, and none of them is harmed.
    assert sorted(answers) == 13 * [303] + 47 * [403]
    assert session_count(server) == 13


def test_an_expired_token_is_refused_though_every_policy_is_off(server, owner, clock):
    integration, key = owner.integration(), owner.deployment_key()
    token = owner.token(integration, key, iat=clock.now - 100, exp=clock.now + 10)
    assert server.embed({"signed_deployment": token}).status_code == 303
    clock.advance(39)
    assert server.embed({"signed_deployment": token}).status_code == 303
    clock.advance(1)
    assert refusal_of(server, server.embed({"signed_deployment": token})) == "token_expired"


def test_an_old_token_passes_under_warn_and_is_counted(server, owner):
    integration, key = owner.integration(token_profile="warn"), owner.deployment_key()
    before = warnings_counted(server)
    assert server.embed({"signed_deployment": owner.token(integration, key)}).status_code == 303
    ((warnings,),) = server.rows("SELECT warnings FROM sessions")
    assert {f"token_claim_missing:{name}" for name in ("iat", "exp", "jti", "aud", "origins", "kid", "typ")} == set(
        json.loads(warnings)
    )
    assert warnings_counted(server) == before + 7


def warnings_counted(server) -> float:
    text = server.metrics()
    found = re.search(r'accredit_warnings_total\{code="token_claim_missing",door="embed"\} (\S+)', text)
    return float(found[1]) if found else 0.0


def test_a_token_bound_to_server_and_origin_works_nowhere_else(server, owner, clock):
    integration, key = owner.integration(token_profile="require"), owner.deployment_key()

    def token(**members):
        return {"signed_deployment": extended(owner, integration, key, clock, **members)}

    good = {"audience": server.url, "origins": [ORIGIN]}
    assert server.embed(token(**good)).status_code == 303
    assert refusal_of(server, server.embed(token(**good), origin=OTHER)) == "token_origin_mismatch"
    assert refusal_of(server, server.embed(token(**{**good, "audience": OTHER}))) == "token_audience_mismatch"
    assert refusal_of(server, server.embed(token(origins=[ORIGIN]))) == "token_claim_missing"


def test_a_retiring_key_ends_at_its_time_for_remembered_tokens_too(server, owner, clock):
    integration, key = owner.integration(), owner.deployment_key()
    token = {"signed_deployment": owner.token(integration, key)}
    assert server.embed(token).status_code == 303
    (listed,) = owner.call("GET", "/v1/keys?purpose=deployment")["keys"]
    until = "2027-01-15T08:01:00Z"
    owner.call("POST", f"/v1/keys/{listed['key_id']}/retire", 200, {"until": until})
    assert server.embed(token).status_code == 303
    clock.advance(60)
    assert refusal_of(server, server.embed(token)) == "jws_signature_invalid"


def test_a_placeholder_left_over(server, owner):
    schema = [{"name": "first_name", "type": "string", "required": True}, {"name": "nick", "type": "string"}]
    integration = owner.integration(passport_schema=schema)
    left = owner.fields(integration, data_passport='{"first_name":"{{YOUR-VALUE}}"}')
    assert refusal_of(server, server.embed(left)) == "passport_placeholder_left"
    session = owner.visit(integration, data_passport='{"first_name":"Ada","nick":"{{YOUR-VALUE}}"}')
    assert session["data_passport"] == {"first_name": "Ada"}


def test_an_encrypted_value_wins_and_reaches_no_browser(server, owner):
    from accredit import seal_passport

    schema = [{"name": "card", "encrypted_only": True, "required": True}, {"name": "name"}]
    integration = owner.integration(passport_schema=schema)
    path = f"/v1/integrations/{integration['integration_id']}/passport_keys"
    made = owner.call("POST", path, 201, {})
    sealed = seal_passport({"card": "4111-secret", "name": "encrypted"}, made["jwk"], alg="A128KW", enc="A128GCM")
    fields = owner.fields(integration, data_passport='{"name":"plain","card":"{{YOUR-VALUE}}"}', encrypted_passport=sealed)
    answer = server.embed(fields)
    session = owner.call("POST", "/v1/exchange", 200, {"code": code_of(answer)})
    assert session["data_passport"] == {"name": "encrypted", "card": "4111-secret"}
    assert sorted(session["server_only"]) == ["card", "name"]
    owner.call("PATCH", f"/v1/integrations/{integration['integration_id']}", 200, {"application_url": None})
    page = server.embed(fields)
    assert page.status_code == 200
    assert "4111-secret" not in page.text + str(page.headers)
    plain = owner.fields(integration, data_passport='{"card":"4111"}')
    assert refusal_of(server, server.embed(plain)) == "passport_encrypted_only"


def test_anybody_can_seal_to_a_public_key_so_it_needs_a_token(server, owner):
    from accredit import seal_passport

    integration, key = owner.integration(), owner.deployment_key()
    path = f"/v1/integrations/{integration['integration_id']}/passport_keys"
    made = owner.call("POST", path, 201, {"alg": "ECDH-ES", "enc": "A128GCM"})
    sealed = seal_passport({"card": "4111"}, made["jwk"], alg="ECDH-ES", enc="A128GCM")
    direct = owner.fields(integration, encrypted_passport=sealed)
    assert refusal_of(server, server.embed(direct)) == "unsigned_value_refused"
    token = owner.token(integration, key, encrypted_passport=sealed)
    assert owner.visit(integration, signed_deployment=token)["data_passport"] == {"card": "4111"}


def test_without_a_uid_each_load_is_somebody_new(server, owner):
    integration = owner.integration()
    one, two = owner.visit(integration), owner.visit(integration)
    assert re.fullmatch("anon_[0-9a-f]{32}", one["anonymous_id"])
    assert (one["uid"], one["trust"]) == (None, "unverified")
    assert one["anonymous_id"] != two["anonymous_id"]


def test_views(server, owner):
    integration, key = (
        owner.integration(
            views=[
                {"id": "summary"},
                {"id": "detail", "url": "https://app.example/detail"},
                {"id": "admin", "signed_only": True},
            ]
        ),
        owner.deployment_key(),
    )
    assert owner.visit(integration)["view_id"] == "summary"
    assert "/detail?code=" in server.embed(owner.fields(integration, view_id="detail")).headers["location"]
    for view_id in ("nowhere", "admin"):
        assert refusal_of(server, server.embed(owner.fields(integration, view_id=view_id))) == "view_unknown"
    token = owner.token(integration, key, view_id="admin")
    assert owner.visit(integration, signed_deployment=token)["view_id"] == "admin"


def test_a_quota_ends_with_the_day(server, owner, clock):
    integration = owner.integration(quota_per_day=2)
    fields = owner.fields(integration)
    assert [server.embed(fields).status_code for _ in range(2)] == [303, 303]
    assert refusal_of(server, server.embed(fields)) == "quota_exceeded"
    clock.advance(24 * 3600)
    assert server.embed(fields).status_code == 303


def test_while_debugging_refusals_tell_their_reason_and_admit_nobody(server, owner, clock):
    integration = owner.integration(debug_until="2027-01-15T09:00:00Z", allowed_origins=[ORIGIN])
    refused = server.embed(owner.fields(integration), origin=OTHER)
    assert refused.status_code == 403
    assert "origin_not_allowed" in refused.text
    clock.advance(3600)
    assert refusal_of(server, server.embed(owner.fields(integration), origin=OTHER)) == "origin_not_allowed"


def test_a_disabled_integration_refuses_at_once(server, owner):
    integration = owner.integration()
    assert server.embed(owner.fields(integration)).status_code == 303
    owner.call("PATCH", f"/v1/integrations/{integration['integration_id']}", 200, {"enabled": False})
    assert refusal_of(server, server.embed(owner.fields(integration))) == "integration_disabled"


@pytest.mark.parametrize(
    ("fields", "code", "member"),
    [
        ({"deployer_id": ""}, "field_missing", "deployer_id"),
        ({"owner_id": ""}, "field_missing", "owner_id"),
        ({"deployer_id": "a:b"}, "field_invalid", "deployer_id"),
        ({"view_id": "x" * 129}, "field_invalid", "view_id"),
        ({"data_passport": "[]"}, "field_invalid", "data_passport"),
        ({"data_passport": '{"a":1,"a":2}'}, "field_invalid", "data_passport"),
        ({"encrypted_passport": "ü"}, "field_invalid", "encrypted_passport"),
        ({"channel": "short"}, "field_invalid", "channel"),
        ({"sdk": "x" * 33}, "field_invalid", "sdk"),
    ],
)
def test_a_bad_field_is_named(server, owner, fields, code, member):
    integration = owner.integration()
    answer = server.embed(owner.fields(integration, **fields))
    assert answer.status_code == 400
    assert code in answer.text
    assert member in answer.text


def test_bodies_that_are_no_forms(server):
    def post(content, content_type="application/x-www-form-urlencoded"):
        return server.http.post("/embed", content=content, headers={"Content-Type": content_type})

    assert post(b"deployer_id=a&deployer_id=b").status_code == 400
    assert post(b"deployer_id=%ff").status_code == 400
    assert post(b"{}", "application/json").status_code == 415
    assert post(b"x=" + b"a" * 128 * 1024).status_code == 413
    assert server.http.get("/embed").status_code == 405
    assert server.http.options("/embed").status_code == 405


def test_an_empty_uid_is_refused(server, owner):
    assert refusal_of(server, server.embed(owner.fields(owner.integration(), uid=""))) == "uid_invalid"


def test_unknown_fields_are_dropped_with_a_warning(server, owner):
    owner.visit(owner.integration(), utm_source="mail", **{"<script>": "x"})
    (listed,) = owner.call("GET", "/v1/sessions")["sessions"]
    assert listed["warnings"] == ["field_dropped:utm_source"]


def test_a_secret_in_any_field_is_revoked(server, owner):
    integration = owner.integration()
    answer = server.embed(owner.fields(integration, data_passport=json.dumps({"key": owner.secret})))
    assert refusal_of(server, answer) == "secret_exposed"
    assert owner.api.get("/v1/integrations").status_code == 401


def test_too_many_refusals_have_to_wait(start_server, database_url, clock):
    server = start_server(database_url, refusals_per_minute=3)
    owner = server.owner()
    fields = owner.fields(owner.integration())
    assert [server.embed({**fields, "owner_id": "x"}).status_code for _ in range(4)] == [403, 403, 403, 429]
    waiting = server.embed(fields)
    assert waiting.status_code == 429
    clock.advance(int(waiting.headers["retry-after"]))
    assert server.embed(fields).status_code == 303


CHANNEL = "AAAAAAAAAAAAAAAAAAAAAA"


def test_a_stripped_origin_is_asked_for_and_then_held_against_the_list(server, owner):
    integration = owner.integration(allowed_origins=[ORIGIN])
    fields = owner.fields(integration, channel=CHANNEL, uid="user-1")
    page = server.embed(fields, origin="null")
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    (ticket,) = re.findall(r'name="origin_ticket" value="([^"]+)"', page.text)
    again = {**fields, "origin_ticket": ticket}
    assert server.embed({**again, "parent_origin": ORIGIN}, origin=server.url).status_code == 303
    assert refusal_of(server, server.embed({**again, "parent_origin": OTHER}, origin=server.url)) == "origin_not_allowed"
    assert refusal_of(server, server.embed({**again, "parent_origin": "null"}, origin=server.url)) == "origin_missing"


def test_a_ticket_of_another_channel_or_time_is_ignored(server, owner, clock):
    integration = owner.integration(allowed_origins=[ORIGIN])
    fields = owner.fields(integration, channel=CHANNEL)
    (ticket,) = re.findall(r'name="origin_ticket" value="([^"]+)"', server.embed(fields, origin=None).text)
    claim = {**fields, "origin_ticket": ticket, "parent_origin": ORIGIN}
    # Another page than ours cannot use it, nor can another frame, nor a later one.
    assert refusal_of(server, server.embed(claim, origin=OTHER)) == "origin_not_allowed"
    assert refusal_of(server, server.embed({**claim, "channel": "B" + CHANNEL[1:]}, origin=server.url)) == "origin_not_allowed"
    clock.advance(61)
    assert refusal_of(server, server.embed(claim, origin=server.url)) == "origin_not_allowed"


def test_renewal_gives_a_new_code_and_ends_the_old_session(server, owner):
    integration, key = owner.integration(allowed_origins=[ORIGIN]), owner.deployment_key()
    token = owner.token(integration, key, uid="user-1")
    old = owner.visit(integration, signed_deployment=token, channel=CHANNEL)
    answer = server.embed({"signed_deployment": token, "channel": CHANNEL}, path="/embed/renew")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"
    new = owner.call("POST", "/v1/exchange", 200, {"code": answer.json()["code"]})
    assert new["renews"] == old["session_id"]
    ended = owner.call("GET", f"/v1/sessions/{old['session_id']}")
    assert (ended["status"], ended["uid"]) == ("success", None)


def test_renewal_keeps_the_anonymous_visitor(server, owner):
    integration = owner.integration()
    old = owner.visit(integration, channel=CHANNEL)
    answer = server.embed(owner.fields(integration, channel=CHANNEL), path="/embed/renew")
    new = owner.call("POST", "/v1/exchange", 200, {"code": answer.json()["code"]})
    assert new["anonymous_id"] == old["anonymous_id"]


def test_renewal_for_another_user_origin_or_channel_is_refused(server, owner):
    integration, key = owner.integration(), owner.deployment_key()
    tokens = {uid: owner.token(integration, key, uid=uid) for uid in ("user-1", "user-2")}
    owner.visit(integration, signed_deployment=tokens["user-1"], channel=CHANNEL)

    def renew(uid, channel=CHANNEL, origin=ORIGIN):
        answer = server.embed({"signed_deployment": tokens[uid], "channel": channel}, path="/embed/renew", origin=origin)
        assert answer.status_code == 403
        assert answer.json()["code"] == "admission_refused"
        ((code,),) = server.rows(
            "SELECT code FROM audit WHERE request_id = ? AND kind = 'embed.refused'", answer.headers["x-request-id"]
        )
        return code

    assert renew("user-2") == "renewal_mismatch"
    assert renew("user-1", channel="B" + CHANNEL[1:]) == "renewal_mismatch"
    assert renew("user-1", origin=OTHER) == "renewal_mismatch"
