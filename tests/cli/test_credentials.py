"""`accredit credential`, and `accredit keys` for the flow door: made, taken over, rotated and ended on both databases."""

import json
import re
from typing import Any

import pytest

from accredit.keys import generate_deployment_key

BROUGHT = "Correct-Horse-Battery-Staple-And-More!"
KEY_ID = "live_key_" + "0f" * 16
SAMPLE = "live_secret_" + "abcd1234" * 8


@pytest.fixture
def example(on_database: Any) -> Any:
    on_database("account", "create", "Example Ltd")
    return on_database


@pytest.fixture
def embedded(accredit: Any) -> Any:
    """On the embedded default alone, for what the databases do not touch."""
    accredit("account", "create", "Example Ltd")
    return accredit


def facts_of(done: Any) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in done.out.splitlines())


def test_a_credential_is_rotated(example: Any) -> None:
    made = facts_of(example("credential", "create", "--label", "backend", "--out", "shop.secret"))
    secret = (example.directory / "shop.secret").read_text().strip()
    assert re.fullmatch("live_secret_[0-9a-f]{64}", secret)
    assert (example.directory / "shop.secret").stat().st_mode & 0o777 == 0o600
    standby = facts_of(example("credential", "secret", made["api_key_id"], "--label", "standby"))
    assert re.fullmatch("live_secret_[0-9a-f]{64}", standby["secret"])
    example("keys", "retire", made["api_key"], "--until", "24h", "--whole-secret")
    (credential,) = example("credential", "list", "--json").json
    states = [[key["state"] for key in keys] for keys in credential["secrets"]]
    assert (credential["api_key_id"], states) == (made["api_key_id"], [["retiring"] * 3, ["active"] * 3])
    example("keys", "revoke", made["webhook_key"], "--whole-secret")
    table = example("credential", "list").out
    assert (table.count(" revoked"), table.count(" active"), secret in table) == (3, 3, False)
    listed = example("keys", "list", "--purpose", "reference").out
    assert made["api_key_id"] in listed


def test_a_secret_of_the_original_is_taken_over(example: Any) -> None:
    (example.directory / "old.secret").write_text(f"{BROUGHT}\n")
    made = example("keys", "import", "old.secret", "--key-id", KEY_ID, "--label", "from before", "--json").json
    assert (made["api_key_id"], [key["purpose"] for key in made["keys"]]) == (KEY_ID, ["api", "reference", "webhook"])
    other = example("keys", "import", "-", "--key-id", KEY_ID, stdin="Another-Horse-Battery-Staple-And-More!").out
    assert KEY_ID in other
    assert len(example("credential", "list", "--json").json[0]["secrets"]) == 2
    assert "key_exists" in example("keys", "import", "-", stdin=BROUGHT, code=1).err
    assert BROUGHT not in made.__repr__() + other


def test_a_printed_secret_is_refused_in_live_only(embedded: Any) -> None:
    done = embedded("keys", "import", "-", stdin=SAMPLE, code=2)
    assert "key_published" in done.err
    assert SAMPLE not in done.err
    embedded("keys", "import", "-", "--environment", "sandbox", stdin=SAMPLE)


def test_publishable_and_reference_keys_are_made(embedded: Any) -> None:
    publishable = embedded("keys", "create", "--purpose", "publishable", "--json").json
    assert publishable["publishable_key"] == publishable["key"]["kid"]
    facts_of(embedded("keys", "create", "--purpose", "reference", "--out", "pages.secret"))
    assert (embedded.directory / "pages.secret").read_text().startswith("accredit_live_reference_")
    pair = generate_deployment_key("ES256")
    made = embedded("keys", "register", "-", "--purpose", "reference", "--json", stdin=json.dumps(pair.public_jwk)).json
    assert (made["purpose"], made["alg"], made["thumbprint"]) == ("reference", "ES256", pair.thumbprint)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "--purpose", "publishable", "--integration", "a"), "--integration is for"),
        (("create", "--purpose", "reference", "--deployer", "shop"), "--deployer"),
        (("create", "--purpose", "reference", "--import", "-"), "keys import"),
        (("register", "-", "--purpose", "reference", "--integration", "a"), "for deployment keys"),
        (("register", "-", "--purpose", "reference", "--key-id", "a"), "for --purpose encryption"),
        (("register", "--jwks-uri", "https://a.example/", "--purpose", "reference"), "for deployment keys"),
    ],
)
def test_options_that_do_not_go_together(accredit: Any, arguments: tuple[str, ...], told: str) -> None:
    assert told in accredit("keys", *arguments, code=2).err


def test_who_gets_letters(example: Any) -> None:
    account = example("account", "list", "--json").json[0]
    assert account["notices_to"] == []
    addresses = ["--to", "a@example.com", "--to", "b@example.com", "--to", "a@example.com"]
    changed = example("account", "notices", account["account_id"], *addresses, "--json").json
    assert changed["notices_to"] == ["a@example.com", "b@example.com"]
    assert example("account", "list", "--json").json == [changed]
    assert "field_invalid" in example("account", "notices", account["account_id"], "--to", "nobody", code=2).err
    assert "account_not_found" in example("account", "notices", "acc_9", code=1).err
    assert example("account", "notices", account["owner_id"], "--json").json["notices_to"] == []
    made = example("account", "create", "Other Ltd", "--notices-to", "c@example.com", "--json").json
    assert made["notices_to"] == ["c@example.com"]
    assert "a@example.com" not in example("audit", "list", "--account", account["account_id"], "--json").out
