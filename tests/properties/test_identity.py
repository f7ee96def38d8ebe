"""Identity signatures: what was signed verifies, nothing else does, and whatever is posted is read or refused in our own words."""

import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import accredit
from accredit.encoding import b64_encode, b64url_encode, compact_json
from accredit.identity import BOOT_NAMES, CUSTOMER_NAMES
from accredit.identity.signed_text import fields_text, signed_texts

NOW = 1_700_000_000
ORIGIN = "https://shop.example"
B64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="

IDS = st.text(st.sampled_from("aZ09_.-"), min_size=1, max_size=128)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
EMAILS = st.text(st.characters(exclude_categories=["Cs"]), max_size=255)
SECRETS = st.builds(
    accredit.IdentitySecret, st.binary(min_size=16, max_size=64), st.text(st.sampled_from("aZ09_-"), min_size=1, max_size=64)
)
NONCES_V1 = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"), min_size=30, max_size=50)
NONCES_V2 = st.text(st.sampled_from("aZ09_-"), min_size=30, max_size=50)
TIMES = st.integers(1_000_000_000, 9_999_999_999)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
COUNTS = sorted(name for name in CUSTOMER_NAMES if name.startswith(("number_", "ages_")))
SPECIAL = {*COUNTS, "meta", "dob", "partner_dob", "smoker", "drinker"}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(sorted(CUSTOMER_NAMES - SPECIAL), TEXTS),
    **{name: st.integers(0, 9999) for name in COUNTS},
    **{name: st.dates().map(str) for name in ("dob", "partner_dob")},
    **{name: st.sampled_from(["yes", "No"]) for name in ("smoker", "drinker")},
    "meta": st.dictionaries(
        TEXTS, st.integers(-(2**53), 2**53) | TEXTS | st.floats(allow_nan=False, allow_infinity=False), max_size=3
    ),
}
CUSTOMERS = st.fixed_dictionaries({}, optional=FIELDS)


def boot_of(body: Any) -> accredit.BootBody:
    return accredit.read_boot_body({"cp_id": "cp_1", "cp_deployment_id": "cpd_1"} | body)


@given(SECRETS, IDS, IDS, EMAILS, TIMES, NONCES_V1, st.integers(-60, 60))
def test_what_is_signed_is_verified(
    secret: accredit.IdentitySecret, cp_id: str, cpd_id: str, email: str, time: int, nonce: str, skew: int
) -> None:
    boot = accredit.read_boot_body({"cp_id": cp_id, "cp_deployment_id": cpd_id, "email": email})
    signature = accredit.sign_identity(secret, cp_id, cpd_id, email, now=time, nonce=nonce)
    verified = accredit.verify_identity(signature, [secret], boot, now=time + skew)
    assert (verified.email or "", verified.nonce, verified.timestamp) == (email, nonce, time)
    # The plain reading of the protocol page, independent of ours.
    mac = hmac.digest(secret.octets, f"{time}:{cp_id}:{cpd_id}:{email}:{nonce}".encode(), "sha256")
    assert signature == f"{time}:{b64_encode(mac)}:{nonce}"


@given(SECRETS, CUSTOMERS, TIMES, NONCES_V2, st.none() | st.just(ORIGIN), st.none() | IDS)
def test_so_is_what_is_signed_as_version_2(
    secret: accredit.IdentitySecret, info: dict[str, Any], time: int, nonce: str, origin: str | None, page: str | None
) -> None:
    signature = accredit.sign_identity_v2(secret, "cp_1", "cpd_1", info, now=time, nonce=nonce, origin=origin, page=page)
    verified = accredit.verify_identity(signature, [secret], boot_of(info | {"page": page}), now=time, origin=ORIGIN)
    assert verified.signed_fields == info.keys() | ({"page"} if page else set())
    assert verified.origin_bound is (origin is not None)


SECRET = accredit.IdentitySecret(bytes(range(32)), "key_1")
BOOT = boot_of({"email": "jane@example.com", "first_name": "Jane"})
INFO = {"email": "jane@example.com", "first_name": "Jane"}
V1 = accredit.sign_identity(SECRET, "cp_1", "cpd_1", INFO["email"], now=NOW, nonce="0123456789abcdef" * 2)
V2 = accredit.sign_identity_v2(SECRET, "cp_1", "cpd_1", INFO, now=NOW, nonce="0123456789abcdef" * 2, origin=ORIGIN)
EACH_VERSION = pytest.mark.parametrize("signature", [V1, V2])


