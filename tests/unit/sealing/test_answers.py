import json
from collections.abc import Callable
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode, b64url_encode, compact_json
from accredit.sealing import ENCRYPTIONS, PADDINGS, sign_compact

ANSWER = '{"id":"s-1","status":"SUCCESS","subject":{"name":"Åse \\"Ø\\" 🙂"}}'.encode()
SESSION = json.loads(ANSWER)
NOW = 1_800_000_000
WHO = {"issuer": "https://id.example.com/auth/open", "audience": "acc_1", "session_id": "s-1"}


@pytest.fixture(scope="module")
def server() -> accredit.GeneratedKey:
    return accredit.generate_server_key()


@pytest.fixture(scope="module")
def jwks(server: accredit.GeneratedKey) -> dict[str, Any]:
    others = [accredit.generate_server_key("RS256").public_jwk, accredit.generate_encryption_key("ECDH-ES", kid="e").public_jwk]
    return {"keys": [*others, server.public_jwk]}


def signature_by(server: accredit.GeneratedKey, **changes: Any) -> accredit.AnswerSignature:
    given = {"client_id": "backend", "issued": NOW, "expires": NOW + 1200, "jti": "1", **WHO, **changes}
    return accredit.AnswerSignature(key=accredit.parse_server_key(server.private_jwk), **given)


def refused(body: str | bytes, pair: Any, **arguments: Any) -> bool:
    with pytest.raises(accredit.SealedError) as refusal:
        accredit.open_sealed(body, [pair.opening], **arguments)
    assert str(refusal.value) == "sealed_invalid"
    assert (refusal.value.__cause__, refusal.value.member) == (None, None)
    return True


@pytest.mark.parametrize("enc", ENCRYPTIONS)
def test_what_is_sealed_is_opened(each_pair: Any, enc: str) -> None:
    body = accredit.seal_response(ANSWER, each_pair.sealing, enc=enc)
    assert accredit.open_sealed(body, [each_pair.opening]) == SESSION
    assert accredit.open_sealed(body.decode(), [each_pair.opening], enc=(enc,)) == SESSION
    assert refused(body, each_pair, enc=[other for other in ENCRYPTIONS if other != enc])


@pytest.mark.parametrize("kid", [None, "enc-1", 'k"\\ ø'])
def test_the_header_is_that_of_the_protocol(pair: Callable[..., Any], kid: str | None) -> None:
    for shape in ("rsa", "p521", "x25519"):
        of_kid = pair(shape, kid)
        header = json.loads(b64url_decode(accredit.seal_response(ANSWER, of_kid.sealing).decode().split(".")[0]))
        epk = header.pop("epk", None)
        assert header == {"alg": of_kid.sealing.alg, "enc": "A128CBC-HS256", "typ": "JWT"} | (
            {} if kid is None else {"kid": kid}
        )
        expected = {"rsa": None, "p521": {"kty", "crv", "x", "y"}, "x25519": {"kty", "crv", "x"}}[shape]
        assert expected == (None if epk is None else epk.keys())


def test_the_parts_are_as_long_as_those_of_the_original(pair: Callable[..., Any]) -> None:
    parts = accredit.seal_response(ANSWER, pair("rsa").sealing).decode().split(".")
    assert [len(part) for part in parts[:3]] == [70, 342, 22]
    assert len(parts[4]) == 22


def test_each_sealing_is_another(each_pair: Any) -> None:
    bodies = [accredit.seal_response(ANSWER, each_pair.sealing).split(b".") for _ in range(5)]
    assert len({body[2] for body in bodies}) == len({body[3] for body in bodies}) == 5


