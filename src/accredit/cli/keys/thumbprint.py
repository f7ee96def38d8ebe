"""`accredit keys thumbprint`."""

from pathlib import Path

import click

from accredit.cli.files import INPUT, read_keys
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_json
from accredit.errors import MalformedError
from accredit.keys import public_thumbprint


@click.command(epilog=examples("accredit keys thumbprint shop.public.jwk", "accredit keys thumbprint jwks.json"))
@click.argument("file", type=INPUT)
@json_option
def command(file: Path, as_json: bool) -> None:
    """Print the RFC 7638 thumbprint of a JWK, or of each key of a JWKS; `-` reads standard input.

    It is what a token may call its key (`kid`), the same for the public and the private half.
    """
    thumbprints = [public_thumbprint(key) for key in read_keys(file)]
    if None in thumbprints:
        raise MalformedError("key_type_unsupported", "kty")
    if as_json:
        print_json(thumbprints)
        return
    for thumbprint in thumbprints:
        click.echo(thumbprint)
