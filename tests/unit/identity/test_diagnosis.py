"""The debug report: right about every fault, and silent about what would help to forge."""

import base64
import dataclasses
import hashlib
import hmac
from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode, b64url_encode
from accredit.identity import MISTAKES
from accredit.identity.signed_text import signed_texts

NOW = 1_700_000_000
ORIGIN = "https://shop.example"
ONE, TWO = accredit.IdentitySecret(bytes(range(32)), "key_1"), accredit.IdentitySecret(b"\xff" * 32, "key_2")
CP, CPD, EMAIL = "cp_" + "A" * 21, "cpd_" + "B" * 21, "jane@example.com"
NONCE = "0123456789abcdef" * 2
NAMES = ("origin", "signature_form", "mac", "freshness", "replay")


def boot_of(email: str | None = EMAIL, **changes: Any) -> accredit.BootBody:
    return accredit.read_boot_body({"cp_id": CP, "cp_deployment_id": CPD, "email": email, **changes})


BOOT = boot_of()
V1 = accredit.sign_identity(ONE, CP, CPD, EMAIL, now=NOW, nonce=NONCE)
V2 = accredit.sign_identity_v2(ONE, CP, CPD, {"email": EMAIL}, now=NOW, nonce=NONCE, origin=ORIGIN)
UNBOUND = accredit.sign_identity_v2(ONE, CP, CPD, {"email": EMAIL}, now=NOW, nonce=NONCE)


def diagnose(signature: str | None, boot: accredit.BootBody = BOOT, **arguments: Any) -> accredit.IdentityDiagnosis:
    arguments = {"secrets": [ONE, TWO], "now": NOW, "origin": ORIGIN, "nonce_used": False} | arguments
    return accredit.diagnose_identity(signature, arguments.pop("secrets"), boot, **arguments)


def results_of(diagnosis: accredit.IdentityDiagnosis) -> list[str]:
    assert tuple(check.check for check in diagnosis.checks) == NAMES
    assert all((check.code is not None) is (check.result == "fail") for check in diagnosis.checks)
    assert diagnosis.would_admit is (diagnosis.code is None)
    assert diagnosis.code == next((check.code for check in diagnosis.checks if check.code), None)
    return [check.result for check in diagnosis.checks]


def mistakes_of(signature: str | None, boot: accredit.BootBody = BOOT, **arguments: Any) -> set[str]:
    mistakes = diagnose(signature, boot, **arguments).mistakes
    assert tuple(mistakes) == MISTAKES
    return {name for name, found in mistakes.items() if found}


def test_a_right_signature_passes_every_check() -> None:
    for signature, tried in ((V1, 2), (V2, 1), (UNBOUND, 1)):
        diagnosis = diagnose(signature)
        assert results_of(diagnosis) == ["pass"] * 5
        assert (diagnosis.timestamp, diagnosis.skew_s, diagnosis.window_s) == (NOW, 0, 60)
        assert diagnosis.secrets_tried == tried
        assert not any(diagnosis.mistakes.values())


def test_shows_what_should_have_been_signed() -> None:
    diagnosis = diagnose(V1, secrets=[TWO])
    text = f"1700000000:{CP}:{CPD}:{EMAIL}:{NONCE}".encode()
    assert diagnosis.signed_text == f"1700000000:{CP}:{CPD}:j***@e***:{NONCE}"
    assert (diagnosis.signed_text_bytes, diagnosis.signed_text_sha256) == (111, hashlib.sha256(text).hexdigest())


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        *((None, ""), ("jane", "j***"), ("@", "***@***"), ("jane@", "j***@***"), ("@example.com", "***@e***")),
        *((" jane@example.com", " ***@e***"), ("a@b@c", "a***@c***"), ("ünal@éxample.com", "ü***@é***")),
    ],
)
def test_of_an_e_mail_two_characters_are_shown(email: str | None, masked: str) -> None:
    diagnosis = diagnose(V1, boot_of(email))
    assert diagnosis.signed_text == f"1700000000:{CP}:{CPD}:{masked}:{NONCE}"
    assert diagnosis.signed_text_bytes == len(f"1700000000:{CP}:{CPD}:{email or ''}:{NONCE}".encode())


