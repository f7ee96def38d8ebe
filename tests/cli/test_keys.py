"""`accredit keys`: pairs are made anywhere, records live in the database, and a secret is shown once."""

import json
import stat

import pytest

from accredit.encoding import b64_decode
from accredit.keys import generate_deployment_key, has_secret_form, public_thumbprint
from accredit.sealing import parse_decryption_key, parse_encryption_key


def test_a_pair_goes_into_a_file_for_its_owner_alone_and_its_public_half_is_printed(accredit):
    done = accredit.process("keys", "generate", "--out", "shop.jwk")
    public, path = json.loads(done.out), accredit.directory / "shop.jwk"
    private = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "d" in private
    assert "d" not in public
    assert public_thumbprint(private) == public["kid"] == private["kid"]
    assert (public["alg"], public["use"], public["key_ops"], private["key_ops"]) == ("ES512", "sig", ["verify"], ["sign"])


@pytest.mark.parametrize(("alg", "crv"), [("ES512", "P-521"), ("ES256", "P-256"), ("EdDSA", "Ed25519")])
def test_without_a_file_the_private_half_is_printed_alone(accredit, alg, crv):
    private = json.loads(accredit("keys", "generate", "--alg", alg).out)
    assert (private["alg"], private["crv"]) == (alg, crv)
    assert "d" in private


def test_a_pair_for_programs(accredit):
    made = accredit("keys", "generate", "--json").json
    assert made["thumbprint"] == public_thumbprint(made["private_jwk"]) == public_thumbprint(made["public_jwk"])
    stored = accredit("keys", "generate", "--json", "--out", "key.jwk").json
    assert stored["private_file"] == "key.jwk"
    assert "private_jwk" not in stored


@pytest.mark.parametrize(
    ("options", "kty", "alg", "shape"),
    [
        ((), "RSA", "RSA-OAEP", 2048),
        (("--kty", "RSA", "--size", "3072", "--alg", "RSA-OAEP-256"), "RSA", "RSA-OAEP-256", 3072),
        (("--kty", "EC"), "EC", "ECDH-ES", "P-256"),
        (("--crv", "P-521"), "EC", "ECDH-ES", "P-521"),
        (("--alg", "ECDH-ES+A256KW", "--crv", "P-384"), "EC", "ECDH-ES+A256KW", "P-384"),
        (("--alg", "ECDH-ES+A256KW"), "EC", "ECDH-ES+A256KW", "P-256"),
        (("--kty", "OKP"), "OKP", "ECDH-ES", "X25519"),
    ],
)
def test_a_pair_for_sealed_answers(accredit, options, kty, alg, shape):
    public = json.loads(accredit("keys", "generate", "--purpose", "encryption", *options, "--out", "key.jwk").out)
    private = json.loads((accredit.directory / "key.jwk").read_text())
    assert stat.S_IMODE((accredit.directory / "key.jwk").stat().st_mode) == 0o600
    key, reading = parse_encryption_key(public), parse_decryption_key(private)
    assert (public["kty"], public["alg"], public["use"]) == (kty, alg, "enc")
    assert getattr(key.parsed, "key_size", None) == shape if kty == "RSA" else public["crv"] == shape
    assert key.thumbprint == reading.thumbprint == accredit("keys", "thumbprint", "key.jwk").out.strip()
    assert "kid" not in public


def test_a_pair_for_sealed_answers_has_the_name_that_it_was_given(accredit):
    made = accredit("keys", "generate", "--purpose", "encryption", "--kty", "EC", "--kid", "2026-01", "--json").json
    assert made["public_jwk"]["kid"] == made["private_jwk"]["kid"] == "2026-01"
    assert "d" not in made["public_jwk"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--purpose", "encryption", "--alg", "ES512"), "--alg ES512 is not for a key of --kty RSA"),
        (("--purpose", "encryption", "--kty", "EC", "--alg", "RSA-OAEP"), "--alg RSA-OAEP is not for a key of --kty EC"),
        (("--purpose", "encryption", "--kty", "EC", "--crv", "X25519"), "--crv X25519 is not a curve of --kty EC"),
        (("--purpose", "encryption", "--kty", "RSA", "--crv", "P-256"), "--crv P-256 is not a curve of --kty RSA"),
        (("--purpose", "encryption", "--kty", "EC", "--size", "2048"), "--size is for RSA"),
        (("--purpose", "encryption", "--size", "1024"), "'1024' is not one of"),
        (("--purpose", "encryption", "--kid", ""), "key_malformed"),
        (("--purpose", "root", "--kid", "a"), "for --purpose encryption"),
        (("--alg", "RSA-OAEP"), "field_invalid"),
    ],
)
def test_a_pair_that_there_is_not_is_wrong_usage(accredit, options, told):
    done = accredit("keys", "generate", *options, "--out", "key.jwk", code=2)
    assert told in done.err
    assert done.out == ""
    assert not (accredit.directory / "key.jwk").exists()


