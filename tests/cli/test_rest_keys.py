"""`accredit keys` for the rest door: keys that answers are sealed to, and those that the server signs and opens with."""

import json

import pytest

from accredit.keys import generate_deployment_key
from accredit.sealing import generate_encryption_key

PAIR = generate_encryption_key("ECDH-ES")


@pytest.fixture
def example(on_database):
    on_database("account", "create", "Example Ltd")
    return on_database


def register(commands, pair=PAIR, *options, code=0):
    return commands("keys", "register", "-", "--purpose", "encryption", *options, stdin=json.dumps(pair.public_jwk), code=code)


def test_a_generated_key_is_registered_and_ends(example):
    public = example("keys", "generate", "--purpose", "encryption", "--kty", "EC", "--out", "answers.jwk").out
    (example.directory / "answers.public.jwk").write_text(public)
    options = ("--key-id", "2027-01", "--label", "spring", "--not-before", "1h", "--not-after", "24h", "--json")
    made = example("keys", "register", "answers.public.jwk", "--purpose", "encryption", *options).json
    assert (made["purpose"], made["kid"], made["state"], made["alg"]) == ("encryption", "2027-01", "active", "ECDH-ES")
    assert example("keys", "list", "--purpose", "encryption", "--json").json == [made]
    assert example("keys", "retire", "2027-01", "--until", "1h", "--json").json["state"] == "retiring"
    thumbprint = example("keys", "thumbprint", "answers.public.jwk").out.strip()
    assert example("keys", "revoke", thumbprint, "--json").json["key"]["state"] == "revoked"


def test_a_key_is_called_by_its_thumbprint_by_default(example):
    facts = dict(line.split(maxsplit=1) for line in register(example).out.splitlines())
    assert facts["kid"] == facts["thumbprint"] == PAIR.thumbprint


def test_a_private_half_is_refused_for_good(example):
    done = example("keys", "register", "-", "--purpose", "encryption", stdin=json.dumps(PAIR.private_jwk), code=2)
    assert "key_private_part" in done.err
    assert PAIR.private_jwk["d"] not in done.err
    assert "key_denied" in register(example, code=2).err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--purpose", "encryption", "--deployer", "shop"), "--deployer"),
        (("--purpose", "encryption", "--alg", "ES512"), "names its alg itself"),
        (("--purpose", "encryption", "--integration", "a"), "for deployment keys"),
        (("--purpose", "encryption", "--key-id", "current"), "field_invalid"),
        (("--purpose", "encryption", "--not-after", "2020-01-01T00:00:00Z"), "field_invalid"),
        ((), "--deployer"),
        (("--deployer", "shop", "--key-id", "a"), "for --purpose encryption"),
        (("--deployer", "shop", "--not-before", "1h"), "for --purpose encryption"),
        (("--deployer", "shop"), "key_type_unsupported"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(shop, options, told):
    key = generate_encryption_key() if options == ("--deployer", "shop") else PAIR
    assert told in shop("keys", "register", "-", *options, stdin=json.dumps(key.public_jwk), code=2).err


def test_a_callers_key_set_is_of_an_integration(accredit):
    accredit("account", "create", "Example Ltd")
    uri = ("--jwks-uri", "https://shop.example/keys.json")
    assert "encryption_jwks_uri" in accredit("keys", "register", *uri, "--purpose", "encryption", code=2).err
    assert "either a FILE or" in accredit("keys", "register", *uri, "-", "--deployer", "shop", code=2).err


def test_two_keys_of_one_thumbprint_are_told_apart_by_their_ids(example):
    register(example)
    register(example, PAIR, "--environment", "sandbox")
    done = example("keys", "revoke", PAIR.thumbprint, code=2)
    assert "Several keys are called so" in done.err


def test_the_servers_own_keys_are_replaced(example):
    first = example("keys", "rotate-signing", "--json").json
    assert sorted((key["purpose"], key["alg"], key["state"]) for key in first) == [
        ("request", "ECDH-ES+A256KW", "active"),
        ("request", "ECDH-ES+A256KW", "retiring"),
        ("request", "RSA-OAEP-256", "active"),
        ("request", "RSA-OAEP-256", "retiring"),
        ("signing", "ES256", "active"),
        ("signing", "ES256", "retiring"),
    ]
    again = example("keys", "rotate-signing", "--json").json
    assert {key["key_id"] for key in first} < {key["key_id"] for key in again}
    assert len(again) == 9
    table = example("keys", "rotate-signing").out.splitlines()
    assert table[0].split() == ["key_id", "purpose", "state", "alg", "kid", "retire_at"]
    assert len(table) == 13
    old = next(key for key in first if (key["purpose"], key["state"]) == ("signing", "retiring"))
    assert example("keys", "revoke", old["key_id"], "--json").json["key"]["state"] == "revoked"
    assert old["key_id"] not in example("keys", "rotate-signing").out


def test_a_deployers_key_is_no_key_for_answers(example):
    pair = generate_deployment_key("ES256")
    done = example("keys", "register", "-", "--purpose", "encryption", stdin=json.dumps(pair.public_jwk), code=2)
    assert "key_use: " in done.err
