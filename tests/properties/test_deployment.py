"""Signed deployments: what was signed verifies, nothing else does, and whatever a peer sends ends in an error of the tree."""

import json
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc.jws import JWSRegistry

import accredit
from accredit.deployment import TOKEN_TYPE, Demand
from accredit.encoding import b64url_encode
from accredit.keys import SIGNATURE_ALGORITHMS, parse_signing_key
from accredit.properties import SIGNED_MEMBERS

NOW = 1_700_000_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ALGORITHMS = st.sampled_from(list(SIGNATURE_ALGORITHMS))
IDS = st.text(st.sampled_from("aZ09_.-"), min_size=1, max_size=128)
UIDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=256).filter(
    lambda text: not text.startswith("anon_")
)
PASSPORTS = st.dictionaries(
    st.text(st.sampled_from("aZ09_.-"), min_size=1, max_size=64).filter(lambda name: name != "__proto__"),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False),
    max_size=6,
)
PROPERTIES = st.fixed_dictionaries(
    {"deployer_id": IDS, "integration_id": IDS, "owner_id": IDS},
    optional={"uid": UIDS, "view_id": IDS, "data_passport": PASSPORTS},
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TIMES = st.integers(NOW - 400, NOW + 400)
PLAUSIBLE = {
    "deployer_id": IDS,
    "integration_id": IDS,
    "owner_id": IDS,
    "view_id": IDS,
    "uid": UIDS,
    "data_passport": PASSPORTS,
    "encrypted_passport": st.text(max_size=9),
    "iat": TIMES,
    "exp": TIMES,
    "jti": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=20),
    "aud": st.sampled_from(["https://id.example", ["https://id.example"]]),
    "origins": st.just(["https://shop.example"]),
}


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly what a deployer may mean, often what it cannot mean."""
    payload = {"deployer_id": "d", "integration_id": "i", "owner_id": "o"}
    names = st.sampled_from([*PLAUSIBLE, *PLAUSIBLE, "location", "signed_deployment", "initial_loading_asset", "x"])
    for name in draw(st.lists(names, max_size=4)):
        payload[name] = draw(PLAUSIBLE[name] if name in PLAUSIBLE and draw(st.integers(0, 4)) else VALUES)
    return payload


DEMANDS = st.sampled_from(get_args(Demand))
POLICIES = st.builds(accredit.TokenPolicy, DEMANDS, DEMANDS, DEMANDS, DEMANDS, DEMANDS)
DIRECT = st.builds(
    accredit.DirectProperties,
    owner_id=st.none() | IDS,
    view_id=st.none() | IDS,
    uid=st.none() | UIDS | st.text(max_size=4),
    data_passport=st.none() | PASSPORTS | st.dictionaries(st.text(max_size=3), VALUES, max_size=2),
    encrypted_passport=st.none() | st.text(max_size=4),
)


@cache
def made(alg: str) -> tuple[dict[str, Any], accredit.DeploymentKey]:
    generated = accredit.generate_deployment_key(alg)
    return generated.private_jwk, accredit.parse_deployment_key(generated.public_jwk, alg)


def write(alg: str, header: bytes, payload: bytes) -> str:
    """A token with just these octets, soundly signed."""
    _, key = parse_signing_key(made(alg)[0])
    signing_input = f"{b64url_encode(header)}.{b64url_encode(payload)}"
    return f"{signing_input}.{b64url_encode(JWSRegistry.algorithms[alg].sign(signing_input.encode(), key))}"


def refused(token: str, alg: str) -> bool:
    try:
        accredit.verify_deployment(token, [made(alg)[1]], now=NOW, policy=accredit.TokenPolicy(key_id="warn"))
    except accredit.Refused:
        return True
    return False


@given(ALGORITHMS, PROPERTIES)
def test_what_is_signed_is_verified(alg: str, properties: dict[str, Any]) -> None:
    private, key = made(alg)
    verified = accredit.verify_deployment(accredit.sign_deployment(properties, private), [key], now=NOW).properties
    names = ("deployer_id", "integration_id", "owner_id", "uid", "view_id")
    assert {name: getattr(verified, name) for name in names} == dict.fromkeys(names) | {
        name: value for name, value in properties.items() if name in names
    }
    assert json.dumps(verified.data_passport) == json.dumps(properties.get("data_passport", {}))


@given(PROPERTIES, st.integers(1, 300), st.booleans(), st.integers(-30, 329))
def test_an_extended_token_lives_as_long_as_it_says(properties: dict[str, Any], life: int, single: bool, later: int) -> None:
    private, key = made("ES256")
    token = accredit.sign_deployment(properties, private, now=NOW, lifetime_s=life, single_use=single)
    policy = accredit.TokenPolicy("require", "require", "require" if single else "off")
    if later < life + 30:
        accredit.verify_deployment(token, [key], now=NOW + later, policy=policy)
    else:
        with pytest.raises(accredit.Refused, match="token_expired"):
            accredit.verify_deployment(token, [key], now=NOW + later, policy=policy)


@pytest.mark.parametrize("alg", SIGNATURE_ALGORITHMS)
def test_each_single_bit_counts(alg: str) -> None:
    """Every bit of a whole token, one after the other."""
    private, _ = made(alg)
    token = accredit.sign_deployment({"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": "u"}, private)
    assert not refused(token, alg)
    octets = token.encode()
    for position in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[position] ^= 1 << bit
            assert refused(flipped.decode("latin-1"), alg), (position, bit)


SECOND_SPELLINGS = ["=", "==", " ", "\n", "\r\n", "\t", "\x00", "+", "/", ".", "A", "é", "\u200b", "\ufeff", "Ａ", "%3D", "\\"]


@given(ALGORITHMS, PROPERTIES, st.data())
def test_no_second_spelling_of_a_token_is_verified(alg: str, properties: dict[str, Any], data: st.DataObject) -> None:
    token = accredit.sign_deployment(properties, made(alg)[0])
    respelt = token
    for _ in range(data.draw(st.integers(1, 3))):
        # Most spellings hide at the ends of segments.
        ends = [position + step for position, letter in enumerate(f"{respelt}.") if letter == "." for step in (0, 1)]
        position = data.draw(st.sampled_from(ends) | st.integers(0, len(respelt)))
        removed = data.draw(st.integers(0, 2))
        respelt = respelt[:position] + data.draw(st.sampled_from(["", *SECOND_SPELLINGS])) + respelt[position + removed :]
    if respelt != token:
        assert refused(respelt, alg)


@pytest.mark.parametrize("alg", SIGNATURE_ALGORITHMS)
@pytest.mark.parametrize("uid", ["u", "uu", "uuu"])
def test_the_last_letter_of_each_segment_has_one_value(alg: str, uid: str) -> None:
    """Spare bits: in a lenient decoder up to 16 letters stand for the same octets."""
    token = accredit.sign_deployment({"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": uid}, made(alg)[0])
    for end in (token.index("."), token.rindex("."), len(token)):
        for letter in ALPHABET + "+/=":
            respelt = token[: end - 1] + letter + token[end:]
            assert refused(respelt, alg) is (respelt != token)


@given(st.text() | st.text(st.sampled_from("eyJAQ0_-.="), max_size=60))
@example("..")
@example("e30.e30.AA")
def test_any_text_is_refused(text: str) -> None:
    assert refused(text, "ES256")


@given(ALGORITHMS, st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_signed_header_and_payload_end_in_an_error_of_the_tree(alg: str, octets: bytes) -> None:
    refused(write(alg, octets, b'{"deployer_id":"d","integration_id":"i"}'), alg)
    refused(write(alg, b'{"alg":"%s"}' % alg.encode(), octets), alg)


HEADERS = st.just({"alg": "ES256"}) | st.fixed_dictionaries(
    {"alg": st.just("ES256") | VALUES},
    optional={"kid": st.text(max_size=3) | VALUES, "typ": st.just(TOKEN_TYPE) | VALUES, "crit": VALUES, "zip": VALUES},
)


@settings(max_examples=400)
@given(
    HEADERS,
    payloads(),
    st.just(accredit.TokenPolicy()) | POLICIES,
    st.just(accredit.DirectProperties()) | DIRECT,
    st.booleans(),
)
def test_any_signed_payload_is_verified_or_refused(
    header: dict[str, Any],
    payload: dict[str, Any],
    policy: accredit.TokenPolicy,
    direct: accredit.DirectProperties,
    strict: bool,
) -> None:
    token = write("ES256", json.dumps(header).encode(), json.dumps(payload).encode())
    try:
        verified = accredit.verify_deployment(
            token,
            [made("ES256")[1]],
            now=NOW,
            policy=policy,
            audience="https://id.example",
            origin="https://shop.example",
            direct=direct,
            strict_direct=strict,
        )
    except accredit.Refused:
        return
    assert header["alg"] == "ES256"
    assert header.keys() <= {"alg", "kid", "typ"}
    assert verified.properties.uid == payload.get("uid")
    assert verified.properties.owner_id == (payload.get("owner_id") or direct.owner_id)
    assert verified.expires is None or NOW - 30 < verified.expires < 2**53
    assert verified.jti is None or verified.expires is not None
    assert not payload.keys() & {"location", "signed_deployment"}


ODD_VALUES = st.recursive(
    VALUES | st.binary(max_size=2) | st.floats() | st.text(max_size=3) | st.sampled_from([10**400, {1}, object()]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2) | st.integers(0, 1), inner, max_size=2),
    max_leaves=3,
)


@given(
    st.dictionaries(st.sampled_from(sorted(SIGNED_MEMBERS)) | st.text(max_size=2), ODD_VALUES, max_size=4),
    st.booleans(),
    st.none() | st.integers() | st.floats(),
)
def test_a_deployer_s_mistake_ends_in_an_error_of_the_tree(odd: dict[str, Any], sound: bool, now: Any) -> None:
    properties = ({"deployer_id": "d", "integration_id": "i"} if sound else {}) | odd
    try:
        token = accredit.sign_deployment(properties, made("ES256")[0], now=now)
    except accredit.AccreditError:
        return
    accredit.peek_deployment(token)
