"""Who signed what, under every live secret, and what a refusal costs."""

import copy
import dataclasses
import hmac
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode
from accredit.identity import ORIGINAL_POLICY, WINDOW_S, spend_mac

NOW = 1_700_000_000
ORIGIN = "https://shop.example"
ONE = accredit.IdentitySecret(bytes(range(32)), "key_1")
TWO = accredit.IdentitySecret(b"\xff" * 32, "key_2")
THREE = accredit.IdentitySecret(b"3" * 16, "key_3")
INFO = {
    "email": "jane@example.com",
    "first_name": "Jane",
    "number_of_children": 2,
    "broadband": {"ppm": "28"},
    "meta": {"a": 1},
}
BESIDE = {"page": "energy", "locale": "en_GB"}


def boot_of(**changes: Any) -> accredit.BootBody:
    return accredit.read_boot_body({"cp_id": "cp_1", "cp_deployment_id": "cpd_1", **BESIDE, **INFO, **changes})


BOOT = boot_of()
V1 = accredit.sign_identity(ONE, "cp_1", "cpd_1", INFO["email"], now=NOW)
V2 = accredit.sign_identity_v2(ONE, "cp_1", "cpd_1", INFO, now=NOW, origin=ORIGIN, **BESIDE)
UNBOUND = accredit.sign_identity_v2(ONE, "cp_1", "cpd_1", INFO, now=NOW, **BESIDE)


def verify(
    signature: Any, secrets: Sequence[accredit.IdentitySecret] = (ONE,), boot: accredit.BootBody = BOOT, **arguments: Any
) -> accredit.VerifiedIdentity:
    return accredit.verify_identity(signature, secrets, boot, **{"now": NOW, "origin": ORIGIN, **arguments})


def refusal_of(*positional: Any, **arguments: Any) -> str:
    with pytest.raises(accredit.Refused) as refusal:
        verify(*positional, **arguments)
    assert refusal.value.member == "signature"
    return refusal.value.code


def test_verifies_what_the_original_signs() -> None:
    verified = verify(V1)
    assert (verified.cp_id, verified.cp_deployment_id, verified.email) == ("cp_1", "cpd_1", "jane@example.com")
    assert (verified.version, verified.key_id, verified.timestamp) == (1, "key_1", NOW)
    assert verified.nonce == V1.split(":")[2]
    assert (verified.origin_bound, verified.signed_fields, verified.warnings) == (False, {"email"}, ())


def test_verifies_version_2() -> None:
    verified = verify(V2)
    assert (verified.cp_id, verified.cp_deployment_id, verified.email) == ("cp_1", "cpd_1", "jane@example.com")
    assert (verified.version, verified.key_id, verified.timestamp) == (2, "key_1", NOW)
    assert verified.nonce == V2.split(".")[3]
    assert verified.origin_bound
    assert verified.signed_fields == {*INFO, *BESIDE, "broadband.ppm"} - {"broadband"}
    assert verified.warnings == ()


def test_verifies_what_was_peeked_at_before() -> None:
    for signature in (V1, V2):
        assert verify(accredit.peek_identity(signature)) == verify(signature)


def test_an_anonymous_user_is_vouched_for_as_such() -> None:
    signature = accredit.sign_identity(ONE, "cp_1", "cpd_1", now=NOW)
    assert verify(signature, boot=boot_of(email=None)).email is None
    assert refusal_of(signature) == "mac_mismatch"
    assert refusal_of(V1, boot=boot_of(email=None)) == "mac_mismatch"


@pytest.mark.parametrize("signature", [V1, V2])
@pytest.mark.parametrize(
    "change",
    [
        {"cp_id": "cp_2"},
        {"cp_deployment_id": "cpd_2"},
        {"cp_id": "cpd_1", "cp_deployment_id": "cp_1"},
        *({"email": email} for email in ("Jane@example.com", " jane@example.com", "jane@example.com ", "mallory@example.com")),
    ],
)
def test_ids_and_e_mail_are_signed(signature: str, change: dict[str, str]) -> None:
    assert refusal_of(signature, boot=boot_of(**change)) == "mac_mismatch"


