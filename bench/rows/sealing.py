"""Sealed answers: sealing one and opening it, beside the bare primitives and beside jwcrypto."""

import inspect
import json
import secrets
from collections.abc import Callable
from statistics import median
from typing import Any

import jwcrypto.jwe
import jwcrypto.jwk
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from accredit.keys import GeneratedKey
from accredit.sealing import generate_encryption_key, open_sealed, parse_decryption_key, parse_encryption_key, seal_response
from accredit.sealing.algorithms import CONTENT_ENCRYPTIONS, KEY_ALGORITHMS
from accredit.sealing.content import decrypt_content, encrypt_content
from bench.load import Taken
from bench.raw import repeat
from bench.results import Limit, Line, Result, compare, tell
from bench.stage import Stage

# Each turn is many thousand times the same; longer ones tell nothing new.
_LONGEST_S = 0.5
_ENC = "A128CBC-HS256"
_ROW = CONTENT_ENCRYPTIONS[_ENC]
_SHAPES: dict[str, tuple[dict[str, Any], float]] = {
    "RSA-2048": ({"alg": "RSA-OAEP"}, 1.8),
    "P-256": ({"alg": "ECDH-ES", "crv": "P-256"}, 1.8),
    "P-384": ({"alg": "ECDH-ES", "crv": "P-384"}, 1.2),
    "P-521": ({"alg": "ECDH-ES", "crv": "P-521"}, 1.2),
}
_ANSWER = json.dumps(
    {"id": "s-1", "status": "SUCCESS", "subject": {f"attribute{number}": "x" * 20 for number in range(24)}}
).encode()

Work = Callable[[], object]


def measure_seal(stage: Stage) -> Result:
    """`seal_response` of an answer of 1 KB under A128CBC-HS256, and `open_sealed` of it, keys parsed beforehand, without any server.

    The figure is the time that it takes over that of the bare primitives of pyca: a fresh content key and RSA-OAEP, or a fresh
    ephemeral key, agreement and Concat KDF; then AES-CBC and HMAC. Opening checks the whole form first, and parses the JSON. Beside
    both jwcrypto, its key parsed beforehand too.
    """
    lines = [line for shape in _SHAPES for line in _measure_shape(stage, shape)]
    return Result("seal", lines, inspect.getdoc(measure_seal) or "")


def _measure_shape(stage: Stage, shape: str) -> list[Line]:
    arguments, limit = _SHAPES[shape]
    made = generate_encryption_key(**arguments)
    ours, raw, peer = _ours(made), _raw(made), _jwcrypto(made)
    lines = []
    for index, verb in enumerate(("seal", "open")):
        contenders = {"ours": ours[index], "raw": raw[index]} | ({"jwcrypto": peer[index]} if stage.plan.peers else {})
        taken = _take_turns(stage, f"{verb} {shape}", contenders)
        lines.append(_beside_raw(f"{verb} 1 KB, {shape}", taken, Limit(limit, at_most=True) if verb == "seal" else None))
        if "jwcrypto" in taken:
            lines.append(compare(f"{verb} 1 KB, {shape}", taken["ours"], "jwcrypto", taken["jwcrypto"]))
    return lines


def _take_turns(stage: Stage, name: str, contenders: dict[str, Work]) -> dict[str, list[Taken]]:
    seconds, core = min(stage.plan.seconds, _LONGEST_S), stage.cores.server
    taken: dict[str, list[Taken]] = {contender: [] for contender in contenders}
    for number in range(stage.plan.rounds):
        stage.tell(f"{name}, round {number + 1} of {stage.plan.rounds}")
        for contender, work in contenders.items():
            taken[contender].append(repeat(work, seconds=seconds, core=core))
    return taken


def _beside_raw(path: str, taken: dict[str, list[Taken]], limit: Limit | None) -> Line:
    """How many times as long it takes, by the clock and by processor time."""
    rounds = list(zip(taken["ours"], taken["raw"], strict=True))
    longer = median(bare.rate / mine.rate for mine, bare in rounds)
    by_cpu = median(mine.cpu_us / bare.cpu_us for mine, bare in rounds)
    return Line(path, tell(taken["ours"]), f"time over raw primitives: {tell(taken['raw'])}", longer, limit, by_cpu)


def _ours(made: GeneratedKey) -> tuple[Work, Work]:
    sealing, opening = parse_encryption_key(made.public_jwk), parse_decryption_key(made.private_jwk)
    body = seal_response(_ANSWER, sealing)
    return lambda: seal_response(_ANSWER, sealing), lambda: open_sealed(body, [opening])


def _jwcrypto(made: GeneratedKey) -> tuple[Work, Work]:
    public, private = jwcrypto.jwk.JWK(**made.public_jwk), jwcrypto.jwk.JWK(**made.private_jwk)
    algorithms = [str(made.public_jwk["alg"]), _ENC]
    header = json.dumps({"alg": algorithms[0], "enc": _ENC, "typ": "JWT"})

    def seal() -> str:
        return str(jwcrypto.jwe.JWE(_ANSWER, header, recipient=public, algs=algorithms).serialize(compact=True))

    body = seal()

    def open_body() -> object:
        token = jwcrypto.jwe.JWE(algs=algorithms)
        token.deserialize(body, private)
        return json.loads(token.payload)

    return seal, open_body


def _raw(made: GeneratedKey) -> tuple[Work, Work]:
    public, private = parse_encryption_key(made.public_jwk).parsed, parse_decryption_key(made.private_jwk).parsed
    aad, iv = b"x" * 70, secrets.token_bytes(_ROW.iv_bytes)
    if isinstance(public, rsa.RSAPublicKey):
        assert isinstance(private, rsa.RSAPrivateKey)
        padding = KEY_ALGORITHMS["RSA-OAEP"].oaep
        assert padding is not None
        cek = secrets.token_bytes(_ROW.cek_bytes)
        wrapped, content = public.encrypt(cek, padding), encrypt_content(_ROW, cek, iv, _ANSWER, aad)

        def seal() -> None:
            fresh = secrets.token_bytes(_ROW.cek_bytes)
            public.encrypt(fresh, padding)
            encrypt_content(_ROW, fresh, secrets.token_bytes(_ROW.iv_bytes), _ANSWER, aad)

        return seal, lambda: decrypt_content(_ROW, private.decrypt(wrapped, padding), content, aad)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return _raw_agreement(public, private, aad, iv)


def _raw_agreement(
    public: ec.EllipticCurvePublicKey, private: ec.EllipticCurvePrivateKey, aad: bytes, iv: bytes
) -> tuple[Work, Work]:
    other = ec.generate_private_key(public.curve).public_key()

    def derive(shared: bytes) -> bytes:
        return ConcatKDFHash(hashes.SHA256(), _ROW.cek_bytes, b"x" * 29).derive(shared)

    content = encrypt_content(_ROW, derive(private.exchange(ec.ECDH(), other)), iv, _ANSWER, aad)

    def seal() -> None:
        shared = ec.generate_private_key(public.curve).exchange(ec.ECDH(), public)
        encrypt_content(_ROW, derive(shared), secrets.token_bytes(_ROW.iv_bytes), _ANSWER, aad)

    return seal, lambda: decrypt_content(_ROW, derive(private.exchange(ec.ECDH(), other)), content, aad)
