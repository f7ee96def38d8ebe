"""Version 2 signatures: what they cover, and policies that ask for them (protocol-boot.md section 7)."""

import json

import pytest

from ..conftest import ORIGIN
from .conftest import CHANNEL, EMAIL, OTHER

INFO = {
    "email": EMAIL,
    "first_name": "Jane",
    "address_1": "1 High St\nFlat 2",
    "number_of_children": 2,
    "broadband.provider": "Virgin Media",
    "meta": {"b": 1, "a": "x"},
}
BANK = {"identifier_type": "ios", "identifier_value": "com.example.bank"}


def as_form(body):
    """The body as a browser posts it: `meta` as JSON text, line ends as CR LF."""
    return {
        name: json.dumps(value) if isinstance(value, dict) else str(value).replace("\n", "\r\n") for name, value in body.items()
    }


def test_covers_all_that_the_page_passes(server, shop):
    shop.set(views=[{"id": "home"}, {"id": "energy"}])
    for how in ("form", "JSON"):
        body = shop.signed_v2(INFO, page="energy", locale="en_GB")
        body = body if how == "JSON" else as_form(body)
        session = shop.visit(body, as_json=how == "JSON")
        assert (session["uid"], session["trust"], session["unverified"]) == (EMAIL, "signed", [])
        assert session["proof"] == {"kind": "identity", "version": 2, "key_id": shop.secret_id}
        assert (session["view_id"], session["locale"]) == ("energy", "en_GB")
        assert session["customer_info"]["meta"] == INFO["meta"]
        assert shop.refusal(body, as_json=how == "JSON") == "nonce_replayed"


def test_dropped_fields_and_those_of_the_frame_do_not_count(shop):
    body = shop.signed_v2({"email": EMAIL}) | {"shoe_size": "44", "channel": CHANNEL, "sdk": "1.0", "environment": "x", **BANK}
    assert shop.visit(body)["trust"] == "signed"


@pytest.mark.parametrize(
    "change",
    [
        *({"email": "mallory@example.com"}, {"email": ""}, {"first_name": "Janet"}, {"first_name": ""}, {"title": "Dr"}),
        *({"number_of_children": "3"}, {"broadband.provider": "BT"}, {"meta": '{"b":2,"a":"x"}'}, {"meta": ""}),
        *({"page": "home"}, {"page": ""}, {"locale": "en_US"}, {"locale": ""}, {"address_1": "1 High St Flat 2"}),
    ],
    ids=str,
)
def test_the_browser_can_change_nothing(shop, change):
    body = as_form(shop.signed_v2(INFO, page="energy", locale="en_GB"))
    assert shop.refusal(body | change) == "mac_mismatch"
    assert shop.listed() == []


def test_a_signature_of_version_1_covers_the_e_mail_only(shop):
    session = shop.visit(as_form(shop.signed(**INFO) | {"first_name": "Mallory"}))
    assert session["customer_info"]["first_name"] == "Mallory"
    assert set(session["unverified"]) == set(INFO) - {"email"}


def test_is_bound_to_the_origin_that_it_names(shop):
    for origin in (OTHER, None, "null", f"{ORIGIN}:8443"):
        assert shop.refusal(shop.signed_v2(INFO), origin=origin, as_json=True) == "mac_mismatch"
    for origin in (ORIGIN, OTHER, None):
        assert shop.visit(shop.signed_v2(INFO, origin=None), origin=origin, as_json=True)["proof"]["version"] == 2


def test_is_bound_to_the_app_that_it_names(shop):
    def body(bound="app:ios:com.example.bank", **claims):
        return shop.signed_v2({"email": EMAIL}, origin=bound) | claims

    assert shop.visit(body(**BANK), origin=None)["app"] == {"type": "ios", "value": "com.example.bank"}
    android = {"identifier_type": "android", "identifier_value": "com.example.bank"}
    assert shop.visit(body("app:android:com.example.bank", **android), origin="null")["trust"] == "signed"
    for claims in ({}, android, {**BANK, "identifier_value": "com.example.other"}, {"identifier_type": "ios"}):
        assert shop.refusal(body(**claims), origin=None) == "mac_mismatch"
    # A page is never taken for the app, whatever it says.
    assert shop.refusal(body(**BANK)) == "mac_mismatch"
    assert shop.refusal(body(**BANK), origin="null", **{"Sec-Fetch-Dest": "iframe"}) == "mac_mismatch"


def test_names_its_secret(shop):
    first, first_id = shop.secret, shop.secret_id
    shop.secret, shop.secret_id = shop.owner.identity_secret("cp_1")
    assert shop.visit(shop.signed_v2(INFO), as_json=True)["proof"]["key_id"] == shop.secret_id
    # Another secret than the one that is named, and one that there is not.
    named = shop.secret_id
    shop.secret_id = first_id
    assert shop.refusal(shop.signed_v2(INFO), as_json=True) == "mac_mismatch"
    shop.secret_id = "key_unknown"
    assert shop.refusal(shop.signed_v2(INFO), as_json=True) == "identity_key_unknown"
    shop.secret_id = named
    shop.owner.call("POST", f"/v1/keys/{named}/revoke", 200, {})
    assert shop.refusal(shop.signed_v2(INFO), as_json=True) == "identity_key_unknown"
    shop.secret, shop.secret_id = first, first_id
    assert shop.visit(shop.signed_v2(INFO), as_json=True)