def test_a_file_that_is_there_is_never_overwritten(accredit):
    (accredit.directory / "shop.jwk").write_text("precious")
    assert "never overwrites" in accredit("keys", "generate", "--out", "shop.jwk", code=2).err
    assert (accredit.directory / "shop.jwk").read_text() == "precious"
    assert "cannot be written" in accredit("keys", "generate", "--out", "nowhere/shop.jwk", code=2).err


def test_a_root_key_is_made_for_a_file_or_to_be_seen(accredit):
    assert len(b64_decode(accredit("keys", "generate", "--purpose", "root").out.strip())) == 32
    assert accredit("keys", "generate", "--purpose", "root", "--out", "root.key").out.startswith("root key ")
    told = accredit("keys", "generate", "--purpose", "root", "--json").json
    assert len(told["key_id"]) == 16
    environ = {"ACCREDIT_ROOT_KEY_FILE": "root.key", "ACCREDIT_DATABASE_URL": "sqlite:///other.sqlite"}
    accredit.environ.update(environ)
    accredit("migrate")
    assert accredit("account", "create", "Example").code == 0


def test_thumbprints_of_keys_and_of_sets(accredit, vectors):
    key = vectors["keys"]["es512"]
    for name, document in (("public", key["jwk"]), ("private", key["private_jwk"]), ("set", {"keys": [key["jwk"]]})):
        (accredit.directory / name).write_text(json.dumps(document))
        assert accredit("keys", "thumbprint", name).out == key["thumbprint"] + "\n"
    assert accredit("keys", "thumbprint", "-", "--json", stdin=json.dumps(key["jwk"])).json == [key["thumbprint"]]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"keys":[]}', '{"keys":[1]}', '{"a":1,"a":2}'])
def test_what_is_no_key_is_told(accredit, text):
    (accredit.directory / "key.jwk").write_text(text)
    assert "key_malformed" in accredit("keys", "thumbprint", "key.jwk", code=2).err
    (accredit.directory / "key.jwk").write_text('{"kty":"new"}')
    assert "key_type_unsupported" in accredit("keys", "thumbprint", "key.jwk", code=2).err


def test_registers_lists_retires_and_revokes(on_database, set_up):
    set_up(on_database)
    thumbprint = on_database("keys", "thumbprint", "shop.public.jwk").out.strip()
    (listed,) = on_database("keys", "list", "--purpose", "deployment", "--deployer", "shop", "--json").json
    assert (listed["thumbprint"], listed["state"], listed["alg"]) == (thumbprint, "active", "ES512")
    retired = on_database("keys", "retire", listed["key_id"], "--until", "24h", "--json").json
    assert retired["state"] == "retiring"
    revoked = on_database("keys", "revoke", thumbprint, "--end-sessions", "--json").json
    assert (revoked["key"]["state"], revoked["sessions_cancelled"]) == ("revoked", 0)
    assert on_database("keys", "list", "--live", "--json").json == []
    assert on_database("keys", "list").out.splitlines()[1].split()[:3] == [listed["key_id"], "deployment", "revoked"]
    assert "key_not_live" in on_database("keys", "retire", listed["key_id"], "--until", "1h", code=1).err
    assert "key_not_found" in on_database("keys", "revoke", thumbprint, code=1).err


def test_a_thumbprint_that_begins_with_a_hyphen_is_no_option(shop):
    made = next(pair for pair in iter(generate_deployment_key, None) if pair.thumbprint.startswith("-"))
    shop("keys", "register", "-", "--deployer", "shop", stdin=json.dumps(made.public_jwk))
    retired = shop("keys", "retire", made.thumbprint, "--until", "24h", "--json").json
    assert (retired["thumbprint"], retired["state"]) == (made.thumbprint, "retiring")
    assert shop("keys", "revoke", "--end-sessions", made.thumbprint, "--json").json["key"]["state"] == "revoked"


