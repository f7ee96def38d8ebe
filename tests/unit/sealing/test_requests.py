import pickle
from collections.abc import Callable
from typing import Any

import pytest

import accredit
from accredit.sealing import ENCRYPTIONS, MAX_REQUEST_BYTES, REQUEST_ALGORITHMS

BODY = b'{"flow":"redirect","prefilledInput":{"nin":"070770-905D"}}'


def step_of(body: bytes, *pairs: Any, **arguments: Any) -> str:
    with pytest.raises(accredit.EncryptedRequestError) as error:
        accredit.open_request(body, [pair.opening for pair in pairs], **arguments)
    assert (error.value.code, error.value.member, error.value.status) == ("encrypted_request_invalid", None, 400)
    assert str(error.value) == "encrypted_request_invalid"
    return error.value.step


@pytest.mark.parametrize("enc", ENCRYPTIONS)
@pytest.mark.parametrize("shape", ["rsa-256", "p256-kw"])
def test_what_a_caller_seals_the_server_opens(pair: Callable[..., Any], shape: str, enc: str) -> None:
    request, other = pair(shape, "request-1"), pair(shape, "request-2")
    assert request.sealing.alg in REQUEST_ALGORITHMS
    sealed = accredit.seal_request(BODY, request.sealing, enc=enc)
    assert accredit.open_request(sealed, [other.opening, request.opening]) == BODY


def test_a_request_names_its_key(pair: Callable[..., Any], forge: Any) -> None:
    nameless, named = pair("p256-kw"), pair("p256-kw", "request-1")
    with pytest.raises(accredit.MalformedError) as error:
        accredit.seal_request(BODY, nameless.sealing)
    assert (error.value.code, error.value.member) == ("field_missing", "kid")
    assert step_of(forge(nameless, BODY).encode(), nameless) == "key"
    assert step_of(forge(named, BODY).encode(), named) == "key"
    assert step_of(forge(named, BODY, kid="request-2").encode(), named) == "key"
    # A name that the server's key does not have is none of its keys, whatever the key would open.
    assert step_of(forge(nameless, BODY, kid="request-1").encode(), nameless) == "key"


def test_the_step_is_for_the_audit_record_alone(pair: Callable[..., Any], forge: Any) -> None:
    request = pair("p256-kw", "request-1")
    sealed = accredit.seal_request(BODY, request.sealing)
    assert step_of(b"{}", request) == "form"
    assert step_of(sealed + b"\n", request) == "form"
    assert step_of(sealed[:-1] + (b"A" if sealed[-1:] != b"A" else b"Q"), request) in ("form", "decryption")
    assert step_of(forge(request, BODY, kid="request-1", zip="DEF").encode(), request) == "header"
    assert step_of(forge(request, BODY, kid="request-1", cty="JWT").encode(), request) == "header"
    assert step_of(sealed, pair("p256-kw", "request-2")) == "key"
    assert step_of(sealed, pair("rsa-256", "request-1")) == "key"
    stranger = accredit.parse_decryption_key(accredit.generate_encryption_key("ECDH-ES+A256KW", kid="request-1").private_jwk)
    with pytest.raises(accredit.EncryptedRequestError) as error:
        accredit.open_request(sealed, [stranger])
    assert error.value.step == "decryption"


def test_a_request_has_a_largest_size(pair: Callable[..., Any]) -> None:
    request = pair("p256-kw", "request-1")
    sealed = accredit.seal_request(b"x" * 64 * 1024, request.sealing)
    assert len(sealed) < MAX_REQUEST_BYTES == 96 * 1024
    assert len(accredit.open_request(sealed, [request.opening])) == 64 * 1024
    assert step_of(accredit.seal_request(b"x" * 80 * 1024, request.sealing), request) == "form"
    assert step_of(sealed, request, max_bytes=len(sealed) - 1) == "form"


def test_seals_with_no_other_encryption(pair: Callable[..., Any]) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: enc"):
        accredit.seal_request(BODY, pair("p256-kw", "request-1").sealing, enc="A192GCM")


def test_an_error_survives_the_way_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(accredit.EncryptedRequestError("key")))
    assert (type(again), again.step, again.code) == (accredit.EncryptedRequestError, "key", "encrypted_request_invalid")
