"""Customers' backends: the code that the original prints, and what Node, PHP, Ruby and openssl make of the protocol page."""

import json
import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode, canonical_json

from .conftest import find_command

Call = Callable[..., Any]
HERE = Path(__file__).parent
NOW = 1_700_000_000
NONCE = "0123456789abcdef" * 2
ORIGIN = "https://shop.example"
IDS = ["cp_AAAAAAAAAAAAAAAAAAAAA", "cpd_BBBBBBBBBBBBBBBBBBBBB"]
EMAILS = ["", "jane@example.com", "Zoë+Tag@exämple.com", "a:b@x.example", "🙂@x.example", ' "Jane" <j@x.example>', "a\\/b\n@x"]
FIELDS = {
    "first_name": 'Zoë "Z" \\ O’Neill / 🙂',
    "address_1": "1 High St\nFlat\t2\x7f\u2028",
    "broadband.provider": "Virgin Media",
    "number_of_children": 2,
    "page": "energy",
    "locale": "en_GB",
}


def verify(
    signature: str, secret: accredit.IdentitySecret, fields: dict[str, Any], origin: str | None = None, now: int = NOW
) -> accredit.VerifiedIdentity:
    boot = accredit.read_boot_body({"cp_id": IDS[0], "cp_deployment_id": IDS[1], "signature": signature, **fields})
    return accredit.verify_identity(boot.signature, [secret], boot, now=now, origin=origin)


@pytest.fixture(scope="module", params=[16, 32, 64])
def shared(request: pytest.FixtureRequest) -> str:
    return b64_encode(random.Random(request.param).randbytes(request.param))


@pytest.fixture(scope="module")
def secret(shared: str) -> accredit.IdentitySecret:
    return accredit.IdentitySecret.from_base64(shared, "key_1")


def given(shared: str, fields: dict[str, Any], origin: str) -> dict[str, Any]:
    return {"secret": shared, "kid": "key_1", "ids": IDS, "fields": fields, "origin": origin, "now": NOW, "nonce": NONCE}


def test_a_client_of_the_original_is_verified(node: Call, shared: str, secret: accredit.IdentitySecret) -> None:
    seen = set()
    for email in EMAILS:
        ids = [*IDS, email] if email else IDS
        signature = node("identityOriginal", secret=shared, ids=ids, now=NOW)
        verified = verify(signature, secret, {"email": email})
        assert ((verified.email or ""), verified.timestamp, verified.version) == (email, NOW, 1)
        assert signature == accredit.sign_identity(secret, *IDS, email, now=NOW, nonce=verified.nonce)
        seen.add(verified.nonce)
    assert len(seen) == len(EMAILS)


def test_it_is_refused_where_the_original_wants_it_to_be(node: Call, shared: str, secret: accredit.IdentitySecret) -> None:
    signature = node("identityOriginal", secret=shared, ids=[*IDS, "jane@example.com"], now=NOW)
    for fields, now, code in (
        ({"email": "mallory@example.com"}, NOW, "mac_mismatch"),
        ({}, NOW, "mac_mismatch"),
        ({"email": "jane@example.com"}, NOW + 61, "timestamp_out_of_window"),
    ):
        with pytest.raises(accredit.Refused, match=code):
            verify(signature, secret, fields, now=now)


def test_the_original_s_placeholder_is_no_secret(node: Call) -> None:
    """`secret_key` decodes to seven octets in a lenient decoder, so whoever leaves it in signs with those."""
    signature = node("identityOriginal", secret="secret_key", ids=IDS, now=NOW)
    with pytest.raises(accredit.MalformedError, match="secret_malformed"):
        accredit.IdentitySecret.from_base64("secret_key")
    with pytest.raises(accredit.Refused, match="mac_mismatch"):
        verify(signature, accredit.IdentitySecret(bytes(32)), {})


METAS = [
    {},
    {"b": 1, "a": "x"},
    {"é": [1.5, True, None, {"z": 1e21, "10": 1e-7, "9": -0.0}], "🙂": "\x0f\n\u2028", "\ufb33": 54015142830715450},
]


