"""`POST /flow` from the outside: protocol-flow.md sections 5 and 11, as forms that a browser would post."""

import re

import pytest

from accredit.reference import peek_reference
from accredit.server.sessions.flow.tokens import LIFETIME_MS

from ...flow_backend import make_flow_backend
from ..conftest import ORIGIN
from .page import CHANNEL, FlowPage, block_of, refused, text_of

OTHER = "https://elsewhere.example"
WRONG = "A" * 43 + "="
CHANGED = {"templateId": "flwtmp_1111111111111111111111"}


@pytest.fixture
def page(shared_server, backend):
    """A page of a listed origin, in the sandbox."""
    change(backend, allowed_origins=[ORIGIN])
    return FlowPage(backend)


def change(backend, **policy):
    backend.owner.call("PATCH", f"/v1/integrations/{backend.template_id}", 200, policy)


def faceless(answer):
    """An answer without what is random in it: request id and nonce."""
    text = answer.text + answer.headers["content-security-policy"]
    for known in (answer.headers["x-request-id"], *re.findall(r"nonce-([\w-]+)", text)):
        text = text.replace(known, "")
    return str(answer.status_code), text, *sorted(answer.headers)


def test_an_admitted_frame_shows_the_first_screen(page):
    answer = page.post()
    told = block_of(answer)
    assert told["peer"] == {"origin": ORIGIN, "channel": CHANNEL, "door": "flow"}
    assert told["first"]["opening"] == "created"
    assert re.fullmatch(r"flwses_[1-9A-HJ-NP-Za-km-z]{22}", told["first"]["session"]["id"])
    assert re.fullmatch(r"[\w-]{43}", told["first"]["token"])
    assert "Before we begin" in answer.text
    session = page.backend.get(told["first"]["session"]["id"])
    assert (session["customer_reference"], session["admitted_by"], session["status"]) == ("user-1", "unsigned", "active")


def test_answers_in_a_frame_carry_their_headers(page):
    change(page.backend, allowed_origins=[ORIGIN, "https://www.shop.example:8443"])
    admitted, unlisted = page.post(), FlowPage(page.backend, OTHER, page.key).post()
    for answer, ancestors in ((admitted, f"{ORIGIN} https://www.shop.example:8443"), (unlisted, OTHER)):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "base-uri 'none'", f"frame-ancestors {ancestors}"} <= set(policy)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert not {"x-frame-options", "set-cookie", "access-control-allow-origin"} & set(answer.headers)
    assert "form-action 'none'" in admitted.headers["content-security-policy"]


def test_a_signature_of_either_version_admits(page):
    change(page.backend, require_signed_requests=True)
    legacy, token = page.open("user-1", signature=page.sign("user-1")), page.sign_v2("user-2", user={"email": "a@b.example"})
    assert page.backend.get(legacy.session_id)["admitted_by"] == "legacy"
    change(page.backend, signature_policy="required_v2")
    made = page.backend.get(page.open(None, signature=token).session_id)
    assert (made["customer_reference"], made["admitted_by"], made["user"]["email"]) == ("user-2", "v2", "a@b.example")


def test_a_wrong_signature_is_refused_though_none_is_required(page):
    refused(page, page.post(signature=WRONG), "admission_refused", audit="mac_mismatch")
    refused(page, page.post("user-2", signature=page.sign("user-1")), "admission_refused", audit="mac_mismatch")
    assert page.backend.call("GET", "?limit=10")["flow_sessions"] == []


