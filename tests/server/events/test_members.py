"""Whatever an owner writes of an endpoint is taken in one form, or refused with a member that was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.errors import MalformedError
from accredit.server.events.event_types import ALL_FLOW_NAMES, WANTED_NAMES
from accredit.server.events.members import WantedMembers, parse_members, present_members, stored_members
from accredit.server.events.records import read_members, write_members

NAMES = sorted(WantedMembers.__struct_fields__)
TEXTS = st.text(max_size=20) | st.sampled_from(["thin", "full", "api_key", "endpoint", "flow", "https://shop.example/"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["accredit", "flow"])


@given(kind=KINDS, members=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), VALUES, max_size=6))
def test_any_members_are_taken_or_refused_by_name(kind, members):
    wanted, refusal = parsed(kind, members)
    if wanted is None:
        assert refusal.code in ("validation_failed", "event_type_unknown", "encryption_key_required")
        assert refusal.member is not None
    else:
        assert set(wanted.event_types) <= (WANTED_NAMES if kind == "accredit" else set(ALL_FLOW_NAMES))
        assert read_members(write_members(stored_members(wanted))) == stored_members(wanted)


def parsed(kind, members):
    """What comes of members: what was read, or the refusal."""
    try:
        return parse_members(kind, members), None
    except MalformedError as error:
        return None, error


@given(
    event_types=st.lists(st.sampled_from(sorted(WANTED_NAMES)), min_size=1, max_size=8),
    tags=st.lists(st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable()), max_size=4),
    timeout_s=st.integers(5, 30),
)
def test_what_is_stored_is_read_and_shown_again(event_types, tags, timeout_s):
    given_members = {"url": "https://shop.example/", "event_types": event_types, "tags": tags, "timeout_s": timeout_s}
    stored = stored_members(parse_members("accredit", given_members))
    assert read_members(write_members(stored)) == stored
    assert parse_members("accredit", present_members(stored)) == parse_members("accredit", given_members)


@pytest.mark.parametrize("url", ["", "x" * 2049])
def test_an_address_has_a_length(url):
    with pytest.raises(MalformedError, match="url"):
        parse_members("accredit", {"url": url})
