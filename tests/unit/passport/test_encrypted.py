import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from joserfc import jwe

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS, PUBLIC_KEY_ALGORITHMS, peek_passport

NOW = 1_700_000_000
PASSPORT = {"card": "4111", "limit": 2500, "share": 0.5, "vip": False}
Envelope = Literal["off", "warn", "require"]


@pytest.fixture(scope="module")
def secret() -> dict[str, Any]:
    return accredit.generate_passport_key().private_jwk


@pytest.fixture(scope="module")
def pair() -> accredit.GeneratedPassportKey:
    return accredit.generate_passport_key("ECDH-ES+A128KW")


def encrypt(jwk: dict[str, Any], plaintext: bytes, alg: str = "A128KW", **header: Any) -> str:
    """What any JOSE library may make with this key."""
    key = accredit.parse_passport_key(jwk, alg).key
    registry = jwe.JWERegistry(algorithms=[alg, "A128GCM"], strict_check_header=False)
    return jwe.encrypt_compact({"alg": alg, "enc": "A128GCM", **header}, plaintext, key, registry=registry)


def open_with(
    jwk: dict[str, Any],
    compact: str,
    alg: str = "A128KW",
    *,
    uid: str | None = None,
    envelope: Envelope = "off",
    now: int = NOW,
) -> accredit.OpenedPassport:
    key = accredit.parse_passport_key(jwk, alg, key_id="k1")
    return accredit.open_passport(compact, [key], integration_id="i", uid=uid, now=now, envelope=envelope)


def refusal_of(jwk: dict[str, Any], compact: str, alg: str = "A128KW", **arguments: Any) -> str:
    with pytest.raises(accredit.Refused) as refusal:
        open_with(jwk, compact, alg, **arguments)
    return refusal.value.code


def rewrite(compact: str, change: Callable[[dict[str, Any]], object]) -> str:
    header, rest = compact.split(".", 1)
    members = json.loads(b64url_decode(header))
    change(members)
    return f"{b64url_encode(json.dumps(members).encode())}.{rest}"


@pytest.mark.parametrize("enc", PASSPORT_ENCRYPTIONS)
@pytest.mark.parametrize("alg", PASSPORT_ALGORITHMS)
@pytest.mark.parametrize("bound", [False, True])
def test_what_is_sealed_is_opened(alg: str, enc: str, bound: bool) -> None:
    made = accredit.generate_passport_key(alg, enc)
    sealing = made.public_jwk or made.private_jwk
    now, integration_id, uid = (NOW, "i", "u") if bound else (None, None, None)
    compact = accredit.seal_passport(
        PASSPORT, sealing, alg=alg, enc=enc, kid="k1", now=now, integration_id=integration_id, uid=uid
    )
    opened = accredit.open_passport(
        compact,
        [accredit.parse_passport_key(made.private_jwk, alg, enc, key_id="k1")],
        integration_id="i",
        uid="u",
        now=NOW,
        envelope="warn",
    )
    assert (opened.passport, opened.key_id) == (PASSPORT, "k1")
    assert opened.warnings == (() if bound else ("passport_envelope_missing",))


def test_each_sealing_is_another(secret: dict[str, Any]) -> None:
    assert len({accredit.seal_passport(PASSPORT, secret) for _ in range(9)}) == 9


def test_nothing_of_a_passport_shows(secret: dict[str, Any]) -> None:
    header, segments = peek_passport(accredit.seal_passport({"card": "4111-1111"}, secret))
    assert header == {"alg": "A128KW", "enc": "A128GCM"}
    assert not any(b"4111-1111" in segment for segment in segments)


@pytest.mark.parametrize("kid", [None, "k2"])
def test_kid_picks_a_key_else_each_is_tried(kid: str | None) -> None:
    secrets = [accredit.generate_passport_key().private_jwk for _ in range(2)]
    keys = [accredit.parse_passport_key(jwk, key_id=f"k{number}") for number, jwk in enumerate(secrets, 1)]
    compact = accredit.seal_passport(PASSPORT, secrets[1], kid=kid)
    assert accredit.open_passport(compact, keys, integration_id="i", uid=None, now=0).key_id == "k2"


