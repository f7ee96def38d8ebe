"""Customer references: what was signed verifies, nothing else does, and whatever a page passes is read or refused in our words."""

import hmac
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import accredit
from accredit.encoding import b64_encode, b64url_encode, compact_json

NOW = 1_800_000_000
B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
SECRETS = st.builds(
    accredit.ReferenceSecret.from_text,
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=32, max_size=128),
    st.text(st.sampled_from("aZ09_-"), min_size=1, max_size=64),
)
REFERENCES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"), min_size=1, max_size=80
).filter(lambda text: len(text.encode()) <= 255)
IDS = st.text(st.sampled_from("aZ09_"), min_size=1, max_size=64)
ORIGINS = st.builds(
    "https://{}.example{}".format, st.text(st.sampled_from("az09-"), min_size=1, max_size=9), st.sampled_from(["", ":8443"])
)


@given(SECRETS, REFERENCES)
def test_what_is_signed_is_verified(secret: accredit.ReferenceSecret, reference: str) -> None:
    signature = accredit.sign_reference(secret, reference)
    # The plain reading of the protocol page, independent of ours.
    assert signature == b64_encode(hmac.digest(secret.octets, reference.encode(), "sha256"))
    verified = accredit.verify_reference(reference, signature, [secret])
    assert (verified.customer_reference, verified.key_id) == (reference, secret.key_id)


@given(
    SECRETS,
    REFERENCES,
    st.lists(IDS, min_size=1, max_size=20),
    st.lists(ORIGINS, max_size=20),
    st.integers(1, 3600),
    st.integers(0, 10**11),
    st.data(),
)
def test_so_is_a_token(
    secret: accredit.ReferenceSecret,
    reference: str,
    templates: list[str],
    origins: list[str],
    lifetime_s: int,
    now: int,
    data: st.DataObject,
) -> None:
    token = accredit.sign_reference_v2(
        secret, reference, templates, environment="sandbox", now=now, lifetime_s=lifetime_s, origins=origins
    )
    here: dict[str, Any] = {
        "environment": "sandbox",
        "template_id": data.draw(st.sampled_from(templates)),
        "origin": data.draw(st.sampled_from(origins or ["https://any.example"])),
        "now": now + data.draw(st.integers(-30, lifetime_s + 29)),
    }
    verified = accredit.verify_reference_v2(token, [secret], **here)
    assert (verified.customer_reference, verified.key_id, verified.expires) == (reference, secret.key_id, now + lifetime_s)


SECRET = accredit.ReferenceSecret.from_text("live_secret_" + "abcd1234" * 8, "live_key_1")
MADE = {alg: accredit.generate_deployment_key(alg) for alg in ("ES256", "EdDSA")}
KEYS = [SECRET, *(accredit.parse_reference_key(made.public_jwk, alg) for alg, made in MADE.items())]
HERE: dict[str, Any] = {"environment": "live", "template_id": "flwtmp_1", "origin": "https://shop.example"}
V1 = accredit.sign_reference(SECRET, "user-1")
V2 = {
    "HS256": accredit.sign_reference_v2(SECRET, "user-1", ["flwtmp_1"], environment="live", now=NOW),
    **{
        alg: accredit.sign_reference_v2(made.private_jwk, "user-1", ["flwtmp_1"], environment="live", now=NOW)
        for alg, made in MADE.items()
    },
}
EACH = pytest.mark.parametrize("signature", [V1, *V2.values()], ids=["original", *V2])


def refused(signature: Any, reference: str = "user-1", now: int = NOW) -> bool:
    """Whether it is refused as what it claims to be; any exception that is not ours fails the test."""
    try:
        if signature.count(".") == 2:
            accredit.verify_reference_v2(signature, KEYS, **HERE, now=now, customer_reference=reference)
        else:
            accredit.verify_reference(reference, signature, KEYS)
    except accredit.Refused:
        return True
    return False


@EACH
def test_each_single_bit_counts(signature: str) -> None:
    assert not refused(signature)
    octets = signature.encode()
    for position in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[position] ^= 1 << bit
            assert refused(flipped.decode("latin-1")), (position, bit)


@EACH
def test_each_letter_has_one_spelling(signature: str) -> None:
    """Spare bits, alphabets, padding: in a lenient decoder several letters stand for the same octets."""
    # Ed25519 and ECDSA take their time, and the first parts of a token are signed whatever they are.
    for position in range(max(0, len(signature) - 44), len(signature)):
        for letter in B64:
            respelt = signature[:position] + letter + signature[position + 1 :]
            assert refused(respelt) is (respelt != signature)


@EACH
@given(data=st.data())
def test_no_second_spelling_is_verified(signature: str, data: st.DataObject) -> None:
    respelt = signature
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(respelt)))
        removed = data.draw(st.integers(0, 2))
        new = data.draw(st.sampled_from(["", "=", " ", "\n", "\x00", "+", "0", ".", "..", "é", "\u200b", "%3D", "A"]))
        respelt = respelt[:position] + new + respelt[position + removed :]
    assert refused(respelt) is (respelt != signature)


@given(REFERENCES, REFERENCES)
def test_no_reference_is_taken_for_another(signed: str, passed: str) -> None:
    assert refused(accredit.sign_reference(SECRET, signed), passed) is (signed != passed)


@settings(max_examples=400)
@given(st.text() | st.text(st.sampled_from("eyJ.019aA=+/-_"), max_size=60))
@example("..")
@example("\ud800.\ud800.\ud800")
def test_any_text_is_a_shape_or_refused(text: str) -> None:
    try:
        peeked = accredit.peek_reference(text)
    except accredit.Refused:
        return
    assert peeked.version == 1
    assert text == b64_encode(peeked.signature)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
CLAIMS: dict[str, Any] = {
    "aud": "flow",
    "env": "live",
    "exp": NOW + 600,
    "iat": NOW,
    "jti": "a" * 22,
    "ori": ["https://shop.example"],
    "sid": "flwses_1",
    "sub": "user-1",
    "tpl": ["flwtmp_1"],
    "usr": {"email": "a@example.com"},
}


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), JSON, max_size=3), st.sets(st.sampled_from(sorted(CLAIMS)), max_size=2))
def test_any_claims_are_read_or_refused(changed: dict[str, Any], left_out: set[str]) -> None:
    claims = {name: value for name, value in (CLAIMS | changed).items() if name not in left_out}
    header = {"alg": "HS256", "kid": "live_key_1", "typ": "flow-user+jwt"}
    try:
        payload = compact_json(claims)
    except ValueError:
        return
    signing_input = f"{b64url_encode(compact_json(header))}.{b64url_encode(payload)}"
    mac = hmac.digest(SECRET.token_octets, signing_input.encode(), "sha256")
    if not refused(f"{signing_input}.{b64url_encode(mac)}"):
        for name in ("aud", "env", "jti", "sub", "iat", "exp"):
            assert type(claims[name]) is type(CLAIMS[name])
        assert (claims["aud"], claims["env"], claims["sub"]) == ("flow", "live", "user-1")
        assert "flwtmp_1" in claims["tpl"]
        assert "https://shop.example" in claims.get("ori", HERE["origin"])
