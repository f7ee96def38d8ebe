"""The body of a boot: media types, sizes, spellings and the boot's own fields (protocol-boot.md section 3).

On one engine, since nothing here depends on it.
"""

import json

import pytest

from accredit.keys import generate_deployment_key

from ..conftest import ORIGIN
from .conftest import CHANNEL, EMAIL, new_shop

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def basic(server):
    """One integration for all tests that do not change it."""
    return new_shop(server, level="BASIC")


def post(server, content, media_type=FORM, **headers):
    return server.http.post("/boot", content=content, headers={"Content-Type": media_type, "Origin": ORIGIN, **headers})


def form_of(shop, rest: str = "") -> str:
    return f"cp_id={shop.app['deployer_id']}&cp_deployment_id={shop.app['integration_id']}{rest}"


@pytest.mark.parametrize("media_type", [FORM, f"{FORM}; charset=UTF-8", "Application/X-WWW-Form-URLEncoded;charset=utf-8"])
def test_takes_a_form_in_utf8(server, basic, media_type):
    assert post(server, form_of(basic), media_type).status_code == 303


@pytest.mark.parametrize("media_type", [JSON, f'{JSON}; charset="utf-8"', "APPLICATION/JSON"])
def test_takes_a_json_object_in_utf8(server, basic, media_type):
    assert post(server, json.dumps(basic.fields()), media_type).status_code == 303


@pytest.mark.parametrize(
    "media_type", ["text/plain", "multipart/form-data", f"{FORM};charset=latin1", f"{JSON};charset=utf-16", ""]
)
def test_other_media_types_are_415(server, basic, media_type):
    answer = post(server, form_of(basic), media_type)
    assert (answer.status_code, "media_type_unsupported" in answer.text) == (415, True)


def test_a_body_has_64_kib_at_most(server, basic):
    body = form_of(basic, "&unknown=")
    full = body + "x" * (64 * 1024 - len(body))
    assert post(server, full).status_code == 303
    answer = post(server, f"{full}x")
    assert (answer.status_code, "body_too_large" in answer.text) == (413, True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_405(server, method):
    for path in ("/boot", "/boot/renew"):
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        answer = server.http.request(method, path, headers=asked)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert "access-control-allow-methods" not in answer.headers


def test_the_original_s_second_address_is_none(server):
    assert server.http.post("/tpp/distribution/boot", data={"cp_id": "x"}).status_code == 404


def test_empty_pairs_are_skipped_and_plus_signs_are_spaces(server, basic):
    answer = post(server, f"&&{form_of(basic)}&&email=&first_name=Mary+Jane%2BAnn&%5Bsurname%5D=%C3%98&")
    assert basic.redeem(answer)["customer_info"] == {"first_name": "Mary Jane+Ann", "surname": "Ø"}


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        *((b"cp_id=%ff", FORM), (b"cp_id=\xff", FORM), (b"\xfc=1", FORM)),
        *((b'{"cp_id":', JSON), (b"[]", JSON), (b"null", JSON), (b"", JSON), (b'"x"', JSON), (b'{"a":"\xff"}', JSON)),
        *((b'{"a":NaN}', JSON), (b'{"a":-Infinity}', JSON), (b'{"a":1,"a":1}', JSON), (b'{"a":"\\ud800"}', JSON)),
        *((b'\xef\xbb\xbf{"cp_id":"x"}', JSON), (b'{"a":1e999}', JSON), (b"{}{}", JSON)),
    ],
)
def test_what_cannot_be_read_is_400(server, content, media_type):
    answer = post(server, content, media_type, Accept="text/html")
    assert (answer.status_code, "request_malformed" in answer.text) == (400, True)


def test_a_json_body_has_six_levels_at_most(server, basic):
    def nested(levels):
        """The body counts as one, `meta` as the next."""
        return post(server, json.dumps(basic.fields(meta=json.loads('{"a":' * (levels - 1) + "1" + "}" * (levels - 1)))), JSON)

    assert nested(6).status_code == 303
    assert nested(7).json()["code"] == "request_malformed"
    # Of these `meta` may have five, also as the text that forms have it in.
    for levels, kept in (('{"a":[{"b":[{"c":1}]}]}', {"a": [{"b": [{"c": 1}]}]}), ('{"a":[{"b":[{"c":[1]}]}]}', None)):
        assert basic.visit(basic.fields(meta=levels))["customer_info"]["meta"] == kept or levels
    assert basic.listed()[0]["warnings"] == ["field_not_json:meta"]