@pytest.mark.parametrize("origin", [ORIGIN, ""])
def test_a_node_backend_signs_version_2_from_the_page(
    node: Call, shared: str, secret: accredit.IdentitySecret, origin: str
) -> None:
    for email, meta in zip(EMAILS, (METAS * 3)[: len(EMAILS)], strict=True):
        fields = {**FIELDS, "meta": meta} | ({"email": email} if email else {})
        signature = node("identityV2", **given(shared, fields, origin))
        verified = verify(signature, secret, fields, ORIGIN)
        assert (verified.email or "", verified.origin_bound) == (email, bool(origin))
        info = {name: value for name, value in fields.items() if name not in ("page", "locale")}
        beside = {name: str(fields[name]) for name in ("page", "locale")}
        assert signature == accredit.sign_identity_v2(secret, *IDS, info, now=NOW, nonce=NONCE, origin=origin or None, **beside)
    posted_by_a_browser = fields | {"address_1": str(fields["address_1"]).replace("\n", "\r\n")}
    assert verify(signature, secret, posted_by_a_browser, ORIGIN)


@pytest.mark.parametrize("language", ["php", "ruby"])
def test_other_backends_sign_from_the_page(language: str, shared: str, secret: accredit.IdentitySecret) -> None:
    command = find_command(language, "tools/install-system installs it, and customers sign in it")
    script = next((HERE / language).glob("identity.*"))
    for email in EMAILS:
        fields = FIELDS | ({"email": email} if email else {})
        text = json.dumps(given(shared, fields, ORIGIN))
        done = subprocess.run([command, script], input=text, capture_output=True, text=True, encoding="utf-8", check=True)
        signed = json.loads(done.stdout)
        assert signed["v1"] == accredit.sign_identity(secret, *IDS, email, now=NOW, nonce=NONCE)
        assert (verify(signed["v1"], secret, fields).email or "") == email
        assert verify(signed["v2"], secret, fields, ORIGIN).origin_bound


def test_openssl_yields_our_mac(openssl: Call, secret: accredit.IdentitySecret) -> None:
    for email in EMAILS:
        text = f"{NOW}:{IDS[0]}:{IDS[1]}:{email}:{NONCE}".encode()
        mac = openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{secret.octets.hex()}", "-binary", given=text)
        assert accredit.sign_identity(secret, *IDS, email, now=NOW, nonce=NONCE) == f"{NOW}:{b64_encode(mac)}:{NONCE}"


def test_node_writes_every_number_as_we_do(node: Call) -> None:
    drawn = random.Random(8785)
    doubles = [struct.unpack(">d", drawn.randbytes(8))[0] for _ in range(6000)]
    doubles += [drawn.randrange(10**17) * 10.0 ** drawn.randrange(-30, 10) for _ in range(6000)]
    doubles += [sign * digit * 10.0**power for sign in (1, -1) for digit in (1, 1.5, 9.99) for power in range(-25, 25)]
    doubles = [number for number in doubles if number == number and abs(number) != float("inf")]
    texts = node("numbers", octets=[struct.pack(">d", number).hex() for number in doubles])
    assert texts == [canonical_json(number).decode() for number in doubles]


def test_node_writes_every_value_as_we_do(node: Call) -> None:
    drawn = random.Random(8785)
    # Around the surrogates, where code points and UTF-16 code units sort differently.
    letters = [chr(code) for code in (*range(0x100), 0x2028, 0xD7FF, 0xE000, 0xFB33, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF)]
    values = [
        {
            "".join(drawn.choices(letters, k=drawn.randrange(4))): drawn.choice(
                [1, -0.5, "".join(letters), [], {"b": 1, "a": 2}, None]
            )
        }
        | dict.fromkeys(drawn.sample(letters, 8), True)
        for _ in range(300)
    ]
    assert node("canonical", texts=[json.dumps(value) for value in values]) == [
        canonical_json(value).decode() for value in values
    ]