@pytest.mark.parametrize(
    "change",
    [
        *({"first_name": "Mallory"}, {"first_name": None}, {"surname": "Doe"}, {"number_of_children": 3}, {"broadband": {}}),
        *(
            {"meta": {"a": 2}},
            {"meta": {}},
            {"meta": "a"},
            {"page": "loans"},
            {"page": None},
            {"locale": "en_US"},
            {"locale": None},
        ),
    ],
)
def test_version_2_signs_every_field_and_the_original_none(change: dict[str, Any]) -> None:
    assert refusal_of(V2, boot=boot_of(**change)) == "mac_mismatch"
    assert refusal_of(UNBOUND, boot=boot_of(**change)) == "mac_mismatch"
    assert verify(V1, boot=boot_of(**change)).signed_fields == {"email"}


@pytest.mark.parametrize(
    "change", [{"number_of_children": "2"}, {"meta": '{ "a": 1.0 }'}, {"shoe_size": "44"}, {"surname": ""}]
)
def test_version_2_signs_values_and_no_spellings(change: dict[str, Any]) -> None:
    assert verify(V2, boot=boot_of(**change)).origin_bound


def test_a_name_and_its_value_cannot_be_shifted() -> None:
    one = accredit.sign_identity_v2(ONE, "cp_1", "cpd_1", {"first_name": "a", "surname": "b"}, now=NOW)
    for other in ({"first_name": "b", "surname": "a"}, {"first_name": 'a","surname":"b'}, {"surname": "b"}):
        boot = accredit.read_boot_body({"cp_id": "cp_1", "cp_deployment_id": "cpd_1", **other})
        assert refusal_of(one, boot=boot) == "mac_mismatch"


def test_line_ends_are_those_of_no_browser() -> None:
    signature = accredit.sign_identity_v2(ONE, "cp_1", "cpd_1", {"address_1": "a\nb\n\nc"}, now=NOW)
    for text in ("a\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc"):
        verify(signature, boot=accredit.read_boot_body({"cp_id": "cp_1", "cp_deployment_id": "cpd_1", "address_1": text}))
    boot = accredit.read_boot_body({"cp_id": "cp_1", "cp_deployment_id": "cpd_1", "address_1": "a\nb\nc"})
    assert refusal_of(signature, boot=boot) == "mac_mismatch"


def test_a_number_that_no_double_holds_was_signed_by_nobody() -> None:
    signature = accredit.sign_identity_v2(ONE, "cp_1", "cpd_1", INFO | {"meta": {"id": 2**53}}, now=NOW, **BESIDE)
    assert verify(signature, boot=boot_of(meta={"id": 2**53}))
    assert refusal_of(signature, boot=boot_of(meta={"id": 2**53 + 1})) == "mac_mismatch"
    assert verify(V1, boot=boot_of(meta={"id": 2**53 + 1}))


def test_every_live_secret_is_tried() -> None:
    for secrets in ((ONE, TWO, THREE), (TWO, ONE, THREE), (TWO, THREE, ONE)):
        assert verify(V1, secrets).key_id == "key_1"
        assert verify(V2, secrets).key_id == "key_1"
    assert refusal_of(V1, (TWO, THREE)) == "mac_mismatch"
    twin = dataclasses.replace(ONE, key_id="key_9")
    assert (verify(V1, (ONE, twin)).key_id, verify(V1, (twin, ONE)).key_id) == ("key_1", "key_9")


def test_without_a_secret_nothing_is_verified() -> None:
    assert refusal_of(V1, ()) == "mac_mismatch"
    assert refusal_of(V2, ()) == "identity_key_unknown"


def test_version_2_tries_the_secret_that_it_names_and_no_other() -> None:
    assert refusal_of(V2, (TWO, THREE)) == "identity_key_unknown"
    assert (
        refusal_of(V2, (dataclasses.replace(ONE, key_id="key_2"), dataclasses.replace(TWO, key_id="key_1"))) == "mac_mismatch"
    )
    assert refusal_of(V2, (dataclasses.replace(ONE, key_id=""),)) == "identity_key_unknown"


def test_a_signature_of_one_version_is_none_of_the_other() -> None:
    peeked_1, peeked_2 = accredit.peek_identity(V1), accredit.peek_identity(V2)
    _, _, timestamp, nonce, _ = V2.split(".")
    assert refusal_of(f"{timestamp}:{b64_encode(peeked_2.mac)}:{nonce}") == "mac_mismatch"
    assert refusal_of(dataclasses.replace(peeked_2, mac=peeked_1.mac, nonce=peeked_1.nonce)) == "mac_mismatch"


