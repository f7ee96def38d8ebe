"""What `verify` and `explain` share: a signature, the reference that it is of, and what both are judged by."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import click

from accredit.cli.files import INPUT, read_key, read_token
from accredit.cli.reference.secrets import VARIABLE, read_secrets
from accredit.cli.times import now_ms, parse_moment
from accredit.encoding import Json
from accredit.errors import Refused
from accredit.keys import SIGNATURE_ALGORITHMS
from accredit.reference import (
    ReferenceKey,
    ReferenceSecret,
    VerifiedReference,
    parse_reference_key,
    peek_reference,
    verify_reference,
    verify_reference_v2,
)
from accredit.reference.claims import ENVIRONMENTS


@dataclass(frozen=True, slots=True)
class Judging:
    """What the options say. keys: each under the name that the signature gives its key, since a file has none.

    reference: what the page passes, None if nothing. now: Unix seconds. template_id, origin: None where not told.
    """

    reference: str | None
    signature: str
    keys: Sequence[ReferenceSecret | ReferenceKey]
    now: int
    environment: str
    template_id: str | None
    origin: str | None

    @property
    def is_token(self) -> bool:
        """Whether the signature is of version 2, whatever is wrong with it."""
        return self.signature.count(".") == 2

    def verify(self) -> VerifiedReference:
        """Whom the signature vouches for. Raises MalformedError and Refused as the library; UsageError for what must be told."""
        if not self.is_token:
            if self.reference is None:
                raise click.UsageError("Name the user with --reference: only a token names it itself.")
            return verify_reference(self.reference, self.signature, self.keys)
        if self.template_id is None:
            raise click.UsageError("A token is judged for a template: name it with --template.")
        return verify_reference_v2(
            self.signature,
            self.keys,
            environment=self.environment,
            template_id=self.template_id,
            origin=self.origin,
            now=self.now,
            customer_reference=self.reference,
        )


def judging_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options; the command gets a Judging as `judging`."""

    @click.option("--reference", metavar="TEXT", help="The user, exactly as the page passes it; a token may do without.")
    @click.option("--signature", metavar="TEXT", required=True, help="The signature, `-`: standard input.")
    @click.option(
        "--secret", "files", type=INPUT, multiple=True, help=f"A file with a secret, `-`: stdin; by default {VARIABLE}."
    )
    @click.option("--key", "key_files", type=INPUT, multiple=True, help="A token: a public JWK that it may be signed under.")
    @click.option("--template", "template_id", metavar="ID", help="A token: the template that is opened.")
    @click.option("--origin", metavar="URL", help="A token: the page's origin.")
    @click.option("--environment", type=click.Choice(ENVIRONMENTS), default="live", help="A token: of the publishable key.")
    @click.option("--at", "--now", "at_ms", type=parse_moment, metavar="TIME", help="Judge as at this time; by default now.")
    @wraps(command)
    def with_judging(
        *args: object,
        reference: str | None,
        signature: str,
        files: Sequence[Path],
        key_files: Sequence[Path],
        template_id: str | None,
        origin: str | None,
        environment: str,
        at_ms: int | None,
        **kwargs: object,
    ) -> None:
        given = read_token(signature)
        named = _named_key_id(given)
        secrets = read_secrets(files, named) if files or not key_files else []
        judging = Judging(
            reference=reference,
            signature=given,
            keys=[*secrets, *(_parse(read_key(path), named) for path in key_files)],
            now=(now_ms() if at_ms is None else at_ms) // 1000,
            environment=environment,
            template_id=template_id,
            origin=origin,
        )
        command(*args, judging=judging, **kwargs)

    return with_judging


def _named_key_id(signature: str) -> str:
    """The key that a token names, else empty."""
    with suppress(Refused):
        return peek_reference(signature).key_id or ""
    return ""


def _parse(jwk: dict[str, Json], key_id: str) -> ReferenceKey:
    """A public key under the algorithm that it states, else that of its curve."""
    by_curve = {row.crv: alg for alg, row in SIGNATURE_ALGORITHMS.items()}
    alg = str(jwk.get("alg") or by_curve.get(str(jwk.get("crv")), "ES256"))
    return parse_reference_key(jwk, alg, key_id=key_id or None)