def test_shows_the_text_of_version_2_with_the_fields_that_came() -> None:
    boot = boot_of(first_name="Jane")
    text = signed_texts(accredit.peek_identity(V2), boot, ORIGIN)[0]
    diagnosis = diagnose(V2, boot)
    assert diagnosis.code == "mac_mismatch"
    assert diagnosis.signed_text == text.decode().replace(EMAIL, "j***@e***").replace("key_1", "***")
    assert (diagnosis.signed_text_bytes, diagnosis.signed_text_sha256) == (len(text), hashlib.sha256(text).hexdigest())


def test_shows_the_text_that_was_signed_if_it_names_no_origin() -> None:
    assert str(diagnose(V2).signed_text).endswith(f'"{ORIGIN}"]')
    assert str(diagnose(UNBOUND).signed_text).endswith('""]')
    assert str(diagnose(UNBOUND, secrets=[dataclasses.replace(TWO, key_id="key_1")]).signed_text).endswith(f'"{ORIGIN}"]')
    required = diagnose(UNBOUND, policy=accredit.IdentityPolicy(origin="require"))
    assert required.code == "identity_origin_missing"


@pytest.mark.parametrize("signature", [None, "", "null", "x", f"1700000000:{'A' * 43}:{NONCE}", "1:2:3", "\ud800"])
def test_without_a_form_there_is_nothing_to_check(signature: str | None) -> None:
    diagnosis = diagnose(signature)
    assert results_of(diagnosis) == ["pass", "fail", "skipped", "skipped", "skipped"]
    with pytest.raises(accredit.Refused) as refusal:
        accredit.peek_identity(signature)
    assert diagnosis.code == refusal.value.code
    shown = (diagnosis.timestamp, diagnosis.skew_s, diagnosis.signed_text)
    assert shown == (None, None, None)
    assert (diagnosis.signed_text_bytes, diagnosis.signed_text_sha256, diagnosis.secrets_tried) == (None, None, 0)
    assert diagnosis.window_s == 60


def test_after_a_wrong_mac_only_the_replay_is_skipped() -> None:
    diagnosis = diagnose(V1, boot_of("mallory@x.example"), nonce_used=True)
    assert (results_of(diagnosis), diagnosis.code) == (["pass", "pass", "fail", "pass", "skipped"], "mac_mismatch")
    late = diagnose(V1, boot_of("mallory@x.example"), now=NOW + 61)
    assert (results_of(late), late.code) == (["pass", "pass", "fail", "fail", "skipped"], "mac_mismatch")


@pytest.mark.parametrize(("now", "window_s"), [(NOW + 61, 60), (NOW - 61, 60), (NOW + 11, 10)])
def test_tells_by_how_much_a_clock_is_wrong(now: int, window_s: int) -> None:
    diagnosis = diagnose(V1, now=now, window_s=window_s)
    assert (results_of(diagnosis), diagnosis.code) == (["pass", "pass", "pass", "fail", "pass"], "timestamp_out_of_window")
    assert (diagnosis.skew_s, diagnosis.window_s) == (NOW - now, window_s)


def test_tells_a_nonce_used_before() -> None:
    used = diagnose(V1, nonce_used=True)
    assert (results_of(used), used.code) == (["pass", "pass", "pass", "pass", "fail"], "nonce_replayed")
    unknown = diagnose(V1, nonce_used=None)
    assert (results_of(unknown), unknown.would_admit) == (["pass", "pass", "pass", "pass", "skipped"], True)
    late = diagnose(V1, nonce_used=True, now=NOW + 61)
    assert (results_of(late), late.code) == (["pass", "pass", "pass", "fail", "fail"], "timestamp_out_of_window")


