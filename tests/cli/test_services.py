"""`accredit service`: the owner's services that steps are asked of."""

import stat

from accredit import WebhookSecret, generate_encryption_key
from accredit.encoding import compact_json

SANDBOX = ("--environment", "sandbox")


def test_a_service_from_its_first_to_its_last_day(on_database, tmp_path):
    on_database("account", "create", "Example Ltd")
    secret = tmp_path / "service.secret"
    made = on_database("service", "create", "https://kyc.example/steps", "timeout_s=5", "--out", secret, "--json").json
    assert (made["environment"], made["url"], made["timeout_s"], made["secret_file"]) == (
        "live",
        "https://kyc.example/steps",
        5,
        str(secret),
    )
    assert "secret" not in made
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    WebhookSecret.from_text(secret.read_text().strip())
    shown = on_database("service", "show", made["id"], "--json").json
    assert shown == {name: value for name, value in made.items() if name != "secret_file"}
    rotated = on_database("service", "rotate-secret", made["id"], "--overlap", "60", "--json").json
    assert rotated["secret"] != secret.read_text().strip()
    assert "rotation_under_way" in on_database("service", "rotate-secret", made["id"], code=1).err
    key = tmp_path / "kyc.public.jwk"
    key.write_bytes(compact_json(generate_encryption_key("ECDH-ES+A256KW").public_jwk))
    changed = on_database("service", "set", made["id"], "description=KYC", f"encryption_public_key=@{key}", "--json").json
    assert (changed["description"], changed["encryption_public_key"]["kty"]) == ("KYC", "EC")
    header, row = on_database("service", "list").out.splitlines()
    assert header.split() == ["service", "url", "timeout_s", "description"]
    assert row.split() == [made["id"], "https://kyc.example/steps", "5", "KYC"]
    assert on_database("service", "list", *SANDBOX, "--json").json == []
    on_database("service", "delete", made["id"])
    assert "step_service_not_found" in on_database("service", "show", made["id"], code=1).err


def test_a_fault_names_its_member(on_database):
    on_database("account", "create", "Example Ltd")
    assert "(timeout_s)" in on_database("service", "create", "https://kyc.example/", "timeout_s=31", code=2).err
    assert "(url)" in on_database("service", "create", "http://kyc.example/", code=2).err
    on_database("service", "create", "http://kyc.example/", *SANDBOX)
