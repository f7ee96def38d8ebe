"""The checks of an identity signature, told one by one: protocol-boot.md section 4, as its debug report has them.

The verdict is the library's own. Of what was posted names are told, values never; of the e-mail two characters, in the signed text.

    explanation = explain(judging)
    explanation.diagnosis.code, explanation.steps[2].hint
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from accredit.cli.identity.hints import find_hint
from accredit.cli.identity.judging import Judging
from accredit.cli.steps import Step
from accredit.errors import CODES
from accredit.identity import IdentityCheck, IdentityDiagnosis, IdentitySecret, diagnose_identity

_NAMES = {"origin": "Origin", "signature_form": "Form", "mac": "MAC", "freshness": "Freshness", "replay": "Replay"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """All five checks as steps, the diagnosis that they are of, and what passed with a warning."""

    steps: tuple[Step, ...]
    diagnosis: IdentityDiagnosis
    warnings: tuple[str, ...]


def explain(judging: Judging, old_secrets: tuple[IdentitySecret, ...]) -> Explanation:
    """Diagnose a signature. old_secrets: such as count no more, to tell that one is still in use."""
    diagnosis = diagnose_identity(
        judging.signature,
        judging.secrets,
        judging.boot,
        now=judging.now,
        window_s=judging.window_s,
        origin=judging.origin,
        policy=judging.policy,
        old_secrets=old_secrets,
    )
    steps = (_step(number, check, judging, diagnosis) for number, check in enumerate(diagnosis.checks, start=1))
    passed = judging.verify().warnings if diagnosis.would_admit else ()
    return Explanation(tuple(steps), diagnosis, (*judging.boot.customer.warnings, *passed))


def _step(number: int, check: IdentityCheck, judging: Judging, diagnosis: IdentityDiagnosis) -> Step:
    name = _NAMES[check.check]
    if check.check == "origin":
        return Step(number, name, "skipped", "Not judged: the integration's list of origins is not known here.")
    if check.code is not None:
        hint = find_hint(check, judging, diagnosis)
        return Step(number, name, "fail", CODES[check.code].title, check.code, hint=hint)
    if check.result == "skipped":
        reached = check.check == "replay" and diagnosis.timestamp is not None and diagnosis.checks[2].result == "pass"
        why = "Not judged: only the server knows which nonces were used." if reached else "Not reached."
        return Step(number, name, "skipped", why)
    return Step(number, name, "pass", _tell_passing(check.check, diagnosis, judging))


def _tell_passing(check: str, diagnosis: IdentityDiagnosis, judging: Judging) -> str:
    if check == "signature_form":
        moment = datetime.fromtimestamp(diagnosis.timestamp or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"Version {2 if (judging.signature or '').startswith('v2.') else 1}, signed at {moment}."
    if check == "mac":
        tried = diagnosis.secrets_tried
        return f"One of {tried} secrets yields it." if tried > 1 else "The secret yields it."
    return f"The timestamp is {tell_skew(diagnosis.skew_s or 0)}; {judging.window_s} s either way are allowed."


def tell_skew(skew_s: int) -> str:
    """By how much a signer's clock differs from ours."""
    return "0 s off" if skew_s == 0 else f"{abs(skew_s)} s {'ahead' if skew_s > 0 else 'behind'}"
