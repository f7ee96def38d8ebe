"""Who may call the rest door, for which account (protocol-rest.md section 4)."""

import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from accredit.encoding import b64url_encode, compact_json
from accredit.keys import generate_deployment_key, parse_signing_key
from accredit.sealing import generate_server_key, parse_server_key, sign_compact
from accredit.server.keyring.changes import Revocation, revoke_key
from accredit.server.keyring.scope import SERVER

SESSIONS, TOKEN = "/auth/rest/sessions", "/auth/open/connect/token"
BROWSER = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}


def ask(server: Any, token: str, path: str = "", **headers: str) -> Any:
    """A list of sessions by this token."""
    return server.http.get(f"{SESSIONS}{path}", headers={"Authorization": f"Bearer {token}", **headers})


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def claims_of(server: Any, client_id: str, **changed: Any) -> dict[str, Any]:
    """The claims of an access token of now."""
    now = server.clock.now
    claims = {"iss": f"{server.url}/auth/open", "aud": server.url, "sub": client_id, "sandbox": True, "scope": ["signicat-api"]}
    times = {"jti": "0" * 32, "iat": now, "nbf": now, "exp": now + 600}
    return {name: value for name, value in {**claims, **times, **changed}.items() if value is not None}


def sign(server: Any, payload: dict[str, Any] | bytes, *, typ: str = "at+jwt", alg: str = "ES256", **more: Any) -> str:
    """A JWS under the server's own key."""
    key = server.run(server.node.server_keys.signing(alg, server.clock.now_ms))
    return sign_compact(payload if isinstance(payload, bytes) else compact_json(payload), key, typ=typ, more=more or None)


def refusals(owner: Any) -> list[tuple[str, dict[str, Any]]]:
    """Codes and details of what was refused in this account, the latest first."""
    entries = owner.call("GET", "/v1/audit?kind=rest.refused")["entries"]
    return [(entry["code"], entry["detail"]) for entry in entries]


def test_a_token_that_the_server_issued_holds_until_it_expires(backend, clock):
    server, token = backend.server, backend.token
    assert ask(server, token).json() == {"sessions": []}
    clock.advance(599)
    assert ask(server, token).status_code == 200
    clock.advance(1)
    refused = ask(server, token)
    assert told(refused) == (401, "invalid_token")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refusals(backend.owner) == [("invalid_token", {"reason": "expired"})]
    assert ask(server, backend.token).status_code == 200


def test_a_token_of_our_own_making_holds(backend):
    """What the refusals below differ from in one thing each."""
    assert ask(backend.server, sign(backend.server, claims_of(backend.server, backend.client_id))).status_code == 200


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token ", "Bearer"])
def test_nothing_but_a_bearer_token_is_taken(backend, scheme):
    answer = backend.server.http.get(SESSIONS, headers={"Authorization": f"{scheme}{backend.token}"})
    assert told(answer) == (401, "invalid_token")


def test_a_request_has_one_token(backend):
    server, line = backend.server, ("Authorization", f"Bearer {backend.token}")
    assert server.http.get(SESSIONS, headers=[("authorization", f"bearer {backend.token}")]).status_code == 200
    assert told(server.http.get(SESSIONS, headers=[line, line])) == (401, "invalid_token")
    assert told(server.http.get(SESSIONS)) == (401, "invalid_token")
    assert told(server.http.get(f"{SESSIONS}?access_token={backend.token}")) == (401, "invalid_token")
    assert told(ask(server, "x" * 5000)) == (401, "invalid_token")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://accredit.example/auth/open"},
        {"iss": None},
        {"aud": "https://accredit.example"},
        {"aud": None},
        {"sub": "nobody"},
        {"sub": None},
        {"sub": ["shop"]},
        {"scope": "signicat-api"},
        {"scope": None},
        {"nbf": 1_800_000_001},
        {"nbf": None},
        {"nbf": "1800000000"},
        {"exp": 1_800_000_000},
        {"exp": None},
        {"exp": "9999999999"},
    ],
    ids=lambda changed: "-".join(f"{name}={value}" for name, value in changed.items()),
)
def test_a_token_is_judged_by_its_claims(start_server, sqlite_url, changed):
    server = start_server(sqlite_url)
    client_id = server.owner(environment="sandbox").call("POST", "/v1/api_clients", 201, {})["client_id"]
    assert told(ask(server, sign(server, claims_of(server, client_id, **changed)))) == (401, "invalid_token")


