"""The snippet of an integration: what stands in the page, and that the server samples sign what the gate admits.

A sample is run as it is printed, by the language's own interpreter, with the private key of the vectors in its environment.
"""

import json
import re
import time
from pathlib import Path

import pytest

from accredit.deployment import peek_deployment
from accredit.errors import FailureError
from accredit.keys import generate_deployment_key, parse_deployment_key
from accredit.passport import generate_passport_key, parse_passport_key, seal_passport
from accredit.properties import DirectProperties
from accredit.server.gate import DeploymentProof, LiveKeys, Visit, admit_deployment
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.integration import prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.integrations.snippet import LANGUAGES, render_snippet
from accredit.server.keyring.scope import Scope
from accredit.server.sdk import Sdk, load_sdk

TESTS = Path(__file__).parents[2]
VECTORS = json.loads((TESTS / "vectors" / "embed.json").read_text(encoding="utf-8"))
KEY = VECTORS["keys"]["es512"]
DOCUMENTED = next(case for case in VECTORS["cases"] if case["name"] == "documented_shape")["inputs"]["integration"]
SDK = Sdk("1.2.3", "sha384-" + "A" * 64)
PUBLIC_URL = "https://id.owner.example"
SCHEMA = [{"name": "first_name", "required": True}, {"name": "card_number", "encrypted_only": True}]


def record_of(**members):
    policy = parse_policy("embed", members, now_ms=0)
    return IntegrationRecord(
        scope=Scope("acc_1", "live"),
        door="embed",
        name="Checkout",
        version=1,
        policy=policy,
        created_ms=0,
        updated_ms=0,
        **DOCUMENTED,
    )


def render(record):
    return render_snippet(record, public_url=PUBLIC_URL, sdk=SDK)


def call_of(html):
    """What the page passes to accredit.init, as members of JSON text."""
    return dict(re.findall(r'^ +"?([a-z_0-9.-]+)"?: (".*"),$', html, re.MULTILINE))


def test_the_page_loads_the_immutable_script_and_names_the_integration():
    html = render(record_of()).html
    assert (
        f'<script src="{PUBLIC_URL}/sdk/1.2.3/accredit.js" integrity="{SDK.integrity}" crossorigin="anonymous"></script>'
        in html
    )
    assert '<div id="YOUR-TARGET-ELEMENT"></div>' in html
    named = {name: json.dumps(value) for name, value in DOCUMENTED.items()}
    assert call_of(html) == {**named, "location": '"#YOUR-TARGET-ELEMENT"'}
    assert render(record_of()).samples == {}


def test_a_server_below_a_path_is_named_to_the_script():
    html = render_snippet(record_of(), public_url="https://www.owner.example/accredit", sdk=SDK).html
    assert call_of(html)["base_url"] == '"https://www.owner.example/accredit"'


def test_each_key_of_the_schema_has_a_placeholder_encrypted_ones_too():
    told = call_of(render(record_of(passport_schema=SCHEMA)).html)
    assert (told["first_name"], told["card_number"]) == ('"{{YOUR-VALUE}}"', '"{{YOUR-VALUE}}"')
    assert told["encrypted_passport"] == '"{{ENCRYPTED-VALUE}}"'
    assert "encrypted_passport" not in render(record_of(passport_schema=SCHEMA[:1])).html


def test_where_a_token_is_required_the_page_holds_nothing_but_it_and_the_place():
    snippet = render(record_of(signed_deployment="required", passport_schema=SCHEMA))
    assert call_of(snippet.html) == {"location": '"#YOUR-TARGET-ELEMENT"', "signed_deployment": '"{{SIGNED-VALUE}}"'}
    assert tuple(snippet.samples) == LANGUAGES


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", '"', "\\", "<!--", "\u2028", "&quot;", "${x}", "#{x}", "'"]
)
def test_no_name_ends_a_string_or_a_tag(name):
    """Ids and keys are of a harmless form already; this holds if they ever are not."""
    record = record_of(signed_deployment="off", passport_schema=SCHEMA)
    odd = IntegrationRecord(**{**{field: getattr(record, field) for field in record.__struct_fields__}, "owner_id": name})
    html = render(odd).html
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert html.count("<!--") == 1
    (literal,) = re.findall(r"owner_id: (.*),$", html, re.MULTILINE)
    assert literal.isascii()
    assert json.loads(literal) == name


def test_what_comes_from_elsewhere_is_escaped_in_attributes():
    html = render_snippet(record_of(), public_url='https://x.example"><b', sdk=Sdk('"', "'>")).html
    assert '"><b' not in html
    assert "'>" not in html


@pytest.fixture
def sign(run_sample):
    """The token that a sample prints for this private JWK."""
    return lambda language, text, private_jwk: run_sample(language, text, DEPLOYMENT_KEY=json.dumps(private_jwk))