SPELLINGS = {
    "email": ("email", "[email]", "customerInfo[email]"),
    "first_name": ("first_name", "[first_name]", "customerInfo[first_name]"),
    "broadband": (
        *("broadbandProvider", "broadband.provider", "broadband[provider]"),
        *("[broadband][provider]", "customerInfo[broadband][provider]"),
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_name_has_several_spellings(basic, name):
    for spelling in SPELLINGS[name]:
        info = basic.visit(basic.fields(**{spelling: "x"}))["customer_info"]
        assert info == ({"broadband": {"provider": "x"}} if name == "broadband" else {name: "x"})


TWICE = [
    (("email", "[email]"), "email"),
    (("email", "customerInfo[email]"), "email"),
    (("[email]", "customerInfo[email]"), "email"),
    (("broadbandPpm", "broadband[ppm]"), "broadband.ppm"),
    (("broadband.ppm", "customerInfo[broadband][ppm]"), "broadband.ppm"),
    (("meta", "meta[a]"), "meta"),
    (("meta[a]", "customerInfo[meta][a]"), "meta[a]"),
    (("unknown", "[unknown]"), "unknown"),
]


def test_two_spellings_of_one_name_are_refused(server, basic):
    for spellings, member in TWICE:
        for as_json in (False, True):
            answer = server.boot(basic.fields(response_mode="json", **dict.fromkeys(spellings, "1")), as_json=as_json)
            assert (answer.status_code, answer.json()["code"], answer.json()["member"]) == (400, "request_malformed", member)


@pytest.mark.parametrize(
    "name", ["cp_id", "cp_deployment_id", "signature", "page", "response_mode", "channel", "origin_ticket", "x"]
)
def test_a_field_that_comes_twice_is_refused(server, basic, name):
    value = basic.fields().get(name, "json")
    answer = post(server, form_of(basic, f"&{name}={value}" * (1 if name.startswith("cp_") else 2)))
    assert answer.status_code == 400
    assert ("field_invalid" if name == "channel" else "request_malformed") in answer.text


def test_in_json_the_customer_s_fields_may_stand_in_an_object(server, basic):
    info = {"email": EMAIL, "number_of_children": 2, "broadband": {"ppm": "28"}, "meta": {"a": [1, None]}}
    for body in (basic.fields(customerInfo=info), basic.fields(**info)):
        assert basic.visit(body, as_json=True)["customer_info"] == info
    for spelling in ("email", "[email]", "customerInfo[email]"):
        twice = basic.fields(**{"customerInfo": {"email": EMAIL}, spelling: EMAIL})
        assert server.boot(twice, as_json=True).json()["member"] == "email"
    for container in ("customerInfo", "broadband"):
        for value in ([], 1, "x", True):
            answer = server.boot(basic.fields(**{container: value}), as_json=True).json()
            assert (answer["code"], answer["member"]) == ("field_invalid", container)
        assert basic.visit(basic.fields(**{container: None}), as_json=True)["customer_info"] == {}


def test_unknown_names_are_dropped_with_a_warning_that_holds_names_only(basic):
    basic.visit(basic.fields(shoe_size="44", **{"[$stable]": "0", "a value": "x", "<b>": "1", "customerInfo[cp_id]": "x"}))
    warnings = ["field_dropped:shoe_size", "field_dropped:$stable", "field_dropped", "field_dropped"]
    assert basic.listed()[0]["warnings"] == [*warnings, "field_dropped:customerInfo[cp_id]"]


OWN_FIELDS = {
    "cp_id": ("", "a:b", "é", "x" * 129, "a b"),
    "cp_deployment_id": ("", "a:b", "x" * 129),
    "page": ("a b", "x" * 129, "<b>"),
    "locale": ("e", "english", "en-", "en_GB_x_y_z", "en GB", "en-GBGBGBGBG"),
    "identifier_type": ("x" * 33,),
    "identifier_value": ("x" * 256,),
    "response_mode": ("html", "JSON"),
    "channel": ("short", "A" * 22 + "A", "A" * 21 + "B"),
    "sdk": ("x" * 33,),
}


@pytest.mark.parametrize("name", OWN_FIELDS)
def test_a_field_of_another_form_is_named(server, basic, name):
    for value in (*OWN_FIELDS[name], 1, True, [], {}):
        answer = server.boot(basic.fields() | {name: value}, as_json=True)
        told = answer.json()
        code = "field_missing" if value == "" else "field_invalid"
        assert (answer.status_code, told["code"], told["member"]) == (400, code, name)
        if isinstance(value, str):
            answer = server.boot(basic.fields() | {name: value})
            assert (answer.status_code, code in answer.text, f"<code>{name}</code>" in answer.text) == (400, True, True)


def test_a_locale_is_told_to_the_application(basic):
    for locale in ("en", "eng", "en_GB", "en-GB", "zh-Hant-TW", "sl-rozaj-biske-1994"):
        assert basic.visit(basic.fields(locale=locale))["locale"] == locale
    assert basic.visit(basic.fields(locale=""))["locale"] is None


def test_an_environment_is_ignored_and_so_are_cookies(server, basic):
    answer = server.boot(basic.fields(environment="production"), Cookie="session=1")
    assert basic.redeem(answer)["environment"] == "live"
    assert "set-cookie" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_are_views(server, open_shop):
    shop = open_shop(level="BASIC", views=[{"id": "energy"}, {"id": "broadband", "url": "https://app.example/broadband"}])
    assert shop.visit(shop.fields())["view_id"] == "energy"
    answer = server.boot(shop.fields(page="broadband"))
    assert answer.headers["location"].startswith("https://app.example/broadband?code=")
    assert shop.redeem(answer)["view_id"] == "broadband"
    assert shop.visit(shop.fields(page="water"))["view_id"] == "energy"
    assert shop.listed()[0]["warnings"] == ["view_unknown:page"]
    shop.set(views=[])
    assert shop.visit(shop.fields(page="water"))["view_id"] == "water"


def test_other_secrets_are_revoked_wherever_they_stand(server, open_shop):
    shop = open_shop(level="BASIC")
    made = shop.owner.call("POST", "/v1/keys", 201, {"purpose": "api"})
    body = shop.fields(customerInfo={"meta": {"config": ["x", {"authorization": f"Bearer {made['secret']}"}]}})
    assert shop.code_of(server.boot(body, as_json=True)) == "secret_exposed"
    assert server.client(made["secret"]).get("/v1/sessions").status_code == 401
    private = generate_deployment_key().private_jwk
    public = {name: private[name] for name in ("kty", "crv", "x", "y")}
    shop.owner.call("POST", "/v1/deployers/cp_1/keys", 201, {"jwk": public})
    assert shop.refusal(shop.fields(meta=json.dumps({"key": private}), channel=CHANNEL)) == "secret_exposed"
    assert shop.listed() == []