def test_a_token_is_a_jws_of_one_form_under_a_key_of_ours(backend):
    server, token = backend.server, backend.token
    claims = claims_of(server, backend.client_id)
    header, payload, signature = token.split(".")
    ours = server.http.get("/.well-known/jwks.json").json()["keys"][0]
    foreign = parse_server_key({**generate_server_key().private_jwk, "kid": ours["kid"]})

    def rewritten(**changed: Any) -> str:
        described = {"alg": "ES256", "kid": ours["kid"], "typ": "at+jwt", **changed}
        return f"{b64url_encode(compact_json(described))}.{payload}.{signature}"

    forged = {
        "foreign key": sign_compact(compact_json(claims), foreign, typ="at+jwt"),
        "another use of our key": sign(server, claims, typ="accredit-session+jwt"),
        "typ JWT": sign(server, claims, typ="JWT"),
        "more in the header": sign(server, claims, jku="https://attacker.example/keys"),
        "none": f"{b64url_encode(compact_json({'alg': 'none', 'kid': ours['kid'], 'typ': 'at+jwt'}))}.{payload}.",
        "HS256": rewritten(alg="HS256"),
        "unknown kid": rewritten(kid="unknown"),
        "crit": rewritten(crit=["b64"]),
        "signature cut": f"{header}.{payload}.{signature[:-4]}",
        "signature of zeros": f"{header}.{payload}.{b64url_encode(bytes(64))}",
        "second spelling": f"{header}.{payload}.{signature}=",
        "another payload": f"{header}.{b64url_encode(compact_json({**claims, 'sub': 'x'}))}.{signature}",
        "two parts": f"{header}.{payload}",
        "four parts": f"{token}.",
        "a claim twice": sign(server, compact_json(claims)[:-1] + b',"sub":"x"}'),
        "no object": sign(server, b"[]"),
        "octets": "é.é.é",
        "a secret": backend.secret,
    }
    for name, text in forged.items():
        answer = server.http.get(SESSIONS, headers={"Authorization": f"Bearer {text}".encode()})
        assert (name, *told(answer)) == (name, 401, "invalid_token")


def test_a_deployers_key_signs_no_token(backend):
    """Keys of one purpose are none of another's."""
    server, pair = backend.server, generate_deployment_key("ES256")
    backend.owner.deployer("shop")
    backend.owner.call("POST", "/v1/deployers/shop/keys", 201, {"jwk": pair.public_jwk, "alg": "ES256"})
    alg, parsed = parse_signing_key(pair.private_jwk)
    key = type(parse_server_key(generate_server_key().private_jwk))(pair.thumbprint, alg, parsed)
    forged = sign_compact(compact_json(claims_of(server, backend.client_id)), key, typ="at+jwt")
    assert told(ask(server, forged)) == (401, "invalid_token")


def test_tokens_under_rs256(start_server, sqlite_url):
    server = start_server(sqlite_url, token_alg="RS256")
    owner = server.owner(environment="sandbox")
    client_id = owner.call("POST", "/v1/api_clients", 201, {})["client_id"]
    secret = owner.call("POST", f"/v1/api_clients/{client_id}/secrets", 201, {})["secret"]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = server.http.post(TOKEN, data=form).json()["access_token"]
    assert ask(server, token).status_code == 200
    # Either of our keys verifies what it signed itself.
    assert ask(server, sign(server, claims_of(server, client_id))).status_code == 200


def test_a_signing_key_that_was_replaced_still_verifies_and_a_revoked_one_does_not(backend):
    server, token = backend.server, backend.token
    (first,) = (key["kid"] for key in server.http.get("/.well-known/jwks.json").json()["keys"] if key["use"] == "sig")
    server.run(server.node.server_keys.rotate("signing", server.cause()))
    deadline = time.monotonic() + 2
    while len([key for key in server.http.get("/.well-known/jwks.json").json()["keys"] if key["use"] == "sig"]) == 1:
        assert time.monotonic() < deadline
    assert ask(server, token).status_code == 200
    (row,) = server.rows("SELECT id FROM keys WHERE kid = ?", first)
    server.run(server.node.store.write(revoke_key, Revocation(SERVER, row[0], server.cause())))
    while ask(server, token).status_code == 200:
        assert time.monotonic() < deadline
    assert told(ask(server, token)) == (401, "invalid_token")


