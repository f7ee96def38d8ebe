"""Signed requests by RFC 9421, and its published example."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

import accredit
from accredit.httpsig import Profile, peek_request_v2

NOW = 1_800_000_000
KEY_ID, SECRET, OTHER = "live_key_1", "live_secret_" + "abcd1234" * 8, "live_secret_" + "0123cdef" * 8
URI = "https://id.example.com/flow_sessions?idempotent=true"
BODY = b'{"a":1}'
HEADERS = accredit.sign_request_v2("POST", URI, BODY, key_id=KEY_ID, secret=SECRET, now=NOW)


def verify(headers: Any = HEADERS, **changes: Any) -> accredit.VerifiedRequest:
    given = {"method": "POST", "target_uri": URI, "body": BODY, "keys": {KEY_ID: [SECRET]}, "now": NOW, **changes}
    return accredit.verify_request_v2(headers=headers, **given)


def refusal_of(headers: Any = HEADERS, **changes: Any) -> str:
    with pytest.raises(accredit.Refused) as refusal:
        verify(headers, **changes)
    return refusal.value.code


def test_the_published_example() -> None:
    """RFC 9421 appendix B.2.5, with the secret of appendix B.1.5."""
    secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    profile = Profile(('"date"', '"@authority"', '"content-type"'), "of no use here")
    parameters = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
    base = profile.signature_base(("Tue, 20 Apr 2021 02:07:55 GMT", "example.com", "application/json"), parameters)
    mac = hmac.digest(base64.b64decode(secret), base, "sha256")
    assert base64.b64encode(mac) == b"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="


def test_the_headers_are_those_of_rfc_9421() -> None:
    """The signature base is written out here by hand (RFC 9421 section 2.5)."""
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    params = (
        f'("@method" "@target-uri" "content-digest");created={NOW};keyid="live_key_1";alg="hmac-sha256";tag="accredit-flow"'
    )
    base = f'"@method": POST\n"@target-uri": {URI}\n"content-digest": sha-256=:{digest}:\n"@signature-params": {params}'
    mac = base64.b64encode(hmac.digest(SECRET.encode(), base.encode(), "sha256")).decode()
    assert {
        "Content-Digest": f"sha-256=:{digest}:",
        "Signature-Input": f"accredit={params}",
        "Signature": f"accredit=:{mac}:",
    } == HEADERS
    verified = verify()
    assert (verified.key_id, verified.secret_index, verified.signature, verified.signed_at) == (KEY_ID, 0, mac, NOW)
    assert verified.signed == ("@method", "@target-uri", "content-digest")


def test_one_of_several_secrets_signs() -> None:
    assert verify(keys={KEY_ID: [OTHER, SECRET]}).secret_index == 1
    assert refusal_of(keys={KEY_ID: [OTHER]}) == "mac_mismatch"
    assert refusal_of(keys={"live_key_2": [SECRET]}) == "key_unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"method": "post"},
        {"method": 'POST\n"@target-uri": x'},
        {"target_uri": URI.replace("id.example.com", "id.example.net")},
        {"target_uri": URI.replace("https:", "http:")},
        {"target_uri": URI + "&x"},
        {"target_uri": "/flow_sessions?idempotent=true"},
        {"target_uri": URI + "\n"},
        {"target_uri": "https://\ud800"},
    ],
)
def test_it_is_of_one_method_and_address(change: dict[str, Any]) -> None:
    assert refusal_of(**change) == "mac_mismatch"


@pytest.mark.parametrize(
    "change", [{"method": "post"}, {"method": "POST\n"}, {"target_uri": "/hooks"}, {"target_uri": URI + "\n"}]
)
def test_what_is_no_request_line_is_verified_under_no_signature(change: dict[str, str]) -> None:
    """Not under one of the line as it is, nor under one of nothing."""
    given = {"method": "POST", "target_uri": URI, **change}
    parameters = HEADERS["Signature-Input"].removeprefix("accredit=")
    profile = Profile(('"@method"', '"@target-uri"', '"content-digest"'), "accredit-flow")
    base = profile.signature_base((given["method"], given["target_uri"], HEADERS["Content-Digest"]), parameters)
    for signed in (base, b""):
        mac = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        assert refusal_of(HEADERS | {"Signature": f"accredit=:{mac}:"}, **change) == "mac_mismatch"


def test_it_is_of_one_body() -> None:
    assert refusal_of(body=b"") == "digest_mismatch"
    other = accredit.sign_request_v2("POST", URI, b"", key_id=KEY_ID, secret=SECRET, now=NOW)
    assert refusal_of(HEADERS | {"Content-Digest": other["Content-Digest"]}, body=b"") == "mac_mismatch"
    assert verify(other, body=b"").key_id == KEY_ID


def test_it_is_fresh() -> None:
    assert [verify(now=NOW + off).signed_at for off in (-60, 300)] == [NOW, NOW]
    assert [refusal_of(now=NOW + off) for off in (-61, 301)] == ["date_out_of_range"] * 2
    assert verify(now=NOW + 900, max_age=900).signed_at == NOW


@pytest.mark.parametrize("name", HEADERS)
def test_each_header_is_there_once(name: str) -> None:
    assert refusal_of({other: text for other, text in HEADERS.items() if other != name}) == "authentication_missing"
    assert refusal_of([*HEADERS.items(), (name.lower(), HEADERS[name])]) == "authorization_malformed"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Signature-Input", lambda text: text.replace('"@method" ', "")),
        ("Signature-Input", lambda text: text.replace('"content-digest"', '"content-digest";req')),
        ("Signature-Input", lambda text: text.replace("accredit-flow", "accredit-rest")),
        ("Signature-Input", lambda text: text.replace("hmac-sha256", "ecdsa-p256-sha256")),
        ("Signature-Input", lambda text: text.replace("accredit=", "sig1=")),
        ("Signature-Input", lambda text: text + ";nonce=1"),
        ("Signature-Input", lambda text: ""),
        ("Signature", lambda text: text.replace(":", "", 1)),
        ("Signature", lambda text: text.replace("=:", "=::")),
        ("Signature", lambda text: "accredit=:AAAA:"),
        ("Signature", lambda text: text + ", accredit=:AAAA:"),
    ],
)
def test_there_is_one_form(name: str, change: Any) -> None:
    assert change(HEADERS[name]) != HEADERS[name]
    assert refusal_of(HEADERS | {name: change(HEADERS[name])}) == "authorization_malformed"


def test_a_digest_has_one_spelling() -> None:
    for digest in ("", "é", HEADERS["Content-Digest"].upper(), HEADERS["Content-Digest"] + ", sha-512=:AAAA:"):
        assert refusal_of(HEADERS | {"Content-Digest": digest}) == "digest_mismatch"


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("method", {"method": "post"}),
        ("target_uri", {"target_uri": "/flow_sessions"}),
        ("target_uri", {"target_uri": URI + " "}),
        ("key_id", {"key_id": 'a"b'}),
        ("key_id", {"key_id": ""}),
    ],
)
def test_nothing_is_signed_that_no_server_takes(member: str, change: dict[str, Any]) -> None:
    given: dict[str, Any] = {"method": "POST", "target_uri": URI, "body": b"", "key_id": KEY_ID, "secret": SECRET, "now": NOW}
    with pytest.raises(accredit.MalformedError, match=f"^field_invalid: {member}$"):
        accredit.sign_request_v2(**given | change)
    with pytest.raises(accredit.MalformedError, match="secret_malformed"):
        accredit.sign_request_v2(**given | {"secret": "short"})


def test_whose_secret_is_to_be_tried() -> None:
    assert peek_request_v2(HEADERS) == KEY_ID
    for name, code in (("Signature-Input", "authentication_missing"), ("Signature", "authentication_missing")):
        with pytest.raises(accredit.Refused, match=code):
            peek_request_v2({each: text for each, text in HEADERS.items() if each != name})
    with pytest.raises(accredit.Refused, match="authorization_malformed"):
        peek_request_v2({**HEADERS, "Signature-Input": "sig1=()"})
