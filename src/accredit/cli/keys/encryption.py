"""What `accredit keys generate --purpose encryption` takes besides: the shape of a pair for sealed answers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from accredit.keys import GeneratedKey
from accredit.sealing import generate_encryption_key
from accredit.sealing.algorithms import CURVES, KEY_ALGORITHMS, RSA_BITS

_DEFAULTS = {"RSA": "RSA-OAEP", "EC": "ECDH-ES", "OKP": "ECDH-ES"}


@dataclass(frozen=True, slots=True)
class Shape:
    """As it was asked for; None is what nobody said."""

    kty: str | None
    size: int | None
    crv: str | None
    kid: str | None

    def generate(self, alg: str | None) -> GeneratedKey:
        """A pair of this shape. Raises UsageError where the options do not go together."""
        kty = self.kty or self._implied_kty(alg)
        alg = alg or _DEFAULTS[kty]
        crv = self.crv or ("X25519" if kty == "OKP" else "P-256")
        if alg not in KEY_ALGORITHMS or kty not in KEY_ALGORITHMS[alg].ktys:
            raise click.UsageError(f"--alg {alg} is not for a key of --kty {kty}.")
        if self.crv is not None and CURVES[crv].kty != kty:
            raise click.UsageError(f"--crv {crv} is not a curve of --kty {kty}.")
        if self.size is not None and kty != "RSA":
            raise click.UsageError("--size is for RSA; name a curve with --crv.")
        return generate_encryption_key(alg, size=self.size or RSA_BITS[0], crv=crv, kid=self.kid)

    def _implied_kty(self, alg: str | None) -> str:
        if self.crv is not None:
            return CURVES[self.crv].kty
        return KEY_ALGORITHMS[alg].ktys[0] if alg is not None and alg in KEY_ALGORITHMS else "RSA"


NO_SHAPE = Shape(None, None, None, None)


def shape_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--kty`, `--size`, `--crv` and `--kid`, which the command gets as `shape`."""

    @click.option("--kty", type=click.Choice(tuple(_DEFAULTS)), help="Encryption only; RSA by default.")
    @click.option("--size", type=click.Choice(RSA_BITS), help="Encryption with RSA: 2048 by default.")
    @click.option("--crv", type=click.Choice(tuple(CURVES)), help="Encryption with EC or OKP: P-256 by default.")
    @click.option("--kid", help="Encryption only: what answers call the key; by default they do not.")
    @wraps(command)
    def with_shape(*args: Any, kty: str | None, size: int | None, crv: str | None, kid: str | None, **kwargs: Any) -> None:
        command(*args, shape=Shape(kty, size, crv, kid), **kwargs)

    return with_shape
