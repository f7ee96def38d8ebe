"""What every call of the API has in common: signatures, media types, versions, sizes, rates (protocol-flow.md sections 8 and 11)."""

import json

import pytest

from accredit.httpsig import format_http_date, parse_http_date

from ...flow_backend import MEDIA_TYPE, SESSIONS, make_flow_backend

BROWSER = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}


def audited(backend, answer):
    """The audit code of a refused call, and who it says called."""
    request_id = answer.headers["x-request-id"]
    sql = "SELECT code, actor, account_id FROM audit WHERE kind = 'flow.refused' AND request_id = ?"
    (entry,) = backend.server.rows(sql, request_id)
    return entry


def refused(answer, status, code, at=None):
    """That an answer is that refusal, in JSON:API's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    (error,) = answer.json()["errors"]
    assert (error["code"], error["status"], error["id"]) == (code, str(status), answer.headers["x-request-id"])
    assert error["title"]
    assert error["detail"]
    assert error.get("source") == at


def test_an_answer_is_for_nobodys_cache_and_tells_what_is_left(backend):
    answer = backend.send("GET", "")
    assert answer.json() == {"flow_sessions": [], "next_cursor": None}
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.headers["x-request-id"]) == 32
    assert [answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")] == ["100", "99", "1"]


def test_a_date_is_good_for_less_than_15_minutes_either_way(backend):
    for off, status in ((-899, 200), (899, 200), (-900, 401), (900, 401)):
        headers = backend.sign("GET", SESSIONS, now=backend.now + off)
        answer = backend.server.http.get(SESSIONS, headers=headers)
        assert answer.status_code == status
        if status == 401:
            refused(answer, 401, "date_out_of_range", {"header": "Date"})
            assert answer.headers["www-authenticate"].startswith("Signature ")
            assert parse_http_date(answer.headers["date"])


def test_who_is_unknown_and_who_signed_wrongly_look_alike(backend):
    """Equal bodies but for the request's id; the audit record tells them apart, and whose key id was named."""
    other = make_flow_backend(backend.server.owner(environment="sandbox"))
    revoked = make_flow_backend(backend.server.owner(environment="sandbox"))
    for key in revoked.owner.call("GET", "/v1/keys?purpose=api")["keys"]:
        if key.get("api_key_id") == revoked.key_id:
            revoked.owner.call("POST", f"/v1/keys/{key['key_id']}/revoke", 200, {})
    tries = {
        "mac_mismatch": {"secret": other.secret},
        "key_unknown": {"key_id": "sandbox_key_" + "0" * 32},
        "key_unknown ": {"key_id": "no-key-id-at-all"},
        "key_unknown  ": {"key_id": revoked.key_id, "secret": revoked.secret},
    }
    told = []
    for code, changes in tries.items():
        answer = backend.server.http.get(SESSIONS, headers=backend.sign("GET", SESSIONS, **changes))
        refused(answer, 401, "signature_invalid", {"header": "Authorization"})
        told.append(answer.text.replace(answer.headers["x-request-id"], ""))
        entry = audited(backend, answer)
        assert entry[0] == code.strip()
        assert entry[1:3] == ((backend.key_id, backend.owner.scope.account_id) if code == "mac_mismatch" else (None, ""))
        assert "ratelimit-limit" not in answer.headers
    assert len(set(told)) == 1


def test_a_key_sees_its_own_account_and_environment_only(backend):
    made = backend.create()
    for other in (backend.server.owner(environment="sandbox"), backend.server.owner(backend.owner.owner_id)):
        stranger = make_flow_backend(other)
        answer = stranger.send("GET", f"/{made['id']}")
        refused(answer, 404, "session_not_found")
        assert stranger.call("GET", "")["flow_sessions"] == []
        stranger.template_id = backend.template_id
        refused(stranger.send("POST", "", stranger.body()), 404, "template_not_found", {"pointer": "/template_id"})
    assert audited(backend, answer)[0] == "session_not_found"


def test_what_came_twice_or_not_at_all_is_named(backend):
    signed = backend.sign("GET", SESSIONS)
    for name in ("Date", "Digest", "Authorization"):
        rest = {each: text for each, text in signed.items() if each != name}
        refused(backend.server.http.get(SESSIONS, headers=rest), 401, "authentication_missing", {"header": name})
        twice = [*signed.items(), (name, signed[name])]
        refused(backend.server.http.get(SESSIONS, headers=twice), 401, "authorization_malformed", {"header": name})
    refused(backend.server.http.get(SESSIONS), 401, "authentication_missing", {"header": "Date"})


