"""The hints of `accredit deployment explain`: each mistake that people make is named, and no value is."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from joserfc.jwk import ECKey

from accredit.encoding import b64url_decode, b64url_encode, compact_json
from accredit.keys import generate_deployment_key

PROPERTIES = {"deployer_id": "shop", "integration_id": "checkout", "owner_id": "example", "uid": "user-1"}
NOW = 1_700_000_000


@pytest.fixture
def pair(accredit):
    made = generate_deployment_key()
    (accredit.directory / "key.jwk").write_text(json.dumps(made.public_jwk))
    return made


@pytest.fixture
def hint(accredit, pair):
    """The hint about a token, and the step that it belongs to; judged by the key file."""

    def find(token, *options, now=NOW):
        options = ("--key", "key.jwk", "--now", str(now), *options)
        done = accredit("deployment", "explain", token, *options, "--json", code=1).json
        (failed,) = [step for step in done["steps"] if step["status"] == "fail"]
        assert "user-1" not in json.dumps(done)
        return failed["hint"]

    return find


@pytest.fixture
def signed(pair):
    """A token over any header and payload, signed as others might."""

    def make(payload=PROPERTIES, header=None, *, sign=None):
        header = {"alg": "ES512"} if header is None else header
        octets = payload if isinstance(payload, bytes) else compact_json(payload)
        signing_input = f"{b64url_encode(compact_json(header))}.{b64url_encode(octets)}"
        raw = sign(signing_input.encode()) if sign else raw_signature(pair, signing_input.encode())
        return f"{signing_input}.{b64url_encode(raw)}"

    return make


def der_signature(pair, octets, algorithm=None):
    key = ECKey.import_key(pair.private_jwk).private_key
    return key.sign(octets, ec.ECDSA(algorithm or hashes.SHA512()))


def raw_signature(pair, octets, algorithm=None):
    r, s = utils.decode_dss_signature(der_signature(pair, octets, algorithm))
    return r.to_bytes(66, "big") + s.to_bytes(66, "big")


TEXTS = {
    "padded": (lambda token: token + "==", "padded with ="),
    "quoted": (lambda token: f'"{token}"', "in quotes"),
    "bearer": (lambda token: f"Bearer {token}", "Bearer"),
    "placeholder": (lambda _: "{{SIGNED-VALUE}}", "placeholder"),
    "json": (lambda token: json.dumps({"payload": token}), "That is JSON"),
    "wrapped": (lambda token: f"{token[:70]}\n{token[70:]}", "white space"),
    "not_ascii": (lambda token: token[:-1] + "é", "no base64url has"),
    "too_long": (lambda token: token + "A" * 70_000, "longer than 65536"),
    "empty": (lambda _: " ", "empty"),
    "cut_off": (lambda token: token.rpartition(".")[0], "2 of the three segments"),
    "unsigned": (lambda token: token.rpartition(".")[0] + ".", "not signed"),
    "detached": (lambda token: ".".join((token.split(".")[0], "", token.split(".")[2])), "detached"),
    "encrypted": (lambda _: "a.b.c.d.e", "JWE"),
    "base64": (lambda token: token.rpartition(".")[0] + "." + "+/" * 88, "base64url, with - and _"),
    "odd_length": (lambda token: token + "A", "length that no base64url has"),
    "odd_character": (lambda token: token[:-1] + "!", "no base64url has"),
    "no_header": (lambda token: "W10." + token.partition(".")[2], "not a JSON object"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_names_what_is_wrong_with_the_text(hint, signed, name):
    change, told = TEXTS[name]
    assert told in hint(change(signed()))


def test_names_spare_bits(hint, vectors):
    (case,) = [case for case in vectors["cases"] if case["name"] == "noncanonical_trailing_bits"]
    assert "bits that mean nothing" in hint(case["inputs"]["token"])


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"alg": "ES512", "typ": "JWT"}, "signed a JWT"),
        ({"alg": "ES512", "typ": "other"}, "accredit-deployment+jws"),
        ({"alg": "ES512", "kid": 1}, "kid must be text"),
        ({"alg": "ES512", "crit": ["x"]}, "The header has crit"),
        ({"alg": "ES512", "x5c": []}, "The header has x5c"),
        ({"alg": "none"}, "not signed (alg none)"),
        ({"alg": "HS256"}, "a shared secret (HMAC)"),
        ({"alg": "RS256"}, "an RSA key"),
        ({"alg": "ES384"}, "a key on another curve"),
        ({"alg": "es512"}, "other letters"),
        ({"typ": "accredit-deployment+jws"}, "no alg"),
        ({"alg": "XX"}, "another algorithm"),
        ({"alg": "ES256"}, "The token is ES256; the keys that count are recorded for ES512"),
        ({"alg": "ES512", "kid": "mine"}, "token_key_id is warn or require"),
    ],
)
def test_names_what_is_wrong_with_the_header(hint, signed, header, told):
    assert told in hint(signed(header=header))


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"deployerId": "shop", "integration_id": "checkout"}, "The payload has deployerId in place of deployer_id"),
        ({"integration_id": "checkout"}, "Sign deployer_id and integration_id too"),
        ({**PROPERTIES, "deployer_id": 7}, "deployer_id must be text of 1 to 128"),
        ({**PROPERTIES, "deployer_id": "a:b"}, "deployer_id must be text of 1 to 128"),
        (json.dumps(json.dumps(PROPERTIES)).encode(), "turned into JSON twice"),
        (base64.urlsafe_b64encode(compact_json(PROPERTIES)), "base64url twice"),
        (b"\xff{}", "not UTF-8"),
        (b'{"deployer_id":NaN}', "NaN or Infinity"),
        (b"{", "not JSON"),
        (b'{"a":1,"a":2}', "stands twice"),
        ({"deployer_id": "shop", "integration_id": "checkout"}, "owner_id must be in the token or beside it"),
        ({**PROPERTIES, "uid": 7}, "uid must be text"),
        ({**PROPERTIES, "uid": ""}, "uid is empty"),
        ({**PROPERTIES, "uid": "anon_1"}, "anon_"),
        ({**PROPERTIES, "uid": "a\nb"}, "control character"),
        ({**PROPERTIES, "location": "#app"}, "Leave location out"),
        ({**PROPERTIES, "signed_deployment": "x"}, "not an object that holds a token"),
        ({**PROPERTIES, "data_passport": {"a": None}}, "never null or a list"),
    ],
)
def test_names_what_is_wrong_with_the_payload(hint, signed, payload, told):
    assert told in hint(signed(payload))


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ({"iat": NOW * 1000, "exp": NOW * 1000 + 1}, "iat is in milliseconds"),
        ({"iat": NOW + 90}, "ahead by less than two minutes"),
        ({"iat": NOW + 90_000}, "ahead by less than two days"),
        ({"exp": NOW - 60}, "late by less than two minutes"),
        ({"exp": NOW - 7000}, "late by less than two hours"),
        ({"exp": NOW - 10**7}, "late by more than two days"),
        ({"iat": NOW + 0.5}, "iat is a fraction"),
        ({"exp": str(NOW)}, "exp is text"),
        ({"exp": None}, "exp is null"),
        ({"exp": True}, "exp is a boolean"),
        ({"exp": -1}, "exp is out of range"),
        ({"jti": "0123456789abcdef"}, "needs exp beside it"),
        ({"jti": "short", "exp": NOW + 60}, "16 to 128"),
        ({"aud": 7}, "aud is text or a list"),
        ({"origins": "https://shop.example"}, "origins is a list"),
        ({"aud": "https://ID.example.com/"}, "only by case or by a slash"),
        ({"aud": "https://other.example"}, "must be the server's public URL, https://id.example.com"),
        ({"origins": ["https://shop.example/cart"]}, "no origin: scheme://host"),
        ({"origins": ["https://other.example"]}, "Add the page's origin"),
    ],
)
def test_names_what_is_wrong_with_the_claims(hint, signed, payload, told):
    options = ("--audience", "https://id.example.com", "--origin", "https://shop.example")
    assert told in hint(signed({**PROPERTIES, **payload}), *options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--policy", "token_expiry=require"), "The integration requires iat"),
        (("--policy", "token_key_id=require"), "The integration requires kid"),
        (("--policy", "token_expiry=require", "--policy", "token_lifetime=1"), None),
        (("--direct", 'data_passport={"a":1}'), "beside an anonymous token anybody could add it"),
        (("--direct", "uid=victim", "--policy", "strict_direct=true"), "leave it out of the page"),
        (("--policy", 'views=[{"id":"summary"}]', "--direct", "view_id=admin"), "Look at the integration's views"),
        (("--policy", 'passport_schema=[{"name":"a","required":true}]'), "Put the key that the schema requires"),
    ],
)
def test_names_what_the_integration_asks_for(accredit, hint, signed, options, told):
    if told is None:
        assert "(token_lifetime)" in accredit("deployment", "explain", signed(), "--key", "key.jwk", *options, code=2).err
    else:
        assert told in hint(signed(), *options)


@pytest.mark.parametrize(
    ("origin", "listed", "told"),
    [
        ("http://shop.example", "https://shop.example", "The list has https, the page is on http"),
        ("https://shop.example:8443", "https://shop.example", "with another port"),
        ("https://www.shop.example", "https://shop.example", "www."),
        ("https://shop.example", "https://*.shop.example", "not the host itself"),
        ("https://shop.example/", "https://shop.example", "without a path"),
        ("null", "https://shop.example", "a sandboxed page has none"),
    ],
)
def test_names_what_is_wrong_with_the_origin(hint, signed, origin, listed, told):
    assert told in hint(signed(), "--origin", origin, "--policy", f'allowed_origins=["{listed}"]')


def test_an_empty_list_that_is_required_admits_nobody(hint, signed):
    told = hint(signed(), "--origin", "null", "--policy", "origin_check=require")
    assert "allowed_origins is empty" in told


SIGNERS = {
    "der": (lambda pair, octets: der_signature(pair, octets), "The signature is DER"),
    "sha256": (lambda pair, octets: raw_signature(pair, octets, hashes.SHA256()), "hashed with SHA-256"),
    "sha384": (lambda pair, octets: raw_signature(pair, octets, hashes.SHA384()), "hashed with SHA-384"),
    "payload_only": (lambda pair, octets: raw_signature(pair, octets.split(b".")[1]), "Only the payload was signed"),
    "json_only": (
        lambda pair, octets: raw_signature(pair, b64url_decode(octets.split(b".")[1].decode())),
        "The JSON was signed",
    ),
    "twice_hashed": (lambda pair, octets: raw_signature(pair, hashlib.sha512(octets).digest()), "hashed before it was signed"),
    "hex_digest": (lambda pair, octets: raw_signature(pair, hashlib.sha512(octets).hexdigest().encode()), "hexadecimal digest"),
    "no_dot": (lambda pair, octets: raw_signature(pair, octets.replace(b".", b"")), "dot between header and payload"),
    "hex": (lambda pair, octets: raw_signature(pair, octets).hex().encode(), "hexadecimal digits"),
    "es256": (lambda _pair, _octets: bytes(range(1, 65)), "64 bytes, as ES256 or EdDSA"),
    "es384": (lambda _pair, _octets: bytes(range(1, 97)), "96 bytes, as ES384"),
    "zeros_lost": (lambda pair, octets: raw_signature(pair, octets)[1:], "leading zeros included"),
    "short": (lambda _pair, _octets: b"abc", "3 bytes; ES512 has 132"),
    "another_key": (lambda _pair, octets: raw_signature(generate_deployment_key(), octets), "made with another key"),
}


@pytest.mark.parametrize("name", SIGNERS)
def test_names_what_is_wrong_with_the_signature(hint, signed, pair, name):
    sign, told = SIGNERS[name]
    assert told in hint(signed(sign=lambda octets: sign(pair, octets)))


def test_finds_the_key_that_signed_among_those_that_do_not_count(shop, sign):
    shop("deployer", "create", "other")
    public = shop("keys", "generate", "--out", "other.jwk").out
    theirs = shop("keys", "register", "-", "--deployer", "other", "--json", stdin=public).json["key_id"]
    ids = ("--deployer", "shop", "--integration", "checkout", "--owner", "example")

    def hint_about(token, *options):
        steps = shop("deployment", "explain", token, *options, "--json", code=1).json["steps"]
        return next(step["hint"] for step in steps if step["status"] == "fail")

    token = shop("deployment", "sign", "--key", "other.jwk", *ids).out.strip()
    assert hint_about(token) == f"It was signed with {theirs}, a key of deployer other."
    named = shop("deployment", "sign", "--key", "other.jwk", "--extended", *ids).out.strip()
    assert hint_about(named, "--policy", "token_key_id=warn") == f"kid names {theirs}, a key of deployer other."
    limited = shop("keys", "generate", "--out", "limited.jwk").out
    shop("integration", "create", "second", "--deployer", "shop")
    shop("keys", "register", "-", "--deployer", "shop", "--integration", "second", stdin=limited)
    token = shop("deployment", "sign", "--key", "limited.jwk", *ids).out.strip()
    assert "which does not count for this integration" in hint_about(token)
    shop("keys", "revoke", shop("keys", "thumbprint", "shop.jwk").out.strip())
    assert "which is revoked" in hint_about(sign())
    unknown = sign("--extended", "--kid", "nobody")
    assert "thumbprint of a live key" in hint_about(unknown, "--policy", "token_key_id=warn")


def test_says_that_the_deployer_has_no_key_at_all(accredit, pair, signed):
    accredit("account", "create", "Example Ltd", "--owner-id", "example")
    accredit("deployer", "create", "shop")
    accredit("integration", "create", "checkout", "--deployer", "shop")
    assert "register its public key" in accredit("deployment", "explain", signed(), code=1).out


def test_without_a_database_a_key_file_is_asked_for(accredit, signed):
    assert "--key" in accredit("deployment", "explain", signed(), code=2).err
    assert "cut off" in accredit("deployment", "explain", "e30.e30", code=1).out
