"""What a customer's backend does with sessions, by either client."""

import pytest

from accredit.client import (
    CallbackUrls,
    CallConflictError,
    CallMalformedError,
    CallNotFoundError,
    CallRefused,
    InvalidParam,
    PrefilledInput,
    SessionFilter,
    SessionRequest,
    read_callback,
)
from accredit.errors import MalformedError, NotFoundError, Refused

from .conftest import AUTO, BACK, visit


def request(**members):
    return SessionRequest(**{"requested_attributes": ("firstName", "nin"), "callback_urls": BACK, **members})


def test_a_person_is_known_to_who_asked(client, shop):
    started = client.create(request(additional_parameters=AUTO, allowed_providers=("nbid",), external_reference="order 7"))
    assert (started.status, started.flow, started.is_finished) == ("CREATED", "redirect", False)
    assert (started.account_id, started.protection) == (shop.owner.owner_id, "jwe")
    callback = read_callback(visit(started))
    assert (callback.session_id, callback.external_reference, callback.session_nonce) == (started.id, "order 7", None)
    session = client.get(callback.session_id)
    assert (session.status, session.is_finished, session.provider, session.loa) == ("SUCCESS", True, "nbid", "high")
    assert session.subject.text("firstName") == "Åse Synnøve"
    assert session.subject.attributes["nin"]["issuingCountry"] == "NO"
    assert session.subject.text("nin") is session.subject.text("lastName") is None
    assert session.subject.idp_id == "sandbox-no-1"
    assert session.callback_urls.success.startswith(f"{BACK.success}?sessionId={started.id}")
    assert session.environment.user_agent.startswith("python-httpx")
    assert session.requested_attributes == ("firstName", "nin")
    assert session.expires_at.timestamp() == shop.server.clock.now + 1200


def test_what_a_request_may_say(client):
    asked = request(
        requested_loa="substantial",
        tags=("a", "b"),
        language="nb",
        usage_reference="shop",
        session_lifetime=600,
        prefilled_input=PrefilledInput(email="ada@example.com"),
        allowed_providers=("nbid", "mitid"),
    )
    told = client.get(client.create(asked).id)
    assert (told.tags, told.language, told.usage_reference, told.session_lifetime) == (("a", "b"), "nb", "shop", 600)
    assert told.allowed_providers == ("nbid", "mitid")
    assert (told.subject, told.error, told.environment, told.idp_data) == (None, None, None, {})


def test_an_end_that_is_no_success_says_why(client):
    started = client.create(
        request(additional_parameters={**AUTO, "sandbox_outcome": "provider_error"}, allowed_providers=("nbid",))
    )
    visit(started)
    session = client.get(started.id)
    assert (session.status, session.status_detail, session.error.code) == ("ERROR", "provider_error", "provider_error")
    assert session.subject is None


def test_a_headless_session_is_waited_for(client, shop):
    asked = SessionRequest(
        flow="headless",
        allowed_providers=("sbid",),
        additional_parameters={"sandbox_after": "2"},
        requested_attributes=("name",),
    )
    started = client.create(asked)
    assert started.status == "WAITING_FOR_USER"
    assert {"autoStartToken", "qrData"} < started.idp_data.keys()
    assert client.wait(started.id, timeout_s=0).status == "WAITING_FOR_USER"
    shop.server.clock.advance(3)
    assert client.wait(started.id, timeout_s=10, every_s=0.3).status == "SUCCESS"


def test_cancelling_is_once_and_for_all(client):
    started = client.create(request())
    assert client.cancel(started.id).status == "CANCELLED"
    assert client.cancel(started.id).status == "CANCELLED"
    done = client.create(request(additional_parameters=AUTO, allowed_providers=("nbid",)))
    visit(done)
    with pytest.raises(CallConflictError) as refused:
        client.cancel(done.id)
    assert (refused.value.code, refused.value.status) == ("session_not_active", 409)


def test_the_list_in_pages(client, shop):
    made = []
    for number in range(5):
        shop.server.clock.advance(1)
        made.append(client.create(request(tags=(f"t{number % 2}",))).id)
    page = client.list(limit=2)
    assert [item.id for item in page.sessions] == made[:2:-1]
    following = client.list(limit=2, cursor=page.next_cursor)
    assert [item.id for item in following.sessions] == made[2:0:-1]
    assert [item.id for item in client.list_all()] == made[::-1]
    assert [item.id for item in client.list_all(SessionFilter(tag="t1"))] == [made[3], made[1]]
    item = page.sessions[0]
    assert (item.status, item.flow, item.tags, item.redacted_at) == ("CREATED", "redirect", ("t0",), None)
    assert item.encryption_key_thumbprint is not None
    assert client.list(SessionFilter(status="SUCCESS")).sessions == ()
    with pytest.raises(CallMalformedError) as refused:
        client.list(SessionFilter(status="DONE"))
    assert refused.value.invalid_params[0].name == "status"


