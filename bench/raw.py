"""What nothing can be faster than: the bare primitives of pyca, with everything else made beforehand."""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA512

from accredit.encoding import b64url_decode
from bench.load import Taken
from bench.machine import pinned

_AT_ONCE = 50


def verify_raw(public_key: EllipticCurvePublicKey, token: str, *, seconds: float, core: int) -> Taken:
    """Verify a token's signature over and over on that core: the key parsed, the signing input cut, the signature as DER."""
    signing_input, _, text = token.rpartition(".")
    octets, half = signing_input.encode(), 66
    concatenated = b64url_decode(text)
    r, s = (int.from_bytes(part, "big") for part in (concatenated[:half], concatenated[half:]))
    signature, algorithm = encode_dss_signature(r, s), ECDSA(SHA512())
    return repeat(lambda: public_key.verify(signature, octets, algorithm), seconds=seconds, core=core)


def repeat(work: Callable[[], object], *, seconds: float, core: int) -> Taken:
    """Do it over and over on that core."""
    done = 0
    with pinned(core):
        began, spent = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            for _ in range(_AT_ONCE):
                work()
            done += _AT_ONCE
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
    return Taken(rate=done / wall_s, cpu_us=cpu_s / done * 1e6)
