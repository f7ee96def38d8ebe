"""`accredit reference verify`."""

from datetime import UTC, datetime

import click

from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json
from accredit.cli.reference.judging import Judging, judging_options

_OF_THE_SERVER = ("integration", "signature_policy", "allowed_origins")
_OF_TOKENS = ("key_id", "replay", "session")


@click.command(
    epilog=examples(
        "accredit reference verify --secret api.secret --reference user-1 --signature SIGNATURE",
        "accredit reference verify --secret api.secret --signature TOKEN --template flwtmp_... --origin https://shop.example",
        "accredit reference verify --key shop.public.jwk --signature - --template flwtmp_... < token",
    )
)
@judging_options
@json_option
def command(judging: Judging, as_json: bool) -> None:
    """Say whether a signature of a customer reference holds: exit code 0, or 1 with the code of what does not.

    It is held against the secrets and keys alone. What only a server knows is not judged. Values are not shown; `accredit reference
    explain` tells more.
    """
    verified = judging.verify()
    expires = None if verified.expires is None else datetime.fromtimestamp(verified.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = {
        "holds": True,
        "version": verified.version,
        "key_id": verified.key_id or None,
        "expires": expires,
        "session_id": verified.session_id,
        "prefill": sorted(verified.user or {}),
        "not_judged": [*_OF_THE_SERVER, *(_OF_TOKENS if verified.version == 2 else ())],
    }
    if as_json:
        print_json(facts)
    else:
        print_facts({name: ", ".join(value) if isinstance(value, list) else value for name, value in facts.items()})