def test_a_secret_in_a_browser_is_revoked(backend):
    """A signature that only the secret can make, with the headers that only a browser sends."""
    standby = backend.owner.call("POST", f"/v1/api_credentials/{backend.key_id}/secrets", 201, {})["secret"]
    # A server-side runtime sends one of the two.
    for name, text in BROWSER.items():
        assert backend.send("GET", "", headers={name: text}).status_code == 200
    answer = backend.send("GET", "", headers=BROWSER)
    refused(answer, 403, "secret_exposed", {"header": "Authorization"})
    assert audited(backend, answer)[:2] == ("secret_exposed", backend.key_id)
    refused(backend.send("GET", ""), 401, "signature_invalid", {"header": "Authorization"})
    backend.secret = standby
    assert backend.send("GET", "").status_code == 200
    keys = backend.owner.call("GET", "/v1/keys")["keys"]
    leaked = [key for key in keys if key["state"] == "revoked"]
    assert {key["purpose"] for key in leaked} == {"api", "reference", "webhook"}


def test_a_bad_signature_from_a_browser_revokes_nothing(backend):
    headers = {**backend.sign("GET", SESSIONS, secret="sandbox_secret_" + "0" * 64), **BROWSER}
    refused(backend.server.http.get(SESSIONS, headers=headers), 401, "signature_invalid", {"header": "Authorization"})
    assert backend.send("GET", "").status_code == 200


def test_a_secret_in_a_body_from_a_page_is_revoked(backend):
    body = json.dumps({"template_id": "x", "note": {"key": backend.secret}}).encode()
    headers = {"Origin": "https://shop.example", "Content-Type": MEDIA_TYPE}
    refused(backend.server.http.post(SESSIONS, content=body, headers=headers), 403, "secret_exposed")
    refused(backend.send("GET", ""), 401, "signature_invalid", {"header": "Authorization"})


@pytest.mark.parametrize("media_type", ["application/json", "Application/VND.api+JSON", "application/json; charset=utf-8"])
def test_reads_json_by_either_name(backend, media_type):
    answer = backend.send("POST", "", backend.body(), headers={"Content-Type": media_type})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_reads_nothing_else(backend):
    for media_type in ("application/x-www-form-urlencoded", "text/json", ""):
        answer = backend.send("POST", "", backend.body(), headers={"Content-Type": media_type})
        refused(answer, 415, "media_type_unsupported", {"header": "Content-Type"})
    # Where nothing is read, nothing need be said of it.
    made = backend.create()
    assert backend.send("POST", f"/{made['id']}/cancel", headers={"Content-Type": "text/plain"}).status_code == 200


@pytest.mark.parametrize(
    "octets", [b"", b"{", b"[]", b'"x"', b'{"a":1,"a":2}', b"\xff", b'{"a":"\\ud800"}', b"[" * 60 + b"]" * 60, b'{"a":NaN}']
)
def test_what_is_no_object_of_json_is_malformed(backend, octets):
    headers = {**backend.sign("POST", SESSIONS, octets), "Content-Type": MEDIA_TYPE}
    refused(backend.server.http.post(SESSIONS, content=octets, headers=headers), 400, "request_malformed")


def test_a_body_has_64_kib_at_most(backend):
    for size, status in ((65_536, 201), (65_537, 413)):
        body = backend.body("user-1")
        padding = size - len(json.dumps({**body, "padding": ""}))
        answer = backend.send("POST", "", {**body, "padding": "x" * padding})
        assert answer.status_code == status
    refused(answer, 413, "body_too_large")


def test_knows_one_version(backend):
    assert backend.send("GET", "", headers={"Cognito-Version": "2020-08-14"}).status_code == 200
    for version in ("2016-09-01", "", "2020-08-14, 2020-08-14"):
        answer = backend.send("GET", "", headers={"Cognito-Version": version})
        refused(answer, 400, "version_unknown", {"header": "Cognito-Version"})


def test_other_methods_and_addresses(backend):
    for method, path, allow in (("PUT", "", "GET, POST"), ("GET", "/retry", "POST"), ("DELETE", "/flwses_1", "GET")):
        answer = backend.send(method, path)
        refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allow
    for path in ("/flwses_1/erase", "/flwses_1/", "/", "x", "/flwses_1/cancel/now"):
        refused(backend.send("POST", path), 404, "page_not_found")
    for path in ("/flwses_1", "/%66lwses_1", "/" + "x" * 300):
        refused(backend.send("GET", path), 404, "session_not_found")


