"""Registered encryption keys over HTTP (protocol-rest.md sections 6 and 15)."""

import json
from pathlib import Path

import pytest

from accredit.sealing import PUBLISHED_KEYS, generate_encryption_key

ADDRESS = "/v1/encryption_keys"
PAIRS = [generate_encryption_key("ECDH-ES") for _ in range(2)]
SAMPLE = json.loads((Path(__file__).parents[2] / "vectors" / "rest.json").read_text())["keys"]["sample"]["private"]


def test_a_key_is_called_by_its_thumbprint_unless_it_has_a_name(server, clock):
    owner = server.owner()
    plain = owner.call("POST", ADDRESS, 201, {"public_jwk": PAIRS[0].public_jwk})
    assert (plain["key_id"], plain["thumbprint"], plain["state"]) == (PAIRS[0].thumbprint, PAIRS[0].thumbprint, "active")
    assert plain["public_jwk"] == {**PAIRS[0].public_jwk, "kid": PAIRS[0].thumbprint}
    clock.advance(1)
    times = {"not_before": "2027-02-01T00:00:00Z", "not_after": "2027-03-01T00:00:00+01:00"}
    body = {"public_jwk": {**PAIRS[1].public_jwk, "kid": "mine", "x5c": []}, "key_id": "2027-02", "label": "spring", **times}
    made = owner.call("POST", ADDRESS, 201, body)
    assert (made["key_id"], made["label"], made["public_jwk"]["kid"]) == ("2027-02", "spring", "2027-02")
    assert (made["not_before"], made["not_after"]) == ("2027-02-01T00:00:00.000Z", "2027-02-28T23:00:00.000Z")
    assert "x5c" not in made["public_jwk"]
    assert owner.call("GET", f"{ADDRESS}/2027-02") == made
    assert owner.call("GET", ADDRESS) == {"keys": [plain, made]}
    assert {key["kid"] for key in owner.call("GET", "/v1/keys?purpose=encryption")["keys"]} == {PAIRS[0].thumbprint, "2027-02"}


def test_a_key_counts_until_its_time(server, clock):
    owner = server.owner()
    body = {"public_jwk": PAIRS[0].public_jwk, "key_id": "k", "not_after": "2027-01-15T08:10:00Z"}
    assert owner.call("POST", ADDRESS, 201, body)["state"] == "active"
    retiring = owner.call("POST", f"{ADDRESS}/k/retire", 200, {"until": "2027-01-15T08:20:00Z"})
    assert (retiring["state"], retiring["retire_at"]) == ("retiring", "2027-01-15T08:20:00.000Z")
    clock.advance(600)
    assert owner.call("GET", f"{ADDRESS}/k")["state"] == "retired"
    assert owner.call("POST", f"{ADDRESS}/k/retire", 409, {"until": "2027-02-01T00:00:00Z"})["code"] == "key_not_live"
    again = owner.call("POST", ADDRESS, 201, {"public_jwk": PAIRS[1].public_jwk, "key_id": "k"})
    assert owner.call("GET", f"{ADDRESS}/k") == again


def test_a_revoked_key_stays_on_the_list(server):
    owner = server.owner()
    owner.call("POST", ADDRESS, 201, {"public_jwk": PAIRS[0].public_jwk, "key_id": "k"})
    revoked = owner.call("POST", f"{ADDRESS}/k/revoke")
    assert (revoked["state"], revoked["revoke_reason"]) == ("revoked", "revoked")
    assert owner.call("GET", ADDRESS)["keys"] == [revoked]
    assert owner.call("POST", f"{ADDRESS}/k/revoke") == revoked
    kinds = [entry["kind"] for entry in owner.call("GET", "/v1/audit")["entries"]]
    assert kinds.count("key.revoked") == kinds.count("key.created") - 1 == 1


def test_one_live_key_of_a_name_and_of_a_thumbprint(server):
    owner = server.owner()
    owner.call("POST", ADDRESS, 201, {"public_jwk": PAIRS[0].public_jwk, "key_id": "k"})
    for body, member in (
        ({"public_jwk": PAIRS[1].public_jwk, "key_id": "k"}, "key_id"),
        ({"public_jwk": PAIRS[0].public_jwk, "key_id": "other"}, "public_jwk"),
    ):
        refused = owner.call("POST", ADDRESS, 409, body)
        assert (refused["code"], refused["member"]) == ("key_exists", member)


def test_keys_are_those_of_one_account_and_environment(server):
    owner, other = server.owner(), server.owner()
    sandbox = server.owner(owner.owner_id, environment="sandbox")
    for each in (owner, other, sandbox):
        each.call("POST", ADDRESS, 201, {"public_jwk": PAIRS[0].public_jwk, "key_id": "k"})
        assert len(each.call("GET", ADDRESS)["keys"]) == 1
    owner.call("POST", f"{ADDRESS}/k/revoke")
    assert {each.call("GET", f"{ADDRESS}/k")["state"] for each in (other, sandbox)} == {"active"}
    assert other.call("GET", f"{ADDRESS}/x", 404)["code"] == "key_not_found"


