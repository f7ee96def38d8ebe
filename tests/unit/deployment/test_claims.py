from dataclasses import fields
from typing import Any

import pytest

import accredit
from accredit.deployment.claims import (
    CLAIM_NAMES,
    NO_CLAIMS,
    ORIGINAL_POLICY,
    Claims,
    Demand,
    check_freshness,
    find_warnings,
    read_claims,
)

NOW = 1_700_000_000
JTI = "0123456789abcdef"
DEMANDS: tuple[Demand, ...] = ("warn", "require")
ASPECTS = [field.name for field in fields(accredit.TokenPolicy)]
FULL: dict[str, Any] = {
    "iat": NOW,
    "exp": NOW + 300,
    "jti": JTI,
    "aud": "https://id.example",
    "origins": ["https://shop.example"],
}


def policy_of(demand: Demand) -> accredit.TokenPolicy:
    return accredit.TokenPolicy(**dict.fromkeys(ASPECTS, demand))


def check(claims: dict[str, Any], policy: accredit.TokenPolicy = ORIGINAL_POLICY, now: int = NOW) -> tuple[str, ...]:
    read = read_claims(claims)
    check_freshness(read, policy, now=now, audience="https://id.example", origin="https://shop.example")
    return find_warnings(read, policy)


def refusal_of(
    claims: dict[str, Any], policy: accredit.TokenPolicy = ORIGINAL_POLICY, now: int = NOW
) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        check(claims, policy, now)
    return refusal.value.code, refusal.value.member


def test_a_token_of_the_original_has_no_claims() -> None:
    assert read_claims({"deployer_id": "d", "uid": "u"}) is NO_CLAIMS
    assert check({}) == ()


def test_reads_every_claim() -> None:
    assert read_claims(FULL) == Claims(NOW, NOW + 300, JTI, ("https://id.example",), ("https://shop.example",))
    assert {field.name for field in fields(Claims)} == CLAIM_NAMES


@pytest.mark.parametrize("demand", ["off", "warn", "require"])
def test_full_claims_pass_every_policy(demand: Demand) -> None:
    assert check(FULL, policy_of(demand)) == ()


NO_TIMES: list[Any] = [None, "1700000000", 1.7e9, True, -1, 2**53, 10**39, [NOW], {}]
ILL_TYPED: dict[str, list[Any]] = {
    "iat": NO_TIMES,
    "exp": NO_TIMES,
    "jti": [None, "x" * 15, "x" * 129, JTI + " ", JTI + "é", JTI + "\x7f", 1234567890123456, [JTI]],
    "aud": [None, 1, {}, [1], ["a", None], ["a"] * 21],
    "origins": [None, "https://shop.example", 1, {}, [1], ["a"] * 21],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ILL_TYPED.items() for value in values])
@pytest.mark.parametrize("demand", ["off", "warn", "require"])
def test_refuses_claims_of_a_wrong_type_under_every_policy(name: str, value: Any, demand: Demand) -> None:
    assert refusal_of(FULL | {name: value}, policy_of(demand)) == ("token_claims_invalid", name)


def test_a_single_use_token_has_an_end() -> None:
    assert refusal_of({"jti": JTI}) == ("token_claims_invalid", "jti")
    assert check({"jti": "!" * 16 + "~" * 112, "exp": NOW}) == ()


@pytest.mark.parametrize("demand", ["off", "warn", "require"])
def test_times_have_30_seconds_of_leeway_under_every_policy(demand: Demand) -> None:
    policy = policy_of(demand)
    check(FULL, policy, now=NOW - 30)
    assert refusal_of(FULL, policy, now=NOW - 31) == ("token_not_yet_valid", "iat")
    check(FULL, policy, now=NOW + 329)
    assert refusal_of(FULL, policy, now=NOW + 330) == ("token_expired", "exp")


@pytest.mark.parametrize("life", [-1, 0, 301, 10**6])
def test_a_life_is_1_to_300_seconds_where_policy_asks(life: int) -> None:
    # The end is kept ahead of the clock, so that nothing but the length is wrong.
    claims = FULL | {"iat": NOW - life + 20, "exp": NOW + 20} if life > 0 else FULL | {"exp": NOW + life}
    assert check(claims) == ()
    assert check(claims, policy_of("warn")) == ("token_lifetime:exp",)
    assert refusal_of(claims, policy_of("require")) == ("token_lifetime", "exp")


@pytest.mark.parametrize("life", [1, 300])
def test_the_shortest_and_the_longest_life_pass(life: int) -> None:
    assert check(FULL | {"exp": NOW + life}, policy_of("require")) == ()


@pytest.mark.parametrize(
    "audience", ["https://id.example/", "https://ID.example", "http://id.example", "", [], ["https://other.example"]]
)
def test_refuses_another_audience(audience: Any) -> None:
    assert refusal_of({"aud": audience}) == ("token_audience_mismatch", "aud")


def test_one_audience_of_a_list_is_enough() -> None:
    check({"aud": ["https://other.example", "https://id.example"]})


@pytest.mark.parametrize("origins", [[], ["https://other.example"], ["https://shop.example/"], ["https://*.example"]])
def test_refuses_another_origin(origins: list[str]) -> None:
    assert refusal_of({"origins": origins}) == ("token_origin_mismatch", "origins")


def test_a_page_without_origin_and_a_server_without_name_match_nothing() -> None:
    for claims in (Claims(aud=("None",)), Claims(origins=("None",))):
        with pytest.raises(accredit.Refused, match="mismatch"):
            check_freshness(claims, ORIGINAL_POLICY, now=NOW, audience=None, origin=None)


@pytest.mark.parametrize(
    ("aspect", "names"),
    [("expiry", ["iat", "exp"]), ("single_use", ["jti"]), ("audience", ["aud"]), ("origins", ["origins"])],
)
def test_absence_is_told_under_warn_and_refused_under_require(aspect: str, names: list[str]) -> None:
    for name in names:
        # Without an end the token cannot be single-use either.
        claims = {each: value for each, value in FULL.items() if each != name and (name, each) != ("exp", "jti")}
        warn, require = (accredit.TokenPolicy(**{aspect: demand}) for demand in DEMANDS)
        assert check(claims, warn) == (f"token_claim_missing:{name}",)
        assert refusal_of(claims, require) == ("token_claim_missing", name)
        assert check(claims) == ()


def test_the_first_second_of_1970_is_a_time() -> None:
    assert check(FULL | {"iat": 0, "exp": 300}, policy_of("warn"), now=10) == ()