def refused(signature: str, boot: accredit.BootBody = BOOT) -> bool:
    try:
        accredit.verify_identity(signature, [SECRET], boot, now=NOW, window_s=10**10, origin=ORIGIN)
    except accredit.Refused:
        return True
    return False


@EACH_VERSION
def test_each_single_bit_counts(signature: str) -> None:
    assert not refused(signature)
    octets = signature.encode()
    for position in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[position] ^= 1 << bit
            assert refused(flipped.decode("latin-1")), (position, bit)


@EACH_VERSION
def test_each_letter_has_one_spelling(signature: str) -> None:
    """Spare bits, alphabets, padding: in a lenient decoder several letters stand for the same octets."""
    for position in range(len(signature)):
        for letter in B64:
            respelt = signature[:position] + letter + signature[position + 1 :]
            assert refused(respelt) is (respelt != signature)


@EACH_VERSION
@given(data=st.data())
def test_no_second_spelling_is_verified(signature: str, data: st.DataObject) -> None:
    respelt = signature
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(respelt)))
        removed = data.draw(st.integers(0, 2))
        new = data.draw(st.sampled_from(["", "=", " ", "\n", "\x00", "+", "0", ":", ".", "é", "\u200b", "%3D", "A"]))
        respelt = respelt[:position] + new + respelt[position + removed :]
    assert refused(respelt) is (respelt != signature)


@given(st.text() | st.text(st.sampled_from("v2.:019aA=+-_"), max_size=120))
@example("v2....")
@example("::")
def test_any_text_is_a_shape_or_refused(text: str) -> None:
    try:
        peeked = accredit.peek_identity(text)
    except accredit.Refused:
        return
    stamp = f"{peeked.timestamp}"
    if peeked.version == 1:
        assert text == f"{stamp}:{b64_encode(peeked.mac)}:{peeked.nonce}"
    else:
        assert text == f"v2.{peeked.key_id}.{stamp}.{peeked.nonce}.{b64url_encode(peeked.mac)}"


@given(EMAILS, EMAILS)
def test_no_e_mail_is_taken_for_another(signed: str, posted: str) -> None:
    signature = accredit.sign_identity(SECRET, "cp_1", "cpd_1", signed, now=NOW)
    assert refused(signature, boot_of({"email": posted})) is (signed != posted)


def lined(values: Any) -> Any:
    """Values as version 2 sees them: every number a double, the line ends of texts alike."""
    return {
        name: json.dumps(_doubles(value), sort_keys=True)
        if isinstance(value, dict)
        else str(value).replace("\r\n", "\n").replace("\r", "\n")
        for name, value in values.items()
    }


def _doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _doubles(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_doubles(item) for item in value]
    return float(value) + 0.0 if isinstance(value, int | float) and not isinstance(value, bool) else value


@settings(max_examples=300)
@given(CUSTOMERS, CUSTOMERS, st.data())
def test_no_fields_are_taken_for_others(one: dict[str, Any], other: dict[str, Any], data: st.DataObject) -> None:
    for name in data.draw(st.sets(st.sampled_from(sorted(one)))) if one else ():
        other[name] = one[name]
    alike = lined(boot_of(one).customer.values) == lined(boot_of(other).customer.values)
    assert (fields_text(boot_of(one)) == fields_text(boot_of(other))) is alike


def spellings_of(name: str) -> list[str]:
    plain = [name, f"[{name}]", f"customerInfo[{name}]"]
    if not name.startswith("broadband."):
        return plain
    member = name.removeprefix("broadband.")
    old = "broadband" + member.title().replace("_", "")
    return [*plain, f"broadband[{member}]", f"customerInfo[broadband][{member}]", old, f"[{old}]", f"customerInfo[{old}]"]


