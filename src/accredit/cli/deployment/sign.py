"""`accredit deployment sign`."""

from collections.abc import Sequence
from pathlib import Path

import click

from accredit.cli.files import INPUT, read_key, read_text
from accredit.cli.groups import examples, json_option
from accredit.cli.members import parse_members
from accredit.cli.output import print_json
from accredit.cli.times import now_ms, parse_moment
from accredit.deployment import MAX_LIFETIME_S, sign_deployment
from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import Refused

_IDS = ("deployer_id", "integration_id", "owner_id", "view_id", "uid")


@click.command(
    epilog=examples(
        "accredit deployment sign --key shop.jwk --deployer shop --integration checkout --owner example --uid user-1",
        "accredit deployment sign --key shop.jwk --properties properties.json --passport first_name=Ada --passport age=36",
        "accredit deployment sign --key shop.jwk --properties properties.json --extended --audience https://id.example.com",
    )
)
@click.option("--key", type=INPUT, required=True, help="The deployer's private JWK.")
@click.option("--properties", type=INPUT, help="A JSON object of properties; `-` reads standard input.")
@click.option("--deployer", "deployer_id", metavar="ID", help="deployer_id, whose key it is.")
@click.option("--integration", "integration_id", metavar="ID", help="integration_id, which it embeds.")
@click.option("--owner", "owner_id", metavar="ID", help="owner_id; the page may pass it too.")
@click.option("--view", "view_id", metavar="ID", help="view_id; by default the first view.")
@click.option("--uid", metavar="TEXT", help="The user; without it the visit is anonymous.")
@click.option("--passport", metavar="NAME=VALUE", multiple=True, help="One value of data_passport.")
@click.option("--extended", is_flag=True, help="Add kid, typ, iat, exp and jti; needs token_key_id warn or require.")
@click.option(
    "--lifetime",
    "lifetime_s",
    metavar="S",
    type=click.IntRange(1, MAX_LIFETIME_S),
    default=MAX_LIFETIME_S,
    help="Extended: seconds.",
)
@click.option("--reusable", is_flag=True, help="Extended, but without jti: good for many page views until it expires.")
@click.option("--audience", metavar="URL", help="Extended: the server's public URL (aud).")
@click.option("--origin", "origins", metavar="URL", multiple=True, help="Extended: an origin that may present it.")
@click.option("--kid", metavar="TEXT", help="Extended: what the key is called; by default its thumbprint.")
@click.option("--now", "at_ms", type=parse_moment, metavar="TIME", help="Extended: the time of signing; by default now.")
@json_option
def command(
    key: Path,
    properties: Path | None,
    passport: tuple[str, ...],
    extended: bool,
    lifetime_s: int,
    reusable: bool,
    audience: str | None,
    origins: tuple[str, ...],
    kid: str | None,
    at_ms: int | None,
    as_json: bool,
    **ids: str | None,
) -> None:
    """Sign a deployment with the deployer's private key, and print the token.

    By default the token is the original's: header {"alg":"ES512"}, good until its key ends. What every server would refuse is refused
    here, with the same codes. Runs anywhere: nothing leaves this machine.
    """
    if not extended and (reusable or audience or origins or kid or at_ms is not None):
        raise click.UsageError("--reusable, --audience, --origin, --kid and --now need --extended.")
    token = sign_deployment(
        _gather(properties, passport, ids),
        read_key(key),
        now=(now_ms() if at_ms is None else at_ms) // 1000 if extended else None,
        lifetime_s=lifetime_s,
        single_use=not reusable,
        audience=audience,
        origins=origins,
        kid=kid,
    )
    if as_json:
        print_json({"signed_deployment": token})
    else:
        click.echo(token)


def _gather(file: Path | None, passport: Sequence[str], ids: dict[str, str | None]) -> dict[str, Json]:
    """The properties of the file, with what options name in place of its own."""
    properties: Json = {}
    if file is not None:
        try:
            properties = parse_json(read_text(file).encode(), max_depth=3)
        except JsonError as error:
            raise Refused("payload_malformed") from error
        if not isinstance(properties, dict):
            raise Refused("payload_not_object")
    assert isinstance(properties, dict)
    properties |= {name: text for name in _IDS if (text := ids[name]) is not None}
    if passport:
        held = properties.get("data_passport")
        properties["data_passport"] = {**(held if isinstance(held, dict) else {}), **parse_members(passport)}
    return properties
