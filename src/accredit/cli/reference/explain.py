"""`accredit reference explain`."""

import dataclasses
import hashlib
from pathlib import Path

import click

from accredit.cli.files import INPUT
from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.output import print_facts, print_json
from accredit.cli.reference.judging import Judging, judging_options
from accredit.cli.reference.secrets import read_secrets
from accredit.cli.reference.steps import Explanation, explain
from accredit.cli.steps import tell_holding, tell_refusal, tell_step


@click.command(
    epilog=examples(
        "accredit reference explain --secret api.secret --reference user-1 --signature SIGNATURE",
        "accredit reference explain --secret new.secret --old-secret old.secret --reference user-1 --signature SIGNATURE",
        "accredit reference explain --secret api.secret --signature TOKEN --template flwtmp_... --origin https://shop.example",
    )
)
@judging_options
@click.option("--old-secret", "old_files", type=INPUT, multiple=True, help="A secret that counts no more: is it still in use?")
@json_option
def command(judging: Judging, old_files: tuple[Path, ...], as_json: bool) -> None:
    """Say step by step how a signature of a customer reference fares, and what the likely mistake is.

    Length and SHA-256 of the reference are told, to compare with what the backend signs. It never shows a MAC, a secret or the
    reference. Nothing is recorded and no session is opened. Exit code 1 when it would be refused.
    """
    explanation = explain(judging, read_secrets(old_files) if old_files else [])
    described = _described(judging)
    if as_json:
        verdict = "holds" if explanation.code is None else "refused"
        steps = [dataclasses.asdict(step) for step in explanation.steps]
        print_json({"verdict": verdict, "code": explanation.code, **described, "steps": steps})
    else:
        _tell(explanation, described)
    if explanation.code is not None:
        click.get_current_context().exit(REFUSED)


def _described(judging: Judging) -> dict[str, object]:
    """What was passed, so that it can be compared without being shown."""
    octets = None if judging.reference is None else judging.reference.encode("utf-8", "surrogatepass")
    return {
        "version": 2 if judging.is_token else 1,
        "reference_bytes": None if octets is None else len(octets),
        "reference_sha256": None if octets is None else hashlib.sha256(octets).hexdigest(),
    }


def _tell(explanation: Explanation, described: dict[str, object]) -> None:
    for step in explanation.steps:
        tell_step(step)
    click.echo()
    print_facts(described)
    click.echo()
    if explanation.code is not None:
        tell_refusal(explanation.code)
    else:
        tell_holding(explanation.steps)
