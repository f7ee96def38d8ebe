import json
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.sealing import SERVER_ALGORITHMS, ServerKey, find_server_key, sign_compact, verify_compact

PAYLOAD = b'{"sub":"backend"}'
EACH_ALGORITHM = pytest.mark.parametrize("alg", SERVER_ALGORITHMS)


@pytest.fixture(scope="module")
def made() -> dict[str, accredit.GeneratedKey]:
    return {alg: accredit.generate_server_key(alg) for alg in SERVER_ALGORITHMS}


@pytest.fixture(scope="module")
def jwks(made: dict[str, accredit.GeneratedKey]) -> dict[str, Any]:
    return {"keys": [key.public_jwk for key in made.values()]}


def signer(made: dict[str, accredit.GeneratedKey], alg: str) -> ServerKey:
    return accredit.parse_server_key(made[alg].private_jwk)


def holds(compact: str, jwks: dict[str, Any], **arguments: Any) -> bool:
    try:
        verify_compact(compact, jwks, **{"typ": "at+jwt", **arguments})
    except ValueError:
        return False
    return True


@EACH_ALGORITHM
def test_what_is_signed_is_verified(made: Any, jwks: Any, alg: str) -> None:
    compact = sign_compact(PAYLOAD, signer(made, alg), typ="at+jwt")
    verified = verify_compact(compact, jwks, typ="at+jwt")
    assert (verified.payload, verified.header) == (PAYLOAD, {"alg": alg, "kid": made[alg].thumbprint, "typ": "at+jwt"})
    assert not holds(compact, jwks, typ="accredit-session+jwt")
    assert not holds(compact, jwks, more=frozenset(("iat",)))
    assert holds(sign_compact(PAYLOAD, signer(made, alg), typ="at+jwt", more={"iat": 1}), jwks, more=frozenset(("iat",)))
    assert not holds(sign_compact(PAYLOAD, signer(made, alg), typ="at+jwt", more={"crit": []}), jwks)


@EACH_ALGORITHM
def test_a_pair_is_made_for_one_algorithm(made: Any, alg: str) -> None:
    private, public = made[alg].private_jwk, made[alg].public_jwk
    assert (public["alg"], public["use"], public["kid"]) == (alg, "sig", made[alg].thumbprint)
    assert not public.keys() & {"d", "p", "q", "dp", "dq", "qi"}
    assert private.items() >= public.items()
    assert accredit.parse_server_key(public).alg == alg
    assert str(private["d"])[:12] not in repr(accredit.parse_server_key(private))


def test_makes_no_other_pair() -> None:
    for alg in ("ES512", "HS256", "none", "EdDSA"):
        with pytest.raises(accredit.MalformedError, match="field_invalid: alg"):
            accredit.generate_server_key(alg)


@EACH_ALGORITHM
def test_a_signature_has_one_length(made: Any, jwks: Any, alg: str) -> None:
    head, _, text = sign_compact(PAYLOAD, signer(made, alg), typ="at+jwt").rpartition(".")
    signature = b64url_decode(text)
    assert len(signature) == signer(made, alg).signature_bytes == (64 if alg == "ES256" else 256)
    half = len(signature) // 2
    for other in (
        b"",
        signature[:-1],
        signature + b"\0",
        b"\0" + signature,
        bytes(len(signature)),
        bytes(half) + signature[half:],
        signature[:half] + bytes(half),
        signature[half:] + signature[:half],
        b"\xff" * len(signature),
        b"\x30\x45" + signature,
    ):
        assert not holds(f"{head}.{b64url_encode(other)}", jwks)


def test_the_key_decides_the_algorithm(made: Any, jwks: Any) -> None:
    """Both RSA keys could make either signature; a key is for one."""
    for alg, other in (("PS256", "RS256"), ("RS256", "PS256"), ("ES256", "RS256")):
        key, kid = signer(made, alg), made[other].thumbprint
        confused = ServerKey(kid, alg, key.parsed)
        assert not holds(sign_compact(PAYLOAD, confused, typ="at+jwt"), jwks)
    same_modulus = made["RS256"].private_jwk | {"alg": "PS256"}
    compact = sign_compact(PAYLOAD, accredit.parse_server_key(same_modulus), typ="at+jwt")
    assert not holds(compact, jwks)


