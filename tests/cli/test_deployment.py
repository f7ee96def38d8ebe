"""`accredit deployment sign` and `verify`."""

import json

import pytest

from accredit.deployment import peek_deployment

IDS = ("--deployer", "shop", "--integration", "checkout", "--owner", "example")


def test_signs_the_original_token_without_any_database(accredit):
    accredit("keys", "generate", "--out", "shop.jwk")
    done = accredit.process("deployment", "sign", "--key", "shop.jwk", *IDS, "--uid", "user-1", "--passport", "age=36")
    assert (done.code, done.err) == (0, "")
    peeked = peek_deployment(done.out.strip())
    assert (peeked.kid, peeked.typ) == (None, None)
    ids = {"deployer_id": "shop", "integration_id": "checkout", "owner_id": "example"}
    assert peeked.payload == {**ids, "uid": "user-1", "data_passport": {"age": 36}}
    assert sorted(path.name for path in accredit.directory.iterdir()) == ["shop.jwk"]


def test_signs_a_file_of_properties_with_what_options_name(accredit):
    accredit("keys", "generate", "--out", "shop.jwk")
    given = {"deployer_id": "d", "integration_id": "i", "uid": "u", "data_passport": {"name": "Ada", "age": 35}}
    options = ("--properties", "-", "--uid", "v", "--passport", "age=36", "--json")
    token = accredit("deployment", "sign", "--key", "shop.jwk", *options, stdin=json.dumps(given)).json["signed_deployment"]
    payload = peek_deployment(token).payload
    assert payload == {**given, "uid": "v", "data_passport": {"name": "Ada", "age": 36}}


def test_signs_an_extended_token(sign, shop):
    options = ("--extended", "--now", "1700000000", "--lifetime", "60", "--audience", "https://id.example.com")
    peeked = peek_deployment(sign(*options, "--origin", "https://shop.example"))
    payload = peeked.payload
    assert peeked.kid == shop("keys", "thumbprint", "shop.jwk").out.strip()
    assert (payload["iat"], payload["exp"]) == (1700000000, 1700000060)
    assert (payload["aud"], payload["origins"]) == ("https://id.example.com", ["https://shop.example"])
    assert "jti" in payload
    reusable = peek_deployment(sign("--extended", "--reusable", "--kid", "mine"))
    assert ("jti" in reusable.payload, reusable.kid) == (False, "mine")


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--uid", ""), 1, "uid_invalid"),
        (("--passport", "list=[1]"), 1, "passport_value_type"),
        (("--passport", "name"), 2, "NAME=VALUE"),
        (("--reusable",), 2, "--extended"),
        (("--properties", "list.json"), 1, "payload_not_object"),
        (("--properties", "broken.json"), 1, "payload_malformed"),
        (("--properties", "location.json"), 1, "location_in_signed_payload"),
        (("--key", "shop.public.jwk"), 2, "key_malformed"),
        (("--extended", "--lifetime", "301"), 2, "301"),
    ],
)
def test_refuses_to_sign_what_every_server_would_refuse(shop, options, code, told):
    for name, text in (("list", "[]"), ("broken", "{"), ("location", '{"location":"#app"}')):
        (shop.directory / f"{name}.json").write_text(text)
    done = shop("deployment", "sign", "--key", "shop.jwk", *IDS, *options, code=code)
    assert told in done.err
    assert done.out == ""


def test_verifies_by_a_file_a_set_or_the_private_key_itself(shop, sign):
    token = sign("--uid", "user-1")
    public = json.loads((shop.directory / "shop.public.jwk").read_text())
    (shop.directory / "jwks.json").write_text(json.dumps({"keys": [public]}))
    for name in ("shop.public.jwk", "jwks.json", "shop.jwk"):
        told = shop("deployment", "verify", token, "--key", name, "--json").json
        assert told["holds"] is True
        assert told["key_id"] == public["kid"]
        assert told["not_judged"] == ["integration", "origin", "quota", "replay"]
    assert "user-1" not in shop("deployment", "verify", "-", "--key", "jwks.json", stdin=f"{token}\n").out


def test_verifies_by_the_database(on_database, set_up):
    set_up(on_database)
    ids = ("--deployer", "shop", "--integration", "checkout", "--owner", "example")
    token = on_database("deployment", "sign", "--key", "shop.jwk", *ids).out.strip()
    told = on_database("deployment", "verify", token, "--origin", "https://shop.example", "--json").json
    assert told["key_id"].startswith("key_")
    assert told["not_judged"] == []
    thumbprint = on_database("keys", "thumbprint", "shop.jwk").out.strip()
    on_database("keys", "revoke", thumbprint)
    done = on_database("deployment", "verify", token, code=1)
    assert done.err == "accredit: jws_signature_invalid: No live key of this deployer verifies the signature.\n"


def test_what_does_not_hold_ends_with_one_and_its_code(shop, sign, accredit):
    token = sign()
    done = accredit.process("deployment", "verify", token[:-4] + "AAAA", "--key", "shop.public.jwk", "--json")
    assert (done.code, done.out) == (1, "")
    assert json.loads(done.err)["code"] == "jws_signature_invalid"
    expired = sign("--extended", "--now", "1700000000")
    policy = ("--policy", "token_key_id=warn")
    assert "token_expired" in shop("deployment", "verify", expired, "--key", "shop.jwk", *policy, code=1).err
    assert shop("deployment", "verify", expired, "--key", "shop.jwk", *policy, "--now", "2023-11-14T22:13:30Z").code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--direct", "colour=red"), "--direct takes"),
        (("--direct", "data_passport=1"), "(data_passport)"),
        (("--policy", "colour=red"), "(colour)"),
        (("--now", "soon"), "24h"),
        (("--passport-key", "shop.jwk"), "(alg)"),
    ],
)
def test_a_wrong_option_is_wrong_usage(shop, sign, options, told):
    assert told in shop("deployment", "verify", sign(), "--key", "shop.jwk", *options, code=2).err
