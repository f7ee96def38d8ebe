"""`accredit reference sign`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from accredit.cli.files import INPUT, read_key
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_json
from accredit.cli.reference.secrets import VARIABLE, read_secrets
from accredit.cli.times import now_ms, parse_moment
from accredit.reference import MAX_LIFETIME_S, ReferenceSecret, sign_reference, sign_reference_v2
from accredit.reference.claims import ENVIRONMENTS

_LIFETIME = click.IntRange(1, MAX_LIFETIME_S)


@click.command(
    epilog=examples(
        "accredit reference sign --secret api.secret --reference user-1",
        "accredit reference sign --secret api.secret --reference user-1 --v2 --key-id live_key_... --template flwtmp_...",
        "accredit reference sign --key shop.jwk --reference user-1 --v2 --template flwtmp_... --origin https://shop.example",
    )
)
@click.option("--secret", type=INPUT, help=f"A file with the secret, `-`: standard input; by default the variable {VARIABLE}.")
@click.option("--key", "key_file", type=INPUT, help="Version 2: a private JWK instead of a secret.")
@click.option("--reference", metavar="TEXT", required=True, help="The user, exactly as the page passes it.")
@click.option("--v2", is_flag=True, help="Sign a token: for how long, for which templates and pages.")
@click.option("--key-id", metavar="ID", help="Version 2: how the key is called; by default the JWK's kid.")
@click.option("--template", "templates", metavar="ID", multiple=True, help="Version 2: a template that it may open.")
@click.option("--origin", "origins", metavar="URL", multiple=True, help="Version 2: a page's origin; none: any page.")
@click.option("--environment", type=click.Choice(ENVIRONMENTS), default="live", help="Version 2: of the publishable key.")
@click.option("--session-id", metavar="ID", help="Version 2: the only session that it may open.")
@click.option(
    "--lifetime", "lifetime_s", metavar="S", type=_LIFETIME, default=600, help="Version 2: seconds that it is good for."
)
@click.option(
    "--at", "--now", "at_ms", type=parse_moment, metavar="TIME", help="Version 2: the time of signing; by default now."
)
@json_option
def command(secret: Path | None, key_file: Path | None, reference: str, v2: bool, as_json: bool, **asked: Any) -> None:
    """Sign a customer reference with the deployer's secret, and print what the page passes as `user.signature`.

    By default it is the original's: it covers the reference, and is good for ever. What every server would refuse is refused here,
    with the same codes. Runs anywhere: nothing leaves this machine.
    """
    _check_covered(v2=v2)
    if v2:
        signature = _sign_v2(_read_key(secret, key_file, asked["key_id"]), reference, asked)
    else:
        (held,) = read_secrets([] if secret is None else [secret])
        signature = sign_reference(held, reference)
    if as_json:
        print_json({"signature": signature})
    else:
        click.echo(signature)


def _check_covered(*, v2: bool) -> None:
    """Refuse what somebody means to sign and version 1 does not cover, and what version 2 cannot do without."""
    given = click.get_current_context().params
    if not v2 and any(given[name] for name in ("key_file", "key_id", "templates", "origins", "session_id", "at_ms")):
        raise click.UsageError(
            "--key, --key-id, --template, --origin, --session-id and --at need --v2: version 1 covers the reference only."
        )
    if v2 and not given["templates"]:
        raise click.UsageError("--v2 needs --template, a template that the token may open.")
    if given["secret"] and given["key_file"]:
        raise click.UsageError("Name --secret or --key, not both.")


def _read_key(secret: Path | None, key_file: Path | None, key_id: str | None) -> ReferenceSecret | Mapping[str, object]:
    if key_file is not None:
        return read_key(key_file)
    if key_id is None:
        raise click.UsageError("--v2 needs --key-id, the key id of the secret.")
    (held,) = read_secrets([] if secret is None else [secret], key_id)
    return held


def _sign_v2(key: ReferenceSecret | Mapping[str, object], reference: str, asked: Mapping[str, Any]) -> str:
    return sign_reference_v2(
        key,
        reference,
        asked["templates"],
        environment=asked["environment"],
        now=(now_ms() if asked["at_ms"] is None else asked["at_ms"]) // 1000,
        lifetime_s=asked["lifetime_s"],
        origins=asked["origins"],
        session_id=asked["session_id"],
        kid=asked["key_id"],
    )