@given(CUSTOMERS, st.data())
def test_every_spelling_of_a_form_means_the_same(info: dict[str, Any], data: st.DataObject) -> None:
    texts = {name: json.dumps(value) if name == "meta" else str(value) for name, value in info.items()}
    pairs = [(data.draw(st.sampled_from(spellings_of(name))), text) for name, text in texts.items()]
    posted = parse_qsl(urlencode(data.draw(st.permutations(pairs))), keep_blank_values=True)
    fields = accredit.read_customer_fields(posted)
    assert (fields.values, fields.warnings) == (info, ())
    if texts:
        name = data.draw(st.sampled_from(sorted(texts)))
        again = (data.draw(st.sampled_from(spellings_of(name))), data.draw(st.sampled_from(["", texts[name]])))
        with pytest.raises(accredit.MalformedError, match=f"request_malformed: {name}$"):
            accredit.read_customer_fields(data.draw(st.permutations([*posted, again])))


@given(CUSTOMERS, st.sets(st.sampled_from(sorted(CUSTOMER_NAMES))))
def test_a_form_and_json_mean_the_same(info: dict[str, Any], inside: set[str]) -> None:
    outer = {name: value for name, value in info.items() if name not in inside}
    nested: dict[str, Any] = {name: value for name, value in info.items() if name in inside}
    fields = accredit.read_customer_fields({**outer, "customerInfo": nested, "number": None})
    assert fields.values == info
    assert accredit.read_customer_fields(accredit.CustomerFields(fields.values).customer_info).values == info


NAMES = st.sampled_from(sorted(CUSTOMER_NAMES | BOOT_NAMES | {"customerInfo", "broadband", "broadbandPpm"})).flatmap(
    lambda name: st.sampled_from([name, f"[{name}]", f"customerInfo[{name}]", f"{name}[ppm]", f"{name}[]", f"{name}]"])
) | st.text(max_size=5)
ODD: st.SearchStrategy[Any] = st.recursive(
    JSON | st.text(max_size=300) | st.floats() | st.sampled_from([10**400, 2**53 + 1, "\ud800", "null", b"x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400)
@given(st.lists(st.tuples(NAMES, st.text(max_size=300))) | st.dictionaries(NAMES, ODD, max_size=8))
def test_any_body_is_read_or_refused(body: Any) -> None:
    named = {"cp_id": "cp_1", "cp_deployment_id": "cpd_1"}
    body = {**named, **body} if isinstance(body, dict) else [*named.items(), *body]
    try:
        boot = accredit.read_boot_body(body)
    except accredit.MalformedError:
        return
    assert boot.customer.values.keys() <= CUSTOMER_NAMES
    assert None not in boot.customer.values.values()
    assert "" not in boot.customer.values.values()
    compact_json(boot.customer.customer_info)
    assert len(boot.customer.warnings) <= 21
    accredit.diagnose_identity(boot.signature, [SECRET], boot, now=NOW, origin=ORIGIN)


@settings(max_examples=300)
@given(
    st.sampled_from([V1, V2]) | st.text(max_size=80),
    st.fixed_dictionaries(
        {}, optional={"email": TEXTS | st.just(INFO["email"]), "meta": st.just({"a": 2**53 + 1}), "first_name": TEXTS}
    ),
    st.lists(SECRETS, max_size=2),
    st.sampled_from(["off", "warn", "require"]),
    st.integers(-(10**12), 10**12) | st.just(NOW),
    st.none() | st.booleans(),
)
def test_a_diagnosis_says_what_verification_says_and_no_mac(
    signature: str, info: dict[str, Any], others: list[accredit.IdentitySecret], demand: Any, now: int, used: bool | None
) -> None:
    boot, secrets = boot_of(info), [*others, SECRET]
    policy = accredit.IdentityPolicy(demand, demand)
    diagnosis = accredit.diagnose_identity(
        signature, secrets, boot, now=now, origin=ORIGIN, policy=policy, old_secrets=others, nonce_used=used
    )
    try:
        accredit.verify_identity(signature, secrets, boot, now=now, origin=ORIGIN, policy=policy)
        code = "nonce_replayed" if used else None
    except accredit.Refused as refused:
        code = refused.code
    assert diagnosis.code == code
    report = repr(diagnosis)
    for known in (V1, V2):
        try:
            texts = signed_texts(accredit.peek_identity(known), boot, ORIGIN)
        except ValueError:
            continue
        for mac in (hmac.digest(secret.octets, text, "sha256") for text in texts for secret in secrets):
            assert not any(form in report for form in (b64_encode(mac)[:-1], b64url_encode(mac), mac.hex()))
