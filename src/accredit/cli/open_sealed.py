"""`accredit open-sealed`."""

from pathlib import Path

import click

from accredit.cli.files import INPUT, read_keys, read_text
from accredit.cli.groups import examples, json_option
from accredit.cli.key_sets import load_key_set
from accredit.cli.output import print_json
from accredit.cli.times import now_ms, parse_moment
from accredit.sealing import Signer, open_sealed, parse_decryption_key


@click.command(
    epilog=examples(
        "accredit open-sealed answer.jwe --key answers.jwk",
        "curl -s ... | accredit open-sealed --key answers.jwk",
        "accredit open-sealed answer.jwe --key answers.jwk --jwks https://id.example.com/.well-known/jwks.json \\",
        "      --issuer https://id.example.com/auth/open --audience acc_1 --session-id 019aa5b2-...",
    )
)
@click.argument("file", type=INPUT, default="-")
@click.option(
    "--key", "key_files", type=INPUT, multiple=True, required=True, help="A private JWK or a JWKS; may come several times."
)
@click.option("--jwks", "key_set", metavar="URL", help="The server's key set, an address or a file: the answer must be signed.")
@click.option("--issuer", help="With --jwks: the server's public URL and /auth/open.")
@click.option("--audience", help="With --jwks: the account's id.")
@click.option("--session-id", help="With --jwks: of the session that was asked for.")
@click.option("--nonce", help="With --jwks: the one that was sent with responseProtection.")
@click.option("--now", metavar="TIME", help="With --jwks: judge as at another time.")
@json_option
def command(file: Path, key_files: tuple[Path, ...], key_set: str | None, as_json: bool, **named: str | None) -> None:
    """Open a sealed answer of the rest door and print the session in it. Runs anywhere: nothing leaves this machine.

    FILE holds the JWE as it came, `-` (the default) is standard input. Without --jwks nothing tells who sealed it: whoever has the
    public key can. With --jwks a plain answer is refused; --issuer, --audience and --session-id say whose answer it must be.

    Why an answer does not open is not told. Likely: it was sealed to another key, or it is not as it came.
    """
    signer = _read_signer(key_set, named)
    keys = [parse_decryption_key(jwk) for path in key_files for jwk in read_keys(path)]
    body = read_text(file)
    if body.startswith("{"):
        raise click.UsageError("This is plain JSON: it is not sealed.")
    print_json(open_sealed(body, keys, signer=signer))


def _read_signer(key_set: str | None, named: dict[str, str | None]) -> Signer | None:
    if key_set is None:
        if any(text is not None for text in named.values()):
            raise click.UsageError("--issuer, --audience, --session-id, --nonce and --now go with --jwks.")
        return None
    issuer, audience, session_id, now = (named[name] for name in ("issuer", "audience", "session_id", "now"))
    if issuer is None or audience is None or session_id is None:
        raise click.UsageError("--jwks needs --issuer, --audience and --session-id.")
    now_s = (now_ms() if now is None else parse_moment(now)) // 1000
    return Signer(load_key_set(key_set), issuer, audience, session_id, now_s, named["nonce"])
