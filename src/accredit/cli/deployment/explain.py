"""`accredit deployment explain`."""

import dataclasses
import json

import click

from accredit.cli.deployment.judging import Judging, judging_options
from accredit.cli.deployment.steps import Explanation
from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.output import print_json
from accredit.cli.steps import tell_holding, tell_refusal, tell_step


@click.command(
    epilog=examples(
        "accredit deployment explain TOKEN",
        "accredit deployment explain TOKEN --origin https://shop.example --direct uid=user-1",
        "accredit deployment explain - --key shop.public.jwk --policy token_profile=require < token",
    )
)
@judging_options
@click.option("--show-payload", is_flag=True, help="Also print what the token says; it may hold personal data.")
@json_option
def command(judging: Judging, show_payload: bool, as_json: bool) -> None:
    """Say step by step what the gate would make of a signed deployment, and what the likely mistake is.

    TOKEN is a compact JWS, `-` reads standard input. It is judged by the key files, or without any by the configured database: its
    integrations, live keys and policies. Nothing is recorded and no session is opened. Exit code 1 when it would be refused.
    """
    explanation = judging.explain()
    payload = explanation.peeked.payload if explanation.peeked is not None and show_payload else None
    if as_json:
        print_json(_described(explanation) | ({} if payload is None else {"payload": payload}))
    else:
        _tell(explanation)
        if payload is not None:
            click.echo("\n" + json.dumps(payload, indent=2, ensure_ascii=False))
    if explanation.refusal is not None:
        click.get_current_context().exit(REFUSED)


def _tell(explanation: Explanation) -> None:
    for step in explanation.steps:
        tell_step(step)
    click.echo()
    if explanation.refusal is not None:
        tell_refusal(explanation.refusal.code)
        return
    tell_holding(explanation.steps)
    for warning in [] if explanation.admission is None else explanation.admission.warnings:
        click.echo(f"warning: {warning}")


def _described(explanation: Explanation) -> dict[str, object]:
    refusal, peeked = explanation.refusal, explanation.peeked
    return {
        "verdict": "refused" if refusal is not None else "holds",
        "code": None if refusal is None else refusal.code,
        "deployer_id": None if peeked is None else peeked.deployer_id,
        "integration_id": None if peeked is None else peeked.integration_id,
        "members": [] if peeked is None else list(peeked.payload),
        "key_id": None if explanation.admission is None else explanation.admission.proof_key_id,
        "warnings": [] if explanation.admission is None else list(explanation.admission.warnings),
        "steps": [dataclasses.asdict(step) for step in explanation.steps],
    }
