"""`accredit deployment verify`."""

import click

from accredit.cli.deployment.judging import Judging, judging_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json


@click.command(
    epilog=examples(
        "accredit deployment verify TOKEN --key shop.public.jwk",
        "accredit deployment verify - --key jwks.json --policy token_expiry=require --now 2026-01-05T12:00:00Z < token",
        "accredit deployment verify TOKEN",
    )
)
@judging_options
@json_option
def command(judging: Judging, as_json: bool) -> None:
    """Say whether a signed deployment holds: exit code 0, or 1 with the code of what does not.

    TOKEN is a compact JWS, `-` reads standard input. It is judged by the key files, or without any by the configured database: its
    integrations, live keys and policies. Values are not shown; `accredit deployment explain` tells more.
    """
    explanation = judging.explain()
    if explanation.refusal is not None:
        raise explanation.refusal
    assert explanation.peeked is not None
    admission = explanation.admission
    facts = {
        "holds": True,
        "deployer_id": explanation.peeked.deployer_id,
        "integration_id": explanation.peeked.integration_id,
        "key_id": None if admission is None else admission.proof_key_id,
        "warnings": [] if admission is None else list(admission.warnings),
        "not_judged": [step.name.lower() for step in explanation.steps if step.status == "skipped"],
    }
    if as_json:
        print_json(facts)
    else:
        print_facts({name: ", ".join(value) if isinstance(value, list) else value for name, value in facts.items()})