@pytest.mark.parametrize(
    ("changed", "code", "member"),
    [
        ({"public_jwk": None}, "key_malformed", "public_jwk"),
        ({"public_jwk": {**PAIRS[0].public_jwk, "use": "sig"}}, "key_use", "public_jwk.use"),
        ({"public_jwk": {**PAIRS[0].public_jwk, "alg": "dir"}}, "key_type_not_allowed", "public_jwk.alg"),
        ({"public_jwk": {**PAIRS[0].public_jwk, "crv": "P-348"}}, "key_type_not_allowed", "public_jwk.crv"),
        ({"public_jwk": {**PAIRS[0].public_jwk, "y": PAIRS[1].public_jwk["y"]}}, "key_malformed", "public_jwk.x"),
        ({"public_jwk": PAIRS[0].private_jwk}, "key_private_part", "public_jwk.d"),
        ({"key_id": "current"}, "field_invalid", "key_id"),
        ({"key_id": "a b"}, "field_invalid", "key_id"),
        ({"key_id": ""}, "field_invalid", "key_id"),
        ({"not_after": "2027-01-15T08:00:00Z"}, "field_invalid", "not_after"),
        ({"not_before": "2028-01-01T00:00:00Z", "not_after": "2027-12-31T00:00:00Z"}, "field_invalid", "not_after"),
        ({"not_before": "2028-01-01"}, "field_invalid", "not_before"),
    ],
)
def test_refuses_with_the_member(start_server, sqlite_url, changed, code, member):
    owner = start_server(sqlite_url).owner()
    refused = owner.call("POST", ADDRESS, 400, {"public_jwk": PAIRS[0].public_jwk, **changed})
    assert (refused["code"], refused["member"]) == (code, member)
    assert owner.call("GET", ADDRESS) == {"keys": []}


def test_a_key_whose_private_half_was_sent_is_refused_for_good(server):
    """Neither the database nor an answer holds the private half, and a key that is registered already ends."""
    owner, private = server.owner(), PAIRS[0].private_jwk
    other = server.owner()
    for each in (owner, other):
        each.call("POST", ADDRESS, 201, {"public_jwk": PAIRS[0].public_jwk, "key_id": "k"})
    assert private["d"] not in json.dumps(owner.call("POST", ADDRESS, 400, {"public_jwk": private}))
    assert owner.call("GET", f"{ADDRESS}/k")["revoke_reason"] == "secret_exposed"
    assert owner.call("POST", ADDRESS, 400, {"public_jwk": PAIRS[0].public_jwk})["code"] == "key_denied"
    assert other.call("GET", f"{ADDRESS}/k")["state"] == "active"
    denied = [entry for entry in owner.call("GET", "/v1/audit")["entries"] if entry["kind"] == "key.denied"]
    assert [(entry["code"], entry["detail"]["thumbprints"]) for entry in denied] == [
        ("key_private_part", [PAIRS[0].thumbprint])
    ]
    told = server.rows("SELECT data FROM events WHERE type = 'key.leaked'")
    assert [json.loads(row[0])["purposes"] for row in told] == [["encryption"]]
    owner.call("POST", ADDRESS, 400, {"public_jwk": private})
    assert len(server.rows("SELECT id FROM events WHERE type = 'key.leaked'")) == 1


def test_the_owner_hears_also_of_a_private_half_that_was_never_registered(server):
    owner = server.owner()
    owner.call("POST", ADDRESS, 400, {"public_jwk": PAIRS[0].private_jwk})
    (row,) = server.rows("SELECT account_id, data FROM events WHERE type = 'key.leaked'")
    told = {"key_id": PAIRS[0].thumbprint, "purposes": ["encryption"], "source": "api", "url": None}
    assert (row[0], json.loads(row[1])) == (owner.owner_id, told)


def test_the_published_sample_is_for_trying_out(server):
    """Its private half is printed in the original's documentation: nobody burns anything by sending it."""
    private = {"use": "enc", "alg": "RSA-OAEP", **SAMPLE}
    public = {name: private[name] for name in ("kty", "use", "alg", "n", "e")}
    live = server.owner()
    sandbox = server.owner(live.owner_id, environment="sandbox")
    assert sandbox.call("POST", ADDRESS, 400, {"public_jwk": private})["code"] == "key_private_part"
    assert sandbox.call("POST", ADDRESS, 201, {"public_jwk": public})["key_id"] in PUBLISHED_KEYS
    assert live.call("POST", ADDRESS, 400, {"public_jwk": public})["code"] == "key_denied"
    assert server.rows("SELECT id FROM events WHERE type = 'key.leaked'") == []


def test_a_hundred_keys_are_enough(start_server, sqlite_url):
    owner = start_server(sqlite_url).owner()
    for _ in range(100):
        owner.call("POST", ADDRESS, 201, {"public_jwk": generate_encryption_key("ECDH-ES").public_jwk})
    refused = owner.call("POST", ADDRESS, 409, {"public_jwk": PAIRS[0].public_jwk})
    assert refused["code"] == "key_limit_reached"
