"""Limits: how often something may happen in a window, bounded in memory."""

import pytest

from accredit.server.limits import Allowances, RateLimit, RefusalLimit, TooManyRefusals, TooManyRequests, network_of


def test_an_address_waits_for_the_next_minute():
    limit = RefusalLimit(2)
    for _ in range(2):
        limit.check("192.0.2.1", 10_000)
        limit.count("192.0.2.1", 10_000)
    with pytest.raises(TooManyRefusals) as refused:
        limit.check("192.0.2.1", 10_000)
    assert refused.value.retry_after_s == 51
    limit.check("192.0.2.2", 10_000)
    limit.check("192.0.2.1", 60_000)


def test_an_ipv6_network_of_64_bits_counts_as_one():
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"


def test_many_addresses_push_out_the_oldest_only():
    limit = RefusalLimit(1, capacity=2)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        limit.count(address, 0)
    limit.check("192.0.2.1", 0)
    with pytest.raises(TooManyRefusals):
        limit.check("192.0.2.3", 0)


def test_so_many_in_a_window_and_each_for_itself():
    limit = RateLimit(1000)
    for _ in range(3):
        limit.take("a", 3, 10_200)
    with pytest.raises(TooManyRequests) as refused:
        limit.take("a", 3, 10_200)
    assert refused.value.retry_after_s == 1
    limit.take("b", 3, 10_200)
    limit.take("a", 3, 11_000)


def test_who_was_refused_waits_no_longer_for_it():
    limit = RateLimit(60_000)
    limit.take("a", 1, 0)
    for now_ms, wait_s in ((0, 60), (59_001, 1), (59_999, 1)):
        with pytest.raises(TooManyRequests) as refused:
            limit.take("a", 1, now_ms)
        assert refused.value.retry_after_s == wait_s
    limit.take("a", 1, 60_000)


def test_many_callers_push_out_the_oldest_only():
    limit = RateLimit(1000, capacity=2)
    for who in "abc":
        limit.take(who, 1, 0)
    limit.take("a", 1, 0)
    with pytest.raises(TooManyRequests):
        limit.take("c", 1, 0)


def test_a_burst_at_once_and_then_so_many_a_second():
    allowances = Allowances(2, 4)
    taken = [allowances.take("a", 1000) for _ in range(5)]
    assert [each.granted for each in taken] == [True] * 4 + [False]
    assert [each.remaining for each in taken] == [3, 2, 1, 0, 0]
    assert [each.full_s for each in taken] == [1, 1, 2, 2, 2]
    assert {each.limit for each in taken} == {4}
    assert not allowances.take("a", 1499).granted
    assert allowances.take("a", 1500).granted
    assert not allowances.take("a", 1500).granted
    assert allowances.take("b", 1500).remaining == 3
    assert allowances.take("a", 60_000).remaining == 3


def test_a_clock_that_goes_back_gives_nothing():
    allowances = Allowances(1, 1)
    assert allowances.take("a", 5000).granted
    assert not allowances.take("a", 4000).granted
    assert allowances.take("a", 5000).granted


def test_many_keys_push_out_the_one_that_was_silent_longest():
    allowances = Allowances(1, 1, capacity=2)
    for who in "abac":
        allowances.take(who, 0)
    assert not allowances.take("a", 0).granted
    assert allowances.take("b", 0).granted
