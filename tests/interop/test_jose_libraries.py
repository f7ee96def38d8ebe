"""Ours by them, theirs by us: every algorithm, with jose in Node, joserfc and jwcrypto."""

import json
from collections.abc import Callable
from typing import Any

import pytest

import accredit
from accredit.deployment import TOKEN_TYPE
from accredit.keys import SIGNATURE_ALGORITHMS, public_thumbprint
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS

PROPERTIES = {
    "deployer_id": "d",
    "integration_id": "i",
    "owner_id": "o",
    "uid": "zoë-01",
    "data_passport": {"a": 1.5, "b": "🙂"},
}
PASSPORT = {"card_number": "4111111111111111", "city": "Łódź", "limit": 2500, "vip": False}
EACH_SIGNATURE_ALGORITHM = pytest.mark.parametrize("alg", SIGNATURE_ALGORITHMS)
EACH_PASSPORT_ALGORITHM = pytest.mark.parametrize("alg", PASSPORT_ALGORITHMS)
EACH_ENCRYPTION = pytest.mark.parametrize("enc", PASSPORT_ENCRYPTIONS)
# joserfc warns of the name EdDSA, for which RFC 9864 has a newer one.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")


def public_half(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "key_ops")}


@EACH_SIGNATURE_ALGORITHM
def test_they_verify_what_we_sign(peer: Any, alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    for now in (None, 1_700_000_000):
        token = accredit.sign_deployment(PROPERTIES, made.private_jwk, now=now)
        payload = json.loads(peer.verify(token, made.public_jwk, alg))
        assert PROPERTIES.items() <= payload.items()


@EACH_SIGNATURE_ALGORITHM
def test_we_verify_what_they_sign_with_our_key(peer: Any, alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    key = accredit.parse_deployment_key(made.public_jwk, alg)
    extended = {"alg": alg, "kid": made.thumbprint, "typ": TOKEN_TYPE}
    for header, policy in (({"alg": alg}, accredit.TokenPolicy()), (extended, accredit.TokenPolicy(key_id="require"))):
        token = peer.sign(json.dumps(PROPERTIES), header, made.private_jwk)
        verified = accredit.verify_deployment(token, [key], now=0, policy=policy)
        assert (verified.properties.uid, verified.properties.data_passport) == ("zoë-01", {"a": 1.5, "b": "🙂"})


@EACH_SIGNATURE_ALGORITHM
def test_we_take_the_keys_that_they_make(peer: Any, alg: str) -> None:
    for _ in range(5):
        private = peer.generate(alg, "")
        key = accredit.parse_deployment_key(public_half(private), alg)
        accredit.verify_deployment(peer.sign(json.dumps(PROPERTIES), {"alg": alg}, private), [key], now=0)
        accredit.verify_deployment(accredit.sign_deployment(PROPERTIES, private), [key], now=0)


@EACH_SIGNATURE_ALGORITHM
def test_they_refuse_what_we_refuse(peer: Any, alg: str) -> None:
    """A check of the peers themselves: one that verifies everything would prove nothing."""
    one, other = accredit.generate_deployment_key(alg), accredit.generate_deployment_key(alg)
    with pytest.raises(Exception, match=r"(?i)signature|verification"):
        peer.verify(accredit.sign_deployment(PROPERTIES, one.private_jwk), other.public_jwk, alg)


@EACH_ENCRYPTION
@EACH_PASSPORT_ALGORITHM
def test_they_open_what_we_seal(peer: Any, alg: str, enc: str) -> None:
    made = accredit.generate_passport_key(alg, enc)
    envelopes: list[dict[str, Any]] = [{}, {"now": 1_700_000_000, "integration_id": "i", "uid": "u", "kid": "k1"}]
    for envelope in envelopes:
        compact = accredit.seal_passport(PASSPORT, made.public_jwk or made.private_jwk, alg=alg, enc=enc, **envelope)
        opened = json.loads(peer.decrypt(compact, made.private_jwk, alg, enc))
        assert (opened["passport"] if envelope else opened) == PASSPORT


@EACH_ENCRYPTION
@EACH_PASSPORT_ALGORITHM
def test_we_open_what_they_seal(peer: Any, alg: str, enc: str) -> None:
    made = accredit.generate_passport_key(alg, enc)
    key = accredit.parse_passport_key(made.private_jwk, alg, enc, key_id="k1")
    for header in ({"alg": alg, "enc": enc}, {"alg": alg, "enc": enc, "kid": "k1", "cty": "json"}):
        compact = peer.encrypt(json.dumps(PASSPORT), header, made.public_jwk or made.private_jwk)
        assert accredit.open_passport(compact, [key], integration_id="i", uid="u", now=0).passport == PASSPORT


@EACH_ENCRYPTION
@EACH_PASSPORT_ALGORITHM
def test_we_take_the_passport_keys_that_they_make(peer: Any, alg: str, enc: str) -> None:
    private = peer.generate(alg, enc)
    key = accredit.parse_passport_key(private, alg, enc)
    sealing = public_half(private)
    ours = accredit.seal_passport(PASSPORT, sealing, alg=alg, enc=enc)
    theirs = peer.encrypt(json.dumps(PASSPORT), {"alg": alg, "enc": enc}, sealing)
    assert json.loads(peer.decrypt(ours, private, alg, enc)) == PASSPORT
    for compact in (ours, theirs):
        assert accredit.open_passport(compact, [key], integration_id="i", uid=None, now=0).passport == PASSPORT


@EACH_SIGNATURE_ALGORITHM
def test_jose_names_keys_as_we_do(node: Callable[..., Any], alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    assert node("thumbprint", jwk=made.public_jwk) == made.thumbprint == public_thumbprint(made.private_jwk)
