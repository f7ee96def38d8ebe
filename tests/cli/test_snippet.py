"""`accredit snippet`: the whole of it, or one part for a file."""

import pytest

from accredit.errors import FailureError


def test_prints_html_alone_where_no_token_is_required(shop):
    assert shop("snippet", "checkout").out.startswith("--- html ---\n<!-- ")
    told = shop("snippet", "checkout", "--json").json
    assert told["server_samples"] == {}
    assert 'deployer_id: "shop"' in told["html"]
    assert "asks for no signature" in shop("snippet", "checkout", "--only", "node", code=2).err


def test_prints_samples_beside_it_where_one_is_required(shop):
    shop("integration", "set", "checkout", "signed_deployment=required")
    parts = [line for line in shop("snippet", "checkout").out.splitlines() if line.startswith("--- ")]
    assert parts == [f"--- {name} ---" for name in ("html", "python", "node", "ruby", "php")]
    samples = shop("snippet", "checkout", "--json").json["server_samples"]
    for language, text in samples.items():
        assert shop("snippet", "checkout", "--only", language).out == text


def test_prints_the_boot_of_an_integration_of_that_door(shop):
    shop("integration", "create", "cpd_1", "--door", "boot", "--deployer", "shop")
    told = shop("snippet", "cpd_1", "--json").json
    assert 'cp_id: "shop",\n    cp_deployment_id: "cpd_1",' in told["html"]
    assert 'signature: "{{YOUR-SIGNATURE}}"' in told["html"]
    assert list(told["server_samples"]) == ["python", "node", "ruby", "php"]
    shop("integration", "set", "cpd_1", "level=basic")
    assert "signature" not in shop("snippet", "cpd_1", "--only", "html").out
    assert "asks for no signature" in shop("snippet", "cpd_1", "--only", "php", code=2).err


def test_names_the_script_by_the_public_url(shop):
    shop.environ["ACCREDIT_PUBLIC_URL"] = "https://id.example.com"
    assert 'src="https://id.example.com/sdk/' in shop("snippet", "checkout", "--only", "html").out
    html = shop("snippet", "checkout", "--only", "html", "--public-url", "https://other.example.com").out
    assert 'src="https://other.example.com/sdk/' in html


def test_without_a_public_url_names_the_script_by_host_and_port(shop):
    shop.environ["ACCREDIT_PORT"] = "9123"
    assert 'src="http://127.0.0.1:9123/sdk/' in shop("snippet", "checkout", "--only", "html").out


def test_refuses_what_is_not_there(shop):
    assert "integration_not_found" in shop("snippet", "nothing", code=1).err


def test_a_script_that_is_not_built_is_told(shop, monkeypatch):
    def missing():
        raise FailureError("sdk_missing")

    monkeypatch.setattr("accredit.cli.snippet.load_sdk", missing)
    assert "make sdk" in shop("snippet", "checkout", code=3).err


@pytest.mark.parametrize("url", ["id.example.com", 'https://id.example.com/"><script>'])
def test_a_public_url_of_a_wrong_form_is_wrong_usage(shop, url):
    assert "ACCREDIT_PUBLIC_URL" in shop("snippet", "checkout", "--public-url", url, code=2).err