@pytest.mark.parametrize("pad_to", PADDINGS)
@pytest.mark.parametrize("nested", [False, True])
def test_padding_hides_the_length(pair: Callable[..., Any], server: Any, jwks: Any, pad_to: int, nested: bool) -> None:
    signature, signer = (signature_by(server), accredit.Signer(jwks, now=NOW, **WHO)) if nested else (None, None)
    lengths = set()
    for name in ("", "x" * 40):
        answer = compact_json({"id": "s-1", "name": name})
        body = accredit.seal_response(answer, pair("x25519").sealing, enc="A128GCM", pad_to=pad_to, signature=signature)
        lengths.add(len(body))
        assert accredit.open_sealed(body, [pair("x25519").opening], signer=signer) == {"id": "s-1", "name": name}
    assert len(lengths) == (1 if pad_to else 2)


def test_padding_is_spaces_and_no_more_than_is_needed(pair: Callable[..., Any]) -> None:
    for length in (255, 256, 257):
        answer = b'{"a":"%s"}' % (b"x" * (length - 8))
        body = accredit.seal_response(answer, pair("x25519").sealing, enc="A128GCM", pad_to=256)
        assert len(b64url_decode(body.decode().split(".")[3])) == (256 if length <= 256 else 512)


@pytest.mark.parametrize(
    ("arguments", "member"), [({"enc": "A192GCM"}, "enc"), ({"pad_to": 1}, "pad_to"), ({"pad_to": -256}, "pad_to")]
)
def test_seals_in_no_other_way(pair: Callable[..., Any], arguments: dict[str, Any], member: str) -> None:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.seal_response(ANSWER, pair("p256").sealing, **arguments)
    assert (error.value.code, error.value.member) == ("field_invalid", member)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
@pytest.mark.parametrize("nonce", [None, "n-1"])
def test_a_nested_answer_is_verified(pair: Callable[..., Any], alg: str, nonce: str | None) -> None:
    made = accredit.generate_server_key(alg)
    body = accredit.seal_response(ANSWER, pair("p256").sealing, signature=signature_by(made, nonce=nonce))
    signer = accredit.Signer({"keys": [made.public_jwk]}, now=NOW + 5, nonce=nonce, **WHO)
    assert accredit.open_sealed(body, [pair("p256").opening], signer=signer) == SESSION
    assert json.loads(b64url_decode(body.decode().split(".")[0]))["cty"] == "JWT"


def test_a_nested_answer_says_what_the_protocol_asks_for(pair: Callable[..., Any], server: Any) -> None:
    from accredit.sealing.compact import open_octets

    body = accredit.seal_response(ANSWER, pair("p256").sealing, signature=signature_by(server, nonce="n-1"))
    inner = open_octets(body, [pair("p256").opening], enc=ENCRYPTIONS, max_bytes=9999).plaintext.decode()
    header, payload, _ = inner.split(".")
    assert json.loads(b64url_decode(header)) == {"alg": "ES256", "kid": server.thumbprint, "typ": "accredit-session+jwt"}
    claims = json.loads(b64url_decode(payload))
    assert list(claims) == ["iss", "aud", "client_id", "sid", "iat", "exp", "jti", "nonce", "session"]
    assert (claims["client_id"], claims["iat"], claims["exp"], claims["session"]) == ("backend", NOW, NOW + 1200, SESSION)
    assert ANSWER in b64url_decode(payload)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"id":"s-2"}', b"{}", b'{"id":"s-1","id":"s-1"}', b'{"id":"s-1"', b'{"id":["s-1"]}']
)
def test_signs_no_answer_of_another_session(pair: Callable[..., Any], server: Any, answer: bytes) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: answer"):
        accredit.seal_response(answer, pair("p256").sealing, signature=signature_by(server))


def test_signs_no_claims_that_no_json_has(pair: Callable[..., Any], server: Any) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: signature"):
        accredit.seal_response(ANSWER, pair("p256").sealing, signature=signature_by(server, client_id="\ud800"))


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://id.example.com"},
        {"audience": "acc_2"},
        {"session_id": "s-2"},
        {"nonce": "n-2"},
        {"nonce": None},
        {"now": NOW - 61},
        {"now": NOW + 1260},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": None}},
        {"jwks": {}},
    ],
)
def test_a_nested_answer_holds_for_one_reader_and_time(
    pair: Callable[..., Any], server: Any, jwks: Any, change: dict[str, Any]
) -> None:
    body = accredit.seal_response(ANSWER, pair("p256").sealing, signature=signature_by(server, nonce="n-1"))
    expected: dict[str, Any] = {"jwks": jwks, "now": NOW, "nonce": "n-1", **WHO}
    assert accredit.open_sealed(body, [pair("p256").opening], signer=accredit.Signer(**expected)) == SESSION
    for now in (NOW - 60, NOW + 1259):
        accredit.open_sealed(body, [pair("p256").opening], signer=accredit.Signer(**expected | {"now": now}))
    assert refused(body, pair("p256"), signer=accredit.Signer(**expected | change))


