"""Signed requests as the original sends them."""

import base64
import dataclasses
import hashlib
import hmac
from typing import Any

import pytest

import accredit
from accredit.httpsig import PeekedRequest

NOW = 1_611_438_194
DATE = "Sat, 23 Jan 2021 21:43:14 GMT"
KEY_ID = "live_key_deadbeefcafedeadbeefcafedeadbeef"
SECRET, OTHER = "live_secret_" + "abcd1234" * 8, "live_secret_" + "0123cdef" * 8
KEYS = {KEY_ID: [SECRET]}
TARGET = "/flow_sessions?idempotent=true"
BODY = b'{"a":1}'
HEADERS = accredit.sign_request("POST", TARGET, BODY, key_id=KEY_ID, secret=SECRET, now=NOW)


def verify(headers: Any = HEADERS, **changes: Any) -> accredit.VerifiedRequest:
    given = {"method": "POST", "target": TARGET, "body": BODY, "keys": KEYS, "now": NOW, **changes}
    return accredit.verify_request(headers=headers, **given)


def refusal_of(headers: Any = HEADERS, **changes: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        verify(headers, **changes)
    assert refusal.value.status in (401, 403)
    return refusal.value.code, refusal.value.member


def signed_over(lines: str, signed: str = "(request-target) date digest", more: str = "") -> str:
    """An `Authorization` over these lines, whatever they are."""
    mac = base64.b64encode(hmac.digest(SECRET.encode(), lines.encode("latin-1"), "sha256")).decode()
    return f'Signature keyId="{KEY_ID}",algorithm="hmac-sha256",headers="{signed}",signature="{mac}"{more}'


def test_the_headers_are_spelt_as_the_original_spells_them() -> None:
    """The signing string is written out here by hand, from the protocol page."""
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    lines = f"(request-target): post {TARGET}\ndate: {DATE}\ndigest: SHA-256={digest}"
    assert {"Date": DATE, "Digest": f"SHA-256={digest}", "Authorization": signed_over(lines)} == HEADERS
    assert list(HEADERS) == ["Date", "Digest", "Authorization"]


def test_what_is_signed_is_verified() -> None:
    verified = verify()
    assert (verified.key_id, verified.secret_index, verified.signed_at) == (KEY_ID, 0, NOW)
    assert verified.signed == ("(request-target)", "date", "digest")
    assert f'signature="{verified.signature}"' in HEADERS["Authorization"]
    assert verify(list(HEADERS.items())) == verify({name.upper(): value for name, value in HEADERS.items()}) == verified


def test_a_request_without_body_has_a_digest_too() -> None:
    headers = accredit.sign_request("GET", "/", b"", key_id=KEY_ID, secret=SECRET, now=NOW)
    assert headers["Digest"] == "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert verify(headers, method="GET", target="/", body=b"").key_id == KEY_ID


def test_tells_which_of_several_secrets_signed() -> None:
    for keys, index in (([OTHER, SECRET], 1), ([SECRET, OTHER], 0), ([OTHER, OTHER, SECRET], 2)):
        assert verify(keys={KEY_ID: keys}).secret_index == index
    assert refusal_of(keys={KEY_ID: [OTHER]}) == ("mac_mismatch", "authorization")


def test_a_key_that_is_not_there_is_told_from_one_that_did_not_sign() -> None:
    assert refusal_of(keys={}) == ("key_unknown", "authorization")
    assert refusal_of(keys={"live_key_0": [SECRET]}) == ("key_unknown", "authorization")
    assert refusal_of(keys={KEY_ID: []}) == ("key_unknown", "authorization")


def test_what_is_no_secret_is_told_to_whoever_gives_it() -> None:
    for secret in ("short", "a" * 129, "é" * 40, " " * 40, "a" * 40 + "\n"):
        with pytest.raises(accredit.MalformedError, match=r"^secret_malformed$"):
            verify(keys={KEY_ID: [secret]})
        with pytest.raises(accredit.MalformedError, match=r"^secret_malformed$"):
            accredit.sign_request("GET", "/", b"", key_id=KEY_ID, secret=secret, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"target": "/flow_sessions"},
        {"target": "https://id.example.com" + TARGET},
        {"target": TARGET.replace("=", "%3D")},
        {"target": TARGET + "\ndate: x"},
        {"target": ""},
        {"target": "/Ā"},
        {"method": "POST /x"},
        {"method": ""},
    ],
)
def test_it_is_of_one_method_and_target(change: dict[str, Any]) -> None:
    assert refusal_of(**change) == ("mac_mismatch", "authorization")


@pytest.mark.parametrize(
    "change", [{"target": "/a b"}, {"target": "/\n"}, {"target": ""}, {"method": "GET /"}, {"target": "/Ā"}]
)
def test_what_is_no_request_line_is_verified_under_no_signature(change: dict[str, Any]) -> None:
    """Not under one of the line as it is, nor under one of nothing."""
    given = {"method": "POST", "target": TARGET, **change}
    line = f"{given['method'].lower()} {given['target']}"
    lines = f"(request-target): {line}\ndate: {DATE}\ndigest: {HEADERS['Digest']}".replace("Ā", "A")
    for signed in (lines, ""):
        assert refusal_of(HEADERS | {"Authorization": signed_over(signed)}, **change) == ("mac_mismatch", "authorization")