def test_a_hundred_at_once_and_then_fifty_a_second(backend):
    """Each key has its own; what is refused is not taken, and no other key waits."""
    clock, other = backend.server.clock, make_flow_backend(backend.owner)
    signed = backend.sign("GET", SESSIONS)
    answers = [backend.server.http.get(SESSIONS, headers=signed) for _ in range(101)]
    assert [answer.status_code for answer in answers] == [200] * 100 + [429]
    assert [int(answer.headers["ratelimit-remaining"]) for answer in answers] == [*range(99, -1, -1), 0]
    refused(answers[-1], 429, "rate_limited")
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].headers["ratelimit-reset"] == "2"
    assert other.send("GET", "").status_code == 200
    clock.advance(0.1)
    answers = [backend.server.http.get(SESSIONS, headers=signed) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]


def test_who_is_refused_uses_up_nobodys_rate(backend):
    for _ in range(3):
        backend.server.http.get(SESSIONS, headers=backend.sign("GET", SESSIONS, secret="sandbox_secret_" + "0" * 64))
    assert backend.send("GET", "").headers["ratelimit-remaining"] == "99"


def test_a_request_may_be_signed_by_rfc_9421(backend):
    base, http = backend.server.url, backend.server.http
    body = json.dumps(backend.body()).encode()
    headers = backend.sign_v2("POST", f"{base}{SESSIONS}?idempotent=true", body)
    assert "Authorization" not in headers
    made = http.post(f"{SESSIONS}?idempotent=true", content=body, headers=headers)
    assert made.status_code == 201, made.text
    again = http.post(f"{SESSIONS}?idempotent=true", content=body, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert http.get(SESSIONS, headers=backend.sign_v2("GET", f"{base}{SESSIONS}")).status_code == 200


def test_what_rfc_9421_does_not_cover_is_refused(backend):
    base, http = backend.server.url, backend.server.http
    for headers, code, name in (
        (backend.sign_v2("GET", f"{base}{SESSIONS}?limit=1"), "signature_invalid", "Authorization"),
        (backend.sign_v2("GET", f"https://elsewhere.example{SESSIONS}"), "signature_invalid", "Authorization"),
        (backend.sign_v2("GET", f"{base}{SESSIONS}", now=backend.now - 301), "date_out_of_range", "Signature-Input"),
        (backend.sign_v2("GET", f"{base}{SESSIONS}", b"x"), "digest_mismatch", "Content-Digest"),
    ):
        refused(http.get(SESSIONS, headers=headers), 401, code, {"header": name})
    headers = backend.sign_v2("GET", f"{base}{SESSIONS}")
    refused(
        http.get(SESSIONS, headers={**headers, "Signature": "x"}), 401, "authorization_malformed", {"header": "Signature-Input"}
    )
    refused(http.get(SESSIONS, headers={**headers, "Authorization": "x"}), 401, "authentication_missing", {"header": "Date"})
    refused(http.get(SESSIONS, headers={**headers, **BROWSER}), 403, "secret_exposed", {"header": "Authorization"})


@pytest.mark.parametrize(
    ("settings", "prefix"),
    [({"public_url": "https://id.example/accredit"}, "/accredit"), ({"path_prefix": "/id"}, "/id"), ({}, "")],
)
def test_what_a_proxy_takes_away_was_signed(start_server, sqlite_url, settings, prefix):
    server = start_server(sqlite_url, **settings)
    backend = make_flow_backend(server.owner(environment="sandbox"))
    for signed in ("", "/accredit", "/id"):
        answer = server.http.get(SESSIONS, headers=backend.sign("GET", f"{signed}{SESSIONS}"))
        assert answer.status_code == (200 if signed == prefix else 401)
    origin = server.settings.public_origin
    assert server.http.get(SESSIONS, headers=backend.sign_v2("GET", f"{origin}{prefix}{SESSIONS}")).status_code == 200


def test_a_database_that_is_gone_lets_nobody_in(start_server, postgresql_url, postgresql_server):
    server = start_server(postgresql_url)
    backend = make_flow_backend(server.owner(environment="sandbox"))
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    postgresql_server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    postgresql_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    answer = backend.send("POST", "", backend.body())
    refused(answer, 503, "service_unavailable")
    assert answer.headers["retry-after"] == "1"
    postgresql_server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def test_a_moment_is_written_as_clients_write_it(backend):
    """The original's dates are GMT in the one form of HTTP; another zone of the same moment is none."""
    headers = backend.sign("GET", SESSIONS, now=backend.now)
    assert headers["Date"] == format_http_date(backend.now)
    answer = backend.server.http.get(SESSIONS, headers={**headers, "Date": headers["Date"].replace("GMT", "+0000")})
    refused(answer, 401, "date_malformed", {"header": "Date"})
