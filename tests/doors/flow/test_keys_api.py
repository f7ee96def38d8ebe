"""Keys of the flow door over HTTP: made, brought along, listed, retired and revoked."""

from typing import Any

import pytest

from accredit import ReferenceSecret, generate_deployment_key, sign_reference
from accredit.keys import has_secret_form

from ...flow_backend import make_flow_backend
from ..conftest import ORIGIN, Owner, Server
from .page import FlowPage

CREDENTIALS, PUBLISHABLE, REFERENCES = "/v1/api_credentials", "/v1/publishable_keys", "/v1/reference_keys"
BROUGHT = "Correct-Horse-Battery-Staple-And-More!"


@pytest.fixture
def owner(shared_server: Server) -> Owner:
    """A new account in live."""
    return shared_server.owner()


def state_of(owner: Owner, key: dict[str, Any]) -> str:
    return owner.call("GET", f"/v1/keys/{key['key_id']}")["state"]


def test_a_credential_is_shown_once(owner: Owner) -> None:
    made = owner.call("POST", CREDENTIALS, 201, {"label": "backend"})
    assert [key["purpose"] for key in made["keys"]] == ["api", "reference", "webhook"]
    assert {(key["api_key_id"], key["label"], key["state"]) for key in made["keys"]} == {
        (made["api_key_id"], "backend", "active")
    }
    assert made["secret"].startswith("live_secret_")
    listed = owner.call("GET", CREDENTIALS)
    assert listed == {"api_credentials": [{"api_key_id": made["api_key_id"], "secrets": [{"keys": made["keys"]}]}]}
    for path in ("/v1/keys", CREDENTIALS, REFERENCES, "/v1/audit"):
        assert made["secret"] not in owner.api.get(path).text
    assert owner.call("GET", REFERENCES)["keys"] == [made["keys"][1]]


def test_a_secret_of_the_original_is_taken_over_with_its_key_id(owner: Owner) -> None:
    key_id = f"live_key_{int(owner.owner_id.removeprefix('acc_')):032x}"
    made = owner.call("POST", CREDENTIALS, 201, {"secret": BROUGHT, "api_key_id": key_id})
    assert (made["api_key_id"], "secret" in made) == (key_id, False)
    refused = owner.call("POST", CREDENTIALS, 409, {"secret": BROUGHT})
    assert (refused["code"], refused["member"]) == ("key_exists", "secret")


@pytest.mark.parametrize(
    ("body", "code", "member"),
    [
        ({"secret": "short"}, "secret_malformed", "secret"),
        ({"secret": "x" * 2000}, "field_invalid", "secret"),
        ({"secret": "live_secret_" + "abcd1234" * 8}, "key_published", "secret"),
        ({"api_key_id": "key"}, "field_invalid", "api_key_id"),
        ({"label": "a\nb"}, "field_invalid", "label"),
        ({"purpose": "api"}, "field_invalid", "purpose"),
    ],
    ids=lambda value: value if isinstance(value, str) else "body",
)
def test_refuses_what_is_no_credential(owner: Owner, body: dict[str, Any], code: str, member: str) -> None:
    refused = owner.call("POST", CREDENTIALS, 400, body)
    assert (refused["code"], refused["member"]) == (code, member)


def test_secrets_are_rotated(owner: Owner) -> None:
    made = owner.call("POST", CREDENTIALS, 201, {})
    address = f"{CREDENTIALS}/{made['api_key_id']}/secrets"
    added = owner.call("POST", address, 201, {"label": "next"})
    assert (added["api_key_id"], added["secret"] != made["secret"]) == (made["api_key_id"], True)
    until = {"until": "2027-01-16T08:00:00Z", "whole_secret": True}
    assert owner.call("POST", f"/v1/keys/{made['keys'][0]['key_id']}/retire", 200, until)["state"] == "retiring"
    assert [state_of(owner, key) for key in made["keys"]] == ["retiring"] * 3
    owner.call("POST", f"/v1/keys/{added['keys'][2]['key_id']}/revoke", 200, {})
    assert [state_of(owner, key) for key in added["keys"]] == ["active", "active", "revoked"]
    owner.call("POST", f"/v1/keys/{added['keys'][2]['key_id']}/revoke", 200, {"whole_secret": True})
    assert [state_of(owner, key) for key in added["keys"]] == ["revoked"] * 3
    owner.call("POST", address, 201, {})
    owner.call("POST", address, 201, {})
    assert owner.call("POST", address, 409, {})["code"] == "key_limit_reached"