def test_kid_of_no_live_key(secret: dict[str, Any]) -> None:
    assert refusal_of(secret, accredit.seal_passport(PASSPORT, secret, kid="k9")) == "jwe_key_missing"
    with pytest.raises(accredit.Refused, match="jwe_key_missing"):
        accredit.open_passport(accredit.seal_passport(PASSPORT, secret), [], integration_id="i", uid=None, now=0)


def test_the_record_decides_the_algorithms(secret: dict[str, Any]) -> None:
    for alg, enc in (("dir", "A128GCM"), ("A128GCMKW", "A128GCM"), ("A128KW", "A256GCM")):
        sealed = accredit.seal_passport(PASSPORT, {"kty": "oct", "k": secret["k"]}, alg=alg, enc=enc)
        assert refusal_of(secret, sealed) == "jwe_alg_not_allowed"


@pytest.mark.parametrize("alg", PASSPORT_ALGORITHMS)
def test_another_key_opens_nothing(alg: str) -> None:
    one, other = (accredit.generate_passport_key(alg) for _ in range(2))
    sealed = accredit.seal_passport(PASSPORT, one.public_jwk or one.private_jwk, alg=alg)
    assert refusal_of(other.private_jwk, sealed, alg) == "jwe_decrypt_failed"


@pytest.mark.parametrize("alg", sorted(PUBLIC_KEY_ALGORITHMS))
def test_a_public_half_opens_nothing(alg: str) -> None:
    made = accredit.generate_passport_key(alg)
    assert made.public_jwk
    assert refusal_of(made.public_jwk, accredit.seal_passport(PASSPORT, made.public_jwk, alg=alg), alg) == "jwe_decrypt_failed"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"zip": "DEF"}, "jwe_header_not_allowed"),
        ({"crit": ["x"], "x": 1}, "jwe_header_not_allowed"),
        ({"jwk": {}}, "jwe_header_not_allowed"),
        ({"typ": "JWE"}, "jwe_header_not_allowed"),
        ({"apu": "QQ"}, "jwe_header_not_allowed"),
        ({"epk": {}}, "jwe_header_not_allowed"),
        ({"iv": "QQ"}, "jwe_header_not_allowed"),
        ({"p2s": "QQ", "p2c": 1}, "jwe_header_not_allowed"),
        ({"kid": 1}, "jwe_malformed"),
        ({"kid": None}, "jwe_malformed"),
        ({"cty": []}, "jwe_malformed"),
        ({"cty": {"a": {"b": {}}}}, "jwe_malformed"),
        ({"alg": "RSA1_5"}, "jwe_alg_not_allowed"),
        ({"alg": "PBES2-HS256+A128KW"}, "jwe_alg_not_allowed"),
        ({"alg": "A256KW"}, "jwe_alg_not_allowed"),
        ({"alg": ["A128KW"]}, "jwe_alg_not_allowed"),
        ({"alg": None}, "jwe_alg_not_allowed"),
        ({"enc": "A128CBC-HS256"}, "jwe_alg_not_allowed"),
        ({"enc": ["A128GCM"]}, "jwe_alg_not_allowed"),
        ({"enc": None}, "jwe_alg_not_allowed"),
    ],
)
def test_refuses_other_headers(secret: dict[str, Any], header: dict[str, Any], code: str) -> None:
    sealed = rewrite(accredit.seal_passport(PASSPORT, secret), lambda members: members.update(header))
    assert refusal_of(secret, sealed) == code


@pytest.mark.parametrize("header", [b"", b"[]", b"{", b'"x"', b'{"alg":"A128KW","alg":"A128KW","enc":"A128GCM"}', b"\xff"])
def test_refuses_headers_that_are_no_object(secret: dict[str, Any], header: bytes) -> None:
    sealed = accredit.seal_passport(PASSPORT, secret)
    assert refusal_of(secret, f"{b64url_encode(header)}.{sealed.split('.', 1)[1]}") == "jwe_malformed"