def test_a_client_that_was_disabled_or_deleted_calls_no_more(backend):
    server, owner, token = backend.server, backend.owner, backend.token
    path = f"/v1/api_clients/{backend.client_id}"
    for enabled, status in ((False, 401), (True, 200)):
        owner.call("PATCH", path, 200, {"enabled": enabled})
        assert ask(server, token).status_code == status
    owner.call("DELETE", path, 204)
    assert told(ask(server, token)) == (401, "invalid_token")


def test_a_client_needs_the_permission_and_a_scope_that_is_known(backend):
    server, owner = backend.server, backend.owner
    assert told(ask(server, sign(server, claims_of(server, backend.client_id, scope=["other", 1])))) == (
        403,
        "permission_denied",
    )
    owner.call("PATCH", f"/v1/api_clients/{backend.client_id}", 200, {"permissions": ["api"]})
    # Step 2 comes before step 3.
    for path in ("", "?accountId=other"):
        assert told(ask(server, backend.token, path)) == (403, "permission_denied")
    assert refusals(owner)[0] == ("permission_denied", {})


def test_each_scope_opens_the_door(backend):
    server = backend.server
    for scope in ("signicat-api", "accredit"):
        form = {"grant_type": "client_credentials", "client_id": backend.client_id, "client_secret": backend.secret}
        token = server.http.post(TOKEN, data={**form, "scope": scope}).json()["access_token"]
        assert ask(server, token).status_code == 200


def test_a_browser_does_not_call(backend):
    server, token = backend.server, backend.token
    assert told(ask(server, token, **BROWSER)) == (403, "browser_not_allowed")
    for name, text in BROWSER.items():
        assert ask(server, token, **{name: text}).status_code == 200
    # Step 1 comes before step 2.
    assert told(ask(server, "x", **BROWSER)) == (401, "invalid_token")
    # A token is no secret that lasts: the client's own secrets stay.
    assert ask(server, token).status_code == 200


@pytest.mark.parametrize("name", ["signicat-accountId", "accountId", "ACCOUNTID", "Signicat-AccountId"])
def test_a_client_of_one_account_names_none_or_its_own(backend, name):
    server, own = backend.server, backend.owner.owner_id
    assert ask(server, backend.token, f"?{name}={own}").status_code == 200
    for other in (server.owner(environment="sandbox").owner_id, "nobody", "", own.upper(), f"{own}%20"):
        assert told(ask(server, backend.token, f"?{name}={other}")) == (403, "invalid_account_id")


def test_an_account_that_exists_is_refused_like_one_that_does_not(backend):
    """Acceptance 14: in status, headers and body but for the trace id."""
    server = backend.server
    foreign = server.owner(environment="sandbox").owner_id
    answers = [ask(server, backend.token, f"?accountId={account}") for account in (foreign, "nobody")]
    bodies = [{**answer.json(), "traceId": ""} for answer in answers]
    assert bodies[0] == bodies[1]
    lines = [{**answer.headers, "x-request-id": "", "date": ""} for answer in answers]
    assert lines[0] == lines[1]
    assert foreign not in answers[0].text
    assert refusals(backend.owner) == [("invalid_account_id", {"reason": each}) for each in ("nobody", foreign)]


def test_a_foreign_session_is_refused_like_one_that_does_not_exist(backend, make_backend):
    """Acceptance 14: whichever way it is asked for."""
    session_id, other = backend.create()["id"], make_backend()
    live = make_backend(owner=backend.server.owner(backend.owner.owner_id), environment="live")
    for stranger in (other, live):
        for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/redact"), ("DELETE", "")):
            answers = [stranger.send(method, f"/{each}{path}") for each in (session_id, session_id[:-4] + "0000")]
            assert {told(answer) for answer in answers} == {(404, "session_not_found")}
            first, second = ({**answer.json(), "traceId": ""} for answer in answers)
            assert first == second
        assert stranger.send("GET").json() == {"sessions": []}
    assert backend.get(session_id)["status"] == "CREATED"