def header_of(changes: dict[str, Any], kid: str) -> str:
    header = {"alg": "ES256", "kid": kid, "typ": "at+jwt", **changes}
    return b64url_encode(json.dumps({name: value for name, value in header.items() if value is not None}).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"kid": None},
        {"kid": "unknown"},
        {"kid": 1},
        {"typ": None},
        {"typ": "JWT"},
        {"jwk": {}},
        {"jku": "https://elsewhere.example"},
        {"x5c": []},
        {"crit": ["exp"]},
        {"b64": False},
    ],
)
def test_a_header_is_exact(made: Any, jwks: Any, changes: dict[str, Any]) -> None:
    key = signer(made, "ES256")
    head = f"{header_of(changes, key.kid)}.{b64url_encode(PAYLOAD)}"
    assert not holds(f"{head}.{b64url_encode(key.sign(head.encode()))}", jwks)
    sound = f"{header_of({}, key.kid)}.{b64url_encode(PAYLOAD)}"
    assert holds(f"{sound}.{b64url_encode(key.sign(sound.encode()))}", jwks)
    assert not holds(f"{head}.", jwks)


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b.c", "é.é.é", "e30.e30.e30", "W10.e30.e30"])
def test_what_is_no_token_is_refused(jwks: Any, text: str) -> None:
    assert not holds(text, jwks)


def test_a_name_means_one_key(made: Any) -> None:
    key = made["ES256"].public_jwk
    assert find_server_key({"keys": [key]}, key["kid"]).alg == "ES256"
    twice = [key, made["RS256"].public_jwk | {"kid": key["kid"]}]
    unfit: list[Any] = [
        {"keys": twice},
        {"keys": [key, key]},
        {"keys": [key | {"use": "enc"}]},
        {"keys": [key | {"alg": None}]},
        {"keys": [key | {"y": key["x"]}]},
        {"keys": {}},
        {"keys": ["x"]},
        {},
        {"keys": []},
    ]
    for document in unfit:
        with pytest.raises(ValueError, match="key"):
            find_server_key(document, key["kid"])
    assert find_server_key({"keys": [{"kty": "oct"}, None, *twice[:1]]}, key["kid"]).kid == key["kid"]


def code_of(jwk: object) -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.parse_server_key(jwk)
    return error.value.code, error.value.member


def test_refuses_what_is_no_key_of_a_server(made: Any) -> None:
    es, rs = made["ES256"].private_jwk, made["RS256"].private_jwk
    for jwk in (None, [], "{}"):
        assert code_of(jwk) == ("key_malformed", None)
    for kid in (None, "", 1, "a b", "é", "k" * 257):
        assert code_of(es | {"kid": kid}) == ("key_malformed", "kid")
    for alg in (None, "ES512", "RS256", "HS256", ["ES256"]):
        assert code_of(es | {"alg": alg}) == ("key_alg_mismatch", "alg")
    assert code_of(rs | {"kty": "EC"}) == ("key_alg_mismatch", "alg")
    assert code_of(es | {"use": "enc"}) == ("key_use_invalid", "use")
    assert code_of(es | {"crv": "P-384"}) == ("key_curve_unsupported", "crv")
    assert code_of(es | {"x": b64url_encode(bytes(31))}) == ("key_encoding_invalid", "x")
    assert code_of(es | {"x": es["y"]}) == ("key_value_invalid", None)
    assert code_of(es | {"d": b64url_encode(bytes(32))}) == ("key_value_invalid", None)
    assert code_of(rs | {"qi": None}) == ("key_encoding_invalid", "qi")
    assert code_of(rs | {"n": b64url_encode(b"\xff" * 128)}) == ("key_value_invalid", "n")