def test_the_method_counts_in_any_case() -> None:
    assert verify(method="post").key_id == KEY_ID


def test_it_is_of_one_body() -> None:
    assert refusal_of(body=BODY + b" ") == ("digest_mismatch", "digest")
    assert refusal_of(body=b"") == ("digest_mismatch", "digest")
    other = accredit.sign_request("POST", TARGET, b"x", key_id=KEY_ID, secret=SECRET, now=NOW)
    assert refusal_of(HEADERS | {"Digest": other["Digest"]}, body=b"x") == ("mac_mismatch", "authorization")


def test_it_is_fresh_on_both_sides() -> None:
    for off in (-899, 0, 899):
        assert verify(now=NOW + off).signed_at == NOW
    for off in (-900, 900, 10**12):
        assert refusal_of(now=NOW + off) == ("date_out_of_range", "date")
    assert verify(now=NOW + 900, tolerance_s=901).signed_at == NOW


@pytest.mark.parametrize(
    "date", ["", "2021-01-23T21:43:14Z", "Sun, 23 Jan 2021 21:43:14 GMT", f"{DATE} ", "1611438194", "\x00"]
)
def test_the_date_has_one_form(date: str) -> None:
    assert refusal_of(HEADERS | {"Date": date}) == ("date_malformed", "date")


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "SHA-256=",
        "SHA-512=" + "A" * 86 + "==",
        HEADERS["Digest"] + " ",
        HEADERS["Digest"][:-1],
        "ſha-256=" + "A" * 43 + "=",
        "é",
    ],
)
def test_the_digest_has_one_form(digest: str) -> None:
    assert refusal_of(HEADERS | {"Digest": digest}) == ("digest_malformed", "digest")


def test_spare_bits_of_a_digest_are_another_digest() -> None:
    last = HEADERS["Digest"][-2]
    respelt = chr(ord(last) + 1)
    assert base64.b64decode(HEADERS["Digest"][8:-2] + respelt + "=") == hashlib.sha256(BODY).digest()
    assert refusal_of(HEADERS | {"Digest": HEADERS["Digest"][:-2] + respelt + "="}) == ("digest_mismatch", "digest")


@pytest.mark.parametrize("name", ["Date", "Digest", "Authorization"])
def test_each_header_is_there_once(name: str) -> None:
    missing = {other: value for other, value in HEADERS.items() if other != name}
    assert refusal_of(missing) == ("authentication_missing", name.lower())
    twice = [*HEADERS.items(), (name.lower(), HEADERS[name])]
    assert refusal_of(twice) == ("authorization_malformed", name.lower())
    # What is missing is told before what came twice.
    assert refusal_of([*missing.items(), *missing.items()])[0] == "authentication_missing"


AUTHORIZATION = HEADERS["Authorization"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "Signature",
        lambda text: "Signature ",
        lambda text: text.replace("Signature ", "Bearer "),
        lambda text: text.replace("Signature ", "ſignature "),
        lambda text: text.replace("Signature ", "Signature"),
        lambda text: text.removeprefix("Signature "),
        lambda text: text + ",",
        lambda text: text + " ",
        lambda text: text + ",x",
        lambda text: text + ",created=1611438194",
        lambda text: text + ',x="a\\"b"',
        lambda text: text + f',keyId="{KEY_ID}"',
        lambda text: text.replace('"', "'"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace("keyId", "keyid"),
        lambda text: text.replace(f'keyId="{KEY_ID}",', ""),
        lambda text: text.replace(KEY_ID, ""),
        lambda text: text.replace(KEY_ID, "a" * 129),
        lambda text: text.replace(KEY_ID, "live key"),
        lambda text: text.replace("hmac-sha256", "hmac-sha1"),
        lambda text: text.replace("hmac-sha256", "hs2019"),
        lambda text: text.replace("hmac-sha256", "HMAC-SHA256"),
        lambda text: text.replace("hmac-sha256", ""),
        lambda text: text.replace("(request-target) ", ""),
        lambda text: text.replace(" date", ""),
        lambda text: text.replace(" digest", ""),
        lambda text: text.replace("date digest", "Date Digest"),
        lambda text: text.replace("date digest", "date  digest"),
        lambda text: text.replace("date digest", "date date digest"),
        lambda text: text.replace("date digest", "date digest (created)"),
        lambda text: text.replace("date digest", "date digest host"),
        lambda text: text.replace("date digest", "date digest " + " ".join(f"x-{n}" for n in range(8))),
        lambda text: text[:-2] + '"',
        lambda text: text[:-2] + '=="',
        lambda text: text + ',x="' + "a" * 4096 + '"',
    ],
)
def test_the_authorization_has_one_form(change: Any) -> None:
    assert change(AUTHORIZATION) != AUTHORIZATION
    assert refusal_of(HEADERS | {"Authorization": change(AUTHORIZATION)}) == ("authorization_malformed", "authorization")


