"""Which steps a retry repeats: the four strategies (protocol-flow.md section 9).

plan_retry("failed", "infer", steps, None)          # RetryPlan("incomplete", skipped={"accept_tos": True}, ...)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from accredit.errors import ConflictError, MalformedError
from accredit.server.gate.flow.bodies import Strategy
from accredit.server.sessions.flow.record import StepState
from accredit.server.sessions.flow.running import has_passed
from accredit.server.sessions.flow.statuses import REFUSED, FlowWord

_REQUIRED = ("verify_sms", "kyc_check", "documentary_verification", "selfie_check")
# After these only everything is asked again, unless the owner says which steps.
_DECISIVE = ("screening", "risk_check")


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """effective: the strategy that `infer` came to. skipped: steps that do not run, and whether each had passed before.

    called: fallbacks that run though no step has failed.
    """

    effective: Strategy
    skipped: Mapping[str, bool] = field(default_factory=dict)
    called: frozenset[str] = frozenset()


def plan_retry(
    status: FlowWord, strategy: Strategy, steps: Mapping[str, StepState], custom: Mapping[str, bool] | None
) -> RetryPlan:
    """What a strategy makes of a session.

    steps: those of the template, as the newest session left them. custom: `steps` of the request, None without. Raises
    MalformedError: `validation_failed` with the member, `steps_required`, `steps_not_allowed`; ConflictError
    `retry_strategy_not_applicable`.
    """
    if strategy == "custom":
        return _plan_custom(steps, custom)
    if custom is not None:
        raise MalformedError("steps_not_allowed", "steps")
    if strategy == "reset":
        return RetryPlan("reset")
    decided = any(steps[step].status in REFUSED for step in _DECISIVE if step in steps)
    if strategy == "incomplete":
        if status not in ("failed", "expired", "canceled") or decided:
            raise ConflictError("retry_strategy_not_applicable", "strategy")
        return _plan_incomplete(steps)
    if strategy == "infer":
        if status in ("active", "pending_review"):
            raise ConflictError("retry_strategy_not_applicable", "strategy")
        return _plan_incomplete(steps) if status in ("failed", "expired") and not decided else RetryPlan("reset")
    raise MalformedError("validation_failed", "strategy")


def _plan_incomplete(steps: Mapping[str, StepState]) -> RetryPlan:
    return RetryPlan("incomplete", {step: True for step, state in steps.items() if has_passed(state)})


def _plan_custom(steps: Mapping[str, StepState], custom: Mapping[str, bool] | None) -> RetryPlan:
    if custom is None or any(step not in custom for step in _REQUIRED) or not any(custom.values()):
        raise MalformedError("steps_required", "steps")
    wanted = frozenset(step for step, runs in custom.items() if runs)
    for step in sorted(wanted - steps.keys()):
        raise MalformedError("validation_failed", f"steps.{step}")
    # Terms that nobody has accepted are asked about, whatever else runs.
    accepted = has_passed(steps.get("accept_tos"))
    skipped = {
        step: has_passed(state) for step, state in steps.items() if step not in wanted and (step != "accept_tos" or accepted)
    }
    return RetryPlan("custom", skipped, wanted)