def test_tells_what_the_policy_refuses() -> None:
    diagnosis = diagnose(V1, policy=accredit.IdentityPolicy(v2="require"))
    assert (results_of(diagnosis), diagnosis.code) == (["pass", "pass", "fail", "pass", "skipped"], "signature_version")
    assert diagnosis.secrets_tried == 0
    assert mistakes_of(V1, policy=accredit.IdentityPolicy(v2="require")) == set()


def test_tells_that_a_secret_is_unknown() -> None:
    for secrets in ([], [TWO]):
        diagnosis = diagnose(V2, secrets=secrets)
        assert (diagnosis.code, diagnosis.secrets_tried) == ("identity_key_unknown", 0)


def test_a_meta_without_a_text_is_a_mismatch_without_a_text() -> None:
    diagnosis = diagnose(V2, boot_of(meta={"id": 2**53 + 1}))
    assert (diagnosis.code, diagnosis.signed_text, diagnosis.signed_text_bytes) == ("mac_mismatch", None, None)
    assert diagnosis.signed_text_sha256 is None


def mac_of(text: str, key: bytes = ONE.octets) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def v1(text: str, key: bytes = ONE.octets, encode: Any = b64_encode, timestamp: str = "1700000000") -> str:
    return f"{timestamp}:{encode(mac_of(text, key))}:{NONCE}"


TEXT = f"1700000000:{CP}:{CPD}:{EMAIL}:{NONCE}"


def test_a_secret_that_was_not_decoded() -> None:
    assert mistakes_of(v1(TEXT, b64_encode(ONE.octets).encode())) == {"secret_not_decoded"}
    assert mistakes_of(v1(TEXT, b64_encode(TWO.octets).encode())) == {"secret_not_decoded"}


def test_a_mac_in_hex() -> None:
    for encode in (bytes.hex, lambda mac: mac.hex().upper()):
        assert mistakes_of(v1(TEXT, encode=encode)) == {"mac_hex"}
    assert mistakes_of(v1(TEXT.replace(EMAIL, ""), encode=bytes.hex)) == {"mac_hex", "email_missing"}
    assert mistakes_of("v2.key_1.1700000000." + NONCE + "." + "a" * 64) == {"mac_hex"}


def test_a_mac_in_base64url() -> None:
    secret = next(key for key in (bytes([n]) * 32 for n in range(99)) if {"+", "/"} & set(b64_encode(mac_of(TEXT, key))))
    for encode in (b64url_encode, lambda mac: base64.urlsafe_b64encode(mac).decode(), lambda mac: b64_encode(mac)[:-1]):
        signature = v1(TEXT, secret, encode)
        assert mistakes_of(signature, secrets=[accredit.IdentitySecret(secret)]) == {"mac_base64url"}
    short = v1(TEXT.replace(EMAIL, ""), encode=b64url_encode)
    assert mistakes_of(short) == {"mac_base64url", "email_missing"}
    assert mistakes_of(V2, secrets=[]) == set()


def test_a_timestamp_in_milliseconds() -> None:
    late = TEXT.replace("1700000000", "1700000000123")
    assert mistakes_of(v1(late, timestamp="1700000000123")) == {"timestamp_milliseconds"}
    assert mistakes_of(v1(late.replace(EMAIL, ""), timestamp="1700000000123")) == {"timestamp_milliseconds", "email_missing"}
    for other in ("170000000012", "17000000001234", "0700000000123", "x"):
        assert mistakes_of(v1(TEXT, timestamp=other)) == set()