def test_all_clients_of_an_account_see_its_sessions(backend, make_backend):
    session_id = backend.create()["id"]
    colleague = make_backend(owner=backend.owner)
    assert colleague.client_id != backend.client_id
    assert colleague.get(session_id)["id"] == session_id


def test_a_client_of_several_accounts_names_one(backend):
    server, own = backend.server, backend.owner.owner_id
    other, third = server.owner(environment="sandbox"), server.owner(environment="sandbox")
    other.call("PUT", f"/v1/api_client_grants/{backend.client_id}", 204)
    assert told(ask(server, backend.token)) == (400, "invalid_account_id")
    for account in (own, other.owner_id):
        assert ask(server, backend.token, f"?accountId={account}").status_code == 200
    for account in (third.owner_id, "nobody"):
        assert told(ask(server, backend.token, f"?accountId={account}")) == (403, "invalid_account_id")
    made = server.http.post(
        f"{SESSIONS}?accountId={other.owner_id}", json=backend.body(), headers={"Authorization": f"Bearer {backend.token}"}
    )
    assert made.json()["accountId"] == other.owner_id
    assert ask(server, backend.token, f"/{made.json()['id']}?accountId={own}").status_code == 404
    other.call("DELETE", f"/v1/api_client_grants/{backend.client_id}", 204)
    assert told(ask(server, backend.token, f"?accountId={other.owner_id}")) == (403, "invalid_account_id")
    assert ask(server, backend.token).status_code == 200


def test_two_names_of_the_account_must_agree(backend):
    server, own = backend.server, backend.owner.owner_id
    assert ask(server, backend.token, f"?accountId={own}&signicat-accountId={own}").status_code == 200
    assert told(ask(server, backend.token, f"?accountId={own}&signicat-accountId=x")) == (403, "invalid_account_id")


def test_the_organisation_is_ignored(backend):
    answer = ask(backend.server, backend.token, "?signicat-organizationId=x", **{"Signicat-OrganizationId": "y"})
    assert answer.status_code == 200


def test_a_secret_that_a_browser_sent_stops_working_on_every_node(start_server, postgresql_url):
    """Acceptance 15: within a second."""
    first, second = start_server(postgresql_url), start_server(postgresql_url)
    owner = first.owner(environment="sandbox")
    client_id = owner.call("POST", "/v1/api_clients", 201, {})["client_id"]
    secret = owner.call("POST", f"/v1/api_clients/{client_id}/secrets", 201, {})["secret"]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    assert second.http.post(TOKEN, data=form).status_code == 200
    assert first.http.post(TOKEN, data=form, headers=BROWSER).json()["code"] == "secret_exposed"
    deadline = time.monotonic() + 1
    while second.http.post(TOKEN, data=form).status_code == 200:
        assert time.monotonic() < deadline
    assert first.http.post(TOKEN, data=form).status_code == 401
    (row,) = first.rows("SELECT data FROM events WHERE type = 'key.leaked'")
    assert json.loads(row[0])["source"] == "browser"


def test_fetch_on_a_server_is_no_browser(backend):
    """Acceptance 15: Node's fetch sends `Sec-Fetch-Mode`."""
    node = shutil.which("node")
    assert node is not None, "the tests need Node.js"
    script = (
        "const [url, id, secret] = process.argv.slice(1);"
        "const body = new URLSearchParams({grant_type: 'client_credentials', client_id: id, client_secret: secret});"
        "const token = await (await fetch(url + '/auth/open/connect/token', {method: 'POST', body})).json();"
        "const headers = {Authorization: 'Bearer ' + token.access_token};"
        "const list = await fetch(url + '/auth/rest/sessions', {headers});"
        "console.log(list.status, JSON.stringify(await list.json()));"
    )
    command = [node, "--input-type=module", "-e", script, backend.server.url, backend.client_id, backend.secret]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == '200 {"sessions":[]}\n', done.stderr
    assert backend.token
