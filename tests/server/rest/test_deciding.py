"""Which providers a create request may lead to: step 7 of protocol-rest.md section 5."""

from dataclasses import replace

import pytest

from accredit.errors import Refused
from accredit.server.gate.rest import FaultyRequestError, RestAdmission, find_offers

from .conftest import OFFERS, Offer, make_gate

KEY = {"encryptionKeyId": "a"}


def offered(made, *, encrypted=False, **members):
    return list(made.admit(made.parse(**members), encrypted=encrypted).offered)


def refusal(made, **members):
    with pytest.raises(FaultyRequestError) as refused:
        offered(made, **members)
    (fault,) = refused.value.faults
    return refused.value.code, fault.name, fault.code


def test_nothing_else_makes_an_admission():
    made = make_gate()
    admission = made.admit(made.parse())
    with pytest.raises(TypeError):
        RestAdmission(admission.integration, admission.request, "client-1", ("ftn",), encrypted=True)
    with pytest.raises((TypeError, ValueError)):
        replace(admission, offered=("ftn",))


def test_a_policy_offers_its_providers_in_its_order_and_only_enabled_ones():
    assert offered(make_gate(providers=["otp-email", "mitid", "gone", "nbid"])) == ["otp-email", "nbid"]
    assert offered(make_gate(), **KEY) == ["nbid", "sbid", "ftn", "otp-email"]
    assert offered(make_gate(), allowedProviders=["sbid", "nbid", "sbid"]) == ["sbid", "nbid"]
    with pytest.raises(Refused) as refused:
        find_offers(make_gate(enabled=False).integration, OFFERS)
    assert refused.value.code == "integration_disabled"


def test_those_that_cannot_do_what_is_asked_for_are_left_out():
    assert offered(make_gate(), requestedLoa="high") == ["nbid"]
    assert offered(make_gate(), requestedLoa="Substantial", **KEY) == ["nbid", "sbid", "ftn"]
    embedded = {"flow": "embedded", "callbackUrls": None, "embeddedParentDomains": ["shop.example"]}
    assert offered(make_gate(), **embedded) == ["nbid", "otp-email"]
    assert refusal(make_gate(), **embedded, allowedProviders=["sbid"]) == ("invalid_request_parameter", "flow", "not_allowed")
    told = refusal(make_gate(), allowedProviders=["otp-email"], requestedLoa="substantial")
    assert told == ("invalid_request_parameter", "requestedLoa", "not_allowed")
    assert refusal(make_gate(offers=())) == ("invalid_request_parameter", "flow", "not_allowed")


def test_a_provider_that_requires_encryption_is_hidden_from_a_choice_and_refused_by_name():
    required = ("encryption_required", "encryptionPublicKey", "required")
    assert offered(make_gate()) == ["nbid", "sbid", "otp-email"]
    assert refusal(make_gate(), allowedProviders=["ftn", "nbid"]) == required
    assert offered(make_gate(), allowedProviders=["ftn", "nbid"], **KEY) == ["ftn", "nbid"]
    assert refusal(make_gate(offers=(OFFERS[2],))) == required
    assert refusal(make_gate(protection="jwe")) == required


def test_personal_input_in_a_plain_request():
    secret = ("encrypted_request_required", "prefilledInput", "not_allowed")
    given = {"prefilledInput": {"nin": "1"}, **KEY}
    assert offered(make_gate(), **given) == ["nbid", "sbid", "otp-email"]
    assert refusal(make_gate(), **given, allowedProviders=["ftn", "nbid"]) == secret
    assert refusal(make_gate(offers=(OFFERS[2],)), **given) == secret
    assert refusal(make_gate(plain_personal_input="refuse"), **given, allowedProviders=["nbid"]) == secret
    assert offered(make_gate(plain_personal_input="allow"), **given) == ["nbid", "sbid", "ftn", "otp-email"]
    assert offered(make_gate(plain_personal_input="refuse"), encrypted=True, **given) == ["nbid", "sbid", "ftn", "otp-email"]


def test_a_headless_session_has_exactly_one_provider():
    headless = {"flow": "headless", "callbackUrls": None}
    assert refusal(make_gate(), **headless) == ("invalid_request_parameter", "allowedProviders", "length")
    assert offered(make_gate(), **headless, requestedLoa="high") == ["nbid"]
    assert offered(make_gate(offers=(Offer("sbid"),)), **headless) == ["sbid"]
