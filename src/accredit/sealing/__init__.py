"""Sealed answers: who may read them, how they are made, opened and signed.

RFC 7516, RFC 7518, RFC 8037; protocol-rest.md sections 6, 8, 15 and 16. `keys` judges a caller's public key, `private_keys` makes and
reads the other half, `answers` seals and opens answers, `requests` does so with what callers send, `signing` has the server's own
signatures, `response_signature` those that stand beside a body.

    made = generate_encryption_key()
    body = seal_response(b'{"id":"s-1"}', parse_encryption_key(made.public_jwk))
    open_sealed(body, [parse_decryption_key(made.private_jwk)])            # {"id": "s-1"}
"""

from accredit.sealing.algorithms import DEFAULT_ENCRYPTION, ENCRYPTION_ALGORITHMS, ENCRYPTIONS
from accredit.sealing.answers import PADDINGS, AnswerSignature, Signer, open_sealed, seal_response
from accredit.sealing.keys import PUBLISHED_KEYS, EncryptionKey, EncryptionKeyError, parse_encryption_key
from accredit.sealing.private_keys import DecryptionKey, generate_encryption_key, parse_decryption_key
from accredit.sealing.requests import (
    MAX_REQUEST_BYTES,
    REQUEST_ALGORITHMS,
    EncryptedRequestError,
    open_request,
    seal_request,
)
from accredit.sealing.response_signature import (
    DETACHED_HEADER,
    Exchange,
    sign_response,
    sign_response_detached,
    verify_response,
    verify_response_detached,
)
from accredit.sealing.signing import (
    SERVER_ALGORITHMS,
    ServerKey,
    VerifiedCompact,
    find_server_key,
    generate_server_key,
    parse_server_key,
    sign_compact,
    verify_compact,
)

__all__ = [
    "DEFAULT_ENCRYPTION",
    "DETACHED_HEADER",
    "ENCRYPTIONS",
    "ENCRYPTION_ALGORITHMS",
    "MAX_REQUEST_BYTES",
    "PADDINGS",
    "PUBLISHED_KEYS",
    "REQUEST_ALGORITHMS",
    "SERVER_ALGORITHMS",
    "AnswerSignature",
    "DecryptionKey",
    "EncryptedRequestError",
    "EncryptionKey",
    "EncryptionKeyError",
    "Exchange",
    "ServerKey",
    "Signer",
    "VerifiedCompact",
    "find_server_key",
    "generate_encryption_key",
    "generate_server_key",
    "open_request",
    "open_sealed",
    "parse_decryption_key",
    "parse_encryption_key",
    "parse_server_key",
    "seal_request",
    "seal_response",
    "sign_compact",
    "sign_response",
    "sign_response_detached",
    "verify_compact",
    "verify_response",
    "verify_response_detached",
]