def test_revoking_a_whole_secret_can_end_the_sessions_that_it_opened(shared_server: Server) -> None:
    backend = make_flow_backend(shared_server.owner(), allowed_origins=[ORIGIN])
    page = FlowPage(backend)
    opened, unsigned = page.open("user-1", signature=page.sign("user-1")), page.open("user-2")
    (credential,) = backend.owner.call("GET", CREDENTIALS)["api_credentials"]
    api_key = credential["secrets"][0]["keys"][0]
    ending = {"whole_secret": True, "end_sessions": True}
    assert backend.owner.call("POST", f"/v1/keys/{api_key['key_id']}/revoke", 200, ending)["sessions_cancelled"] == 1
    assert (opened.look().status, unsigned.look().status) == ("canceled", "active")


def test_a_credential_of_another_account_or_environment_is_not_found(shared_server: Server, owner: Owner) -> None:
    made = owner.call("POST", CREDENTIALS, 201, {})
    for other in (shared_server.owner(), shared_server.owner(owner.owner_id, environment="sandbox")):
        assert other.call("POST", f"{CREDENTIALS}/{made['api_key_id']}/secrets", 404, {})["code"] == "key_not_found"
        assert other.call("GET", CREDENTIALS) == {"api_credentials": []}


def test_publishable_keys_are_made_and_listed(shared_server: Server, owner: Owner) -> None:
    made = owner.call("POST", PUBLISHABLE, 201, {"label": "shop"})
    assert made["publishable_key"].startswith("live_publishable_key_")
    assert (made["key"]["kid"], made["key"]["purpose"]) == (made["publishable_key"], "publishable")
    assert owner.call("GET", PUBLISHABLE)["keys"] == [made["key"]]
    sandbox = shared_server.owner(owner.owner_id, environment="sandbox")
    assert sandbox.call("POST", PUBLISHABLE, 201, {})["publishable_key"].startswith("sandbox_publishable_key_")


def test_an_own_reference_secret_takes_the_place_of_the_credentials(owner: Owner) -> None:
    """Clients do not notice; the credential's other keys go on."""
    credential = owner.call("POST", CREDENTIALS, 201, {})
    made = owner.call("POST", REFERENCES, 201, {"label": "pages"})
    assert has_secret_form(made["secret"])
    assert (made["key"]["purpose"], made["key"]["alg"]) == ("reference", "HS256")
    owner.call("POST", f"/v1/keys/{credential['keys'][1]['key_id']}/revoke", 200, {})
    live = [key["key_id"] for key in owner.call("GET", REFERENCES)["keys"] if key["state"] == "active"]
    assert live == [made["key"]["key_id"]]
    assert state_of(owner, credential["keys"][0]) == "active"
    signed = sign_reference(ReferenceSecret.from_text(made["secret"]), "user-1")
    held = owner.server.run(owner.server.node.keyring.reference_keys(owner.scope, owner.server.clock.now_ms))
    assert [sign_reference(each.key, "user-1") for each in held] == [signed]


def test_a_public_key_is_registered(owner: Owner) -> None:
    pair = generate_deployment_key("ES256")
    made = owner.call("POST", REFERENCES, 201, {"jwk": pair.public_jwk})
    assert ("secret" in made, made["key"]["thumbprint"], made["key"]["alg"]) == (False, pair.thumbprint, "ES256")
    assert owner.call("POST", REFERENCES, 409, {"jwk": pair.public_jwk})["code"] == "key_exists"
    for jwk, code in ((pair.private_jwk, "key_private_member"), (pair.public_jwk, "key_denied"), (7, "key_malformed")):
        assert owner.call("POST", REFERENCES, 400, {"jwk": jwk})["code"] == code


def test_keys_of_the_flow_door_are_of_no_limited_api_key(owner: Owner) -> None:
    integration = owner.integration()
    limited = owner.call("POST", "/v1/keys", 201, {"purpose": "api", "integration_ids": [integration["integration_id"]]})
    client = owner.server.client(limited["secret"])
    for path in (CREDENTIALS, PUBLISHABLE, REFERENCES):
        assert client.post(path, json={}).json()["code"] == "api_key_limited"
