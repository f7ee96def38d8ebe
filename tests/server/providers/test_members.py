"""Provider records as owners write them: every fault names its member."""

from typing import Any

import pytest

from accredit.errors import MalformedError
from accredit.server.providers.checking import check_settings
from accredit.server.providers.members import check_provider_id, parse_members, present_members

EID = {"kind": "oidc", "issuer": "https://id.example", "client_id": "accredit", "client_secret": "s3cret"}
CALLOUT = {"kind": "callout", "url": "https://app.example/who", "secret": "whsec_" + "QUJD" * 11}
NOW_MS = 1_800_000_000_000


def parse(members: dict[str, Any], *, environment: str = "live", provider_id: str = "p", secrets: Any = None) -> Any:
    parsed = parse_members(provider_id, members, secrets or {}, environment)
    check_settings(parsed, NOW_MS)
    return parsed


@pytest.mark.parametrize(
    ("members", "flows", "loa"),
    [
        ({"kind": "sandbox"}, ("redirect", "headless", "embedded"), "high"),
        (EID, ("redirect",), "low"),
        ({"kind": "email_otp"}, ("redirect", "embedded"), "low"),
        (CALLOUT, ("redirect",), "low"),
    ],
)
def test_what_counts_where_nothing_is_said(members, flows, loa):
    stored = parse(members, environment="sandbox").stored
    assert (stored.flows, stored.loa, stored.display_name, stored.enabled) == (flows, loa, "p", True)
    assert (stored.requires_encryption, stored.mapping, stored.required_attributes, stored.logo) == (False, {}, (), None)


@pytest.mark.parametrize(("provider_id", "requires"), [("ftn", True), ("ftn-2", False)])
def test_the_finnish_network_requires_encryption_by_its_id(provider_id, requires):
    assert parse({"kind": "email_otp"}, provider_id=provider_id).stored.requires_encryption is requires
    said = parse({"kind": "email_otp", "requires_encryption": not requires}, provider_id=provider_id)
    assert said.stored.requires_encryption is not requires


def test_secrets_stand_apart_from_what_anybody_may_read():
    parsed = parse(EID)
    assert parsed.secrets == {"client_secret": "s3cret"}
    assert "s3cret" not in repr(parsed)
    assert "client_secret" not in present_members(parsed.stored)


def test_a_secret_stays_unless_it_is_sent():
    without = {name: value for name, value in EID.items() if name != "client_secret"}
    assert parse(without, secrets={"client_secret": "old"}).secrets == {"client_secret": "old"}
    assert parse(EID, secrets={"client_secret": "old"}).secrets == {"client_secret": "s3cret"}
    with pytest.raises(MalformedError, match="field_missing: client_secret"):
        parse({**EID, "client_secret": None}, secrets={"client_secret": "old"})


def test_what_is_read_can_be_written():
    stored = parse({**EID, "mapping": {"nin": {"claim": "pid", "as": "nin", "country": "NO"}}}).stored
    again = parse_members("p", present_members(stored), {"client_secret": "x"}, "live").stored
    assert again == stored