def test_unknown_ids_a_revoked_key_and_wrong_signatures_look_alike(page):
    owner = page.backend.owner
    other = FlowPage(page.backend)
    (listed,) = [each for each in owner.call("GET", "/v1/publishable_keys")["keys"] if each["kid"] == other.key]
    owner.call("POST", f"/v1/keys/{listed['key_id']}/revoke", 200, {})
    token = page.sign_v2()
    answers = {
        "integration_unknown": page.post(**CHANGED),
        "publishable_key_unknown": other.post(signature=page.sign()),
        "mac_mismatch": page.post(signature=WRONG),
        "jws_signature_invalid": page.post(signature=token[:-4] + "AAAA"),
        "jws_key_unknown": page.post(signature=FlowPage(page.backend, key=page.key).sign_v2(kid="sandbox_key_" + "0" * 32)),
    }
    change(page.backend, enabled=False)
    answers["integration_disabled"] = page.post(signature=page.sign())
    for code, answer in answers.items():
        refused(page, answer, "admission_refused", audit=code)
    assert len({faceless(answer) for answer in answers.values()}) == 1


def test_the_key_of_one_environment_opens_no_template_of_the_other(page, shared_server):
    live = shared_server.owner(page.backend.owner.scope.account_id)
    key = live.call("POST", "/v1/publishable_keys", 201, {})["publishable_key"]
    refused(page, FlowPage(page.backend, key=key).post(), "admission_refused", audit="integration_unknown")


@pytest.mark.parametrize(
    ("policy", "sent", "code"),
    [
        ({"signature_policy": "required"}, {}, "signature_required"),
        ({"signature_policy": "required_v2"}, {"signature": "v1"}, "signature_version"),
        ({"legacy_accepted_until": "2026-01-01T00:00:00Z"}, {"signature": "v1"}, "signature_version"),
        ({"signature_policy": "required_v2"}, {"signature": "v2", "email": "a@b.example"}, "unsigned_value_refused"),
        ({}, {"signature": "other"}, "customer_reference_mismatch"),
        ({}, {"signature": "old"}, "token_expired"),
        ({}, {"signature": "early"}, "token_not_yet_valid"),
        ({}, {"signature": "elsewhere"}, "token_template_mismatch"),
        ({}, {"signature": "their page"}, "token_origin_mismatch"),
        ({}, {"signature": "their session"}, "token_session_mismatch"),
    ],
)
def test_what_a_page_is_told_as_it_is(page, policy, sent, code):
    change(page.backend, **policy)
    now = page.backend.now
    signatures = {
        "v1": lambda: page.sign(),
        "v2": lambda: page.sign_v2(),
        "other": lambda: page.sign_v2("user-2"),
        "old": lambda: page.sign_v2(now=now - 90, lifetime_s=60),
        "early": lambda: page.sign_v2(now=now + 60),
        "elsewhere": lambda: page.sign_v2(templates=["flwtmp_other"]),
        "their page": lambda: page.sign_v2(origins=[OTHER]),
        "their session": lambda: page.sign_v2(session_id="flwses_other"),
    }
    given = {name: signatures[value]() if name == "signature" else value for name, value in sent.items()}
    refused(page, page.post(**given), code)


def test_a_token_opens_one_session(page):
    token = page.sign_v2()
    assert page.open(signature=token).told["opening"] == "created"
    assert page.open(signature=token).told["opening"] == "resumed"
    refused(page, page.post(None, signature=page.sign_v2("user-2", jti=peek_reference(token).payload["jti"])), "token_replayed")


def test_debugging_tells_the_reason(page):
    until = "2027-01-15T20:00:00Z"
    change(page.backend, debug_until=until)
    told = block_of(page.post(signature=WRONG))
    assert (told["code"], told["reason"]) == ("admission_refused", "mac_mismatch")


def test_a_live_secret_in_a_field_is_revoked(page):
    """Scenario 13, at this door."""
    answer = page.post(publishableKey=page.backend.secret)
    refused(page, answer, "secret_exposed")
    assert page.backend.send("GET", "?limit=1").status_code == 401


