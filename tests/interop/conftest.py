"""The peers: other people's JOSE libraries, each behind the same five verbs, and the openssl command.

A peer that is missing is a failure, never a skip: what it would have shown is not known then.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import joserfc.jwe
import joserfc.jwk
import joserfc.jws
import jwcrypto.jwe
import jwcrypto.jwk
import jwcrypto.jws
import pytest

NODE = Path(__file__).with_name("node")
Jwk = Mapping[str, Any]
Call = Callable[..., Any]
CURVES = {"ES512": "P-521", "ES256": "P-256", "EdDSA": "Ed25519"}


class Peer(Protocol):
    """generate: a private or symmetric JWK. The key that is passed in is always a JWK as our side writes it."""

    def generate(self, alg: str, enc: str) -> dict[str, Any]: ...
    def sign(self, payload: str, header: Jwk, jwk: Jwk) -> str: ...
    def verify(self, compact: str, jwk: Jwk, alg: str) -> str: ...
    def encrypt(self, plaintext: str, header: Jwk, jwk: Jwk) -> str: ...
    def decrypt(self, compact: str, jwk: Jwk, alg: str, enc: str) -> str: ...


def find_command(name: str, why: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is not installed, but {why}")
    return found


@pytest.fixture(scope="session")
def node() -> Iterator[Call]:
    """jose in Node: one process for all tests, installed on first use from the lock file."""
    npm, command = (find_command(name, "tests/interop needs Node.js 20 or newer with npm") for name in ("npm", "node"))
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=NODE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"npm ci in tests/interop/node failed:\n{done.stdout}{done.stderr}")
    with subprocess.Popen(
        [command, "peer.mjs"], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def call(operation: str, **given: Any) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"operation": operation, **given}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or '{"error": "the Node process has ended"}')
            if "error" in answer:
                raise RuntimeError(answer["error"])
            return answer["value"]

        yield call
        process.stdin.close()


class Jose:
    """jose (panva) in Node: what clients of the original use."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def generate(self, alg: str, enc: str) -> dict[str, Any]:
        return dict(self.call("generate", alg=alg, enc=enc))

    def sign(self, payload: str, header: Jwk, jwk: Jwk) -> str:
        return str(self.call("sign", payload=payload, header=header, jwk=jwk))

    def verify(self, compact: str, jwk: Jwk, alg: str) -> str:
        return str(self.call("verify", compact=compact, jwk=jwk, alg=alg))

    def encrypt(self, plaintext: str, header: Jwk, jwk: Jwk) -> str:
        return str(self.call("encrypt", plaintext=plaintext, header=header, jwk=jwk))

    def decrypt(self, compact: str, jwk: Jwk, alg: str, enc: str) -> str:
        return str(self.call("decrypt", compact=compact, jwk=jwk, alg=alg, enc=enc))


class Joserfc:
    """joserfc by its own front door, which our library does not use for signatures."""

    def generate(self, alg: str, enc: str) -> dict[str, Any]:
        made: Any
        if alg.startswith("RSA"):
            made = joserfc.jwk.RSAKey.generate_key(2048)
        elif alg == "EdDSA":
            made = joserfc.jwk.OKPKey.generate_key("Ed25519")
        elif alg in CURVES or alg.startswith("ECDH"):
            made = joserfc.jwk.ECKey.generate_key(CURVES.get(alg, "P-384"))
        else:
            made = joserfc.jwk.OctKey.generate_key(256 if (alg, enc) == ("dir", "A256GCM") else 128)
        return dict(made.as_dict(private=True))

    def sign(self, payload: str, header: Jwk, jwk: Jwk) -> str:
        key = joserfc.jwk.import_key(dict(jwk))
        return joserfc.jws.serialize_compact(dict(header), payload, key, algorithms=[header["alg"]])

    def verify(self, compact: str, jwk: Jwk, alg: str) -> str:
        key = joserfc.jwk.import_key(dict(jwk))
        return joserfc.jws.deserialize_compact(compact, key, algorithms=[alg]).payload.decode()

    def encrypt(self, plaintext: str, header: Jwk, jwk: Jwk) -> str:
        key = joserfc.jwk.import_key(dict(jwk))
        return joserfc.jwe.encrypt_compact(dict(header), plaintext, key, algorithms=[header["alg"], header["enc"]])

    def decrypt(self, compact: str, jwk: Jwk, alg: str, enc: str) -> str:
        key = joserfc.jwk.import_key(dict(jwk))
        return (joserfc.jwe.decrypt_compact(compact, key, algorithms=[alg, enc]).plaintext or b"").decode()


class Jwcrypto:
    """jwcrypto (latchset)."""

    def generate(self, alg: str, enc: str) -> dict[str, Any]:
        if alg.startswith("RSA"):
            made = jwcrypto.jwk.JWK.generate(kty="RSA", size=2048)
        elif alg == "EdDSA":
            made = jwcrypto.jwk.JWK.generate(kty="OKP", crv="Ed25519")
        elif alg in CURVES or alg.startswith("ECDH"):
            made = jwcrypto.jwk.JWK.generate(kty="EC", crv=CURVES.get(alg, "P-521"))
        else:
            made = jwcrypto.jwk.JWK.generate(kty="oct", size=256 if (alg, enc) == ("dir", "A256GCM") else 128)
        return dict(made.export(as_dict=True))

    def sign(self, payload: str, header: Jwk, jwk: Jwk) -> str:
        token = jwcrypto.jws.JWS(payload)
        token.add_signature(jwcrypto.jwk.JWK(**jwk), header["alg"], json.dumps(header), None)
        return str(token.serialize(compact=True))

    def verify(self, compact: str, jwk: Jwk, alg: str) -> str:
        token = jwcrypto.jws.JWS()
        token.deserialize(compact, jwcrypto.jwk.JWK(**jwk), alg)
        return bytes(token.payload).decode()

    def encrypt(self, plaintext: str, header: Jwk, jwk: Jwk) -> str:
        algorithms = [header["alg"], header["enc"]]
        token = jwcrypto.jwe.JWE(plaintext.encode(), json.dumps(header), recipient=jwcrypto.jwk.JWK(**jwk), algs=algorithms)
        return str(token.serialize(compact=True))

    def decrypt(self, compact: str, jwk: Jwk, alg: str, enc: str) -> str:
        token = jwcrypto.jwe.JWE(algs=[alg, enc])
        token.deserialize(compact, jwcrypto.jwk.JWK(**jwk))
        return bytes(token.payload).decode()


@pytest.fixture(params=["jose", "joserfc", "jwcrypto"])
def peer(request: pytest.FixtureRequest) -> Peer:
    if request.param == "jose":
        return Jose(request.getfixturevalue("node"))
    return Joserfc() if request.param == "joserfc" else Jwcrypto()


@pytest.fixture(scope="session")
def openssl() -> Call:
    command = find_command("openssl", "tests/interop compares with its command line")

    def run(*arguments: str | Path, given: bytes = b"") -> bytes:
        done = subprocess.run([command, *map(str, arguments)], input=given, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout

    return run
