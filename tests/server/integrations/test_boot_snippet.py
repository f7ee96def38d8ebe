"""The snippet of an integration of the boot door: the call that stands in the page, and samples that sign what the gate admits."""

import json
import re
import time

import pytest

from accredit import IdentitySecret, generate_identity_secret
from accredit.identity import peek_identity, read_boot_body
from accredit.server.gate import IdentityProof, Visit, admit_identity
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.integration import prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.integrations.snippet import LANGUAGES, render_snippet
from accredit.server.keyring.scope import Scope
from accredit.server.sdk import Sdk

IDS = {"deployer_id": "cp_" + "A" * 21, "integration_id": "cpd_" + "B" * 21, "owner_id": "acme"}
NAMED = {"cp_id": IDS["deployer_id"], "cp_deployment_id": IDS["integration_id"]}
SDK = Sdk("1.2.3", "sha384-" + "A" * 64)
PUBLIC_URL, SHOP = "https://id.owner.example", "https://shop.example"
SECRET = generate_identity_secret()
VARIABLES = {"IDENTITY_SECRET": SECRET, "IDENTITY_KEY_ID": "key_1"}
JANE = "jane@example.com"


def record_of(**members):
    times = {"created_ms": 0, "updated_ms": 0}
    policy = parse_policy("boot", members, now_ms=0)
    return IntegrationRecord(scope=Scope("acc_1", "live"), door="boot", name="Shop", version=1, policy=policy, **times, **IDS)


def render(*, public_url=PUBLIC_URL, **members):
    return render_snippet(record_of(**members), public_url=public_url, sdk=SDK)


def call_of(html):
    """What the page passes to accredit.init, as members of JSON text."""
    return dict(re.findall(r'^ +([A-Za-z_0-9]+): (".*"),$', html, re.MULTILINE))


def test_the_page_loads_the_immutable_script_and_boots_with_a_signature():
    html = render().html
    assert f'src="{PUBLIC_URL}/sdk/1.2.3/accredit.js" integrity="{SDK.integrity}" crossorigin="anonymous"></script>' in html
    assert '<div id="YOUR-TARGET-ELEMENT"></div>' in html
    assert call_of(html) == {
        **dict.fromkeys(("email", "first_name", "surname"), '"{{YOUR-VALUE}}"'),
        **{name: json.dumps(value) for name, value in NAMED.items()},
        "location": '"#YOUR-TARGET-ELEMENT"',
        "marketplace_url": f'"{PUBLIC_URL}"',
        "signature": '"{{YOUR-SIGNATURE}}"',
    }
    assert "owner_id" not in html


@pytest.mark.parametrize(
    ("members", "signed"),
    [
        ({}, True),
        ({"level": "basic"}, False),
        ({"level": "CSP"}, False),
        ({"level": "SECURE_IDENTITY_DEBUG", "force": True, "debug_until": "1970-01-01T12:00:00Z"}, True),
    ],
)
def test_a_signature_is_asked_for_where_the_level_wants_one(members, signed):
    snippet = render(**members)
    assert ("signature" in call_of(snippet.html)) is signed
    assert tuple(snippet.samples) == (LANGUAGES if signed else ())


@pytest.mark.parametrize(
    ("public_url", "name"),
    [
        ("https://id.owner.example:8443", "marketplace_url"),
        ("http://127.0.0.1:8400", "marketplace_url"),
        ("http://localhost", "marketplace_url"),
        ("https://www.owner.example/accredit", "base_url"),
        ("http://accredit.internal", "base_url"),
    ],
)
def test_the_script_is_told_where_to_post_by_a_name_that_takes_such_an_address(public_url, name):
    told = call_of(render(public_url=public_url).html)
    assert {member: told[member] for member in ("marketplace_url", "base_url") if member in told} == {name: f'"{public_url}"'}


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", '"', "\\", "<!--", "\u2028", "${x}", "#{x}", "'"])
def test_no_name_ends_a_string_or_a_tag(name):
    """Ids are of a harmless form already; this holds if they ever are not."""
    record = record_of(identity_v2="warn")
    odd = IntegrationRecord(**{**{field: getattr(record, field) for field in record.__struct_fields__}, "deployer_id": name})
    snippet = render_snippet(odd, public_url=PUBLIC_URL, sdk=SDK)
    assert (snippet.html.count("<script"), snippet.html.count("</script>")) == (2, 2)
    (literal,) = re.findall(r"cp_id: (.*),$", snippet.html, re.MULTILINE)
    assert literal.isascii()
    assert json.loads(literal) == name
    quoted = "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert all(quoted in snippet.samples[language] for language in ("ruby", "php"))


