"""The likely mistake behind a signature that no live key verifies: step 4 of protocol-embed.md section 7.

What other libraries make of ES512 is tried in turn: DER, another hash, another input, another key.
"""

import hashlib
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from accredit.cli.deployment.case import Case
from accredit.deployment import PeekedDeployment
from accredit.encoding import b64url_decode
from accredit.errors import Refused
from accredit.keys import SIGNATURE_ALGORITHMS, DeploymentKey, verify_signature

# What a signature of that many octets is, where it is not of the length that its alg has.
_LENGTHS = {64: "ES256 or EdDSA", 96: "ES384", 132: "ES512", 256: "RSA with 2048 bits", 512: "RSA with 4096 bits"}
_OTHER_HASHES: tuple[tuple[str, HashAlgorithm], ...] = (("SHA-256", SHA256()), ("SHA-384", SHA384()), ("SHA-512", SHA512()))


def find_signature_hint(refusal: Refused, peeked: PeekedDeployment, case: Case) -> str | None:
    """One sentence, or None."""
    live = case.keys.deployment
    if refusal.code == "jws_header_not_allowed":
        return "kid and typ are taken while token_key_id is warn or require; it is off, where the header is alg alone."
    if refusal.code == "jws_key_unknown":
        return _hint_kid(peeked, case)
    if refusal.code == "jws_alg_not_allowed":
        recorded = ", ".join(sorted({key.alg for key in live}))
        return f"The token is {peeked.alg}; the keys that count are recorded for {recorded}."
    if not live and not case.others:
        return "This deployer has no key here: register its public key with `accredit keys register`."
    return _hint_form(peeked, live) or _hint_other_key(peeked, case) or _hint_input(peeked, live) or _LAST_GUESS


_LAST_GUESS = (
    "The signature has the right form, but was made with another key or over other octets: compare `accredit keys thumbprint` of "
    "the deployer's private key with the registered ones."
)


def _hint_kid(peeked: PeekedDeployment, case: Case) -> str:
    for other in case.others:
        if peeked.kid in other.key.kids:
            return f"kid names {other.sentence}."
    return "kid must be the thumbprint of a live key (`accredit keys thumbprint`), or the kid of the JWK as it was registered."


def _hint_form(peeked: PeekedDeployment, live: Sequence[DeploymentKey]) -> str | None:
    signature, expected = peeked.signature, SIGNATURE_ALGORITHMS[peeked.alg].signature_bytes
    if len(signature) == expected:
        return None
    if _read_der(signature) is not None:
        return f"The signature is DER; JWS wants r and s side by side, {expected} bytes (RFC 7518 section 3.4)."
    if len(signature) == 2 * expected and all(octet in b"0123456789abcdefABCDEF" for octet in signature):
        return "The signature was turned into hexadecimal digits before it was encoded."
    if len(signature) in _LENGTHS:
        return f"The signature has {len(signature)} bytes, as {_LENGTHS[len(signature)]} has; {peeked.alg} has {expected}."
    half = expected // 2
    if expected - 8 <= len(signature) < expected:
        return f"The signature has {len(signature)} bytes: r and s have {half} bytes each, leading zeros included."
    return f"The signature has {len(signature)} bytes; {peeked.alg} has {expected}. Keys tried: {len(live)}."


def _read_der(signature: bytes) -> tuple[int, int] | None:
    try:
        return utils.decode_dss_signature(signature)
    except ValueError:
        return None


def _hint_other_key(peeked: PeekedDeployment, case: Case) -> str | None:
    for other in case.others:
        if other.key.alg == peeked.alg and _verifies(other.key, peeked.signing_input, peeked.signature):
            return f"It was signed with {other.sentence}."
    return None


def _verifies(key: DeploymentKey, signing_input: bytes, signature: bytes) -> bool:
    try:
        verify_signature(key, signing_input, signature)
    except Refused:
        return False
    return True


def _hint_input(peeked: PeekedDeployment, live: Sequence[DeploymentKey]) -> str | None:
    """What was signed in place of the ASCII octets of header.payload, or hashed otherwise."""
    header, payload = peeked.signing_input.split(b".")
    inputs: tuple[tuple[bytes, str], ...] = (
        (payload, "Only the payload was signed; sign header.payload as they stand in the token."),
        (b64url_decode(payload.decode()), "The JSON was signed; sign header.payload, each as base64url."),
        (
            hashlib.sha512(peeked.signing_input).digest(),
            "The input was hashed before it was signed; signing hashes it already.",
        ),
        (
            hashlib.sha512(peeked.signing_input).hexdigest().encode(),
            "A hexadecimal digest was signed; sign header.payload itself.",
        ),
        (header + payload, "The dot between header and payload was not signed."),
    )
    for key in live:
        verify = _raw_verifier(key, peeked.signature)
        if verify is None:
            continue
        for name, algorithm in _OTHER_HASHES:
            if name != "SHA-512" and verify(peeked.signing_input, algorithm):
                return f"It was hashed with {name}; ES512 is ECDSA with SHA-512."
        for octets, sentence in inputs:
            if verify(octets, SHA512()):
                return sentence
    return None


def _raw_verifier(key: DeploymentKey, signature: bytes) -> Callable[[bytes, HashAlgorithm], bool] | None:
    """ECDSA with any hash, under a key on P-521; None for other keys."""
    public = key.parsed.public_key
    if key.alg != "ES512" or not isinstance(public, ec.EllipticCurvePublicKey):
        return None
    half = len(signature) // 2
    der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))

    def verify(octets: bytes, algorithm: HashAlgorithm) -> bool:
        try:
            public.verify(der, octets, ec.ECDSA(algorithm))
        except InvalidSignature:
            return False
        return True

    return verify
