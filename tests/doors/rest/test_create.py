"""Creating a session: what is answered, what is refused, and in which order (protocol-rest.md sections 5, 7 and 14)."""

import json
import re

import pytest

import accredit

from ...rest_backend import CALLBACKS

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def problem(answer, status, code):
    """The problem document of an answer, in the form of section 14."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told = answer.json()
    assert told["code"] == code
    assert told["type"].endswith(f"/docs/errors#{code}")
    assert (told["status"], told["traceId"]) == (status, answer.headers["x-request-id"])
    assert re.fullmatch(r"[0-9a-f]{32}", told["traceId"])
    assert told["title"]
    assert told["detail"]
    return told


def faults(answer, code="invalid_request_parameter"):
    return [(each["name"], each["code"]) for each in problem(answer, 400, code)["invalidParams"]]


def test_the_session_object_has_its_members_in_their_order(backend):
    answer = backend.post(
        backend.body(
            requestedAttributes=["nin", "firstName", "nin"],
            allowedProviders=["sbid", "nbid"],
            tags=["b", "a", "b"],
            language="nb",
            themeId="none",
            externalReference="order 7",
            usageReference="team",
            sessionLifetime=60,
        )
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    session, base = answer.json(), backend.server.url
    assert answer.content == json.dumps(session, separators=(",", ":")).encode()
    assert list(session) == [
        *(
            "id",
            "accountId",
            "authenticationUrl",
            "statusUrl",
            "status",
            "callbackUrls",
            "tags",
            "allowedProviders",
            "language",
        ),
        *("flow", "themeId", "requestedAttributes", "externalReference", "usageReference", "sessionLifetime", "expiresAt"),
    ]
    assert re.fullmatch(UUID, session["id"])
    assert re.fullmatch(rf"{base}/auth/session/{session['id']}\?key=[A-Za-z0-9_-]{{22}}", session["authenticationUrl"])
    added = f"sessionId={session['id']}&externalReference=order%207"
    assert session == {
        "id": session["id"],
        "accountId": backend.owner.owner_id,
        "authenticationUrl": session["authenticationUrl"],
        "statusUrl": f"{base}/auth/rest/sessions/{session['id']}",
        "status": "CREATED",
        "callbackUrls": {kind: f"{address}&{added}" for kind, address in CALLBACKS.items()},
        "tags": ["b", "a"],
        "allowedProviders": ["sbid", "nbid"],
        "language": "nb",
        "flow": "redirect",
        "themeId": "none",
        "requestedAttributes": ["firstName", "nin"],
        "externalReference": "order 7",
        "usageReference": "team",
        "sessionLifetime": 300,
        "expiresAt": "2027-01-15T08:05:00.000+00:00",
    }


def test_a_client_of_the_original_that_sends_every_member(make_backend):
    """Unset members as null, `username`, lifetime 0; what is not given is not said."""
    backend = make_backend(protection="optional", plain_personal_input="allow")
    nothing = dict.fromkeys(
        ("allowedProviders", "encryptionPublicKey", "requestedLoa", "tags", "returnUrl", "themeId", "language")
    )
    made = backend.create(**nothing, prefilledInput={"username": "u1", "nin": None}, sessionLifetime=0)
    assert (made["sessionLifetime"], made["status"]) == (1200, "CREATED")
    assert not {"tags", "allowedProviders", "themeId", "language", "messageTransportProperties"} & made.keys()
    assert backend.create(sessionLifetime=60)["sessionLifetime"] == 300


def test_letters_beyond_ascii_are_escaped_unless_the_policy_says_otherwise(make_backend):
    plain, escaped = make_backend(json_ascii=False), make_backend(json_ascii=True)
    for backend, expected in ((plain, '"tags":["Zoë\x7f 🦊"]'), (escaped, r'"tags":["Zo\u00eb\u007f \ud83e\udd8a"]')):
        assert expected.encode() in backend.post(backend.body(tags=["Zoë\x7f 🦊"])).content


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        ("{}", "text/plain", 415, "media_type_unsupported"),
        ("{}", "", 415, "media_type_unsupported"),
        ("{", "application/json; charset=latin-1", 400, "request_malformed"),
        ('{"flow":"redirect","Flow":"redirect"}', "application/json", 400, "request_malformed"),
        (" " * (64 * 1024 + 1), "application/json", 413, "body_too_large"),
        ("x" * (96 * 1024 + 1), "application/jose", 413, "body_too_large"),
        ("x", "application/jose", 400, "encrypted_request_invalid"),
    ],
)
def test_what_is_no_request(backend, content, media_type, status, code):
    answer = backend.send("POST", content=content, headers={"Content-Type": media_type} if media_type else {})
    assert "invalidParams" not in problem(answer, status, code)
    assert backend.server.rows("SELECT COUNT(*) FROM sessions") == [(0,)]


def test_the_form_is_judged_before_who_asks_and_who_asks_before_the_body(backend):
    post = backend.server.http.post
    assert problem(
        post("/auth/rest/sessions", content="x", headers={"Content-Type": "text/plain"}), 415, "media_type_unsupported"
    )
    refused = post("/auth/rest/sessions", content="{", headers={"Content-Type": "application/json"})
    assert problem(refused, 401, "invalid_token")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_faults_are_told_by_name_and_never_with_a_value(backend):
    answer = backend.post(backend.body(tags=["", "fine", "s3cret" * 20], sessionLifetime=-1, flow="s3cret"))
    assert faults(answer) == [("flow", "value"), ("tags[0]", "length"), ("tags[2]", "length"), ("sessionLifetime", "value")]
    assert "s3cret" not in answer.text
    (entry, *_) = backend.owner.call("GET", "/v1/audit?kind=rest.refused")["entries"]
    assert (entry["code"], entry["actor"]) == ("invalid_request_parameter", backend.client_id)
    assert entry["detail"] == {"members": ["flow", "tags[0]", "tags[2]", "sessionLifetime"]}


def test_a_key_is_judged_when_all_else_is_sound(backend):
    broken = {**backend.key(), "crv": "P-348"}
    answer = backend.post(backend.body(encryptionPublicKey=broken, tags=5))
    assert faults(answer) == [("tags", "type")]
    answer = backend.post(backend.body(encryptionPublicKey=broken))
    (told,) = answer.json()["invalidParams"]
    assert (told["name"], told["code"]) == ("encryptionPublicKey.crv", "key_type_not_allowed")
    assert "P-384" in told["reason"]


def test_a_private_key_is_burnt_whatever_else_is_wrong(backend):
    made = accredit.generate_encryption_key(alg="ECDH-ES", crv="P-256")
    answer = backend.post(backend.body(encryptionPublicKey=made.private_jwk, tags=5))
    assert faults(answer) == [("tags", "type")]
    answer = backend.post(backend.body(encryptionPublicKey=made.public_jwk))
    assert faults(answer) == [("encryptionPublicKey", "key_denied")]
    assert made.private_jwk["d"] not in answer.text


def test_a_provider_that_requires_encryption(backend):
    """Scenario 7."""
    refused = backend.post(backend.body(allowedProviders=["ftn"]))
    assert faults(refused, "encryption_required") == [("encryptionPublicKey", "required")]
    made = backend.create(encryptionPublicKey=backend.key(), allowedProviders=["ftn"])
    assert made["allowedProviders"] == ["ftn"]
    everybody = json.loads(backend.server.rows("SELECT control FROM rest_sessions")[0][0])
    assert everybody["offered"] == ["ftn"]
    backend.create()
    open_choice = json.loads(backend.server.rows("SELECT control FROM rest_sessions ORDER BY session_id")[-1][0])
    assert "ftn" not in open_choice["offered"]
    assert len(open_choice["offered"]) > 3


def test_what_only_a_provider_can_judge(backend):
    answer = backend.post(backend.body(additionalParameters={"sandbox_person": "xx-1", "unknown": "ignored"}))
    assert faults(answer) == [("additionalParameters.sandbox_person", "value")]


@pytest.mark.parametrize(("wanted", "code"), [(429, "rate_limited"), (500, "internal_error"), (503, "service_unavailable")])
def test_the_sandbox_answers_as_it_is_told(backend, wanted, code):
    answer = backend.post(backend.body(additionalParameters={"sandbox_http": str(wanted)}))
    problem(answer, wanted, code)
    assert ("retry-after" in answer.headers) == (wanted != 500)
    assert backend.server.rows("SELECT COUNT(*) FROM sessions") == [(0,)]


def test_rate_and_quota(make_backend, clock):
    backend = make_backend(rate_per_minute=2, quota_per_day=3)
    for _ in range(2):
        backend.create()
    limited = backend.post(backend.body())
    problem(limited, 429, "rate_limited")
    assert limited.headers["retry-after"] == "60"
    clock.advance(60)
    backend.create()
    used_up = backend.post(backend.body())
    problem(used_up, 429, "quota_exceeded")
    assert used_up.headers["retry-after"] == str(16 * 3600 - 60)
    assert backend.server.rows("SELECT COUNT(*), COUNT(DISTINCT r.session_id) FROM sessions s, rest_sessions r") == [(9, 3)]


def test_a_disabled_integration_lets_nobody_in(make_backend):
    backend = make_backend(enabled=False)
    problem(backend.post(backend.body()), 403, "permission_denied")
    (entry, *_) = backend.owner.call("GET", "/v1/audit?kind=rest.refused")["entries"]
    assert entry["code"] == "integration_disabled"


def test_an_encrypted_request(backend):
    jwks = backend.server.http.get("/.well-known/jwks.json").json()["keys"]
    for key in (each for each in jwks if each["use"] == "enc"):
        body = json.dumps(
            backend.body(prefilledInput={"nin": "070770-9019"}, encryptionPublicKey=backend.key(), allowedProviders=["ftn"])
        )
        sealed = accredit.seal_request(body.encode(), accredit.parse_encryption_key(key))
        answer = backend.send("POST", content=sealed, headers={"Content-Type": "application/jose"})
        assert backend.read(answer)["allowedProviders"] == ["ftn"]
    too_large = accredit.seal_request(b" " * (64 * 1024 + 1), accredit.parse_encryption_key(key))
    answer = backend.send("POST", content=too_large, headers={"Content-Type": "application/jose"})
    problem(answer, 413, "body_too_large")
    plain = backend.body(prefilledInput={"nin": "070770-9019"}, encryptionPublicKey=backend.key(), allowedProviders=["ftn"])
    assert faults(backend.post(plain), "encrypted_request_required") == [("prefilledInput", "not_allowed")]


def test_other_methods_are_told_which_there_are(backend):
    for path, allowed in (("", "GET, POST"), ("/x", "GET, DELETE"), ("/x/cancel", "POST"), ("/x/redact", "POST")):
        answer = backend.send("PATCH", path)
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == allowed
    problem(backend.server.http.get("/auth/rest/nothing"), 404, "page_not_found")


def test_a_language_or_theme_that_nobody_knows_is_noted(backend):
    made = backend.create(language="tlh", themeId="none")
    backend.create(language="nb-NO")
    (entry,) = backend.owner.call("GET", "/v1/audit?kind=rest.fallback")["entries"]
    assert (entry["session_id"], entry["detail"]) == (made["id"], {"members": ["language", "themeId"]})