def test_a_signature_has_one_spelling() -> None:
    signature = accredit.peek_request(HEADERS).signature
    respelt = signature[:-2] + chr(ord(signature[-2]) + 1) + "="
    assert base64.b64decode(respelt) == base64.b64decode(signature)
    changed = HEADERS | {"Authorization": AUTHORIZATION.replace(signature, respelt)}
    assert refusal_of(changed) == ("authorization_malformed", "authorization")


LINES = {"(request-target)": f"post {TARGET}", "date": DATE, "digest": HEADERS["Digest"], "x-note": "é\t1", "content-type": ""}


def in_order(*names: str) -> str:
    return signed_over("\n".join(f"{name}: {LINES[name]}" for name in names), " ".join(names))


def test_headers_count_in_the_order_in_which_they_are_named() -> None:
    names = ("date", "x-note", "digest", "content-type", "(request-target)")
    sent = HEADERS | {"X-Note": "é\t1", "Content-Type": "", "Authorization": in_order(*names)}
    assert verify(sent).signed == names
    assert refusal_of(sent | {"X-Note": "e\t1"}) == ("mac_mismatch", "authorization")
    assert refusal_of([*sent.items(), ("x-note", "2")]) == ("authorization_malformed", "authorization")


@pytest.mark.parametrize("value", ["a\nb", "a\r", "\x00", "\x7f", "Ā"])
def test_no_header_makes_a_second_line(value: str) -> None:
    sent = HEADERS | {"X-Note": value, "Authorization": in_order("date", "x-note", "digest", "(request-target)")}
    assert refusal_of(sent) == ("authorization_malformed", "x-note")


def test_a_digest_in_lower_case_is_signed_as_it_is_spelt() -> None:
    digest = HEADERS["Digest"].replace("SHA", "sha")
    lines = f"(request-target): post {TARGET}\ndate: {DATE}\ndigest: {digest}"
    assert verify(HEADERS | {"Digest": digest, "Authorization": signed_over(lines)}).key_id == KEY_ID
    assert refusal_of(HEADERS | {"Digest": digest}) == ("mac_mismatch", "authorization")


def test_the_key_is_looked_for_before_anything_is_verified() -> None:
    peeked = accredit.peek_request(HEADERS)
    assert isinstance(peeked, PeekedRequest)
    assert (peeked.key_id, peeked.signed) == (KEY_ID, ("(request-target)", "date", "digest"))
    assert verify(peeked) == verify()
    assert refusal_of(peeked, body=b"") == ("digest_mismatch", "digest")


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("method", {"method": "GET /"}),
        ("target", {"target": "/a b"}),
        ("target", {"target": "/a\n"}),
        ("target", {"target": ""}),
        ("key_id", {"key_id": 'a"b'}),
        ("key_id", {"key_id": ""}),
        ("key_id", {"key_id": "a" * 129}),
        ("now", {"now": NOW * 1000}),
    ],
)
def test_nothing_is_signed_that_no_server_takes(member: str, change: dict[str, Any]) -> None:
    given: dict[str, Any] = {"method": "GET", "target": "/", "body": b"", "key_id": KEY_ID, "secret": SECRET, "now": NOW}
    with pytest.raises(accredit.MalformedError, match=f"^field_invalid: {member}$"):
        accredit.sign_request(**given | change)


def test_a_verified_request_comes_from_verification_only() -> None:
    with pytest.raises(TypeError, match="verify_request"):
        accredit.VerifiedRequest(KEY_ID, 0, "", NOW, ())
    with pytest.raises(TypeError, match="verify_request"):
        dataclasses.replace(verify(), key_id="another")


def test_further_headers_are_signed_along() -> None:
    also = {"Idempotency-Key": "k-1", "X-B": "a b"}
    headers = accredit.sign_request("POST", TARGET, BODY, key_id=KEY_ID, secret=SECRET, now=NOW, also=also)
    assert list(headers) == ["Date", "Digest", "Authorization"]
    assert verify({**headers, **also}).signed == ("(request-target)", "date", "digest", "idempotency-key", "x-b")
    assert refusal_of({**headers, **also, "X-B": "c"}) == ("mac_mismatch", "authorization")
    assert refusal_of(headers) == ("authorization_malformed", "authorization")


@pytest.mark.parametrize(
    "also",
    [
        {"Date": "x"},
        {"a": "1", "A": "2"},
        {f"x-{number}": "1" for number in range(8)},
        {"a b": "1"},
        {"": "1"},
        {"a": ""},
        {"a": " 1"},
        {"a": "1\n"},
        {"a": "é"},
    ],
)
def test_what_is_no_further_header_is_not_signed(also: dict[str, str]) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: also"):
        accredit.sign_request("POST", TARGET, BODY, key_id=KEY_ID, secret=SECRET, now=NOW, also=also)
