"""Properties and plain passports: whatever is said, it is taken by the rules or refused with a code."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import accredit
from accredit.passport import PassportKeyRule, PassportRules, check_passport, check_values
from accredit.properties import DirectProperties, check_uid, is_id, merge_signed, take_direct

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.text(max_size=4) | st.just("{{LEFT}}") | st.booleans() | st.integers(-9, 9) | st.floats(0, 1)
PASSPORTS = st.dictionaries(NAMES, SCALARS, max_size=4)
RULES = st.builds(
    PassportRules,
    st.none()
    | st.lists(
        st.builds(
            PassportKeyRule, NAMES, st.sampled_from(["any", "string", "number", "boolean"]), st.booleans(), st.booleans()
        ),
        max_size=4,
        unique_by=lambda rule: rule.name,
    ).map(tuple),
    st.booleans(),
)


@given(VALUES | st.dictionaries(st.text(max_size=3) | st.integers(), VALUES | SCALARS))
def test_any_value_is_a_passport_or_refused(value: Any) -> None:
    try:
        checked = check_values(value)
    except accredit.Refused:
        return
    assert checked == value
    assert all(isinstance(each, str | int | float | bool) for each in checked.values())


@settings(max_examples=400)
@given(PASSPORTS, PASSPORTS, RULES)
def test_a_checked_passport_keeps_its_rules(plain: dict[str, Any], opened: dict[str, Any], rules: PassportRules) -> None:
    try:
        checked = check_passport(plain, opened, rules)
    except accredit.Refused:
        return
    assert "{{LEFT}}" not in checked.values.values()
    assert set(checked.server_only) == {name for name in opened if name in checked.values and opened[name] != "{{LEFT}}"}
    for name, value in checked.values.items():
        assert value is (opened if name in checked.server_only else plain)[name]
    for rule in rules.schema or ():
        assert not rule.required or rule.name in checked.values
        assert not rule.encrypted_only or rule.name not in checked.values or rule.name in checked.server_only
    if rules.schema is not None:
        assert checked.values.keys() <= {rule.name for rule in rules.schema}
    dropped = (plain.keys() | opened.keys()) - checked.values.keys()
    assert dropped <= {warning.split(":", 1)[1] for warning in checked.warnings}


@given(VALUES)
def test_any_value_is_an_id_or_not_and_a_uid_or_refused(value: Any) -> None:
    assert is_id(value) in (True, False)
    try:
        assert check_uid(value) == value
    except accredit.Refused:
        return


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["owner_id", "view_id", "uid", "data_passport", "encrypted_passport", "x"]), VALUES | st.just("o")
    ),
    st.builds(
        DirectProperties,
        owner_id=st.none() | st.just("o"),
        uid=st.none() | st.text(max_size=4),
        data_passport=st.none() | st.dictionaries(st.text(max_size=2), VALUES, max_size=2),
        encrypted_passport=st.none() | st.text(max_size=3),
    ),
    st.booleans(),
)
def test_direct_values_never_reach_past_a_token(payload: dict[str, Any], direct: DirectProperties, strict: bool) -> None:
    signed = {"deployer_id": "d", "integration_id": "i", **payload}
    try:
        properties = merge_signed(signed, direct, strict=strict)
    except accredit.Refused:
        return
    assert properties.uid == payload.get("uid")
    assert properties.data_passport == (payload.get("data_passport") or {})
    assert properties.encrypted_passport == payload.get("encrypted_passport")
    assert len(properties.warnings) <= 30


@given(
    st.builds(
        DirectProperties,
        deployer_id=st.none() | st.just("d"),
        integration_id=st.none() | st.just("i"),
        owner_id=st.none() | st.just("o"),
        uid=st.none() | st.text(max_size=4),
        data_passport=st.none() | st.dictionaries(st.text(max_size=2), VALUES, max_size=2),
    )
)
def test_any_direct_properties_are_taken_or_refused(direct: DirectProperties) -> None:
    try:
        properties = take_direct(direct)
    except accredit.Refused:
        return
    assert (properties.uid, properties.view_signed) == (direct.uid, False)
