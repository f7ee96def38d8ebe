"""POST /boot: signatures, levels and answers (protocol-boot.md)."""

from typing import Any

import pytest


@pytest.fixture
def shop(server) -> Any:
    """An owner with one integration at level SECURE_IDENTITY and a secret of its deployer."""
    owner = server.owner()
    owner.app = owner.boot_integration()
    owner.secret, owner.secret_id = owner.identity_secret("cp_1")
    return owner


def session_of(owner, answer) -> dict[str, Any]:
    assert answer.status_code == 303, answer.text
    return owner.call("POST", "/v1/exchange", 200, {"code": answer.headers["location"].partition("code=")[2]})


def test_opens_a_session_for_the_user_that_the_signature_names(server, shop):
    signature = shop.signature(shop.app, shop.secret, "jane@example.com")
    fields = shop.boot_fields(shop.app, email="jane@example.com", first_name="Jane", signature=signature, locale="en_GB")
    session = session_of(shop, server.boot(fields))
    assert (session["door"], session["uid"], session["trust"]) == ("boot", "jane@example.com", "signed")
    assert session["customer_info"] == {"email": "jane@example.com", "first_name": "Jane"}
    assert session["proof"] == {"kind": "identity", "version": 1, "key_id": shop.secret_id}
    assert (session["unverified"], session["locale"], session["app"]) == (["first_name", "locale"], "en_GB", None)


def test_refuses_a_nonce_that_was_used(server, shop):
    fields = shop.boot_fields(shop.app, signature=shop.signature(shop.app, shop.secret))
    assert server.boot(fields).status_code == 303
    refused = server.boot(fields)
    assert refused.status_code == 403
    assert server.rows("SELECT code FROM audit WHERE request_id = ?", refused.headers["x-request-id"]) == [("nonce_replayed",)]
