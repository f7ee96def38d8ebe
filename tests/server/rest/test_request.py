"""Reading a create request: the table of protocol-rest.md section 5, row by row, and what is absence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.errors import MalformedError
from accredit.server.gate.rest import FaultyRequestError, parse_request

from .conftest import CALLBACKS, make_gate

LONG = "https://a.example/" + "a" * 2000
NAMES = (
    *("flow", "requestedAttributes", "callbackUrls", "allowedProviders", "prefilledInput", "additionalParameters"),
    *("encryptionPublicKey", "requestedLoa", "tags", "returnUrl", "embeddedParentDomains", "language", "themeId"),
    *("externalReference", "usageReference", "sessionLifetime", "requestDomain", "encryptionKeyId", "responseProtection"),
)


def faults_of(made: Any, **members: Any) -> str:
    """The faults of a body, each as `name:code`."""
    with pytest.raises(FaultyRequestError) as refused:
        made.parse(**members)
    assert refused.value.code == "invalid_request_parameter"
    assert all(each.reason.endswith(".") for each in refused.value.faults)
    return " ".join(f"{each.name}:{each.code}" for each in refused.value.faults)


def test_nulls_empty_lists_and_empty_texts_are_absence():
    bare = make_gate().parse()
    lists = ("requestedAttributes", "allowedProviders", "tags", "embeddedParentDomains", "encryptionPublicKey")
    texts = ("language", "themeId", "externalReference", "requestedLoa", "requestDomain", "encryptionPublicKey")
    deep = {
        "additionalParameters": {"a": None, "b": ""},
        "responseProtection": None,
        "tags": [None],
        "requestedAttributes": None,
    }
    assert make_gate().parse(**{name: [] for name in lists}) == bare
    assert make_gate().parse(**dict.fromkeys(texts, "")) == bare
    assert make_gate().parse(**deep) == bare


def test_spellings_of_names_and_values_that_count_as_one():
    callbacks = {name: CALLBACKS[name.lower()] for name in ("SUCCESS", "Abort", "error")}
    body = {"FLOW": "Redirect", "callbackurls": callbacks, "requestedloa": "HIGH", "prefilledinput": {"USERNAME": "u"}}
    request = parse_request(json.dumps(body).encode(), make_gate().surroundings())
    assert (request.flow, request.requested_loa, request.prefilled) == ("redirect", "high", {"userName": "u"})


@pytest.mark.parametrize(
    "text",
    [
        '{"flow":"redirect","FLOW":"headless"}',
        '{"flow":"headless","prefilledInput":{"nin":"1","NIN":"2"}}',
        '{"flow":"headless","callbackUrls":{"success":"a","Success":"b"}}',
        '{"flow":"headless","responseProtection":{"enc":"a","ENC":"b"}}',
        "[]",
        '"text"',
        "{",
        '{"flow":NaN}',
        '\ufeff{"flow":"headless"}',
        '{"a":' * 9 + "1" + "}" * 9,
        '{"flow":"\\ud800"}',
    ],
)
def test_what_is_no_request_at_all(text):
    with pytest.raises(MalformedError) as refused:
        parse_request(text.encode("utf-8", "surrogatepass"), make_gate().surroundings())
    assert refused.value.code == "request_malformed"
    assert not isinstance(refused.value, FaultyRequestError)


def test_a_letter_of_another_alphabet_makes_no_spelling():
    """U+212A KELVIN SIGN becomes `k` in lower case."""
    body = {"flow": "redirect", "callbac\u212aUrls": CALLBACKS}
    with pytest.raises(FaultyRequestError) as refused:
        parse_request(json.dumps(body).encode(), make_gate().surroundings())
    assert [each.name for each in refused.value.faults] == ["callbackUrls"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"flow": "popup"}, "flow:value"),
        ({"flow": 5}, "flow:type"),
        ({"flow": None}, "flow:required"),
        ({"requestedAttributes": "nin"}, "requestedAttributes:type"),
        ({"requestedAttributes": ["a", 5]}, "requestedAttributes[1]:type"),
        ({"requestedAttributes": ["", "a" * 65]}, "requestedAttributes[0]:length requestedAttributes[1]:length"),
        ({"requestedAttributes": ["-b"]}, "requestedAttributes[0]:format"),
        ({"requestedAttributes": ["a"] * 101}, "requestedAttributes:length"),
        ({"callbackUrls": None}, "callbackUrls:required"),
        ({"callbackUrls": []}, "callbackUrls:required"),
        ({"callbackUrls": "https://a.example"}, "callbackUrls:type"),
        ({"callbackUrls": {}}, "callbackUrls.success:required callbackUrls.abort:required callbackUrls.error:required"),
        ({"callbackUrls": {**CALLBACKS, "abort": ""}}, "callbackUrls.abort:length"),
        ({"callbackUrls": {**CALLBACKS, "abort": LONG}}, "callbackUrls.abort:length"),
        ({"callbackUrls": {**CALLBACKS, "abort": 7}}, "callbackUrls.abort:type"),
        ({"callbackUrls": {**CALLBACKS, "abort": "https://shop.example:70000/"}}, "callbackUrls.abort:format"),
        ({"callbackUrls": {**CALLBACKS, "abort": "ftp://shop.example/"}}, "callbackUrls.abort:format"),
        ({"callbackUrls": {**CALLBACKS, "abort": "https://a.example\\@b.example/"}}, "callbackUrls.abort:format"),
        ({"callbackUrls": {**CALLBACKS, "abort": "https://sh%6Fp.example/"}}, "callbackUrls.abort:format"),
        ({"callbackUrls": {**CALLBACKS, "abort": "https://127.1/"}}, "callbackUrls.abort:format"),
        ({"flow": "headless", "callbackUrls": {**CALLBACKS, "error": "http://a.example"}}, "callbackUrls.error:not_allowed"),
        ({"allowedProviders": ["nbid", "mitid", "nope"]}, "allowedProviders[1]:not_allowed allowedProviders[2]:not_allowed"),
        ({"allowedProviders": ["x" * 31, ""]}, "allowedProviders[0]:length allowedProviders[1]:length"),
        ({"allowedProviders": ["nbid"] * 51}, "allowedProviders:length"),
        ({"prefilledInput": {"nin": None, "other": "x"}}, "prefilledInput:required"),
        ({"prefilledInput": {"nin": "", "mobile": "+0123"}}, "prefilledInput.nin:length prefilledInput.mobile:format"),
        ({"prefilledInput": {"email": "a" * 250 + "@b.example"}}, "prefilledInput.email:length"),
        ({"prefilledInput": {"dateOfBirth": "2000-13-01"}}, "prefilledInput.dateOfBirth:format"),
        ({"prefilledInput": {"dateOfBirth": "20000101"}}, "prefilledInput.dateOfBirth:format"),
        ({"prefilledInput": {"firstName": 5}}, "prefilledInput.firstName:type"),
        ({"additionalParameters": {"a": 5, "b": "x" * 1025}}, "additionalParameters.a:type additionalParameters.b:length"),
        ({"additionalParameters": {"a" * 65: "b"}}, "additionalParameters:length"),
        ({"additionalParameters": {str(n): "b" for n in range(21)}}, "additionalParameters:length"),
        ({"additionalParameters": {"a\u0000b": 5}}, "additionalParameters:type"),
        ({"additionalParameters": ["a"]}, "additionalParameters:type"),
        ({"tags": ["a", "b" * 101]}, "tags[1]:length"),
        ({"returnUrl": "javascript:alert(1)"}, "returnUrl:format"),
        ({"embeddedParentDomains": ["a.example", "http://a.example"]}, "embeddedParentDomains[1]:not_allowed"),
        ({"embeddedParentDomains": ["a b", 5]}, "embeddedParentDomains[0]:format embeddedParentDomains[1]:type"),
        ({"language": "x" * 36, "themeId": "x" * 65}, "language:length themeId:length"),
        ({"externalReference": "x" * 256, "usageReference": 1}, "externalReference:length usageReference:type"),
        ({"sessionLifetime": 1.0}, "sessionLifetime:type"),
        ({"sessionLifetime": "60"}, "sessionLifetime:type"),
        ({"requestDomain": "shop.example"}, "requestDomain:not_allowed"),
        ({"requestDomain": "*.shop.example"}, "requestDomain:format"),
        ({"encryptionKeyId": ""}, "encryptionKeyId:length"),
        ({"encryptionKeyId": "x" * 129}, "encryptionKeyId:length"),
        ({"responseProtection": {"enc": "A256GCM"}}, "responseProtection:conflict"),
        ({"encryptionKeyId": "a", "responseProtection": "jwe"}, "responseProtection:type"),
        ({"encryptionKeyId": "a", "responseProtection": {"mode": "JWE"}}, "responseProtection.mode:value"),
        ({"encryptionKeyId": "a", "responseProtection": {"signingAlg": "HS256"}}, "responseProtection.signingAlg:value"),
        ({"encryptionKeyId": "a", "responseProtection": {"padTo": 100}}, "responseProtection.padTo:value"),
        ({"encryptionKeyId": "a", "responseProtection": {"padTo": "256"}}, "responseProtection.padTo:type"),
        (
            {"encryptionKeyId": "a", "responseProtection": {"mode": "jws+jwe", "nonce": "a b"}},
            "responseProtection.nonce:format",
        ),
    ],
)
def test_faults(members, expected):
    assert faults_of(make_gate(), **members) == expected


def test_at_most_twenty_faults_are_told():
    assert len(faults_of(make_gate(), tags=[""] * 50).split()) == 20


def test_members_that_nobody_knows():
    strange = {"colour": "red", "a b": 1, "gone": None, "prefilledInput": {"nin": "1", "shoe": "42"}}
    assert make_gate().parse(**strange).prefilled == {"nin": "1"}
    told = faults_of(make_gate(unknown_members="refuse"), **strange)
    assert told == "prefilledInput.shoe:not_allowed colour:not_allowed (unnamed):not_allowed"


def test_the_policy_narrows_what_may_be_asked_for():
    made = make_gate(
        callback_hosts=["*.shop.example"],
        request_domains=["*.shop.example"],
        protection="jws+jwe",
        allowed_enc=["A256GCM"],
        response_enc="A256GCM",
        providers=["sbid", "nbid"],
        embedded_parent_domains=["*.shop.example"],
    )
    body = {"encryptionKeyId": "a", "callbackUrls": None, "flow": "embedded"}
    assert faults_of(made, **{**body, "callbackUrls": {**CALLBACKS, "abort": "https://a.shop.example/"}}) == (
        "callbackUrls.success:not_allowed callbackUrls.error:not_allowed"
    )
    assert faults_of(made, **body, allowedProviders=["ftn"]) == "allowedProviders[0]:not_allowed"
    parents = ["a.example", "shop.example", "*.shop.example"]
    assert faults_of(made, **body, embeddedParentDomains=parents) == (
        "embeddedParentDomains[0]:not_allowed embeddedParentDomains[1]:not_allowed"
    )
    told = faults_of(made, **body, responseProtection={"mode": "jwe", "enc": "A128GCM"})
    assert told == "responseProtection.mode:not_allowed responseProtection.enc:not_allowed"
    assert made.parse(**body, responseProtection={"nonce": "abc"}).protection.nonce == "abc"
    assert made.parse(**body, requestDomain="LOGIN.shop.example").request_domain == "login.shop.example"
    assert made.parse(**body).parents == ("https://*.shop.example",)


def test_who_may_frame_an_embedded_session():
    embedded = {"flow": "embedded", "callbackUrls": None}
    assert make_gate("sandbox").parse(**embedded).parents == ("*",)
    plain = make_gate("sandbox").parse(**embedded, embeddedParentDomains=["http://a.example"])
    assert plain.parents == ("http://a.example",)
    assert faults_of(make_gate(), **embedded) == "embeddedParentDomains:required"
    assert faults_of(make_gate(), **embedded, embeddedParentDomains=[None]) == "embeddedParentDomains:required"
    assert make_gate().parse(embeddedParentDomains=["a.example"]).parents == ()


@pytest.mark.parametrize(("asked", "effective"), [(None, 600), (0, 600), (1, 300), (700, 600), (400, 400)])
def test_the_lifetime_that_a_session_gets(asked, effective):
    assert make_gate(max_session_lifetime_s=600).parse(sessionLifetime=asked).lifetime_s == effective


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5000) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), st.booleans())
def test_whatever_comes_is_read_or_refused(members, refuse):
    """No body ends in another exception."""
    made = make_gate(unknown_members="refuse" if refuse else "ignore")
    told = outcome_of(json.dumps(members).encode(), made)
    assert told in ("redirect", "headless", "embedded", "request_malformed", "invalid_request_parameter")


def outcome_of(octets: bytes, made: Any) -> str:
    try:
        return parse_request(octets, made.surroundings()).flow
    except MalformedError as error:
        return error.code
