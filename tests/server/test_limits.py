"""The limit on refusals: per address and minute, bounded in memory."""

import pytest

from accredit.server.limits import RefusalLimit, TooManyRefusals, network_of


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