def test_registers_from_another_commands_output(shop):
    public = shop("keys", "generate", "--out", "next.jwk").out
    told = shop(
        "keys", "register", "-", "--deployer", "shop", "--integration", "checkout", "--label", "next", "--json", stdin=public
    )
    assert told.json["integration_ids"] == ["checkout"]
    assert told.json["label"] == "next"


@pytest.mark.parametrize("until", ["yesterday", "24", "2026-01-05T12:00:00", "", "1w"])
def test_a_time_of_a_wrong_form_is_wrong_usage(shop, until):
    if until != "24":  # Unix seconds: long ago, so the key ends now.
        assert "24h" in shop("keys", "retire", "key_1", "--until", until, code=2).err
        return
    (key,) = shop("keys", "list", "--json").json
    assert shop("keys", "retire", key["key_id"], "--until", until, "--json").json["state"] == "retired"


def test_a_private_key_is_refused_for_good(shop):
    shop("keys", "generate", "--out", "next.jwk")
    assert "key_private_member" in shop("keys", "register", "next.jwk", "--deployer", "shop", code=2).err
    private = json.loads((shop.directory / "next.jwk").read_text())
    del private["d"], private["key_ops"]
    assert "key_denied" in shop("keys", "register", "-", "--deployer", "shop", stdin=json.dumps(private), code=2).err


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("shop.public.jwk", "--deployer", "shop"), 1, "key_exists"),
        (("shop.public.jwk", "--deployer", "nobody"), 1, "deployer_not_found"),
        (("shop.public.jwk", "--deployer", "shop", "--integration", "nothing"), 1, "integration_not_found"),
        (("shop.public.jwk", "--deployer", "shop", "--alg", "ES256"), 2, "key_alg_mismatch"),
        (("missing.jwk", "--deployer", "shop"), 2, "does not exist"),
    ],
)
def test_a_key_that_cannot_be_registered_is_told(shop, args, code, told):
    assert told in shop("keys", "register", *args, code=code).err


def test_an_api_key_is_shown_once(on_database, set_up):
    set_up(on_database)
    made = on_database("keys", "create", "--purpose", "api", "--label", "backend", "--json").json
    assert has_secret_form(made["secret"])
    assert made["secret"].startswith("accredit_live_api_")
    assert made["secret"] not in on_database("keys", "list", "--json").out
    sandbox = on_database("keys", "create", "--purpose", "api", "--environment", "sandbox").out
    assert "accredit_sandbox_api_" in sandbox


def test_a_secret_goes_into_a_file_or_is_never_made(shop):
    told = shop("keys", "create", "--purpose", "api", "--out", "api.key", "--json").json
    path = shop.directory / "api.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert has_secret_form(path.read_text().strip())
    assert (told["secret_file"], "secret" in told) == ("api.key", False)
    before = shop("keys", "list", "--json").json
    assert "never overwrites" in shop("keys", "create", "--purpose", "api", "--out", "api.key", code=2).err
    assert (
        "integration_not_found"
        in shop("keys", "create", "--purpose", "api", "--integration", "nothing", "--out", "other.key", code=1).err
    )
    assert shop("keys", "list", "--json").json == before
    assert not (shop.directory / "other.key").exists()


def test_a_passport_key_is_a_secret_or_the_public_half(shop):
    create = ("keys", "create", "--purpose", "passport", "--integration", "checkout", "--json")
    symmetric, public = shop(*create).json, shop(*create, "--alg", "ECDH-ES+A128KW", "--enc", "A256GCM").json
    assert (symmetric["jwk"]["kty"], symmetric["jwk"]["kid"]) == ("oct", symmetric["key"]["key_id"])
    assert (public["jwk"]["kty"], "d" in public["jwk"], public["key"]["enc"]) == ("EC", False, "A256GCM")
    assert "key_limit_reached" in shop(*create, code=1).err
    assert "--integration" in shop("keys", "create", "--purpose", "passport", code=2).err
    assert len(shop("keys", "list", "--integration", "checkout", "--json").json) == 2


def identity_secrets(accredit):
    return accredit("keys", "list", "--purpose", "identity", "--json").json


