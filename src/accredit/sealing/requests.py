"""Encrypted requests: a caller seals what it posts, because personal input is in it, to a `request` key of the server.

RFC 7516; protocol-rest.md section 15.

    key = parse_encryption_key(jwk_of_the_server)             # of its JWKS, with `use` enc and a `kid`
    body = seal_request(b'{"flow":"headless"}', key)          # posted with Content-Type: application/jose
"""

from collections.abc import Sequence

from accredit.errors import MalformedError
from accredit.sealing.algorithms import DEFAULT_ENCRYPTION, ENCRYPTIONS
from accredit.sealing.compact import Step, UnopenedError, open_octets, seal_octets
from accredit.sealing.keys import EncryptionKey
from accredit.sealing.private_keys import DecryptionKey

MAX_REQUEST_BYTES = 96 * 1024
# What the server makes for itself and publishes.
REQUEST_ALGORITHMS = ("RSA-OAEP-256", "ECDH-ES+A256KW")


class EncryptedRequestError(MalformedError):
    """An encrypted request that could not be opened. step: which step failed, for the audit record alone; the text never names it."""

    def __init__(self, step: Step) -> None:
        super().__init__("encrypted_request_invalid")
        self.step: Step = step

    def __reduce__(self) -> tuple[type["EncryptedRequestError"], tuple[Step]]:
        return type(self), (self.step,)


def seal_request(body: bytes, key: EncryptionKey, *, enc: str = DEFAULT_ENCRYPTION) -> bytes:
    """Seal the body of a request to a key of the server's JWKS.

    body: the JSON as it would be posted in plain. key: with a `kid`, by which the server finds it again. enc: one of the four.
    Raises MalformedError: `field_missing` (kid), `field_invalid` (no such enc).
    """
    if key.kid is None:
        raise MalformedError("field_missing", "kid")
    return seal_octets(body, key, enc)


def open_request(body: bytes, keys: Sequence[DecryptionKey], *, max_bytes: int = MAX_REQUEST_BYTES) -> bytes:
    """Open an encrypted request with a key of the server; what it holds is judged as a plain body is, its size too.

    body: compact JWE of at most max_bytes, whose header names one of the keys by `kid` and has no `cty`. keys: the live `request`
    keys.
    Raises EncryptedRequestError, with `encrypted_request_invalid` and one text for all that can be wrong.
    """
    try:
        opened = open_octets(body, keys, enc=ENCRYPTIONS, max_bytes=max_bytes, kid_required=True)
    except UnopenedError as error:
        raise EncryptedRequestError(error.step) from None
    if "cty" in opened.header:
        raise EncryptedRequestError("header")
    return opened.plaintext
