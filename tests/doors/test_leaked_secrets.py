"""A live secret that a browser sends, in whichever field of whichever door, ends at once (protocol-boot.md sections 4 and 10)."""

import base64
import json
from typing import Any

import pytest

EMAIL = "jane@example.com"


@pytest.fixture
def shop(server) -> Any:
    """An owner with an integration at each door, and a secret of their deployer."""
    owner = server.owner()
    owner.app, owner.embedded = owner.boot_integration("shop"), owner.integration("shop")
    owner.identity, owner.identity_id = owner.identity_secret()
    return owner


def is_revoked(owner: Any) -> bool:
    key = owner.call("GET", f"/v1/keys/{owner.identity_id}")
    return (key["state"], key["revoke_reason"]) == ("revoked", "secret_exposed")


def code_in_audit(server: Any, answer: Any) -> str:
    ((code,),) = server.rows(
        "SELECT code FROM audit WHERE request_id = ? AND kind LIKE '%.refused'", answer.headers["x-request-id"]
    )
    return code


def boot_of(owner: Any, **fields: Any) -> dict[str, Any]:
    signature = owner.signature(owner.app, owner.identity, fields.get("email", ""))
    return owner.boot_fields(owner.app, **{"signature": signature, **fields})


@pytest.mark.parametrize(
    "name",
    [
        *("signature", "page", "locale", "identifier_value", "email", "first_name", "[surname]", "customerInfo[phone_number]"),
        *("broadband[provider]", "meta", "meta[note]", "channel", "parent_origin", "origin_ticket", "unknown", "cp_id"),
    ],
)
def test_a_secret_in_any_field_of_a_boot_ends_at_once(server, shop, name):
    answer = server.boot({**boot_of(shop), name: shop.identity})
    assert (answer.status_code, code_in_audit(server, answer)) == (403, "secret_exposed")
    assert shop.identity not in answer.text
    assert is_revoked(shop)
    assert server.boot(boot_of(shop)).status_code == 403


@pytest.mark.parametrize(
    "members",
    [
        {"customerInfo": {"first_name": "SECRET"}},
        {"meta": {"config": {"keys": ["a", "identity SECRET"]}}},
        {"meta": '{"config":"SECRET"}'},
        {"SECRET": 1},
        {"signature": "1800000000:SECRET:0123456789abcdef0123456789abcdef"},
        {"signature": "1800000000000:SECRET:0123456789abcdef0123456789abcdef"},
    ],
)
def test_a_secret_anywhere_in_a_json_boot_ends_at_once(server, shop, members):
    body = json.loads(json.dumps(boot_of(shop) | members).replace("SECRET", shop.identity))
    answer = server.http.post("/boot", json=body)
    assert (answer.status_code, code_in_audit(server, answer)) == (403, "secret_exposed")
    assert is_revoked(shop)


@pytest.mark.parametrize(
    "name", ["uid", "view_id", "data_passport", "signed_deployment", "channel", "parent_origin", "unknown"]
)
def test_a_secret_in_any_field_of_an_embedding_ends_at_once(server, shop, name):
    answer = server.embed({**shop.fields(shop.embedded), name: shop.identity})
    assert (answer.status_code, code_in_audit(server, answer)) == (403, "secret_exposed")
    assert is_revoked(shop)


def test_a_form_is_not_posted_again_with_a_secret_in_it(server, shop):
    fields = shop.fields(shop.embedded, channel="AAAAAAAAAAAAAAAAAAAAAA", uid=shop.identity)
    answer = server.embed(fields, origin="null")
    assert answer.status_code == 403
    assert shop.identity not in answer.text
    assert is_revoked(shop)


def test_a_confused_backend_that_sends_the_secret_as_the_mac_is_found_while_debugging(server, clock):
    owner = server.owner(server.owner().owner_id, environment="sandbox")
    app = owner.boot_integration("shop", level="SECURE_IDENTITY_DEBUG", debug_until="2027-01-15T09:00:00Z")
    owner.identity, owner.identity_id = owner.identity_secret()
    signature = f"{clock.now}:{owner.identity}:{'0' * 32}"
    assert server.boot(owner.boot_fields(app, signature=signature)).status_code == 403
    assert is_revoked(owner)


def test_signatures_and_tokens_are_no_secrets(server, shop):
    own = shop.deployment_key()
    for size in (18, 24, 32, 33, 48):
        shop.identity_secret(shop.deployer(f"cp_{size}"), secret=base64.b64encode(bytes(size)).decode())
    assert server.boot(boot_of(shop, email=EMAIL)).status_code == 303
    assert server.embed({"signed_deployment": shop.token(shop.embedded, own, uid="user-1")}).status_code == 303
    assert not is_revoked(shop)


def test_what_looks_like_a_secret_and_is_nobodys_is_admitted(server, shop):
    fields = boot_of(shop, meta=json.dumps({"hash": base64.b64encode(bytes(32)).decode()}))
    assert server.boot(fields).status_code == 303


def test_the_owner_hears_of_it_and_cannot_bring_it_back(server, shop):
    answer = server.boot({**boot_of(shop), "first_name": shop.identity})
    request_id = answer.headers["x-request-id"]
    (leak,) = [entry for entry in shop.call("GET", "/v1/audit")["entries"] if entry["kind"] == "key.leaked"]
    assert (leak["key_id"], leak["code"], leak["request_id"]) == (shop.identity_id, "secret_exposed", request_id)
    ((data,),) = server.rows("SELECT data FROM events WHERE type = 'key.leaked'")
    assert json.loads(data) == {"key_id": shop.identity_id, "purposes": ["identity"], "source": "browser", "url": None}
    refused = shop.call("POST", "/v1/deployers/shop/secrets", 400, {"secret": shop.identity})
    assert (refused["code"], refused["member"]) == ("key_denied", "secret")
    _, fresh = shop.identity_secret()
    assert fresh != shop.identity_id
