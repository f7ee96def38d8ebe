"""Content keys: what does not unwrap is replaced by a random one of the same length, and no error tells of it."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from accredit.encoding import b64url_decode
from accredit.sealing import ENCRYPTIONS
from accredit.sealing.agreement import Parties, make_content_key, recover_content_key
from accredit.sealing.algorithms import CONTENT_ENCRYPTIONS, CURVES
from accredit.sealing.keys import public_point


def epk_of(pair: Any, epk: dict[str, str] | None) -> Any:
    crv = pair.opening.crv
    return None if epk is None else public_point(crv, [b64url_decode(epk[name]) for name in CURVES[crv].coordinates])


@pytest.mark.parametrize("enc", ENCRYPTIONS)
def test_both_sides_have_the_same_key(each_pair: Any, enc: str) -> None:
    made = make_content_key(each_pair.sealing, enc)
    assert len(made.cek) == CONTENT_ENCRYPTIONS[enc].cek_bytes
    epk = epk_of(each_pair, made.epk)
    assert recover_content_key(each_pair.opening, enc, made.encrypted_key, epk, Parties()) == made.cek
    if epk is not None:
        for parties in (Parties(apu=b"a"), Parties(apv=b"a")):
            assert recover_content_key(each_pair.opening, enc, made.encrypted_key, epk, parties) != made.cek


@pytest.mark.parametrize("enc", ENCRYPTIONS)
@pytest.mark.parametrize("shape", ["rsa", "rsa-256", "p256-kw", "x25519-kw"])
def test_what_does_not_unwrap_is_a_fresh_random_key(pair: Callable[..., Any], shape: str, enc: str) -> None:
    made = make_content_key(pair(shape).sealing, enc)
    epk, size = epk_of(pair(shape), made.epk), CONTENT_ENCRYPTIONS[enc].cek_bytes
    wrong = bytes([made.encrypted_key[0] ^ 1]) + made.encrypted_key[1:]
    for octets in (wrong, bytes(len(wrong)), b"\xff" * len(wrong)):
        found = [recover_content_key(pair(shape).opening, enc, octets, epk, Parties()) for _ in range(3)]
        assert {len(key) for key in found} == {size}
        assert len({made.cek, *found}) == 4


def test_points_without_a_shared_secret_are_an_error_that_tells_nothing(pair: Callable[..., Any]) -> None:
    """Only who made the point sees it, and it is judged before a private key is used; nothing else is raised here."""
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(ValueError, match="shared key"):
        recover_content_key(pair("p256").opening, "A128GCM", b"", other, Parties())
