"""The openssl command line: it verifies what we sign, and signs what we verify, with keys that it made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

import accredit
from accredit.encoding import b64url_decode, b64url_encode, compact_json

Call = Callable[..., bytes]
PROPERTIES = {"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": "u"}

# RFC 5480, RFC 8410: the octets of a SubjectPublicKeyInfo before the point; of an ECPrivateKey (RFC 5915) before the number.
PUBLIC_PREFIX = {
    "ES512": bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004"),
    "ES256": bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    "EdDSA": bytes.fromhex("302a300506032b6570032100"),
}
PRIVATE_PREFIX = {"ES512": bytes.fromhex("3081dc0201010442"), "ES256": bytes.fromhex("30770201010420")}
CURVES = {"ES512": "P-521", "ES256": "P-256"}
DIGESTS = {"ES512": "-sha512", "ES256": "-sha256"}


def test_openssl_verifies_what_we_sign(openssl: Call, tmp_path: Path) -> None:
    for alg, digest in DIGESTS.items():
        made = accredit.generate_deployment_key(alg)
        signing_input, signature = split(accredit.sign_deployment(PROPERTIES, made.private_jwk))
        public = write(tmp_path, "public.der", spki_of(made.public_jwk, alg))
        half = len(signature) // 2
        der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
        arguments = ["dgst", digest, "-keyform", "DER", "-verify", public, "-signature", write(tmp_path, "signature", der)]
        assert b"Verified OK" in openssl(*arguments, given=signing_input)
        with pytest.raises(RuntimeError):
            openssl(*arguments, given=signing_input + b"x")


def test_openssl_verifies_our_ed25519(openssl: Call, tmp_path: Path) -> None:
    made = accredit.generate_deployment_key("EdDSA")
    signing_input, signature = split(accredit.sign_deployment(PROPERTIES, made.private_jwk))
    arguments = [
        *("pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"),
        *("-inkey", write(tmp_path, "public.der", spki_of(made.public_jwk, "EdDSA"))),
        *("-sigfile", write(tmp_path, "signature", signature)),
    ]
    assert b"Verified Successfully" in openssl(*arguments, "-in", write(tmp_path, "input", signing_input))
    with pytest.raises(RuntimeError):
        openssl(*arguments, "-in", write(tmp_path, "input", signing_input + b"x"))


@pytest.mark.parametrize("alg", ["ES512", "ES256"])
def test_we_verify_what_openssl_signs(openssl: Call, tmp_path: Path, alg: str) -> None:
    private = write(
        tmp_path, "private.pem", openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[alg]}")
    )
    jwk = jwk_of(openssl("pkey", "-in", private, "-pubout", "-outform", "DER"), alg)
    key = accredit.parse_deployment_key(jwk, alg)
    signing_input = signing_input_of(alg)
    for _ in range(10):  # Half of all numbers have a DER form of another length.
        r, s = decode_dss_signature(openssl("dgst", DIGESTS[alg], "-sign", private, given=signing_input))
        size = len(b64url_decode(jwk["x"]))
        token = f"{signing_input.decode()}.{b64url_encode(r.to_bytes(size) + s.to_bytes(size))}"
        assert accredit.verify_deployment(token, [key], now=0).properties.uid == "u"


@pytest.mark.parametrize("alg", ["ES512", "ES256"])
def test_we_sign_with_a_key_that_openssl_made(openssl: Call, tmp_path: Path, alg: str) -> None:
    private = write(
        tmp_path, "private.pem", openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[alg]}")
    )
    public = jwk_of(openssl("pkey", "-in", private, "-pubout", "-outform", "DER"), alg)
    size = len(b64url_decode(public["x"]))
    number = openssl("ec", "-in", private, "-outform", "DER").removeprefix(PRIVATE_PREFIX[alg])[:size]
    token = accredit.sign_deployment(PROPERTIES, {**public, "d": b64url_encode(number)})
    accredit.verify_deployment(token, [accredit.parse_deployment_key(public, alg)], now=0)


def test_we_verify_what_openssl_signs_with_ed25519(openssl: Call, tmp_path: Path) -> None:
    private = write(tmp_path, "private.pem", openssl("genpkey", "-algorithm", "ed25519"))
    key = accredit.parse_deployment_key(jwk_of(openssl("pkey", "-in", private, "-pubout", "-outform", "DER"), "EdDSA"), "EdDSA")
    signing_input = signing_input_of("EdDSA")
    signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", write(tmp_path, "input", signing_input))
    accredit.verify_deployment(f"{signing_input.decode()}.{b64url_encode(signature)}", [key], now=0)


def write(folder: Path, name: str, octets: bytes) -> Path:
    path = folder / name
    path.write_bytes(octets)
    return path


def split(token: str) -> tuple[bytes, bytes]:
    signing_input, signature = token.rsplit(".", 1)
    return signing_input.encode(), b64url_decode(signature)


def signing_input_of(alg: str) -> bytes:
    return f"{b64url_encode(compact_json({'alg': alg}))}.{b64url_encode(compact_json(PROPERTIES))}".encode()


def spki_of(jwk: dict[str, Any], alg: str) -> bytes:
    return PUBLIC_PREFIX[alg] + b"".join(b64url_decode(str(jwk[name])) for name in ("x", "y") if name in jwk)


def jwk_of(spki: bytes, alg: str) -> dict[str, str]:
    assert spki.startswith(PUBLIC_PREFIX[alg])
    point = spki.removeprefix(PUBLIC_PREFIX[alg])
    if alg == "EdDSA":
        return {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(point)}
    half = len(point) // 2
    return {"kty": "EC", "crv": CURVES[alg], "x": b64url_encode(point[:half]), "y": b64url_encode(point[half:])}