def test_redacting_and_deleting(client):
    open_one = client.create(request())
    with pytest.raises(CallConflictError, match="session_active"):
        client.redact(open_one.id)
    client.cancel(open_one.id)
    item = client.redact(open_one.id)
    assert (item.id, item.status) == (open_one.id, "CANCELLED")
    assert item.redacted_at is not None
    with pytest.raises(NotFoundError, match="session_redacted"):
        client.get(open_one.id)
    assert client.delete(open_one.id) is None
    with pytest.raises(CallNotFoundError) as refused:
        client.get(open_one.id)
    assert (refused.value.code, refused.value.status, len(refused.value.request_id)) == ("session_not_found", 404, 32)


def test_the_browser_that_came_back_is_the_one_that_finished(client, shop):
    shop.publish(session_nonce="always")
    started = client.create(request(additional_parameters=AUTO, allowed_providers=("nbid",)))
    callback = read_callback(visit(started))
    session = client.get(callback.session_id, session_nonce=callback.session_nonce)
    session.check_nonce(callback.session_nonce)
    for wrong in (None, "", callback.session_nonce[:-1], callback.session_nonce + "\ud800"):
        with pytest.raises(Refused, match="invalid_session_nonce"):
            session.check_nonce(wrong)
    with pytest.raises(CallRefused, match="invalid_session_nonce"):
        client.get(callback.session_id, session_nonce="A" * 22)


def test_a_nonce_of_a_session_that_has_none_does_not_pass(client):
    started = client.create(request())
    with pytest.raises(Refused, match="invalid_session_nonce"):
        client.get(started.id, session_nonce="A" * 22)


def test_faults_name_the_members(client):
    wrong = request(flow="sideways", callback_urls=CallbackUrls.to("ftp://shop.example"), tags=("x" * 101,))
    with pytest.raises(CallMalformedError) as refused:
        client.create(wrong)
    error = refused.value
    assert (error.code, error.status, error.member) == ("invalid_request_parameter", 400, "flow")
    assert isinstance(error, MalformedError)
    assert [(each.name, each.code) for each in error.invalid_params] == [
        ("flow", "value"),
        *((f"callbackUrls.{kind}", "format") for kind in ("success", "abort", "error")),
        ("tags[0]", "length"),
    ]
    assert all(isinstance(each, InvalidParam) and each.reason for each in error.invalid_params)
    assert error.title
    assert len(error.request_id) == 32


def test_a_client_of_several_accounts_names_one(make_client, shop):
    other = shop.server.owner(environment="sandbox")
    other.call("PUT", f"/v1/api_client_grants/{shop.client_id}", 204)
    with pytest.raises(CallMalformedError, match="invalid_account_id"):
        make_client().create(request())
    assert make_client(account_id=other.owner_id).create(request()).account_id == other.owner_id
    with pytest.raises(CallRefused, match="invalid_account_id"):
        make_client(account_id="nobody").create(request())


def test_a_frames_code_is_exchanged(make_client, shop):
    """With an API key, or by an API client that may use the owner's API."""
    owner = shop.owner
    integration = owner.integration(passport_schema=[{"name": "plan", "type": "string"}])
    for options in ({"api_key": owner.secret}, {}):
        if not options:
            owner.call("PATCH", f"/v1/api_clients/{shop.client_id}", 200, {"permissions": ["api"]})
        client = make_client(**options)
        token = owner.token(integration, owner.deployment_key(), uid="user-1", data_passport={"plan": "gold"})
        code = owner.admit(integration, signed_deployment=token)
        seen = client.exchange(code)
        assert (seen.door, seen.uid, seen.deployer_id, seen.data_passport) == ("embed", "user-1", "shop", {"plan": "gold"})
        assert (seen.trust, seen.proof.kind, seen.proof.single_use) == ("signed", "deployment", False)
        assert seen.integration_id == integration["integration_id"]
        assert "user-1" not in repr(seen)
        assert "gold" not in repr(seen)
        with pytest.raises(CallNotFoundError, match="code_unknown"):
            client.exchange(code)


def test_a_boots_code_is_exchanged(make_client, shop):
    owner = shop.owner
    integration = owner.boot_integration()
    secret, _ = owner.identity_secret("cp_1")
    signature = owner.signature(integration, secret, "ada@example.com")
    body = owner.boot_fields(integration, email="ada@example.com", signature=signature)
    code = shop.server.boot(body).headers["location"].partition("code=")[2].partition("&")[0]
    seen = make_client(api_key=owner.secret).exchange(code)
    assert (seen.door, seen.proof.kind, seen.proof.version) == ("boot", "identity", 1)
    assert seen.customer_info["email"] == "ada@example.com"


def test_without_the_permission_the_api_is_closed(make_client):
    with pytest.raises(CallRefused) as refused:
        make_client().exchange("A" * 43)
    assert (refused.value.code, refused.value.status) == ("permission_denied", 403)