@pytest.mark.parametrize(
    ("signed", "posted"),
    [
        *(
            ("jane@example.com", "Jane@Example.com"),
            ("jane@example.com", " jane@example.com\n"),
            ("Jane@example.com", "jane@example.com"),
        ),
        *(
            ("JANE@EXAMPLE.COM", "jane@example.com"),
            ("jane@example.com ", "jane@example.com"),
            (" jane@example.com", "jane@example.com"),
        ),
        *(
            ("zoe\u0308@x.example", "zo\xeb@x.example"),
            ("zo\xeb@x.example", "zoe\u0308@x.example"),
            ("Jane@x.example", "Jane@X.example"),
        ),
        *(("jane@example.com\n", "jane@example.com"), ("Jane@Example.Com", "jane@example.com"), (" jane", " Jane")),
    ],
)
def test_an_e_mail_in_another_spelling(signed: str, posted: str) -> None:
    signature = accredit.sign_identity(ONE, CP, CPD, signed, now=NOW)
    assert mistakes_of(signature, boot_of(posted)) == {"email_case_or_space"}
    signature = accredit.sign_identity_v2(ONE, CP, CPD, {"email": signed}, now=NOW, origin=ORIGIN)
    assert mistakes_of(signature, boot_of(posted)) == {"email_case_or_space"}


def test_an_e_mail_that_is_another() -> None:
    assert mistakes_of(V1, boot_of("mallory@example.com")) == set()
    assert mistakes_of(V1, boot_of(None)) == set()


def test_an_e_mail_that_was_not_signed() -> None:
    assert mistakes_of(accredit.sign_identity(ONE, CP, CPD, now=NOW)) == {"email_missing"}
    assert mistakes_of(accredit.sign_identity_v2(ONE, CP, CPD, {}, now=NOW, origin=ORIGIN)) == {"email_missing"}
    assert mistakes_of(v1(TEXT.replace(f":{EMAIL}", ""))) == {"email_missing"}
    assert mistakes_of(v1(TEXT.replace(f":{EMAIL}", "")), boot_of(None)) == {"email_missing"}


def test_ids_in_the_wrong_order() -> None:
    assert mistakes_of(accredit.sign_identity(ONE, CPD, CP, EMAIL, now=NOW)) == {"ids_swapped"}
    assert mistakes_of(accredit.sign_identity_v2(ONE, CPD, CP, {"email": EMAIL}, now=NOW)) == {"ids_swapped"}


def test_a_secret_that_was_retired() -> None:
    old = accredit.IdentitySecret(b"o" * 32, "key_0")
    signed = accredit.sign_identity(old, CP, CPD, EMAIL, now=NOW)
    assert mistakes_of(signed, old_secrets=[TWO, old]) == {"old_secret"}
    assert mistakes_of(signed) == set()
    signed = accredit.sign_identity_v2(old, CP, CPD, {"email": EMAIL}, now=NOW)
    assert mistakes_of(signed, old_secrets=[old]) == {"old_secret"}
    assert mistakes_of(signed, old_secrets=[dataclasses.replace(old, key_id="key_9")]) == set()


@pytest.mark.parametrize("signature", ["v2.a.b", "1:2", "1:2:3:4", f"1700000000:{'!' * 43}:{NONCE}", "é:ü:ö", "x" * 257, None])
def test_what_cannot_be_taken_apart_shows_no_mistake(signature: str | None) -> None:
    assert mistakes_of(signature) == set()


def test_no_mac_is_told() -> None:
    """Every MAC that a live secret yields over what the report is about, in every encoding."""
    for boot in (BOOT, boot_of("mallory@example.com"), boot_of(None)):
        for signature in (V1, V2, UNBOUND, v1(TEXT, encode=bytes.hex)):
            report = repr(diagnose(signature, boot, old_secrets=[TWO])).lower()
            for peeked in map(accredit.peek_identity, (V1, V2)):
                for mac in (
                    mac_of(text.decode(), key.octets) for text in signed_texts(peeked, boot, ORIGIN) for key in (ONE, TWO)
                ):
                    assert not any(form.lower() in report for form in (b64_encode(mac)[:-1], b64url_encode(mac), mac.hex()))
            assert not any(text in report for text in ("key_2", EMAIL, "mallory@", b64_encode(ONE.octets).lower()))
