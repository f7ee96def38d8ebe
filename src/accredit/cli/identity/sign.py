"""`accredit identity sign`."""

from pathlib import Path

import click

from accredit.cli.files import INPUT
from accredit.cli.groups import examples, json_option
from accredit.cli.identity.posted import posted_options, tell_warnings
from accredit.cli.identity.secrets import VARIABLE, read_secrets
from accredit.cli.output import print_json
from accredit.cli.times import now_ms, parse_moment
from accredit.identity import BootBody, IdentitySecret, sign_identity, sign_identity_v2

_IDS = "--cp-id cp_1 --cp-deployment-id cpd_1"


@click.command(
    epilog=examples(
        f"accredit identity sign --secret shop.secret {_IDS} --email jane@example.com",
        "accredit identity sign --secret shop.secret --v2 --key-id key_1 --body boot.json --origin https://shop.example",
        f"accredit identity sign --v2 --key-id key_1 {_IDS} --email jane@example.com --field first_name=Jane --page energy",
    )
)
@click.option("--secret", type=INPUT, help=f"A file with the secret, `-`: standard input; by default the variable {VARIABLE}.")
@posted_options
@click.option("--v2", is_flag=True, help="Sign all that the page passes, not the e-mail alone; takes --key-id.")
@click.option("--key-id", metavar="ID", help="Version 2: the key id of the secret.")
@click.option("--origin", metavar="URL", help="Version 2: the page's origin, or app:ios:BUNDLE, app:android:PACKAGE.")
@click.option("--nonce", metavar="TEXT", help="30 to 50 characters; by default fresh random ones, as each page view needs.")
@click.option("--at", "--now", "at_ms", type=parse_moment, metavar="TIME", help="The time of signing; by default now.")
@json_option
def command(
    secret: Path | None,
    boot: BootBody,
    v2: bool,
    key_id: str | None,
    origin: str | None,
    nonce: str | None,
    at_ms: int | None,
    as_json: bool,
) -> None:
    """Sign a user's identity with the deployer's secret, and print what the page passes as `signature`.

    Version 1 is the original's: it covers the ids and the e-mail; without an e-mail the user is anonymous. What every server would
    refuse is refused here, with the same codes. Runs anywhere: nothing leaves this machine.
    """
    if v2 and key_id is None:
        raise click.UsageError("--v2 needs --key-id, the key id of the secret.")
    _check_covered(v2=v2)
    (held,) = read_secrets([] if secret is None else [secret], [] if key_id is None else [key_id])
    now = (now_ms() if at_ms is None else at_ms) // 1000
    signature = _sign(held, boot, origin, now=now, nonce=nonce, v2=v2)
    tell_warnings(boot)
    if as_json:
        print_json({"signature": signature})
    else:
        click.echo(signature)


def _check_covered(*, v2: bool) -> None:
    """Refuse what somebody means to sign and version 1 does not cover; a body may hold more than is signed."""
    given = click.get_current_context().params
    if not v2 and any(given[name] for name in ("fields", "page", "locale", "key_id", "origin")):
        raise click.UsageError(
            "--field, --page, --locale, --origin and --key-id need --v2: version 1 covers ids and e-mail only."
        )


def _sign(secret: IdentitySecret, boot: BootBody, origin: str | None, *, now: int, nonce: str | None, v2: bool) -> str:
    if not v2:
        return sign_identity(secret, boot.cp_id, boot.cp_deployment_id, boot.customer.email, now=now, nonce=nonce)
    return sign_identity_v2(
        secret,
        boot.cp_id,
        boot.cp_deployment_id,
        dict(boot.customer.values),
        now=now,
        page=boot.page,
        locale=boot.locale,
        origin=origin,
        nonce=nonce,
    )
