"""Fixtures for the core: a deployer with its key, and a pen that signs whatever it is given."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jws import JWSRegistry

import accredit
from accredit.encoding import b64url_encode
from accredit.keys import parse_signing_key

Write = Callable[..., str]


@pytest.fixture(scope="session")
def made() -> accredit.GeneratedKey:
    return accredit.generate_deployment_key()


@pytest.fixture(scope="session")
def key(made: accredit.GeneratedKey) -> accredit.DeploymentKey:
    return accredit.parse_deployment_key(made.public_jwk, key_id="key_1")


@pytest.fixture(scope="session")
def write(made: accredit.GeneratedKey) -> Write:
    """A token with just this header and payload, soundly signed: what a deployer's own code may produce."""

    def write_token(payload: Any, header: Any = None, jwk: Any = None) -> str:
        alg, signer = parse_signing_key(jwk or made.private_jwk)
        texts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header or {"alg": alg}, payload)]
        signing_input = ".".join(map(b64url_encode, texts))
        return f"{signing_input}.{b64url_encode(JWSRegistry.algorithms[alg].sign(signing_input.encode(), signer))}"

    return write_token
