import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.sealing import sign_compact

NOW = 1_800_000_000
BODY = b'{"id":"s-1"}'
EXCHANGE = accredit.Exchange("GET", "https://id.example.com/auth/rest/sessions/s-1?accountId=a", 200, "application/json")


@pytest.fixture(scope="module")
def made() -> accredit.GeneratedKey:
    return accredit.generate_server_key()


@pytest.fixture(scope="module")
def key(made: accredit.GeneratedKey) -> accredit.ServerKey:
    return accredit.parse_server_key(made.private_jwk)


@pytest.fixture(scope="module")
def jwks(made: accredit.GeneratedKey) -> dict[str, Any]:
    return {"keys": [made.public_jwk]}


@pytest.fixture(scope="module")
def headers(key: accredit.ServerKey) -> dict[str, str]:
    return accredit.sign_response(BODY, EXCHANGE, key, now=NOW)


def holds(
    headers: dict[str, str], jwks: Any, body: bytes = BODY, exchange: accredit.Exchange = EXCHANGE, now: int = NOW
) -> bool:
    try:
        accredit.verify_response(headers, body, exchange, jwks, now=now)
    except accredit.Refused as refusal:
        return str(refusal) != "response_signature_invalid"
    return True


def test_the_headers_are_those_of_rfc_9421(
    headers: dict[str, str], made: accredit.GeneratedKey, key: accredit.ServerKey
) -> None:
    """The signature base is written out here by hand, and verified without any code of ours (RFC 9421 sections 2.5 and 3.3.4)."""
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    params = (
        '("@status" "content-type" "content-digest" "@method";req "@target-uri";req)'
        f';created={NOW};keyid="{made.thumbprint}";alg="ecdsa-p256-sha256";tag="accredit-rest"'
    )
    assert headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert headers["Signature-Input"] == f"accredit={params}"
    base = (
        '"@status": 200\n'
        '"content-type": application/json\n'
        f'"content-digest": sha-256=:{digest}:\n'
        '"@method";req: GET\n'
        '"@target-uri";req: https://id.example.com/auth/rest/sessions/s-1?accountId=a\n'
        f'"@signature-params": {params}'
    )
    label, octets = headers["Signature"].removesuffix(":").split("=:", 1)
    signature = base64.b64decode(octets)
    r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:]))
    assert (label, len(signature)) == ("accredit", 64)
    public = accredit.parse_server_key(made.public_jwk).parsed.public_key
    public.verify(encode_dss_signature(r, s), base.encode(), ECDSA(SHA256()))


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_what_is_signed_is_verified(alg: str) -> None:
    made = accredit.generate_server_key(alg)
    headers = accredit.sign_response(BODY, EXCHANGE, accredit.parse_server_key(made.private_jwk), now=NOW)
    assert holds(headers, {"keys": [made.public_jwk]})
    assert holds({name.lower(): text for name, text in headers.items()} | {"server": "x"}, {"keys": [made.public_jwk]})
    assert not holds(headers, {"keys": [accredit.generate_server_key(alg).public_jwk | {"kid": made.thumbprint}]})
    # The same key recorded for another algorithm: `alg` agrees with the record or nothing does.
    if alg == "RS256":
        assert not holds(headers, {"keys": [made.public_jwk | {"alg": "PS256"}]})


@pytest.mark.parametrize(
    "change",
    [
        {"status": 201},
        {"method": "POST"},
        {"target_uri": "https://id.example.com/auth/rest/sessions/s-2?accountId=a"},
        {"target_uri": "https://id.example.com/auth/rest/sessions/s-1"},
        {"content_type": "application/jose"},
    ],
)
def test_it_is_of_one_request_and_one_answer(headers: dict[str, str], jwks: Any, change: dict[str, Any]) -> None:
    assert not holds(headers, jwks, exchange=replace(EXCHANGE, **change))
    assert not holds(headers, jwks, body=BODY + b" ")


def test_it_is_fresh(headers: dict[str, str], jwks: Any) -> None:
    assert [holds(headers, jwks, now=NOW + after) for after in (-61, -60, 0, 300, 301)] == [False, True, True, True, False]
    accredit.verify_response(headers, BODY, EXCHANGE, jwks, now=NOW + 900, max_age=900)
    with pytest.raises(accredit.Refused):
        accredit.verify_response(headers, BODY, EXCHANGE, jwks, now=NOW - 1, leeway=0)