def test_the_answer_to_a_create_is_known_by_its_nonce(pair: Callable[..., Any], server: Any, jwks: Any) -> None:
    """Nobody knows the id of a session before it is created."""
    body = accredit.seal_response(ANSWER, pair("p256").sealing, signature=signature_by(server, nonce="n-1"))
    expected: dict[str, Any] = {"jwks": jwks, "now": NOW, **WHO, "session_id": None}
    assert accredit.open_sealed(body, [pair("p256").opening], signer=accredit.Signer(**expected, nonce="n-1")) == SESSION
    assert refused(body, pair("p256"), signer=accredit.Signer(**expected, nonce="n-2"))
    with pytest.raises(accredit.MalformedError, match="field_invalid: session_id"):
        accredit.Signer(**expected)


def test_a_signer_takes_no_plain_answer_and_no_signer_no_nested_one(
    pair: Callable[..., Any], server: Any, jwks: Any, forge: Any
) -> None:
    signer = accredit.Signer(jwks, now=NOW, **WHO)
    nested = accredit.seal_response(ANSWER, pair("p256").sealing, signature=signature_by(server))
    plain = accredit.seal_response(ANSWER, pair("p256").sealing)
    assert refused(nested, pair("p256"))
    assert refused(plain, pair("p256"), signer=signer)
    # The same octets under the other header.
    inner = accredit.open_sealed(nested, [pair("p256").opening], signer=signer)
    assert refused(forge(pair("p256"), ANSWER, cty="JWT"), pair("p256"), signer=signer)
    assert refused(forge(pair("p256"), inner), pair("p256"), signer=signer)
    for cty in ("jwt", "application/jwt", "json", ""):
        assert refused(forge(pair("p256"), ANSWER, cty=cty), pair("p256"))
        assert refused(forge(pair("p256"), ANSWER, cty=cty), pair("p256"), signer=signer)


CLAIMS: dict[str, Any] = {
    "iss": WHO["issuer"],
    "aud": "acc_1",
    "sid": "s-1",
    "iat": NOW,
    "exp": NOW + 1200,
    "session": {"id": "s-1"},
}


@pytest.mark.parametrize(
    "change",
    [
        {"iat": None},
        {"exp": None},
        {"iat": True},
        {"exp": str(NOW + 1200)},
        {"exp": NOW + 1200.5},
        {"aud": ["acc_1"]},
        {"sid": None},
        {"session": None},
        {"session": [{"id": "s-1"}]},
        {"session": {}},
        {"nonce": "n-1"},
        {"nonce": None},
    ],
)
def test_claims_are_of_their_types(
    pair: Callable[..., Any], server: Any, jwks: Any, forge: Any, change: dict[str, Any]
) -> None:
    signer, key = accredit.Signer(jwks, now=NOW, **WHO), accredit.parse_server_key(server.private_jwk)

    def opened(claims: dict[str, Any], typ: str = "accredit-session+jwt", **more: Any) -> bool:
        compact = sign_compact(json.dumps(claims).encode(), key, typ=typ, **more)
        body = forge(pair("p256"), compact.encode(), cty="JWT")
        try:
            return accredit.open_sealed(body, [pair("p256").opening], signer=signer) == {"id": "s-1"}
        except accredit.SealedError:
            return False

    assert opened(CLAIMS)
    assert opened(CLAIMS | {"unknown": 1})
    assert not opened(CLAIMS, typ="at+jwt")
    assert not opened(CLAIMS, more={"crit": ["exp"]})
    assert not opened(CLAIMS | change)


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"1",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"a":1}{}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1e999}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"{'a':1}",
        b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    ],
)
def test_a_plaintext_is_one_strict_json_object(pair: Callable[..., Any], forge: Any, plaintext: bytes) -> None:
    assert accredit.open_sealed(forge(pair("p256"), b' {"a":1} '), [pair("p256").opening]) == {"a": 1}
    assert refused(forge(pair("p256"), plaintext), pair("p256"))


