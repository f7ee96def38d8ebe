"""What is read of answers and addresses, by itself: strict as to what is known, lenient as to what is new, silent about persons."""

import json
import subprocess
import sys

import pytest

from accredit.client import Callback, Session, SessionItem, SessionPage, SessionRequest, Visit, read_callback
from accredit.client.requests import PrefilledInput, ResponseProtection
from accredit.client.wire import Members, camel, to_wire
from accredit.errors import FailureError, MalformedError

SESSION = {
    "id": "s-1",
    "accountId": "acc_1",
    "authenticationUrl": "https://accredit.example/auth/session/s-1?key=KEY-OF-THE-PAGE",
    "statusUrl": "https://accredit.example/auth/rest/sessions/s-1",
    "status": "SUCCESS",
    "flow": "redirect",
    "provider": "nbid",
    "subject": {"id": "SUBJECT", "idpId": "IDP", "name": "Ada Lovelace", "nin": {"value": "17838549969"}},
    "loa": "high",
    "environment": {"ipAddress": "192.0.2.7", "userAgent": "Agent/1"},
    "idpData": {"qrData": "QR"},
    "requestedAttributes": ["name"],
    "sessionLifetime": 1200,
    "expiresAt": "2026-01-05T12:00:00.000+00:00",
    "sessionNonce": "NONCE",
    "invented": {"tomorrow": True},
}
ITEM = {
    "id": "s-1",
    "accountId": "acc_1",
    "status": "EXPIRED",
    "flow": "embedded",
    **dict.fromkeys(("createdAt", "updatedAt", "expiresAt"), "2026-01-05T12:00:00.000+00:00"),
}
VISIT = {
    **dict.fromkeys(("session_id", "environment", "status", "owner_id", "integration_id", "trust"), "x"),
    **dict.fromkeys(("created_at", "expires_at"), "2026-01-05T12:00:00.000Z"),
    "door": "boot",
    "uid": "UID",
    "data_passport": {"plan": "GOLD"},
    "customer_info": {"email": "ada@example.com"},
}


def test_nothing_of_the_person_is_in_a_repr() -> None:
    """What is logged by accident."""
    shown = repr(Session.read(SESSION)) + repr(Visit.read(VISIT)) + repr(Session.read(SESSION).subject)
    shown += repr(PrefilledInput(nin="17838549969", email="ada@example.com"))
    shown += repr(SessionRequest(additional_parameters={"sandbox_person": "Ada Lovelace"}))
    shown += repr(Callback("s-1", None, "NONCE"))
    secrets = ("SUBJECT", "IDP", "Ada", "17838549969", "192.0.2.7", "Agent", "QR", "NONCE", "KEY-OF", "UID", "GOLD", "ada@")
    assert [secret for secret in secrets if secret in shown] == []
    assert "s-1" in shown


@pytest.mark.parametrize(
    "changed",
    [
        *({name: None} for name in ("id", "accountId", "authenticationUrl", "statusUrl", "status", "flow", "expiresAt")),
        {"id": 7},
        {"status": "DONE"},
        {"flow": "sideways"},
        {"expiresAt": "soon"},
        {"expiresAt": "2026-01-05T12:00:00"},
        {"subject": []},
        {"subject": {"id": "x"}},
        {"idpData": "x"},
        {"requestedAttributes": ["a", 1]},
        {"requestedAttributes": {"a": 1}},
        {"sessionLifetime": "1200"},
        {"sessionLifetime": True},
        {"callbackUrls": {"success": "https://a.example"}},
        {"messageTransportProperties": {"messageLevelEncryption": 1}},
        {"error": {"code": "x"}},
    ],
    ids=str,
)
def test_a_known_member_of_a_wrong_form_is_told(changed: dict[str, object]) -> None:
    with pytest.raises(FailureError, match="answer_malformed"):
        Session.read(json.loads(json.dumps({**SESSION, **changed})))


def test_what_is_not_there_is_none() -> None:
    always = ("id", "accountId", "authenticationUrl", "statusUrl", "status", "flow", "expiresAt")
    bare = Session.read({name: SESSION[name] for name in always})
    assert (bare.subject, bare.environment, bare.error, bare.callback_urls, bare.protection) == (None,) * 5
    assert (bare.tags, bare.requested_attributes, bare.idp_data) == ((), (), {})
    page = SessionPage.read({"sessions": [ITEM], "invented": 1})
    assert (page.next_cursor, page.sessions[0].provider, page.sessions[0].redacted_at) == (None, None, None)


@pytest.mark.parametrize("value", [None, [], 7, "x", {}, {"sessions": None}, {"sessions": [1]}, {"sessions": [{}]}])
def test_what_is_no_list_is_told(value: object) -> None:
    with pytest.raises(FailureError, match="answer_malformed"):
        SessionPage.read(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed", [{"door": "rest"}, {"uid": 1}, {"proof": {"kind": 1}}, {"proof": {"kind": "x", "single_use": 1}}]
)
def test_a_visit_of_a_wrong_form_is_told(changed: dict[str, object]) -> None:
    with pytest.raises(FailureError, match="answer_malformed"):
        Visit.read({**VISIT, **changed})  # type: ignore[dict-item]


def test_an_item_of_a_list_is_read() -> None:
    item = SessionItem.read(Members({**ITEM, "tags": ["a"], "redactedAt": "2026-01-06T12:00:00.000+00:00"}))
    assert (item.status, item.tags, item.redacted_at.isoformat()) == ("EXPIRED", ("a",), "2026-01-06T12:00:00+00:00")


def test_a_request_as_it_is_sent() -> None:
    request = SessionRequest(
        requested_attributes=("name",),
        prefilled_input=PrefilledInput(user_name="ada"),
        additional_parameters={"keep_this_name": "x"},
        response_protection=ResponseProtection(pad_to=256),
    )
    assert to_wire(request) == {
        "flow": "redirect",
        "requestedAttributes": ["name"],
        "prefilledInput": {"userName": "ada"},
        "additionalParameters": {"keep_this_name": "x"},
        "responseProtection": {"padTo": 256},
    }
    assert camel("embedded_parent_domains") == "embeddedParentDomains"


@pytest.mark.parametrize(
    ("address", "callback"),
    [
        ("https://shop.example/back?a=b&sessionId=s-1#top", Callback("s-1")),
        ("/back?sessionId=s%2D1&externalReference=order%207&sessionNonce=n", Callback("s-1", "order 7", "n")),
        ("?sessionId=s-1", Callback("s-1")),
    ],
)
def test_where_a_browser_came_back(address: str, callback: Callback) -> None:
    assert read_callback(address) == callback


@pytest.mark.parametrize("address", ["", "/back", "?sessionId=", "?sessionId=a&sessionId=b", "?sessionid=a"])
def test_an_address_without_one_session_is_no_callback(address: str) -> None:
    with pytest.raises(MalformedError, match="field_invalid: sessionId"):
        read_callback(address)


def test_the_client_loads_no_server() -> None:
    script = "import sys, accredit.client; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "httpx" in loaded
    assert not {name for name in loaded if name.startswith(("accredit.server", "accredit.cli."))}
    assert not loaded & {"aiohttp", "msgspec", "starlette", "uvicorn"}


def test_the_library_alone_loads_no_client() -> None:
    script = "import sys, accredit; from accredit import *; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"httpx", "accredit.client"}