@pytest.mark.parametrize("name", ["Content-Digest", "Signature-Input", "Signature"])
def test_each_header_counts(headers: dict[str, str], jwks: Any, name: str) -> None:
    assert not holds({key: text for key, text in headers.items() if key != name}, jwks)
    for position in range(len(headers[name])):
        octet = headers[name][position]
        changed = headers[name][:position] + ("A" if octet != "A" else "B") + headers[name][position + 1 :]
        assert not holds(headers | {name: changed}, jwks), (position, octet)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Signature-Input", lambda text: text.replace('"@status" ', "")),
        ("Signature-Input", lambda text: text.replace('"@method";req ', "")),
        ("Signature-Input", lambda text: text.replace('"content-digest" ', "")),
        ("Signature-Input", lambda text: text.replace(";req", "")),
        ("Signature-Input", lambda text: text.replace("accredit=", "other=")),
        ("Signature-Input", lambda text: text.replace("accredit-rest", "another")),
        ("Signature-Input", lambda text: text + ";nonce=1"),
        ("Signature-Input", lambda text: text + ', second=("@status")'),
        ("Signature-Input", lambda text: text + "\n"),
        ("Signature-Input", lambda text: text.replace("created=1", "created=01")),
        ("Signature-Input", lambda text: text.replace("ecdsa-p256-sha256", "rsa-v1_5-sha256")),
        ("Signature", lambda text: text.replace(":", "", 1)),
        ("Signature", lambda text: text + ", accredit=:AAAA:"),
        ("Signature", lambda text: "accredit=::"),
        ("Signature", lambda text: text.replace("==", "=")),
        ("Content-Digest", lambda text: text.replace("sha-256", "sha-512")),
        ("Content-Digest", lambda text: f"{text}, {text}"),
    ],
)
def test_there_is_one_form(headers: dict[str, str], jwks: Any, name: str, change: Any) -> None:
    assert change(headers[name]) != headers[name]
    assert not holds(headers | {name: change(headers[name])}, jwks)


def test_no_signature_is_told_from_a_wrong_one(jwks: Any) -> None:
    assert not holds({}, jwks)
    assert not holds({"Signature": "accredit=:AAAA:", "Signature-Input": "accredit=()", "Content-Digest": ""}, jwks)


def test_a_key_for_ps256_signs_none(key: accredit.ServerKey) -> None:
    made = accredit.generate_server_key("PS256")
    with pytest.raises(accredit.MalformedError, match="field_invalid: alg"):
        accredit.sign_response(BODY, EXCHANGE, accredit.parse_server_key(made.private_jwk), now=NOW)
    with pytest.raises(accredit.MalformedError, match="field_invalid: kid"):
        accredit.sign_response(BODY, EXCHANGE, replace(key, kid='a"b'), now=NOW)


def detached_holds(detached: str, jwks: Any, body: bytes = BODY, session_id: str = "s-1", now: int = NOW) -> bool:
    try:
        accredit.verify_response_detached(detached, body, jwks, session_id=session_id, now=now)
    except accredit.Refused as refusal:
        return str(refusal) != "response_signature_invalid"
    return True


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_a_detached_signature_is_of_one_body_session_and_time(alg: str) -> None:
    made = accredit.generate_server_key(alg)
    key, jwks = accredit.parse_server_key(made.private_jwk), {"keys": [made.public_jwk]}
    detached = accredit.sign_response_detached(BODY, key, session_id="s-1", now=NOW)
    assert detached.split(".")[1] == ""
    assert detached_holds(detached, jwks)
    assert not detached_holds(detached, jwks, body=b"{}")
    assert not detached_holds(detached, jwks, session_id="s-2")
    assert not detached_holds(detached, {"keys": []})
    assert [detached_holds(detached, jwks, now=NOW + after) for after in (-61, -60, 300, 301)] == [False, True, True, False]


def test_a_detached_signature_has_one_form(key: accredit.ServerKey, jwks: Any) -> None:
    header, _, signature = accredit.sign_response_detached(BODY, key, session_id="s-1", now=NOW).split(".")
    for other in (
        f"{header}.{b64url_encode(BODY)}.{signature}",
        f"{header}.{signature}",
        f"{header}..{signature}=",
        "",
        "..",
        "é..é",
    ):
        assert not detached_holds(other, jwks)
    assert b64url_decode(header).startswith(b'{"alg":"ES256","kid":')


@pytest.mark.parametrize(
    ("typ", "more"),
    [
        ("accredit-session+jwt", {"iat": NOW, "sid": "s-1"}),
        ("accredit-response+jws", {"iat": NOW}),
        ("accredit-response+jws", {"iat": str(NOW), "sid": "s-1"}),
        ("accredit-response+jws", {"iat": True, "sid": "s-1"}),
        ("accredit-response+jws", {"iat": NOW + 0.5, "sid": "s-1"}),
        ("accredit-response+jws", {"iat": NOW, "sid": None}),
        ("accredit-response+jws", {"iat": NOW, "sid": "s-1", "crit": ["b64"], "b64": False}),
    ],
)
def test_a_detached_signature_has_one_header(key: accredit.ServerKey, jwks: Any, typ: str, more: dict[str, Any]) -> None:
    header, _, signature = sign_compact(BODY, key, typ=typ, more=more).split(".")
    assert not detached_holds(f"{header}..{signature}", jwks)


def test_signs_for_no_session_that_no_json_names(key: accredit.ServerKey) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: session_id"):
        accredit.sign_response_detached(BODY, key, session_id="\ud800", now=NOW)
