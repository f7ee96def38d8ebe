"""`accredit identity explain`."""

import dataclasses
from pathlib import Path

import click

from accredit.cli.files import INPUT
from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.identity.judging import Judging, judging_options
from accredit.cli.identity.secrets import fit_key_ids, read_secrets
from accredit.cli.identity.steps import Explanation, explain, tell_skew
from accredit.cli.output import print_facts, print_json
from accredit.cli.steps import tell_holding, tell_refusal, tell_step


@click.command(
    epilog=examples(
        "accredit identity explain --secret shop.secret --body boot.form",
        "accredit identity explain --secret new.secret --old-secret old.secret --body boot.json --origin https://shop.example",
        "accredit identity explain --cp-id cp_1 --cp-deployment-id cpd_1 --email jane@example.com --signature SIGNATURE",
    )
)
@judging_options
@click.option("--old-secret", "old_files", type=INPUT, multiple=True, help="A secret that counts no more: is it still in use?")
@json_option
def command(judging: Judging, old_files: tuple[Path, ...], as_json: bool) -> None:
    """Say check by check how an identity signature fares, and what the likely mistake is.

    It shows the text that should have been signed, with the e-mail masked, to compare with what the backend signs. It never shows a
    MAC or a secret. Nothing is recorded and no session is opened. Exit code 1 when it would be refused.
    """
    old = read_secrets(old_files) if old_files else []
    explanation = explain(judging, tuple(fit_key_ids(old, judging.named_key_id)))
    if as_json:
        print_json(_described(explanation, judging))
    else:
        _tell(explanation, judging)
    if not explanation.diagnosis.would_admit:
        click.get_current_context().exit(REFUSED)


def _tell(explanation: Explanation, judging: Judging) -> None:
    diagnosis = explanation.diagnosis
    for step in explanation.steps:
        tell_step(step)
    click.echo()
    if diagnosis.signed_text is not None and diagnosis.skew_s is not None:
        print_facts(
            {
                "skew": tell_skew(diagnosis.skew_s),
                "signed_text": diagnosis.signed_text,
                "bytes": diagnosis.signed_text_bytes,
                "sha256": diagnosis.signed_text_sha256,
                "fields": ", ".join(judging.signed_names),
            }
        )
        click.echo()
    if diagnosis.code is not None:
        tell_refusal(diagnosis.code)
    else:
        tell_holding(explanation.steps)
    for warning in explanation.warnings:
        click.echo(f"warning: {warning}")


def _described(explanation: Explanation, judging: Judging) -> dict[str, object]:
    diagnosis = explanation.diagnosis
    return {
        "verdict": "holds" if diagnosis.would_admit else "refused",
        "code": diagnosis.code,
        "timestamp": diagnosis.timestamp,
        "skew_s": diagnosis.skew_s,
        "window_s": diagnosis.window_s,
        "secrets_tried": diagnosis.secrets_tried,
        "signed_text": diagnosis.signed_text,
        "signed_text_bytes": diagnosis.signed_text_bytes,
        "signed_text_sha256": diagnosis.signed_text_sha256,
        "fields": judging.signed_names,
        "mistakes": dict(diagnosis.mistakes),
        "warnings": list(explanation.warnings),
        "steps": [dataclasses.asdict(step) for step in explanation.steps],
    }