@pytest.mark.parametrize("signature", [V1, V2])
def test_time_and_nonce_are_signed(signature: str) -> None:
    peeked = accredit.peek_identity(signature)
    assert refusal_of(dataclasses.replace(peeked, timestamp=NOW + 1)) == "mac_mismatch"
    assert refusal_of(dataclasses.replace(peeked, nonce=peeked.nonce[:-1] + "z")) == "mac_mismatch"


@pytest.mark.parametrize("origin", ["https://copycat.example", "https://shop.example:8443", "app:ios:x", None, ""])
def test_a_bound_signature_is_good_at_its_origin_only(origin: str | None) -> None:
    assert refusal_of(V2, origin=origin) == "mac_mismatch"


@pytest.mark.parametrize("origin", [ORIGIN, "https://copycat.example", "app:ios:x", None, ""])
def test_one_that_is_not_bound_is_good_anywhere(origin: str | None) -> None:
    verified = verify(UNBOUND, origin=origin)
    assert (verified.origin_bound, verified.warnings) == (False, ())


def test_an_owner_may_ask_for_version_2() -> None:
    warned, required = accredit.IdentityPolicy(v2="warn"), accredit.IdentityPolicy(v2="require")
    assert verify(V1, policy=warned).warnings == ("signature_version",)
    assert refusal_of(V1, policy=required) == "signature_version"
    for policy in (warned, required):
        assert verify(V2, policy=policy).warnings == verify(UNBOUND, policy=policy).warnings == ()


def test_an_owner_may_ask_for_an_origin() -> None:
    warned, required = accredit.IdentityPolicy(origin="warn"), accredit.IdentityPolicy(origin="require")
    assert verify(UNBOUND, policy=warned).warnings == ("identity_origin_missing",)
    assert (
        refusal_of(UNBOUND, policy=required) == refusal_of(UNBOUND, policy=required, origin=None) == "identity_origin_missing"
    )
    for policy in (warned, required):
        assert verify(V2, policy=policy).warnings == verify(V1, policy=policy).warnings == ()
    # A wrong MAC is told before what a right one would lack.
    assert refusal_of(UNBOUND, policy=required, boot=boot_of(page="loans")) == "mac_mismatch"


@pytest.mark.parametrize("signature", [V1, V2])
def test_a_signature_is_fresh_for_just_so_many_seconds(signature: str) -> None:
    assert WINDOW_S == 60
    for skew in (-60, -1, 0, 1, 60):
        assert verify(signature, now=NOW + skew).timestamp == NOW
    for skew in (-3600, -61, 61, 3600):
        assert refusal_of(signature, now=NOW + skew) == "timestamp_out_of_window"
    assert verify(signature, now=NOW + 10, window_s=10)
    assert refusal_of(signature, now=NOW + 11, window_s=10) == "timestamp_out_of_window"


def test_the_first_rule_that_is_broken_is_told() -> None:
    required = accredit.IdentityPolicy("require", "require")
    assert refusal_of("x", (), now=0, policy=required) == "signature_malformed"
    assert refusal_of(None, (), now=0, policy=required) == "signature_required"
    assert refusal_of(V1, (), now=0, policy=required) == "signature_version"
    assert refusal_of(V2, (), now=0, policy=required) == "identity_key_unknown"
    assert refusal_of(V1, (TWO,), now=0) == "mac_mismatch"
    assert refusal_of(UNBOUND, now=0, policy=required) == "identity_origin_missing"
    assert refusal_of(V1, now=0) == "timestamp_out_of_window"


def test_the_default_is_the_original() -> None:
    assert accredit.IdentityPolicy() == ORIGINAL_POLICY == accredit.IdentityPolicy("off", "off")


