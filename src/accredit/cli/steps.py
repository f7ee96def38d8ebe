"""Steps of a judgement as people read them: one line each, with the likely mistake under the one that failed."""

import textwrap
from dataclasses import dataclass
from typing import Literal

import click

Status = Literal["pass", "fail", "skipped"]
_COLOURS = {"pass": "green", "fail": "red", "skipped": "yellow"}
_INDENT = " " * 25


@dataclass(frozen=True, slots=True)
class Step:
    """One step. code, member, hint: of a step that failed."""

    number: int
    name: str
    status: Status
    sentence: str
    code: str | None = None
    member: str | None = None
    hint: str | None = None


def tell_step(step: Step) -> None:
    """Print a step."""
    told = step.sentence if step.code is None else f"{step.code}{f' ({step.member})' if step.member else ''}: {step.sentence}"
    status = click.style(f"{step.status:<8}", fg=_COLOURS[step.status], bold=step.status == "fail")
    click.echo(f"{step.number}  {step.name:<12} {status} {told}")
    if step.hint is not None:
        hint = textwrap.fill(step.hint, 110, initial_indent=f"{_INDENT}hint: ", subsequent_indent=f"{_INDENT}      ")
        click.echo(hint)


def tell_refusal(code: str) -> None:
    """Print the verdict on what would be refused."""
    click.secho(f"It would be refused: {code}.", fg="red", bold=True)


def tell_holding(steps: tuple[Step, ...]) -> None:
    """Print the verdict on what holds, with the steps that were not judged."""
    skipped = [step.name.lower() for step in steps if step.status == "skipped"]
    click.secho(f"It holds; not judged: {', '.join(skipped)}." if skipped else "It would be admitted.", fg="green", bold=True)