@pytest.mark.parametrize(
    "respell",
    [
        lambda parts: parts[:4],
        lambda parts: [*parts, ""],
        lambda parts: [*parts[:4], parts[4] + "=="],
        lambda parts: [*parts[:4], parts[4] + "\n"],
        lambda parts: [*parts[:4], "+" + parts[4][1:]],
        lambda parts: [*parts[:4], parts[4][:-1] + "é"],
        lambda parts: [*parts[:4], ""],
        lambda parts: [*parts[:4], b64url_encode(bytes(15))],
        lambda parts: [*parts[:4], b64url_encode(bytes(17))],
        lambda parts: [*parts[:2], "", *parts[3:]],
        lambda parts: [*parts[:2], b64url_encode(bytes(16)), *parts[3:]],
        lambda parts: [parts[0], "", *parts[2:]],
        lambda parts: [parts[0], parts[1], parts[2], "A" * 65536, parts[4]],
    ],
)
def test_refuses_texts_of_another_shape(secret: dict[str, Any], respell: Callable[[list[str]], list[str]]) -> None:
    sealed = accredit.seal_passport(PASSPORT, secret)
    assert refusal_of(secret, ".".join(respell(sealed.split(".")))) == "jwe_malformed"


def test_an_encrypted_key_where_none_belongs(secret: dict[str, Any]) -> None:
    jwk = {"kty": "oct", "k": secret["k"]}
    parts = accredit.seal_passport(PASSPORT, jwk, alg="dir").split(".")
    assert refusal_of(jwk, ".".join([parts[0], "AAAA", *parts[2:]]), "dir") == "jwe_malformed"


@pytest.mark.parametrize("name", ["iv", "tag"])
@pytest.mark.parametrize("value", [None, 1, "", "QQ", "QUI=", b64url_encode(bytes(8)), b64url_encode(bytes(32))])
def test_a_wrapped_key_has_iv_and_tag_of_their_lengths(secret: dict[str, Any], name: str, value: Any) -> None:
    jwk = {"kty": "oct", "k": secret["k"]}
    sealed = accredit.seal_passport(PASSPORT, jwk, alg="A128GCMKW")
    assert refusal_of(jwk, rewrite(sealed, lambda members: members.update({name: value})), "A128GCMKW") == "jwe_malformed"
    assert refusal_of(jwk, rewrite(sealed, lambda members: members.pop(name)), "A128GCMKW") == "jwe_header_not_allowed"


@pytest.mark.parametrize("epk", [None, 1, "", [], "-----BEGIN PUBLIC KEY-----"])
def test_an_ephemeral_key_is_an_object(pair: accredit.GeneratedPassportKey, epk: Any) -> None:
    assert pair.public_jwk
    sealed = accredit.seal_passport(PASSPORT, pair.public_jwk, alg="ECDH-ES+A128KW")
    changed = rewrite(sealed, lambda members: members.update(epk=epk))
    assert refusal_of(pair.private_jwk, changed, "ECDH-ES+A128KW") == "jwe_malformed"