def test_the_name_of_a_key_picks_it(pair: Callable[..., Any]) -> None:
    named, other, nameless = pair("p256", "k1"), pair("p256", "k2"), pair("p256")
    every = [nameless.opening, other.opening, named.opening]
    for each in (named, other, nameless):
        assert accredit.open_sealed(accredit.seal_response(ANSWER, each.sealing), every) == SESSION
    body = accredit.seal_response(ANSWER, named.sealing)
    assert refused(body, other)
    assert refused(body, nameless)
    # A caller that named its key in the request alone, and one that names it in its own copy alone.
    renamed = accredit.parse_encryption_key(nameless.made.public_jwk | {"kid": "late"})
    assert accredit.open_sealed(accredit.seal_response(ANSWER, renamed), [named.opening, nameless.opening]) == SESSION
    unnamed = accredit.parse_encryption_key(named.made.public_jwk | {"kid": None})
    assert accredit.open_sealed(accredit.seal_response(ANSWER, unnamed), [nameless.opening, named.opening]) == SESSION


def test_five_keys_are_tried_and_no_more(pair: Callable[..., Any]) -> None:
    body = accredit.seal_response(ANSWER, pair("p256").sealing)
    others = [accredit.parse_decryption_key(accredit.generate_encryption_key("ECDH-ES").private_jwk) for _ in range(5)]
    assert accredit.open_sealed(body, [*others[:4], pair("p256").opening]) == SESSION
    with pytest.raises(accredit.SealedError):
        accredit.open_sealed(body, [*others, pair("p256").opening])
    # Keys of other algorithms do not count.
    beside = [pair(shape).opening for shape in ("rsa", "rsa-256", "p256-kw", "x25519-kw")] * 2
    assert accredit.open_sealed(body, [*beside, pair("p256").opening]) == SESSION


def test_without_a_key_nothing_opens(pair: Callable[..., Any]) -> None:
    with pytest.raises(accredit.SealedError):
        accredit.open_sealed(accredit.seal_response(ANSWER, pair("p256").sealing), [])


def test_a_body_has_a_largest_size(pair: Callable[..., Any], forge: Any) -> None:
    body = accredit.seal_response(ANSWER, pair("p256").sealing)
    assert accredit.open_sealed(body, [pair("p256").opening], max_bytes=len(body)) == SESSION
    assert refused(body, pair("p256"), max_bytes=len(body) - 1)
    large = forge(pair("p256"), {"a": "x" * 190_000})
    assert accredit.open_sealed(large, [pair("p256").opening])
    assert refused(forge(pair("p256"), {"a": "x" * 200_000}), pair("p256"))


def test_the_sizes_of_a_body_count_before_its_letters(pair: Callable[..., Any]) -> None:
    for body in ("", b"", ".", "....", b"....", "é....", "é".encode(), b"\xff....", "....." * 9, b"." * 300_000):
        assert refused(body, pair("p256"))


def test_no_space_stands_around_it(pair: Callable[..., Any]) -> None:
    body = accredit.seal_response(ANSWER, pair("p256").sealing).decode()
    for respelt in (f" {body}", f"{body}\n", body.replace(".", " .", 1), f"{body}=", f"{body}.", f".{body}", f"\ufeff{body}"):
        assert refused(respelt, pair("p256"))
    header, rest = body.split(".", 1)
    assert refused(f"{header}.{b64url_encode(b'')}.{rest}", pair("p256"))
