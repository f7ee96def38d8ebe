"""`accredit keys generate`."""

import json
from pathlib import Path

import click

from accredit.cli.files import OUTPUT, new_secret_file
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.encryption import NO_SHAPE, Shape, shape_options
from accredit.cli.output import print_json
from accredit.identity import generate_identity_secret
from accredit.keys import SIGNATURE_ALGORITHMS, generate_deployment_key
from accredit.sealing import ENCRYPTION_ALGORITHMS


@click.command(
    epilog=examples(
        "accredit keys generate --out shop.jwk > shop.public.jwk",
        "accredit keys generate --out shop.jwk | accredit keys register - --deployer shop",
        "accredit keys generate --alg EdDSA --json",
        "accredit keys generate --purpose encryption --kty EC --crv P-384 --out answers.jwk > answers.public.jwk",
        "accredit keys generate --purpose identity --out identity.secret",
        "accredit keys generate --purpose root --out root.key",
    )
)
@click.option(
    "--purpose",
    type=click.Choice(("deployment", "encryption", "identity", "root")),
    default="deployment",
    show_default=True,
    help="What it is for.",
)
@click.option(
    "--alg",
    type=click.Choice((*SIGNATURE_ALGORITHMS, *ENCRYPTION_ALGORITHMS)),
    help="Deployment: ES512 by default. Encryption: RSA-OAEP, or ECDH-ES for EC and OKP.",
)
@shape_options
@click.option("--out", type=OUTPUT, help="A new file for the secret half, readable by its owner alone.")
@json_option
def command(purpose: str, alg: str | None, shape: Shape, out: Path | None, as_json: bool) -> None:
    """Make a key pair for signing deployments, or for sealed answers. Runs anywhere: nothing leaves this machine.

    With --out the private JWK goes to that file and the public one is printed, to be registered or sent; without, the private JWK
    is printed alone. Purpose identity makes a secret for signing users, which `keys create --import` takes over. Purpose root makes a
    root key for a server (ACCREDIT_ROOT_KEY_FILE).
    """
    if purpose != "encryption" and shape != NO_SHAPE:
        raise click.UsageError("--kty, --size, --crv and --kid are for --purpose encryption.")
    if purpose in _SECRETS:
        _SECRETS[purpose](out, as_json)
        return
    pair = shape.generate(alg) if purpose == "encryption" else generate_deployment_key(alg or "ES512")
    _write(out, json.dumps(pair.private_jwk))
    if as_json:
        private = {"private_jwk": pair.private_jwk} if out is None else {"private_file": str(out)}
        print_json({"thumbprint": pair.thumbprint, "public_jwk": pair.public_jwk, **private})
    else:
        click.echo(json.dumps(pair.private_jwk if out is None else pair.public_jwk))


def _generate_root(out: Path | None, as_json: bool) -> None:
    from accredit.server.keyring.root import RootKey, generate_root_key

    text = generate_root_key()
    key_id = RootKey.from_text(text, "ACCREDIT_ROOT_KEY").key_id
    _write(out, text)
    if as_json:
        print_json({"key_id": key_id} | ({"root_key": text} if out is None else {"root_key_file": str(out)}))
    else:
        click.echo(text if out is None else f"root key {key_id} in {out}")


def _generate_identity(out: Path | None, as_json: bool) -> None:
    text = generate_identity_secret()
    _write(out, text)
    if as_json:
        print_json({"secret": text} if out is None else {"secret_file": str(out)})
    else:
        click.echo(text if out is None else f"identity secret in {out}")


_SECRETS = {"identity": _generate_identity, "root": _generate_root}


def _write(out: Path | None, secret: str) -> None:
    if out is not None:
        with new_secret_file(out) as file:
            file.write(f"{secret}\n")