def faults() -> list[Any]:
    logo = "data:image/png;base64,AAAA"
    rows: list[tuple[dict[str, Any], str]] = [
        ({}, "field_missing: kind"),
        ({"kind": "wallet"}, "provider_kind_unsupported: kind"),
        ({"kind": "sandbox"}, "provider_kind_unsupported: kind"),
        ({"kind": "saml"}, "field_invalid: kind"),
        ({"kind": 7}, "field_invalid: kind"),
        ({**EID, "profile": "other"}, "field_invalid: profile"),
        ({"kind": "email_otp", "loa": "substantial"}, "field_invalid: loa"),
        ({"kind": "email_otp", "flows": ["headless"]}, "field_invalid: flows"),
        ({"kind": "email_otp", "flows": []}, "field_invalid: flows"),
        ({"kind": "email_otp", "flows": ["popup"]}, "field_invalid: flows[0]"),
        ({"kind": "email_otp", "display_name": ""}, "field_invalid: display_name"),
        ({"kind": "email_otp", "display_name": "x" * 61}, "field_invalid: display_name"),
        ({"kind": "email_otp", "logo": "https://x.example/logo.png"}, "logo_invalid: logo"),
        ({"kind": "email_otp", "logo": logo}, "logo_invalid: logo"),
        ({"kind": "email_otp", "unheard_of": 1}, "field_invalid: unheard_of"),
        ({"kind": "email_otp", "client_secret": "x"}, "field_invalid: client_secret"),
        ({"kind": "email_otp", "mapping": {"x": {}}}, "field_invalid: mapping.x"),
        ({"kind": "email_otp", "mapping": {"x": {"claim": "a", "const": "b"}}}, "field_invalid: mapping.x"),
        ({"kind": "email_otp", "mapping": {"x": {"claim": "a", "as": "number"}}}, "field_invalid: mapping[...].as"),
        ({"kind": "email_otp", "mapping": {"x": {"claim": "a", "country": "no"}}}, "field_invalid: mapping[...].country"),
        ({"kind": "email_otp", "mapping": {"-x": {"claim": "a"}}}, "field_invalid: mapping"),
        ({"kind": "email_otp", "required_attributes": ["a b"]}, "field_invalid: required_attributes[0]"),
        ({**EID, "flows": ["redirect", "embedded"]}, "field_invalid: flows"),
        ({**EID, "embeddable": True, "flows": ["headless"]}, "field_invalid: flows"),
        ({**EID, "issuer": None}, "field_invalid: issuer"),
        ({**EID, "issuer": "https://id.example?tenant=1"}, "field_invalid: issuer"),
        ({**EID, "client_id": "a b"}, "field_invalid: client_id"),
        ({**EID, "client_secret": ""}, "field_invalid: client_secret"),
        ({**EID, "client_secret": "a\nb"}, "field_invalid: client_secret"),
        ({**EID, "client_secret": ["x"]}, "field_invalid: client_secret"),
        ({**EID, "client_auth": "client_secret_jwt"}, "field_invalid: client_auth"),
        ({**EID, "signing_alg": "HS256"}, "field_invalid: signing_alg"),
        ({**EID, "signing_alg": "none"}, "field_invalid: signing_alg"),
        ({**EID, "scopes": ["profile"]}, "field_invalid: scopes"),
        ({**EID, "scopes": ["open id"]}, "field_invalid: scopes[0]"),
        ({**EID, "id_token_encryption": "either"}, "field_invalid: id_token_encryption"),
        ({**EID, "acr_values": {"medium": "x"}}, "field_invalid: acr_values"),
        ({**EID, "login_hint": "password"}, "field_invalid: login_hint"),
        ({**EID, "userinfo": True}, "field_invalid: userinfo"),
        ({"kind": "oidc"}, "field_missing: issuer"),
        ({**CALLOUT, "timeout_s": 11}, "field_invalid: timeout_s"),
        ({**CALLOUT, "secret": "abc"}, "secret_malformed: secret"),
        ({**CALLOUT, "secret": "whsec_AAAA"}, "secret_malformed: secret"),
        ({"kind": "callout", "url": "https://app.example"}, "field_missing: secret"),
        ({"kind": "oidc", "profile": "ftn", "sp_name": "x" * 41}, "field_"),
    ]
    return [pytest.param(members, fault, id=f"{index}-{fault}") for index, (members, fault) in enumerate(rows)]


@pytest.mark.parametrize(("members", "fault"), faults())
def test_a_fault_names_its_member(members, fault):
    with pytest.raises(MalformedError) as error:
        parse(members)
    assert str(error.value).startswith(fault)


@pytest.mark.parametrize("provider_id", ["", "x" * 31, "NBID", "a_b", "a b", "ä", "a/b", "a\n"])
def test_ids_are_short_and_plain(provider_id):
    with pytest.raises(MalformedError, match="field_invalid: provider_id"):
        check_provider_id(provider_id)


def test_flows_are_kept_in_one_order():
    assert parse({"kind": "email_otp", "flows": ["embedded", "redirect", "embedded"]}).stored.flows == ("redirect", "embedded")
