"""`accredit webhooks`: endpoints are made, listed, changed, switched and deleted, and what signs for them is replaced."""

import os
import stat

import pytest

import accredit as library

URL = "https://shop.example/hooks"


@pytest.fixture
def account(accredit):
    """Commands on a database with one account."""
    accredit("account", "create", "Example Ltd")
    return accredit


@pytest.fixture
def endpoint_id(account):
    return account("webhooks", "create", URL, "--json").json["id"]


def test_an_endpoint_from_the_first_to_the_last(account):
    made = account("webhooks", "create", URL, 'event_types=["*"]', "description=the shop", "--json").json
    secret = made.pop("secret")
    assert library.WebhookSecret.from_text(secret)
    assert (made["environment"], made["event_types"], made["description"]) == ("live", ["*"], "the shop")
    assert account("webhooks", "show", made["id"], "--json").json == made
    assert account("webhooks", "list", "--json").json == [made]
    changed = account("webhooks", "update", made["id"], "timeout_s=30", 'tags=["beta"]', "--json").json
    assert (changed["timeout_s"], changed["tags"], changed["event_types"]) == (30, ["beta"], ["*"])
    disabled = account("webhooks", "disable", made["id"], "--json").json
    assert (disabled["state"], disabled["disabled_reason"]) == ("disabled", "manual")
    assert account("webhooks", "enable", made["id"], "--json").json["state"] == "enabled"
    assert account("webhooks", "delete", made["id"], "--json").json["id"] == made["id"]
    assert account("webhooks", "list", "--json").json == []
    assert "endpoint_not_found" in account("webhooks", "show", made["id"], code=1).err


def test_a_secret_is_written_for_its_owner_alone(account):
    made = account("webhooks", "create", URL, "--out", "first.secret", "--json").json
    rotated = account("webhooks", "rotate-secret", made["id"], "--overlap", "60", "--out", "second.secret", "--json").json
    assert "secret" not in made | rotated
    texts = [(account.directory / name).read_text().strip() for name in ("first.secret", "second.secret")]
    assert texts[0] != texts[1]
    assert stat.S_IMODE(os.stat(account.directory / "first.secret").st_mode) == 0o600
    assert "rotation_under_way" in account("webhooks", "rotate-secret", made["id"], "--overlap", "60", code=1).err
    assert "whsec_" in account("webhooks", "rotate-secret", made["id"], "--overlap", "0").out


def test_full_payloads_take_a_key_from_a_file(account):
    account("keys", "generate", "--purpose", "encryption", "--out", "reader.jwk")
    public = library.generate_encryption_key("ECDH-ES").public_jwk
    (account.directory / "reader.public.jwk").write_text(str(public).replace("'", '"'))
    made = account("webhooks", "create", URL, "payload=full", "encryption_public_key=@reader.public.jwk", "--json").json
    assert made["encryption_public_key"]["x"] == public["x"]
    refused = account("webhooks", "create", URL, "payload=full", "encryption_public_key=@reader.jwk", code=2)
    assert "key_private_part" in refused.err


@pytest.mark.parametrize(
    ("members", "code", "member"),
    [
        (("event_types=[]",), "validation_failed", "event_types"),
        (("kind=other",), "validation_failed", "kind"),
        (("kind=flow",), "validation_failed", "api_key_id"),
        (("event_types=session",), "validation_failed", "event_types"),
        (('event_types=["session"]',), "event_type_unknown", "event_types"),
        (("payload=full",), "encryption_key_required", "encryption_public_key"),
        (("encryption_public_key=text",), "validation_failed", "encryption_public_key"),
    ],
)
def test_a_fault_names_its_member(account, members, code, member):
    refused = account("webhooks", "create", URL, *members, code=2).err
    assert refused.startswith(f"accredit: {code}: ")
    assert refused.rstrip().endswith(f"({member})")


def test_the_account_s_key_is_replaced_a_day_ahead(account, endpoint_id):
    [before] = account("webhooks", "show", endpoint_id, "--json").json["public_keys"]
    rows = account("webhooks", "rotate-key", "--json").json
    assert [row["public_key"] for row in rows] == account("webhooks", "show", endpoint_id, "--json").json["public_keys"]
    assert rows[0]["public_key"] == before
    assert (rows[1]["signs_until"], rows[1]["published_until"]) == (None, None)
    assert rows[0]["signs_from"] < rows[1]["signs_from"] < rows[0]["signs_until"] < rows[0]["published_until"]
    assert "rotation_under_way" in account("webhooks", "rotate-key", code=1).err


def test_environments_are_apart(account, endpoint_id):
    assert account("webhooks", "list", "--environment", "sandbox", "--json").json == []
    assert "endpoint_not_found" in account("webhooks", "show", endpoint_id, "--environment", "sandbox", code=1).err
    plain = account("webhooks", "create", "http://shop.example/", "--environment", "sandbox", "--json").json
    assert plain["environment"] == "sandbox"
