"""Providers of other people: oidc-provider in a process of its own, and a person with a browser who signs in there.

A provider that is missing is a failure, never a skip: what it would have shown is not known then.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwcrypto.jwk
import pytest

from ..server.conftest import root_keys, sealer  # noqa: F401 - what the desk stands on
from ..server.providers.conftest import SANDBOX, Desk, desk  # noqa: F401

NODE = Path(__file__).with_name("node")
CALLBACK = "https://accredit.example/auth/callback/"
# Both sides live in real time: the tokens of a real provider do.
START_S = 20


class OpenIdProvider:
    """oidc-provider: `configure` makes it anew. issuer: its address, the same for all tests."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.keys = {
            "RS256": jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="op-rs", alg="RS256", use="sig"),
            "ES256": jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256", kid="op-es", alg="ES256", use="sig"),
            "EdDSA": jwcrypto.jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="op-ed", alg="EdDSA", use="sig"),
        }
        self.issuer = ""
        self.configure()

    def configure(self, *clients: Any, keys: Any = None, features: Any = None, answers: Any = None) -> None:
        """Make the provider anew, with these clients."""
        jwks = {"keys": [key.export(as_dict=True) for key in (keys or self.keys.values())]}
        told = {"clients": clients, "jwks": jwks, "features": features or {}, "answers": answers or {}}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the Node process has ended"}')
        assert "error" not in answer, answer["error"]
        self.issuer = answer["issuer"]


@pytest.fixture(scope="session")
def op() -> Iterator[OpenIdProvider]:
    """One process for all tests, installed on first use from the lock file."""
    for name in ("npm", "node"):
        if shutil.which(name) is None:
            pytest.fail(f"{name} is not installed, but tests/providers needs Node.js 20 or newer with npm")
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = ["npm", "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(npm, cwd=NODE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"npm ci in tests/providers/node failed:\n{done.stdout}{done.stderr}"
    with subprocess.Popen(
        ["node", "op.mjs"], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield OpenIdProvider(process)
        assert process.stdin is not None
        process.stdin.close()


_FORM = re.compile(r'<form[^>]*action="([^"]+)"')
_ABORT = re.compile(r'<a href="([^"]+/abort)"')


def sign_in(url: str, person: str = "person-1", *, cancel: bool = False, callback: str = CALLBACK) -> str:
    """Go to a provider as a browser does, sign in, consent or cancel; the address that the browser is sent back to."""
    with httpx.Client(follow_redirects=False) as browser:
        answer = browser.get(url)
        for _ in range(12):
            if answer.is_redirect:
                location = str(answer.next_request.url) if answer.next_request else answer.headers["location"]
                if location.startswith(callback):
                    return location
                answer = browser.get(location)
                continue
            form, abort = _FORM.search(answer.text), _ABORT.search(answer.text)
            assert form is not None, answer.text
            if cancel:
                assert abort is not None, answer.text
                answer = browser.get(str(answer.url.join(abort[1])))
                continue
            fields = {"prompt": "login", "login": person, "password": "x"}
            filled = fields if 'name="login"' in answer.text else {"prompt": "consent"}
            answer = browser.post(str(answer.url.join(form[1])), data=filled)
    raise AssertionError("the provider goes round in circles")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine: what is stored here is tested beside the records, on both."""
    return sqlite_url


@pytest.fixture
def live(desk: Desk) -> Desk:  # noqa: F811
    """A desk whose clock shows the present."""
    desk.now_ms = time.time_ns() // 1_000_000
    return desk
