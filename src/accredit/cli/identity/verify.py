"""`accredit identity verify`."""

from datetime import UTC, datetime

import click

from accredit.cli.groups import examples, json_option
from accredit.cli.identity.judging import Judging, judging_options
from accredit.cli.identity.posted import tell_warnings
from accredit.cli.output import print_facts, print_json

NOT_JUDGED = ("integration", "allowed_origins", "replay")


@click.command(
    epilog=examples(
        "accredit identity verify --secret shop.secret --body boot.form",
        "accredit identity verify --secret old.secret --secret new.secret --body - --origin https://shop.example < boot.json",
        "accredit identity verify --cp-id cp_1 --cp-deployment-id cpd_1 --email jane@example.com --signature SIGNATURE",
    )
)
@judging_options
@json_option
def command(judging: Judging, as_json: bool) -> None:
    """Say whether an identity signature holds: exit code 0, or 1 with the code of what does not.

    It is held against the secrets alone. What only a server knows is not judged: the integration, its list of origins, whether the
    nonce was used. Values are not shown; `accredit identity explain` tells more.
    """
    verified = judging.verify()
    tell_warnings(judging.boot)
    facts = {
        "holds": True,
        "cp_id": verified.cp_id,
        "cp_deployment_id": verified.cp_deployment_id,
        "anonymous": verified.email is None,
        "version": verified.version,
        "key_id": verified.key_id or None,
        "signed_at": datetime.fromtimestamp(verified.timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "origin_bound": verified.origin_bound,
        "signed_fields": sorted(verified.signed_fields),
        "warnings": list(verified.warnings),
        "not_judged": list(NOT_JUDGED),
    }
    if as_json:
        print_json(facts)
    else:
        print_facts({name: ", ".join(value) if isinstance(value, list) else value for name, value in facts.items()})