def test_a_client_without_signatures_creates_thirty_live_sessions_an_hour(live_backend):
    change(live_backend, allowed_origins=[ORIGIN])
    page = FlowPage(live_backend)
    for number in range(30):
        page.open(f"user-{number}")
    limited = page.post("user-30")
    assert (limited.status_code, block_of(limited)["code"]) == (429, "rate_limited")
    assert 0 < int(limited.headers["retry-after"]) <= 3601
    assert page.open("user-0").told["opening"] == "resumed"
    assert page.open("user-30", signature=page.sign("user-30")).told["opening"] == "created"


def test_two_tabs_of_a_user_make_one_session(make_backend):
    """Scenario 4, on both databases."""
    page = FlowPage(make_backend(allowed_origins=[ORIGIN]))
    first, second = page.open(), page.open()
    assert (first.told["opening"], second.told["opening"]) == ("created", "resumed")
    assert first.session_id == second.session_id
    assert first.token != second.token
    first.submit(accept="1")
    assert (first.status, second.submit(409, accept="1").look().status) == ("success", "success")
    finished = page.open()
    assert (finished.told["opening"], finished.session_id, finished.status) == ("resumed", first.session_id, "success")
    assert finished.heading == "You are verified"
    page.backend.call("POST", f"/{first.session_id}/redact")
    again = page.open()
    assert (again.session_id, again.status) == (first.session_id, "success")
    assert len(page.backend.call("GET", "")["flow_sessions"]) == 1


def test_what_a_signature_opened_is_not_resumed_without(make_backend):
    page = FlowPage(make_backend(allowed_origins=[ORIGIN]))
    page.open(signature=page.sign())
    refused(page, page.post(), "signature_required")
    unsigned = page.open("user-2")
    assert page.open("user-2", signature=page.sign("user-2")).session_id == unsigned.session_id
    refused(page, page.post("user-2"), "signature_required")


def test_a_resumed_frame_shows_no_earlier_input(make_backend):
    page = FlowPage(
        make_backend(
            allowed_origins=[ORIGIN], steps=[{"step": "verify_email"}, {"step": "kyc_check", "fields": ["name", "address"]}]
        )
    )
    first = page.open(email="leslie@parks.example")
    assert "leslie" not in first.page
    first.submit(code="123456")
    first.submit(name__first="Leslie", name__last="Knope", address__street="1 Ramsett Park", address__city="Pawnee")
    # Whoever typed it sees it again, to mend it; nobody else does.
    assert 'value="Leslie"' in first.html
    for later in (page.open(), first.look()):
        assert later.heading == "Your details"
        assert not re.search("Leslie|Knope|Ramsett|Pawnee|leslie@", later.html)


def test_language_is_the_pages_else_the_browsers(page):
    assert "Ennen kuin aloitamme" in page.post(locale="fi-FI").text
    assert "Innan vi börjar" in page.post(locale="sv").text
    assert "Bevor wir beginnen" in page.post("user-2", headers={"Accept-Language": "de"}).text
    assert "Before we begin" in page.post("user-3", locale="xx").text


def test_a_page_has_the_name_and_the_colours_of_its_owner(page):
    colors = {"background": "#1d1330", "surface": "#2a1d45", "text": "#ffffff", "soft_text": "#c9bfe0", "line": "#9b8bc4"}
    colors |= {"accent": "#ffb454", "on_accent": "#1d1330", "danger": "#ff9d9d"}
    page.backend.owner.call("POST", "/v1/themes", 201, {"theme_id": "default", "colors": colors})
    assert "--background: #1d1330" in page.post().text
    assert page.backend.owner.scope.account_id in text_of(page.post().text)


def test_a_frame_is_good_for_two_hours_after_its_last_use(start_server, sqlite_url, clock):
    server = start_server(sqlite_url)
    page = FlowPage(make_flow_backend(server.owner(environment="sandbox"), allowed_origins=[ORIGIN]))
    shown = page.open()
    for _ in range(3):
        clock.advance(LIFETIME_MS / 1000 - 60)
        shown.look()
    clock.advance(LIFETIME_MS / 1000)
    assert shown.look(401).answer.json()["code"] == "invalid_token"
