"""What `verify` and `explain` share: a signature, what was posted with it, and what both are judged by."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import cast, get_args

import click

from accredit.cli.files import INPUT, read_token
from accredit.cli.identity.posted import posted_options
from accredit.cli.identity.secrets import VARIABLE, fit_key_ids, read_secrets
from accredit.cli.times import now_ms, parse_moment
from accredit.identity import WINDOW_S, BootBody, Demand, IdentityPolicy, IdentitySecret, VerifiedIdentity, verify_identity

_WINDOW = click.IntRange(10, 600)
_DEMANDS = click.Choice(get_args(Demand))
_APPS = ("ios", "android")


@dataclass(frozen=True, slots=True)
class Judging:
    """What the options say. secrets: each under the key id that it was given, else under the one that the signature names.

    now: Unix seconds. origin: of the page, or of the app that the body names; None where neither is told.
    """

    signature: str | None
    boot: BootBody
    secrets: Sequence[IdentitySecret]
    now: int
    window_s: int
    origin: str | None
    policy: IdentityPolicy

    def verify(self) -> VerifiedIdentity:
        """Whom the signature vouches for. Raises Refused as `verify_identity`."""
        return verify_identity(
            self.signature,
            self.secrets,
            self.boot,
            now=self.now,
            window_s=self.window_s,
            origin=self.origin,
            policy=self.policy,
        )

    @property
    def named_key_id(self) -> str | None:
        """The key id that a signature of version 2 names, whatever is wrong with the rest of it."""
        return _named_key_id(self.signature)

    @property
    def signed_names(self) -> list[str]:
        """Names of what was posted and counts for the signature: in version 1 the e-mail alone."""
        boot = self.boot
        beside = [name for name, text in (("page", boot.page), ("locale", boot.locale)) if text is not None]
        names = sorted([*boot.customer.values, *beside])
        return names if (self.signature or "").startswith("v2.") else [name for name in names if name == "email"]


def judging_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options; the command gets a Judging as `judging`."""

    @click.option("--signature", metavar="TEXT", help="The signature, `-`: standard input; by default that of the body.")
    @posted_options
    @click.option(
        "--secret", "files", type=INPUT, multiple=True, help=f"A file with a secret, `-`: stdin; by default {VARIABLE}."
    )
    @click.option("--key-id", "key_ids", metavar="ID", multiple=True, help="Of each secret; by default the one that is named.")
    @click.option("--origin", metavar="URL", help="The page's origin, or app:ios:BUNDLE, app:android:PACKAGE.")
    @click.option("--window", "window_s", metavar="S", type=_WINDOW, default=WINDOW_S, help="Seconds that the time may be off.")
    @click.option("--identity-v2", "v2", type=_DEMANDS, default="off", help="The integration's policy of this name.")
    @click.option("--identity-origin", "bound", type=_DEMANDS, default="off", help="The integration's policy of this name.")
    @click.option("--at", "--now", "at_ms", type=parse_moment, metavar="TIME", help="Judge as at this time; by default now.")
    @wraps(command)
    def with_judging(
        *args: object,
        signature: str | None,
        boot: BootBody,
        files: Sequence[Path],
        key_ids: Sequence[str],
        origin: str | None,
        window_s: int,
        v2: str,
        bound: str,
        at_ms: int | None,
        **kwargs: object,
    ) -> None:
        posted = boot.signature if signature is None else read_token(signature)
        judging = Judging(
            signature=posted,
            boot=boot,
            secrets=fit_key_ids(read_secrets(files, key_ids), _named_key_id(posted)),
            now=(now_ms() if at_ms is None else at_ms) // 1000,
            window_s=window_s,
            origin=_app_of(boot) if origin is None else origin,
            policy=IdentityPolicy(cast(Demand, v2), cast(Demand, bound)),
        )
        command(*args, judging=judging, **kwargs)

    return with_judging


_NAMED_KEY = re.compile(r"v2\.([A-Za-z0-9_-]{1,64})\.")


def _named_key_id(signature: str | None) -> str | None:
    match = _NAMED_KEY.match(signature or "")
    return None if match is None else match[1]


def _app_of(boot: BootBody) -> str | None:
    """What stands for the origin of an app, from what it says of itself."""
    if boot.identifier_type not in _APPS or boot.identifier_value is None:
        return None
    return f"app:{boot.identifier_type}:{boot.identifier_value}"