def encrypt_with_epk(jwk: Mapping[str, Any], change: Mapping[str, Any]) -> str:
    """A sender's own code (RFC 7518 section 4.6.2): sound in every octet, but for what it writes about its ephemeral key."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    x, y = (int.from_bytes(b64url_decode(jwk[name])) for name in ("x", "y"))
    recipient = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    info = b"\0\0\0\x07A128GCM" + bytes(8) + (128).to_bytes(4)
    key = ConcatKDFHash(hashes.SHA256(), 16, info).derive(ephemeral.exchange(ec.ECDH(), recipient))
    numbers = ephemeral.public_key().public_numbers()
    epk = {"kty": "EC", "crv": "P-256", "x": b64url_encode(numbers.x.to_bytes(32)), "y": b64url_encode(numbers.y.to_bytes(32))}
    if "d" in change:
        epk["d"] = b64url_encode(ephemeral.private_numbers().private_value.to_bytes(32))
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "epk": {**change, **epk}}
    protected = b64url_encode(json.dumps(header).encode())
    sealed = AESGCM(key).encrypt(bytes(12), b'{"a":1}', protected.encode())
    return ".".join([protected, "", *map(b64url_encode, (bytes(12), sealed[:-16], sealed[-16:]))])


def test_an_ephemeral_key_is_a_public_key_and_no_more(pair: accredit.GeneratedPassportKey) -> None:
    private = {name: value for name, value in pair.private_jwk.items() if name != "alg"}
    assert open_with(private, encrypt_with_epk(private, {}), "ECDH-ES").passport == {"a": 1}
    changes: list[dict[str, Any]] = [{"d": ""}, {"kid": "x"}, {"use": "enc"}, {"key_ops": []}, {"x5c": "x"}]
    for change in changes:
        assert refusal_of(private, encrypt_with_epk(private, change), "ECDH-ES") == "jwe_decrypt_failed"


def test_an_ephemeral_key_is_a_point_of_the_record_s_curve(pair: accredit.GeneratedPassportKey) -> None:
    point = {name: pair.private_jwk[name] for name in ("kty", "crv", "x", "y")}
    assert pair.public_jwk
    sealed = accredit.seal_passport(PASSPORT, pair.public_jwk, alg="ECDH-ES+A128KW")
    for epk in (
        {},
        {**point, "kty": "OKP"},
        {**point, "crv": "P-384"},
        {**point, "y": point["x"]},
        {**point, "y": None},
        {**point, "y": str(point["y"]) + "="},
        {**point, "x": b64url_encode(bytes(32)), "y": b64url_encode(bytes(32))},
        {"kty": "OKP", "crv": "X25519", "x": point["x"]},
    ):
        changed = rewrite(sealed, partial(replace_epk, epk))
        assert refusal_of(pair.private_jwk, changed, "ECDH-ES+A128KW") == "jwe_decrypt_failed"


def replace_epk(epk: Mapping[str, Any], members: dict[str, Any]) -> None:
    members["epk"] = epk


@pytest.mark.parametrize(
    ("plaintext", "code"),
    [
        (b"", "passport_malformed"),
        (b"[]", "passport_malformed"),
        (b'"x"', "passport_malformed"),
        (b"{", "passport_malformed"),
        (b'{"a":1,"a":2}', "passport_malformed"),
        (b'{"a":NaN}', "passport_malformed"),
        (b'{"a":"\xff"}', "passport_malformed"),
        (b'{"a":{"b":{"c":{}}}}', "passport_malformed"),
        (b'{"a":null}', "passport_value_type"),
        (b'{"a":{}}', "passport_value_type"),
        (b'{"a":9007199254740992}', "passport_value_type"),
        (b'{"__proto__":1}', "passport_key_invalid"),
        (b'{"a":"' + b"x" * 4097 + b'"}', "passport_too_large"),
    ],
)
def test_refuses_what_is_no_passport_inside(secret: dict[str, Any], plaintext: bytes, code: str) -> None:
    assert refusal_of(secret, encrypt(secret, plaintext)) == code


ENVELOPE = {"passport": PASSPORT, "integration_id": "i", "uid": "u", "iat": NOW, "exp": NOW + 300}
TYPE = "accredit-passport+json"


@pytest.mark.parametrize("envelope", ["off", "warn", "require"])
def test_an_envelope_is_read_under_every_policy(secret: dict[str, Any], envelope: Envelope) -> None:
    compact = encrypt(secret, json.dumps(ENVELOPE).encode(), cty=TYPE)
    opened = open_with(secret, compact, uid="u", envelope=envelope)
    assert (opened.passport, opened.warnings) == (PASSPORT, ())
    assert refusal_of(secret, compact, uid="victim", envelope=envelope) == "passport_binding_mismatch"


def test_an_envelope_may_be_required_or_missed(secret: dict[str, Any]) -> None:
    compact = accredit.seal_passport(PASSPORT, secret)
    assert open_with(secret, compact).warnings == ()
    assert open_with(secret, compact, envelope="warn").warnings == ("passport_envelope_missing",)
    assert refusal_of(secret, compact, envelope="require") == "passport_envelope_missing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"uid": None}, "passport_binding_mismatch"),
        ({"uid": "U"}, "passport_binding_mismatch"),
        ({"uid": 1}, "passport_binding_mismatch"),
        ({"integration_id": "j"}, "passport_binding_mismatch"),
        ({"integration_id": None}, "passport_binding_mismatch"),
        ({"exp": NOW - 30}, "passport_expired"),
        ({"iat": NOW + 31}, "passport_expired"),
        ({"exp": "x"}, "passport_malformed"),
        ({"exp": None}, "passport_malformed"),
        ({"iat": True}, "passport_malformed"),
        ({"exp": True}, "passport_malformed"),
        ({"iat": 1.5}, "passport_malformed"),
        ({"passport": []}, "passport_malformed"),
        ({"passport": None}, "passport_malformed"),
        ({"extra": 1}, "passport_malformed"),
        ({"passport": {"a": None}}, "passport_value_type"),
    ],
)
def test_refuses_other_envelopes(secret: dict[str, Any], change: dict[str, Any], code: str) -> None:
    compact = encrypt(secret, json.dumps(ENVELOPE | change).encode(), cty=TYPE)
    assert refusal_of(secret, compact, uid="u") == code


@pytest.mark.parametrize("name", ENVELOPE)
def test_an_envelope_is_whole(secret: dict[str, Any], name: str) -> None:
    part = {each: value for each, value in ENVELOPE.items() if each != name}
    assert refusal_of(secret, encrypt(secret, json.dumps(part).encode(), cty=TYPE), uid="u") == "passport_malformed"


def test_times_of_an_envelope_have_30_seconds_of_leeway(secret: dict[str, Any]) -> None:
    compact = accredit.seal_passport(PASSPORT, secret, now=NOW, integration_id="i", uid="u", lifetime_s=60)
    for now in (NOW - 30, NOW + 89):
        open_with(secret, compact, uid="u", now=now)
    for now in (NOW - 31, NOW + 90):
        assert refusal_of(secret, compact, uid="u", now=now) == "passport_expired"


def test_an_envelope_for_nobody_is_for_anonymous_visits(secret: dict[str, Any]) -> None:
    compact = accredit.seal_passport(PASSPORT, secret, now=NOW, integration_id="i")
    assert open_with(secret, compact).passport == PASSPORT
    assert refusal_of(secret, compact, uid="u") == "passport_binding_mismatch"


def test_an_envelope_without_its_type_is_no_passport(secret: dict[str, Any]) -> None:
    assert refusal_of(secret, encrypt(secret, json.dumps(ENVELOPE).encode()), uid="u") == "passport_value_type"


def test_the_largest_passport_travels(secret: dict[str, Any]) -> None:
    large = {f"k{number}": "x" * 4000 for number in range(8)}
    assert open_with(secret, accredit.seal_passport(large, secret)).passport == large


@pytest.mark.parametrize(
    ("passport", "code"),
    [
        ({"a": None}, "passport_value_type"),
        ({"a": float("inf")}, "passport_value_type"),
        ({"a": "\ud800"}, "passport_value_type"),
        ({"a b": 1}, "passport_key_invalid"),
        ({1: 1}, "passport_key_invalid"),
        ({f"k{number}": 1 for number in range(101)}, "passport_too_large"),
    ],
)
def test_refuses_to_seal_what_is_no_passport(secret: dict[str, Any], passport: Any, code: str) -> None:
    with pytest.raises(accredit.Refused) as refusal:
        accredit.seal_passport(passport, secret)
    assert refusal.value.code == code


def test_refuses_to_seal_an_envelope_that_no_server_opens(secret: dict[str, Any]) -> None:
    with pytest.raises(accredit.MalformedError, match="field_missing: integration_id"):
        accredit.seal_passport(PASSPORT, secret, now=NOW)
    with pytest.raises(accredit.Refused, match="passport_malformed"):
        accredit.seal_passport(PASSPORT, secret, now=NOW + 0.5, integration_id="i")  # type: ignore[arg-type]
    with pytest.raises(accredit.Refused, match="passport_expired"):
        accredit.seal_passport(PASSPORT, secret, now=NOW, integration_id="i", lifetime_s=-30)


def test_refuses_to_seal_with_a_key_of_another_algorithm(secret: dict[str, Any]) -> None:
    with pytest.raises(accredit.MalformedError, match="key_alg_mismatch"):
        accredit.seal_passport(PASSPORT, secret, alg="dir")
    with pytest.raises(accredit.MalformedError, match="key_type_unsupported"):
        accredit.seal_passport(PASSPORT, secret, alg="ECDH-ES")
