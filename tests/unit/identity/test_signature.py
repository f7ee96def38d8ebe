from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode, b64url_encode

MAC = bytes(range(220, 252))
NONCE = "0123456789abcdef0123456789abcdef"


def v1(timestamp: str = "1700000000", mac: str = b64_encode(MAC), nonce: str = NONCE) -> str:
    return f"{timestamp}:{mac}:{nonce}"


def v2(key_id: str = "key_1", timestamp: str = "1700000000", nonce: str = NONCE, mac: str = b64url_encode(MAC)) -> str:
    return f"v2.{key_id}.{timestamp}.{nonce}.{mac}"


def refusal_of(signature: Any) -> str:
    with pytest.raises(accredit.Refused) as refusal:
        accredit.peek_identity(signature)
    assert refusal.value.member == "signature"
    return refusal.value.code


def test_reads_the_original_s_form() -> None:
    assert accredit.peek_identity(v1()) == accredit.PeekedIdentity(1, 1_700_000_000, NONCE, None, MAC)


def test_reads_version_2() -> None:
    assert accredit.peek_identity(v2()) == accredit.PeekedIdentity(2, 1_700_000_000, NONCE, "key_1", MAC)


def test_a_peek_does_not_show_the_mac() -> None:
    assert "mac" not in repr(accredit.peek_identity(v1()))


@pytest.mark.parametrize("absent", [None, "", "null"])
def test_absence_is_told_as_such(absent: str | None) -> None:
    assert refusal_of(absent) == "signature_required"


@pytest.mark.parametrize(
    "signature",
    [
        *("Null", "undefined", ":", "{{YOUR-SIGNATURE}}", "v2", "v2.", "v2....", "v2.a.b.c", "v1.a.b.c.d", 5, b"1:2:3"),
        *(
            v1() + ":",
            ":" + v1(),
            v1(nonce=f"yyyy:{NONCE}"),
            v1() + " ",
            v1() + "\n",
            v1(nonce="é" * 30),
            v1(nonce="\x7f" * 30),
        ),
        *(v1(nonce="\ud800" * 30), v1(nonce="\x00" * 30), v1().replace(":", ".")),
        *(
            v2() + ".",
            "." + v2(),
            v2() + ".a",
            v2(key_id=""),
            v2(key_id="k" * 65),
            v2(key_id="k+"),
            v2(key_id="a:b"),
            "V" + v2()[1:],
        ),
        *(v2().replace(".", ":"), v2() + "\t"),
    ],
)
def test_refuses_what_has_no_form(signature: Any) -> None:
    assert refusal_of(signature) == "signature_malformed"


def test_takes_256_characters_and_no_more() -> None:
    assert refusal_of("1" * 256) == refusal_of("1" * 257) == "signature_malformed"
    # Parts are only looked at in what is short enough.
    assert refusal_of("1:2:" + "n" * 252) == "timestamp_malformed"
    assert refusal_of("1:2:" + "n" * 253) == "signature_malformed"


@pytest.mark.parametrize("form", [v1, v2])
@pytest.mark.parametrize(
    "timestamp",
    [
        *("", "0", "170000000", "01700000000", "0700000000", "1700000000000", "17000000000", "+170000000", "-1700000000"),
        *("1.70000000", "1.7e9", "0x65545c00", "170000000o", "17_0000000"),
    ],
)
def test_refuses_a_timestamp_of_other_than_ten_digits(form: Any, timestamp: str) -> None:
    code = "signature_malformed" if form is v2 and "." in timestamp else "timestamp_malformed"
    assert refusal_of(form(timestamp=timestamp)) == code


@pytest.mark.parametrize("timestamp", [1_000_000_000, 9_999_999_999, 1_700_000_001])
def test_takes_every_timestamp_of_ten_digits(timestamp: int) -> None:
    assert accredit.peek_identity(v1(str(timestamp))).timestamp == timestamp
    assert accredit.peek_identity(v2(timestamp=str(timestamp))).timestamp == timestamp


@pytest.mark.parametrize("form", [v1, v2])
def test_a_nonce_has_30_to_50_characters(form: Any) -> None:
    for size in (30, 31, 49, 50):
        assert accredit.peek_identity(form(nonce="n" * size)).nonce == "n" * size
    for size in (0, 1, 29, 51, 100):
        assert refusal_of(form(nonce="n" * size)) == "nonce_length"


PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


def test_a_nonce_of_the_original_is_any_printable_text_without_colon() -> None:
    printable = PRINTABLE.replace(":", "")
    for start in range(0, len(printable), 30):
        nonce = printable[start : start + 30].ljust(30, "~")
        assert accredit.peek_identity(v1(nonce=nonce)).nonce == nonce


def test_a_nonce_of_version_2_is_base64url_text() -> None:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    for letter in PRINTABLE.replace(".", ""):
        signature = v2(nonce=letter * 30)
        if letter in allowed:
            assert accredit.peek_identity(signature).nonce == letter * 30
        else:
            assert refusal_of(signature) == "nonce_charset"
    assert refusal_of(v2(nonce="n" * 29 + "+")) == "nonce_charset"


@pytest.mark.parametrize(
    "mac",
    [
        *("", "A", MAC.hex(), b64_encode(MAC)[:-1], b64_encode(MAC) + "=", b64_encode(MAC)[:-2] + "9=", b64url_encode(MAC)),
        *(
            b64_encode(MAC)[:-1] + "A",
            b64_encode(MAC[:31]),
            b64_encode(MAC + b"a"),
            b64_encode(MAC + b"ab"),
            "=" * 44,
            "A" * 44,
        ),
        *(b64_encode(MAC).replace("/", "_", 1), b64_encode(MAC)[:20] + "," + b64_encode(MAC)[21:]),
    ],
)
def test_a_mac_of_the_original_is_canonical_base64_of_32_octets(mac: str) -> None:
    assert refusal_of(v1(mac=mac)) == "mac_encoding"


@pytest.mark.parametrize(
    "mac",
    [
        *("", "A", MAC.hex(), b64_encode(MAC), b64_encode(MAC)[:-1], b64url_encode(MAC)[:-1], b64url_encode(MAC) + "A"),
        *(b64url_encode(MAC)[:-1] + "9", b64url_encode(MAC) + "=", b64url_encode(MAC[:31]), b64url_encode(MAC)[:42] + "="),
    ],
)
def test_a_mac_of_version_2_is_canonical_base64url_of_32_octets(mac: str) -> None:
    assert refusal_of(v2(mac=mac)) == "mac_encoding"


def test_the_first_fault_is_told() -> None:
    assert refusal_of(v1("x", "x", "x")) == "timestamp_malformed"
    assert refusal_of(v1(mac="x", nonce="x")) == "nonce_length"
    assert refusal_of(v2("k+", "x", "x", "x")) == "signature_malformed"
    assert refusal_of(v2(timestamp="x", nonce="x", mac="x")) == "timestamp_malformed"
    assert refusal_of(v2(nonce="+", mac="x")) == "nonce_length"
    assert refusal_of(v2(nonce="+" * 30, mac="x")) == "nonce_charset"