def admitted(record, token, key, *, passport_keys=(), origin="https://shop.example"):
    integration = prepare(record.policy, scope=record.scope, door="embed", version=1, **DOCUMENTED)
    keys = LiveKeys([parse_deployment_key(key)], passport_keys)
    proof = DeploymentProof(peek_deployment(token), DirectProperties())
    return admit_deployment(proof, integration, keys, Visit(origin, "iframe", PUBLIC_URL), int(time.time() * 1000))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_a_token_of_the_original_shape(language, sign):
    record = record_of(signed_deployment="required")
    token = sign(language, render(record).samples[language], KEY["private_jwk"])
    peeked = peek_deployment(token)
    assert token.startswith("eyJhbGciOiJFUzUxMiJ9.")
    assert peeked.payload == {**DOCUMENTED, "uid": "user-123456"}
    admission = admitted(record, token, KEY["jwk"])
    assert (admission.uid, admission.trust, admission.warnings) == ("user-123456", "signed", ())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_passes_what_the_schema_declares(language, sign):
    record = record_of(signed_deployment="required", passport_schema=SCHEMA, strict_passport=True)
    made = generate_passport_key()
    sealed = seal_passport({"card_number": "4111"}, made.private_jwk)
    text = render(record).samples[language].replace("{{ENCRYPTED-VALUE}}", sealed)
    filled = text.replace("{{YOUR-VALUE}}", "Ada", 1)
    token = sign(language, filled, KEY["private_jwk"])
    opening = [parse_passport_key(made.private_jwk, key_id="pk")]
    admission = admitted(record, token, KEY["jwk"], passport_keys=opening)
    assert admission.passport.values == {"first_name": "Ada", "card_number": "4111"}
    assert admission.passport.server_only == ("card_number",)


@pytest.mark.parametrize("profile", ["warn", "require"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_what_the_policy_asks_for(language, profile, sign):
    origins = ["https://shop.example", "https://*.shop.example"]
    record = record_of(signed_deployment="required", token_profile=profile, allowed_origins=origins)
    pair = generate_deployment_key()
    token = sign(language, render(record).samples[language], pair.private_jwk)
    assert peek_deployment(token).payload["origins"] == ["https://shop.example"]
    assert peek_deployment(token).kid == pair.thumbprint
    admission = admitted(record, token, pair.public_jwk)
    assert admission.replay_id
    assert admission.warnings == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_claims_under_the_original_header(language, sign):
    record = record_of(
        signed_deployment="required",
        token_expiry="require",
        token_single_use="require",
        token_audience="require",
        token_origins="warn",
    )
    text = render(record).samples[language]
    assert "{{YOUR-ORIGIN}}" in text
    token = sign(language, text.replace("{{YOUR-ORIGIN}}", "https://shop.example"), KEY["private_jwk"])
    assert token.startswith("eyJhbGciOiJFUzUxMiJ9.")
    assert admitted(record, token, KEY["jwk"]).warnings == ()


MANY = {
    "python": "for _ in range(20): print(signed_deployment(uid='x'))",
    "node": "for (let n = 0; n < 20; n++) console.log(await signedDeployment({ uid: 'x' }));",
    "ruby": "20.times { puts signed_deployment(uid: 'x') }",
    "php": "for ($n = 0; $n < 20; $n++) echo signed_deployment($privateJwk, uid: 'x'), \"\\n\";",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_keeps_leading_zeros(language, sign):
    """Half of all P-521 numbers begin with a zero octet, which DER leaves out and JWS wants."""
    record = record_of(signed_deployment="required")
    text = f"{render(record).samples[language]}{MANY[language]}\n"
    signatures = set()
    for token in sign(language, text, KEY["private_jwk"]).splitlines():
        signatures.add(peek_deployment(token).signature)
        assert admitted(record, token, KEY["jwk"]).trust == "signed"
    assert len(signatures) == 21
    assert any(signature[0] == 0 for signature in signatures)


def test_reads_what_the_build_told_of_itself(tmp_path):
    (tmp_path / "integrity.json").write_text('{"version":"0.1.0","integrity":"sha384-x","bytes":1,"gzip_bytes":1}')
    assert load_sdk(tmp_path) == Sdk("0.1.0", "sha384-x")


@pytest.mark.parametrize("text", [None, "", "{}", '{"version":1,"integrity":"x"}'])
def test_a_build_that_is_missing_or_broken_is_told(tmp_path, text):
    if text is not None:
        (tmp_path / "integrity.json").write_text(text)
    with pytest.raises(FailureError) as failure:
        load_sdk(tmp_path)
    assert failure.value.code == "sdk_missing"
