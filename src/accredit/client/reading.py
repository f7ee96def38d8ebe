"""What an answer says: opened if it is sealed, and held against who must have signed it (protocol-rest.md sections 8, 15 and 16)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accredit.client.configuration import Configuration
from accredit.client.wire import HttpAnswer, HttpRequest
from accredit.encoding import Json, JsonError, b64url_decode, parse_json
from accredit.errors import FailureError, Refused, SealedError
from accredit.sealing import (
    DETACHED_HEADER,
    ENCRYPTIONS,
    Exchange,
    Signer,
    open_sealed,
    verify_response,
    verify_response_detached,
)
from accredit.sealing.compact import UnopenedError, open_octets

_MAX_BYTES, _MAX_DEPTH = 262_144, 16
KeySet = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer belongs to. session_id: None where it is not known yet. nonce: that a signed answer has to bring back."""

    request: HttpRequest
    session_id: str | None = None
    nonce: str | None = None


def read_json(answer: HttpAnswer, media_type: str = "application/json") -> Json:
    """The body of a plain answer. Raises FailureError `answer_malformed`."""
    if answer.media_type != media_type:
        raise FailureError("answer_malformed")
    try:
        return parse_json(answer.body, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise FailureError("answer_malformed") from error


def open_answer(configuration: Configuration, answer: HttpAnswer) -> Json:
    """The session object of an answer that need not be signed inside.

    Raises SealedError, also for a plain answer where a sealed one is due; FailureError `answer_malformed`.
    """
    if answer.media_type == "application/jose":
        return open_sealed(answer.body, configuration.keys, max_bytes=_MAX_BYTES)
    if configuration.keys and not configuration.allow_plain:
        raise SealedError("sealed_invalid")
    return read_json(answer)


def opening_signed(configuration: Configuration, answer: HttpAnswer, asked: Asked) -> Callable[[KeySet], Json]:
    """Opens an answer that the server must have signed inside, given its key set. Raises SealedError."""
    if answer.media_type != "application/jose":
        raise SealedError("sealed_invalid")
    session_id = _peek_session_id(configuration, answer.body) if asked.session_id is None else asked.session_id

    def open_signed(jwks: KeySet) -> Json:
        signer = Signer(
            jwks=jwks,
            issuer=configuration.issuer,
            audience=str(configuration.account_id),
            session_id=session_id,
            now=int(configuration.clock()),
            nonce=asked.nonce,
        )
        return open_sealed(answer.body, configuration.keys, signer=signer, max_bytes=_MAX_BYTES)

    return open_signed


def _peek_session_id(configuration: Configuration, body: bytes) -> str:
    """The id that an answer to `create` says it is of; the signer checks that it is signed, and the same throughout."""
    try:
        opened = open_octets(body, configuration.keys, enc=ENCRYPTIONS, max_bytes=_MAX_BYTES)
        claims = parse_json(b64url_decode(opened.plaintext.decode("ascii").split(".")[1]), max_depth=_MAX_DEPTH)
    except (UnopenedError, ValueError, IndexError):
        raise SealedError("sealed_invalid") from None
    session_id = claims.get("sid") if isinstance(claims, dict) else None
    if not isinstance(session_id, str):
        raise SealedError("sealed_invalid")
    return session_id


def checking_signature(
    configuration: Configuration, answer: HttpAnswer, request: HttpRequest, session_id: str
) -> Callable[[KeySet], None]:
    """Checks the signature beside an answer, given the server's key set. Raises Refused `response_signature_invalid`."""
    now = int(configuration.clock())
    if configuration.response_signature == "jws":
        detached = answer.headers.get(DETACHED_HEADER.lower())
        if detached is None:
            raise Refused("response_signature_invalid")
        return lambda jwks: verify_response_detached(detached, answer.body, jwks, session_id=session_id, now=now)
    target_uri = f"{configuration.public_url}{request.url.removeprefix(configuration.base_url)}"
    exchange = Exchange(request.method, target_uri, answer.status, answer.headers.get("content-type", ""))
    return lambda jwks: verify_response(answer.headers, answer.body, exchange, jwks, now=now)
