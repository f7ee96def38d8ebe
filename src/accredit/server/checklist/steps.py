"""The item of the steps: that what each stands on answered lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accredit.server.checklist.findings import StepFinding
from accredit.server.checklist.item import Fault, Item, item_of, told
from accredit.server.checklist.recording import DAY_MS
from accredit.server.integrations.flow import StepRule
from accredit.server.times import wire_time

_TESTED_DAYS = 7


@dataclass(frozen=True, slots=True)
class StepUse:
    """A step of a template. simulated: in the sandbox, where nobody is asked. changed_ms: of the service or gateway that it asks."""

    rule: StepRule
    simulated: bool
    changed_ms: int | None = None


def judge_steps(uses: Sequence[StepUse], findings: Mapping[str, StepFinding], now_ms: int) -> Item:
    """The item. findings: of the template, by step."""
    faults = [fault for use in uses for fault in _faults_of(use, findings.get(use.rule.step), now_ms)]
    simulated = ", ".join(use.rule.step for use in uses if use.simulated and use.rule.step != "accept_tos")
    counted = told(len(uses), "step", "steps")
    return item_of("steps_deliverable", faults, f"{counted}, simulated: {simulated}." if simulated else f"{counted}.")


def _faults_of(use: StepUse, found: StepFinding | None, now_ms: int) -> list[Fault]:
    step = use.rule.step
    if use.simulated or step == "accept_tos":
        return []
    fix = f"Go through {step} once, in a session of your own."
    answered_ms = None if found is None else found.answered_ms
    if found is not None and found.failed_ms is not None and (answered_ms is None or found.failed_ms > answered_ms):
        evidence = f"{step} failed at {wire_time(found.failed_ms)} ({found.reason})"
        return [Fault("fail", evidence, f"Mend what {step} stands on. {fix}")]
    if answered_ms is None or answered_ms <= now_ms - _TESTED_DAYS * DAY_MS:
        return [Fault("fail", f"{step} was not tested in {_TESTED_DAYS} days", fix)]
    if use.changed_ms is not None and answered_ms < use.changed_ms:
        return [Fault("fail", f"What {step} asks was changed after it was tested", fix)]
    return []