def test_nobody_else_makes_a_verified_identity() -> None:
    verified = verify(V1)
    fields = {each.name: getattr(verified, each.name) for each in dataclasses.fields(verified)}
    for forge in (
        lambda: accredit.VerifiedIdentity(**fields),
        lambda: accredit.VerifiedIdentity(**fields, made_by=object()),
        lambda: dataclasses.replace(verified, email="mallory@example.com"),
        lambda: dataclasses.replace(verified),
    ):
        with pytest.raises(TypeError, match="comes from verify_identity only"):
            forge()
    with pytest.raises(dataclasses.FrozenInstanceError):
        verified.email = "mallory@example.com"  # type: ignore[misc]
    assert copy.copy(verified) == verified


class Spent:
    """Counts the MACs that are made, by key."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[bytes] = []
        self.texts: list[bytes] = []
        digest = hmac.digest

        def spy(key: bytes, text: bytes, name: str) -> bytes:
            self.keys.append(key)
            self.texts.append(text)
            return digest(key, text, name)

        monkeypatch.setattr(hmac, "digest", spy)

    def keys_of(self, work: Any) -> list[bytes]:
        self.keys.clear()
        self.texts.clear()
        work()
        return list(self.keys)


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spent]:
    return Spent(monkeypatch)


def test_a_match_stops_nothing(spent: Spent) -> None:
    every = [secret.octets for secret in (ONE, TWO, THREE)]
    assert spent.keys_of(lambda: verify(V1, (ONE, TWO, THREE))) == every
    assert spent.keys_of(lambda: refusal_of(V1, (ONE, TWO, THREE), boot=boot_of(email="x"))) == every
    twice = [ONE.octets] * 2
    assert spent.keys_of(lambda: verify(V2, (ONE, TWO))) == spent.keys_of(lambda: verify(UNBOUND, (ONE, TWO))) == twice
    assert len(set(spent.texts)) == 2


def test_what_is_refused_before_a_secret_costs_one(spent: Spent) -> None:
    for refuse in (
        lambda: refusal_of(V1, ()),
        lambda: refusal_of(V1, (ONE, TWO), policy=accredit.IdentityPolicy(v2="require")),
        lambda: spend_mac(accredit.peek_identity(V1), BOOT, ORIGIN),
    ):
        (key,) = spent.keys_of(refuse)
        assert key not in (ONE.octets, TWO.octets)
        assert spent.texts == [f"{NOW}:cp_1:cpd_1:jane@example.com:{V1.split(':')[2]}".encode()]
    for refuse in (
        lambda: refusal_of(V2, ()),
        lambda: refusal_of(V2, (TWO,)),
        lambda: spend_mac(accredit.peek_identity(V2), BOOT, ORIGIN),
    ):
        assert len(spent.keys_of(refuse)) == 2
    assert len(spent.keys_of(lambda: spend_mac(accredit.peek_identity(V2), BOOT, None))) == 1
    assert spent.keys_of(lambda: spend_mac(None, BOOT, ORIGIN)) == []


class Guarded(bytes):
    """Octets that must not be compared in a time that tells where they differ."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared octet by octet")

    def __ne__(self, other: object) -> bool:
        raise AssertionError("compared octet by octet")


@pytest.mark.parametrize("signature", [V1, V2])
def test_macs_are_compared_in_constant_time(signature: str) -> None:
    peeked = accredit.peek_identity(signature)
    guarded = dataclasses.replace(peeked, mac=Guarded(peeked.mac))
    assert verify(guarded, (TWO, ONE)).key_id == "key_1"
    assert refusal_of(guarded, boot=boot_of(email="x")) == "mac_mismatch"


def test_a_dummy_key_signs_nothing() -> None:
    """The key that costs time is in the source, so what it signs must not be taken."""
    dummy = accredit.IdentitySecret(bytes(32), "key_1")
    v1 = accredit.sign_identity(dummy, "cp_1", "cpd_1", INFO["email"], now=NOW)
    v2 = accredit.sign_identity_v2(dummy, "cp_1", "cpd_1", INFO, now=NOW, **BESIDE)
    assert (refusal_of(v1, ()), refusal_of(v2, ())) == ("mac_mismatch", "identity_key_unknown")


def test_a_backend_that_only_signs_loads_no_public_key_cryptography() -> None:
    script = (
        "import sys, accredit; accredit.sign_identity; loaded = set(sys.modules)"
        "; assert 'accredit.identity.signing' in loaded; assert not {'cryptography', 'joserfc'} & loaded"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True)
