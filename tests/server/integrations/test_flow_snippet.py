"""The snippet of a template of the flow door: the page that opens the modal, and samples that sign what the gate admits."""

import re
import time

import pytest

import accredit
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.parsing import parse_policy
from accredit.server.integrations.snippet import LANGUAGES, render_snippet
from accredit.server.keyring.scope import Scope
from accredit.server.sdk import Sdk

TEMPLATE = "flwtmp_" + "1" * 22
SDK = Sdk("1.2.3", "sha384-" + "A" * 64)
PUBLIC_URL, SHOP = "https://id.owner.example", "https://shop.example"
SECRET, KEY_ID = "live_secret_" + "abcd1234" * 8, "live_key_1"
OWN = "accredit_live_reference_" + "T" * 50


def render(*, public_url=PUBLIC_URL, environment="live", **members):
    record = IntegrationRecord(
        integration_id=TEMPLATE,
        scope=Scope("acc_1", environment),
        door="flow",
        deployer_id=None,
        owner_id="acme",
        name="Shop",
        version=1,
        policy=parse_policy("flow", members, now_ms=0, environment=environment),
        created_ms=0,
        updated_ms=0,
    )
    return render_snippet(record, public_url=public_url, sdk=SDK)


def test_the_page_loads_the_immutable_script_and_opens_the_modal():
    html = render().html
    assert f'src="{PUBLIC_URL}/sdk/1.2.3/accredit.js" integrity="{SDK.integrity}" crossorigin="anonymous"></script>' in html
    assert f'templateId: "{TEMPLATE}",' in html
    assert re.findall(r"{{[A-Z-]+}}", html) == ["{{YOUR-PUBLISHABLE-KEY}}", "{{YOUR-USER-ID}}", "{{YOUR-SIGNATURE}}"]
    assert "flow.open()" in html
    assert "baseUrl" not in html


def test_a_server_below_a_path_is_named():
    assert 'baseUrl: "https://owner.example/accredit",' in render(public_url="https://owner.example/accredit").html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_as_the_original_does(language, run_sample):
    signature = run_sample(language, render().samples[language], REFERENCE_SECRET=SECRET)
    held = accredit.ReferenceSecret.from_text(SECRET, KEY_ID)
    assert accredit.verify_reference("user-123456", signature, [held]).version == 1


@pytest.mark.parametrize("secret", [SECRET, OWN], ids=["of a credential", "of references"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_signs_a_token_where_nothing_else_is_taken(language, secret, run_sample):
    text = render(signature_policy="required_v2", allowed_origins=[SHOP]).samples[language]
    token = run_sample(language, text, REFERENCE_SECRET=secret, REFERENCE_KEY_ID=KEY_ID)
    held = accredit.ReferenceSecret.from_text(secret, KEY_ID)
    told = {"environment": "live", "template_id": TEMPLATE, "now": int(time.time())}
    assert accredit.verify_reference_v2(token, [held], origin=SHOP, **told).customer_reference == "user-123456"
    with pytest.raises(accredit.Refused, match="token_origin_mismatch"):
        accredit.verify_reference_v2(token, [held], origin="https://other.example", **told)


@pytest.mark.parametrize("origins", [(), (SHOP, "https://www.shop.example")])
def test_a_token_is_bound_to_no_origin_where_there_is_more_than_one(origins):
    samples = render(signature_policy="required_v2", allowed_origins=list(origins)).samples
    assert all(SHOP not in text for text in samples.values())
