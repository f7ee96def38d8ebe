"""Bodies of the flow door's API: what each may have, and how what is wrong is named (protocol-flow.md section 9)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.server.gate.faults import FaultyRequestError
from accredit.server.gate.flow.bodies import parse_create, parse_customer, parse_decision, parse_retry

USER = {"customer_reference": "user-1"}
CREATE = {"template_id": "flwtmp_1", "user": USER}
RETRY = {"template_id": "flwtmp_1", "customer_reference": "user-1", "strategy": "reset"}


def faults_of(parse, body):
    """The faults of a body, each as `name:code`."""
    with pytest.raises(FaultyRequestError) as refused:
        parse(body)
    assert refused.value.code == "validation_failed"
    assert all(each.reason.endswith(".") for each in refused.value.faults)
    return " ".join(f"{each.name}:{each.code}" for each in refused.value.faults)


def test_a_create_with_all_its_members():
    name, simulate = {"first": "Ada", "last": "Lovelace"}, {"steps": {"kyc_check": "failed"}, "run": True}
    read = parse_create(
        {
            "template_id": "flwtmp_1",
            "user": {"customer_reference": "user-1", "email": "ada@example.org", "name": name, "unknown": 1},
            "shareable": True,
            "gave_consent": True,
            "tags": ["eu", "eu", "north"],
            "return_url": "https://shop.example/back",
            "locale": "nb-NO",
            "encryption_public_key": {"kty": "EC"},
            "simulate": simulate,
            "unknown": {},
        }
    )
    assert (read.template_id, read.customer_reference, read.shareable, read.consent) == ("flwtmp_1", "user-1", True, True)
    assert (read.user.email, read.user.name.last, read.tags) == ("ada@example.org", "Lovelace", ("eu", "north"))
    assert (read.return_url, read.locale, read.encryption_key) == ("https://shop.example/back", "nb-NO", {"kty": "EC"})
    assert (read.forced, read.headless) == ({"kyc_check": "failed"}, True)


def test_null_is_absence():
    optional = ("shareable", "consent", "gave_consent", "tags", "return_url", "locale", "encryption_public_key", "simulate")
    bare = parse_create(CREATE)
    user = {**USER, **dict.fromkeys(("email", "phone", "name", "date_of_birth", "address", "id_number"))}
    assert parse_create({**CREATE, **dict.fromkeys(optional), "user": user}) == bare
    assert (bare.shareable, bare.consent, bare.forced, bare.headless) == (None, False, None, False)
    assert parse_create({**CREATE, "simulate": {}}).forced == {}
    assert parse_create({**CREATE, "consent": True, "gave_consent": None}).consent


def test_a_number_is_a_reference():
    assert parse_create({**CREATE, "user": {"customer_reference": 42}}).customer_reference == "42"
    assert parse_retry({**RETRY, "customer_reference": 42}).customer_reference == "42"
    assert parse_customer({"customer_reference": 42}) == "42"


@pytest.mark.parametrize("reference", ["", "a\nb", "x" * 256, "\u2028"])
def test_what_is_no_reference_has_a_code_of_its_own(reference):
    bodies = (
        (parse_create, {**CREATE, "user": {"customer_reference": reference}}, "user.customer_reference"),
        (parse_retry, {**RETRY, "customer_reference": reference}, "customer_reference"),
        (parse_customer, {"customer_reference": reference}, "customer_reference"),
    )
    for parse, body, name in bodies:
        with pytest.raises(FaultyRequestError) as refused:
            parse(body)
        assert (refused.value.code, refused.value.member) == ("customer_reference_invalid", name)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"template_id": None}, "template_id:required"),
        ({"template_id": 5}, "template_id:type"),
        ({"template_id": "flwtmp-1"}, "template_id:format"),
        ({"user": None}, "user:required"),
        ({"user": "user-1"}, "user:type"),
        ({"user": {}}, "user.customer_reference:required"),
        ({"user": {"customer_reference": True}}, "user.customer_reference:type"),
        ({"user": {"customer_reference": 1.5}}, "user.customer_reference:type"),
        ({"user": {**USER, "name": {"first": "Ada"}}}, "user.name.last:format"),
        ({"user": {**USER, "address": {"street": "1 Main St", "city": "Oslo"}}}, "user.address.country_code:format"),
        ({"user": {**USER, "phone": "12345"}}, "user.phone:format"),
        ({"user": {**USER, "date_of_birth": "2001-02-29"}}, "user.date_of_birth:format"),
        ({"user": {**USER, "id_number": {"value": "1", "type": "us_ssn"}}}, "user.id_number.value:format"),
        ({"shareable": "yes"}, "shareable:type"),
        ({"consent": 1, "gave_consent": "x"}, "consent:type gave_consent:type"),
        ({"tags": "a"}, "tags:type"),
        ({"tags": ["a", 1, "", "x" * 65, "a\x00"]}, "tags[1]:type tags[2]:length tags[3]:length tags[4]:format"),
        ({"tags": [str(number) for number in range(21)]}, "tags:length"),
        ({"locale": "no such"}, "locale:format"),
        ({"encryption_public_key": "key"}, "encryption_public_key:type"),
        ({"simulate": True}, "simulate:type"),
        ({"simulate": {"run": "x", "steps": {"kyc_check": "passed"}}}, "simulate.steps.kyc_check:value simulate.run:type"),
        ({"simulate": {"steps": {"kyc_check": ""}}}, "simulate.steps.kyc_check:required"),
        ({"simulate": {"steps": {"Not a step": "failed"}}}, "simulate.steps:format"),
        ({"simulate": {"steps": []}}, "simulate.steps:type"),
    ],
)
def test_names_the_member_of_a_create(members, expected):
    assert faults_of(parse_create, {**CREATE, **members}) == expected


def test_tells_of_all_that_is_wrong():
    body = {"template_id": 5, "user": {"customer_reference": {}, "email": 5}, "shareable": 0}
    assert faults_of(parse_create, body) == ("template_id:type user.customer_reference:type user.email:format shareable:type")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"strategy": None}, "strategy:required"),
        ({"strategy": ""}, "strategy:required"),
        ({"strategy": "again"}, "strategy:value"),
        ({"strategy": 1}, "strategy:type"),
        ({"strategy": "Reset"}, "strategy:value"),
        ({"customer_reference": None}, "customer_reference:required"),
        ({"steps": {"kyc_check": 1}}, "steps.kyc_check:type"),
        ({"steps": {"KYC": True}}, "steps:format"),
        ({"steps": True}, "steps:type"),
        ({"user": 5}, "user:type"),
        ({"user": {"email": "nobody"}}, "user.email:format"),
    ],
)
def test_names_the_member_of_a_retry(members, expected):
    assert faults_of(parse_retry, {**RETRY, **members}) == expected


def test_a_retry_with_all_its_members():
    steps = {"verify_sms": False, "kyc_check": True}
    read = parse_retry({**RETRY, "strategy": "custom", "steps": steps, "user": {"phone": "+4712345678"}, "shareable": False})
    assert (read.strategy, read.steps, read.user.phone, read.shareable) == ("custom", steps, "+4712345678", False)
    assert (parse_retry(RETRY).steps, parse_retry(RETRY).shareable) == (None, None)


def test_a_reviewer_decides_one_way_or_the_other():
    assert [parse_decision({"decision": word}) for word in ("approve", "reject")] == ["approve", "reject"]
    for decision, code in ((None, "required"), ("", "required"), ("yes", "value"), (True, "type")):
        assert faults_of(parse_decision, {"decision": decision}) == f"decision:{code}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=8), of, max_size=3),
    max_leaves=8,
)
NAMES = (
    "template_id",
    "user",
    "customer_reference",
    "strategy",
    "steps",
    "tags",
    "simulate",
    "decision",
    "return_url",
    "locale",
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=6))
def test_whatever_comes_is_read_or_named(body):
    for parse in (parse_create, parse_retry, parse_customer, parse_decision):
        with suppress(FaultyRequestError):
            parse(body)