def test_the_shape_of_version_2(shop):
    v2, kid, time, nonce, mac = shop.signed_v2({"email": EMAIL})["signature"].split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = mac[:-1] + last[last.index(mac[-1]) + 1]
    for parts, code in (
        ((v2, kid, time, nonce), "signature_malformed"),
        ((v2, kid, time, nonce, mac, ""), "signature_malformed"),
        ((v2, "", time, nonce, mac), "signature_malformed"),
        ((v2, "k" * 65, time, nonce, mac), "signature_malformed"),
        ((v2, "k:1", time, nonce, mac), "signature_malformed"),
        ((v2, kid, f"{time}000", nonce, mac), "timestamp_malformed"),
        ((v2, kid, time, nonce[:29], mac), "nonce_length"),
        ((v2, kid, time, "n" * 51, mac), "nonce_length"),
        ((v2, kid, time, f"{nonce[:31]}~", mac), "nonce_charset"),
        ((v2, kid, time, nonce, f"{mac}="), "mac_encoding"),
        ((v2, kid, time, nonce, spare), "mac_encoding"),
        ((v2, kid, time, nonce, mac[:-1]), "mac_encoding"),
    ):
        assert shop.refusal(shop.fields(email=EMAIL, signature=".".join(parts))) == code


def test_a_nonce_is_used_up_for_both_versions(shop):
    nonce = "n" * 32
    assert shop.visit(shop.signed(EMAIL, nonce=nonce))
    assert shop.refusal(shop.signed_v2({"email": EMAIL}, nonce=nonce)) == "nonce_replayed"


def test_policies_ask_for_version_2(shop):
    for policy, warnings in (("off", []), ("warn", ["signature_version"])):
        shop.set(identity_v2=policy)
        assert shop.visit(shop.signed(EMAIL))
        assert shop.listed()[0]["warnings"] == warnings
        assert shop.visit(shop.signed_v2({"email": EMAIL}))
        assert shop.listed()[0]["warnings"] == []
    shop.set(identity_v2="require")
    assert shop.refusal(shop.signed(EMAIL)) == "signature_version"
    assert shop.refusal({**shop.signed(EMAIL), "email": "x"}) == "signature_version"
    assert shop.visit(shop.signed_v2({"email": EMAIL}))
    shop.set(level="BASIC")
    assert shop.visit(shop.fields())["trust"] == "unverified"
    assert shop.refusal(shop.signed(EMAIL)) == "signature_version"


def test_policies_ask_for_an_origin(shop):
    for policy, warnings in (("off", []), ("warn", ["identity_origin_missing"])):
        shop.set(identity_origin=policy)
        assert shop.visit(shop.signed_v2({"email": EMAIL}, origin=None))
        assert shop.listed()[0]["warnings"] == warnings
        assert shop.visit(shop.signed_v2({"email": EMAIL}))
        assert shop.listed()[0]["warnings"] == []
    shop.set(identity_origin="require")
    assert shop.refusal(shop.signed_v2({"email": EMAIL}, origin=None)) == "identity_origin_missing"
    assert shop.visit(shop.signed_v2({"email": EMAIL}))
    # It is asked of version 2 alone.
    assert shop.visit(shop.signed(EMAIL))


def test_warnings_are_counted(server, shop):
    def counted():
        lines = server.metrics().splitlines()
        wanted = 'accredit_warnings_total{code="signature_version",door="boot"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))

    before = counted()
    shop.set(identity_v2="warn")
    assert shop.visit(shop.signed(EMAIL))
    assert counted() == before + 1


def test_a_view_for_signed_visits_needs_a_signature_that_names_it(shop):
    shop.set(level="BASIC", views=[{"id": "home"}, {"id": "admin", "signed_only": True}])
    for body in (shop.fields(page="admin"), shop.signed(EMAIL, page="admin")):
        assert shop.refusal(body) == "view_unknown"
    assert shop.refusal(shop.signed_v2({"email": EMAIL}, page="home") | {"page": "admin"}) == "mac_mismatch"
    assert shop.visit(shop.signed_v2({"email": EMAIL}, page="admin"))["view_id"] == "admin"
    # As the first one it is the default, for which the same holds.
    shop.set(views=[{"id": "admin", "signed_only": True}, {"id": "home"}])
    for body in (shop.fields(), shop.fields(page="nowhere"), shop.signed(EMAIL)):
        assert shop.refusal(body) == "view_unknown"
    assert shop.visit(shop.fields(page="home"))["view_id"] == "home"
    assert shop.visit(shop.signed_v2({"email": EMAIL}))["view_id"] == "admin"