def test_an_identity_secret_is_shown_once_and_ends_as_every_key(on_database, set_up):
    set_up(on_database)
    create = ("keys", "create", "--purpose", "identity", "--deployer", "shop", "--label", "backend", "--json")
    made = on_database(*create).json
    assert len(b64_decode(made["secret"])) == 32
    assert (made["key"]["deployer_id"], made["key"]["integration_id"], made["key"]["label"]) == ("shop", None, "backend")
    assert identity_secrets(on_database) == [made["key"]]
    assert made["secret"] not in on_database("keys", "list").out
    on_database(*create)
    assert "key_limit_reached" in on_database(*create, code=1).err
    key_id = made["key"]["key_id"]
    assert on_database("keys", "retire", key_id, "--until", "24h", "--json").json["state"] == "retiring"
    assert on_database("keys", "revoke", key_id, "--json").json["key"]["state"] == "revoked"
    on_database(*create)


def test_an_integration_has_an_identity_secret_of_its_own(shop):
    shop("integration", "create", "app", "--deployer", "shop", "--door", "boot")
    create = ("keys", "create", "--purpose", "identity", "--deployer", "shop", "--integration")
    assert shop(*create, "app", "--json").json["key"]["integration_id"] == "app"
    assert [key["integration_id"] for key in identity_secrets(shop)] == ["app"]
    assert "integration_not_found" in shop(*create, "checkout", code=1).err
    assert shop("keys", "list", "--integration", "app", "--json").json == identity_secrets(shop)


def test_an_identity_secret_that_the_deployer_has_is_imported_and_not_shown(on_database, set_up):
    set_up(on_database)
    on_database("keys", "generate", "--purpose", "identity", "--out", "old.secret")
    text = (on_database.directory / "old.secret").read_text()
    create = ("keys", "create", "--purpose", "identity", "--deployer", "shop", "--import")
    done = on_database(*create, "old.secret", "--json")
    assert done.json["purpose"] == "identity"
    assert text.strip() not in done.out
    assert "key_exists" in on_database(*create, "-", stdin=text, code=1).err
    on_database(*create, "-", stdin=on_database("keys", "generate", "--purpose", "identity").out)
    assert len(identity_secrets(on_database)) == 2


def test_an_identity_secret_goes_into_a_file(shop):
    told = shop("keys", "create", "--purpose", "identity", "--deployer", "shop", "--out", "shop.secret", "--json").json
    path = shop.directory / "shop.secret"
    assert (told["secret_file"], "secret" in told) == ("shop.secret", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(b64_decode(path.read_text().strip())) == 32


def test_an_identity_secret_is_generated_anywhere(accredit):
    assert len(b64_decode(accredit("keys", "generate", "--purpose", "identity").out.strip())) == 32
    assert len(b64_decode(accredit("keys", "generate", "--purpose", "identity", "--json").json["secret"])) == 32
    assert accredit("keys", "generate", "--purpose", "identity", "--out", "a.secret").out == "identity secret in a.secret\n"
    assert accredit("keys", "generate", "--purpose", "identity", "--out", "b.secret", "--json").json == {
        "secret_file": "b.secret"
    }
    assert stat.S_IMODE((accredit.directory / "b.secret").stat().st_mode) == 0o600
    assert len({(accredit.directory / name).read_text() for name in ("a.secret", "b.secret")}) == 2


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--purpose", "identity"), 2, "--deployer"),
        (("--purpose", "api", "--deployer", "shop"), 2, "--deployer"),
        (("--purpose", "api", "--import", "shop.jwk"), 2, "--import"),
        (("--purpose", "identity", "--deployer", "shop", "--integration", "a", "--integration", "b"), 2, "or of one"),
        (("--purpose", "identity", "--deployer", "shop", "--import", "shop.jwk", "--out", "x"), 2, "--out"),
        (("--purpose", "identity", "--deployer", "shop", "--import", "shop.jwk"), 2, "secret_malformed"),
        (("--purpose", "identity", "--deployer", "shop", "--import", "nothing"), 2, "does not exist"),
        (("--purpose", "identity", "--deployer", "nobody"), 1, "deployer_not_found"),
    ],
)
def test_an_identity_secret_that_cannot_be_made_is_told(shop, options, code, told):
    assert told in shop("keys", "create", *options, code=code).err
    assert identity_secrets(shop) == []
    assert not (shop.directory / "x").exists()