def admitted(signature, customer_info, *, origin=SHOP, **members):
    """The gate's verdict on a page that passes these."""
    record = record_of(**members)
    integration = prepare(record.policy, scope=record.scope, door="boot", version=1, **IDS)
    boot = read_boot_body({**NAMED, "signature": signature, "customerInfo": customer_info})
    proof, secrets = IdentityProof(boot, peek_identity(signature)), [IdentitySecret.from_base64(SECRET, "key_1")]
    return admit_identity(proof, integration, secrets, Visit(origin, "iframe", PUBLIC_URL), int(time.time() * 1000))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_the_e_mail_as_the_original_does(language, run_sample):
    signature = run_sample(language, render().samples[language], IDENTITY_SECRET=SECRET)
    assert re.fullmatch(r"[0-9]{10}:[A-Za-z0-9+/]{43}=:[0-9a-f]{32}", signature)
    admission = admitted(signature, {"email": JANE, "first_name": "Jane"})
    assert (admission.uid, admission.trust, admission.warnings) == (JANE, "signed", ())


SIGNED = {
    "python": "print(signature())",
    "node": "console.log(signature());",
    "ruby": "puts signature",
    "php": 'echo signature(), "\\n";',
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_for_somebody_who_is_not_known(language, run_sample):
    text = f"{render().samples[language]}{SIGNED[language]}\n"
    jane, nobody = run_sample(language, text, IDENTITY_SECRET=SECRET).splitlines()
    assert admitted(nobody, {}).uid is None
    assert peek_identity(jane).nonce != peek_identity(nobody).nonce


@pytest.mark.parametrize("demand", ["warn", "require"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_all_fields_once_the_policy_asks_for_it(language, demand, run_sample):
    value = "Zoë / <Co> & “Söhne” 👩 \u2028"
    text = render(identity_v2=demand).samples[language].replace("{{YOUR-VALUE}}", value)
    signature = run_sample(language, text, **VARIABLES)
    fields = {"email": JANE, "first_name": value, "surname": value}
    admission = admitted(signature, fields, identity_v2=demand)
    assert (admission.uid, admission.proof_kind, admission.warnings) == (JANE, "identity_v2", ())
    assert admission.customer.unverified == ()


ODD = {
    "address_1": "1 High Street\r\nFlat 2",
    "number_of_children": 2,
    "broadband": {"provider": "A/B"},
    "county": None,
    "title": "",
}
SIGNED_ODD = {
    "python": "print(signature({'address_1': '1 High Street\\r\\nFlat 2', 'number_of_children': 2,"
    " 'broadband': {'provider': 'A/B'}, 'county': None, 'title': ''}))",
    "node": "console.log(signature({ address_1: '1 High Street\\r\\nFlat 2', number_of_children: 2,"
    " 'broadband.provider': 'A/B', county: null, title: '' }));",
    "ruby": 'puts signature({ address_1: "1 High Street\\r\\nFlat 2", number_of_children: 2,'
    ' "broadband.provider": "A/B", county: nil, title: "" })',
    "php": 'echo signature(["address_1" => "1 High Street\\r\\nFlat 2", "number_of_children" => 2,'
    ' "broadband.provider" => "A/B", "county" => null, "title" => ""]), "\\n";',
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_fields_as_the_server_counts_them(language, run_sample):
    """Line ends, numbers, nested names and what is absent: the server reads them in one way only."""
    text = f"{render(identity_v2='require').samples[language]}{SIGNED_ODD[language]}\n"
    signature = run_sample(language, text, **VARIABLES).splitlines()[-1]
    admission = admitted(signature, ODD, identity_v2="require")
    assert (admission.uid, admission.trust, admission.customer.unverified) == (None, "signed", ())


@pytest.mark.parametrize(
    ("allowed_origins", "shown"),
    [(["https://*.shop.example", SHOP, "https://other.example"], SHOP), (["https://*.shop.example"], "{{YOUR-ORIGIN}}")],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_binds_the_signature_to_the_page_once_the_policy_asks_for_it(language, allowed_origins, shown, run_sample):
    members = {"allowed_origins": allowed_origins, "identity_v2": "require", "identity_origin": "require"}
    text = render(**members).samples[language]
    assert shown in text
    origin = "https://www.shop.example" if shown == "{{YOUR-ORIGIN}}" else SHOP
    signature = run_sample(language, text.replace("{{YOUR-ORIGIN}}", origin), **VARIABLES)
    fields = {"email": JANE, "first_name": "{{YOUR-VALUE}}", "surname": "{{YOUR-VALUE}}"}
    assert admitted(signature, fields, origin=origin, **members).trust == "signed"
