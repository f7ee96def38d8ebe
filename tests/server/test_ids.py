"""Ids are unique, of a fixed form, and sort by the time at which they were made."""

import re
import uuid

import pytest

from accredit.server.ids import _base58, new_id, new_session_id


def test_session_id_is_a_uuid_of_version_7():
    text = new_session_id()
    assert uuid.UUID(text).version == 7
    assert len(text) == 36


def test_id_is_its_prefix_and_22_base58_characters():
    assert re.fullmatch(r"evt_[1-9A-HJ-NP-Za-km-z]{22}", new_id("evt_"))


@pytest.mark.parametrize("make", [new_session_id, lambda: new_id("evt_")])
def test_ids_sort_by_the_order_in_which_they_were_made(make):
    made = [make() for _ in range(1000)]
    assert made == sorted(set(made))


def test_the_order_of_texts_is_the_order_of_numbers_at_the_limits():
    # 58^22 > 2^128: nothing is cut off.
    texts = [_base58(number) for number in (0, 1, 57, 58, 3363, 3364, 2**127, 2**128 - 1)]
    assert texts == sorted(set(texts))
    assert {len(text) for text in texts} == {22}
    assert texts[0] == "1" * 22
    assert texts[3] == "1" * 20 + "21"
