"""The steps of the gate, told one by one: protocol-embed.md section 7.

The verdict is the gate's own: it is asked once, and its refusal tells at which step it stopped. Names of members and ids are told,
values never.

    explanation = explain(token, lambda peeked: case_of_files(peeked, asked, keys, ()))
    explanation.code, explanation.steps[3].hint
"""

from collections.abc import Callable
from dataclasses import dataclass

from accredit.cli.deployment.case import Case
from accredit.cli.deployment.hints import find_hint
from accredit.cli.steps import Step
from accredit.deployment import PeekedDeployment, peek_deployment
from accredit.errors import CODES, Refused
from accredit.properties import is_id
from accredit.server.gate import Admission, admit_deployment

NAMES = ("Shape", "Integration", "Origin", "Signature", "Freshness", "Properties", "Quota", "Replay")
_INTEGRATION = ("integration_unknown", "deployer_mismatch", "integration_disabled")
_ORIGIN = ("origin_missing", "origin_not_allowed", "not_framed")
_CLAIMS = ("iat", "exp", "jti", "aud", "origins")


@dataclass(frozen=True, slots=True)
class Explanation:
    """All eight steps. refusal: what the gate raised, None where the token holds as far as it was judged."""

    steps: tuple[Step, ...]
    refusal: Refused | None
    peeked: PeekedDeployment | None
    case: Case | None
    admission: Admission | None = None


def explain(token: str, find_case: Callable[[PeekedDeployment], Case]) -> Explanation:
    """Ask the gate about a token. find_case: what the token is judged by, once its ids are known."""
    try:
        peeked = peek_deployment(token)
    except Refused as refusal:
        return Explanation(_stopped_at(1, refusal, find_hint(refusal, token, None, None), ()), refusal, None, None)
    case = find_case(peeked)
    passed = _passing(peeked, case)
    try:
        admission = admit_deployment(case.proof, case.integration, case.keys, case.visit, case.now_ms)
    except Refused as refusal:
        if refusal.code == "jwe_key_missing" and not case.by_database and not case.keys.passport:
            return Explanation((*passed[:5], _UNOPENED, *_UNJUDGED), None, peeked, case)
        number = step_of(refusal)
        hint = find_hint(refusal, token, peeked, case)
        return Explanation(_stopped_at(number, refusal, hint, passed), refusal, peeked, case)
    last = _judge_opening(admission, case)
    late = next((Refused(step.code) for step in last if step.code is not None), None)
    return Explanation((*passed, *last), late, peeked, case, admission)


def step_of(refusal: Refused) -> int:
    """The step at which the gate stops with this refusal, once the token's shape was read."""
    code = refusal.code
    if code in _INTEGRATION:
        return 2
    if code in _ORIGIN:
        return 3
    if code.startswith("jws_") or (code == "token_claim_missing" and refusal.member in ("kid", "typ")):
        return 4
    return 5 if code.startswith("token_") else 6


def _stopped_at(number: int, refusal: Refused, hint: str | None, passed: tuple[Step, ...]) -> tuple[Step, ...]:
    title = CODES[refusal.code].title
    failed = Step(number, NAMES[number - 1], "fail", title, refusal.code, refusal.member, hint)
    rest = (Step(later, NAMES[later - 1], "skipped", "Not reached.") for later in range(number + 1, len(NAMES) + 1))
    return (*passed[: number - 1], failed, *rest)


def _skipped(number: int, why: str) -> Step:
    return Step(number, NAMES[number - 1], "skipped", f"Not judged: {why}.")


_UNOPENED = _skipped(6, "the encrypted passport can be opened with its key only, see --passport-key")
_UNJUDGED = (_skipped(7, "no database was asked"), _skipped(8, "no database was asked"))


def _passing(peeked: PeekedDeployment, case: Case) -> tuple[Step, ...]:
    """What is told of steps 1 to 6 if they pass."""
    return (
        Step(1, NAMES[0], "pass", f"A compact JWS, {peeked.alg}; the payload names {_listed(peeked)}."),
        _tell_integration(peeked, case),
        _tell_origin(case),
        Step(4, NAMES[3], "pass", _tell_signature(case)),
        Step(5, NAMES[4], "pass", _tell_freshness(peeked, case)),
        Step(6, NAMES[5], "pass", "The properties and the passport are such as the integration takes."),
    )


def _listed(peeked: PeekedDeployment) -> str:
    names = [name if is_id(name) else "(an odd name)" for name in peeked.payload]
    return ", ".join(names[:30])


def _tell_integration(peeked: PeekedDeployment, case: Case) -> Step:
    if "integration" in case.assumed or case.integration is None:
        return _skipped(2, "no database was asked")
    version = case.integration.version
    sentence = f"{peeked.integration_id} is an enabled integration of deployer {peeked.deployer_id}, at version {version}."
    return Step(2, NAMES[1], "pass", sentence)


def _tell_origin(case: Case) -> Step:
    if "origin" in case.assumed:
        return _skipped(3, "name the page's origin with --origin")
    if case.integration is not None and not case.integration.origins and not case.integration.origin_required:
        return Step(3, NAMES[2], "pass", "No origin is enforced: allowed_origins is empty and origin_check is off.")
    return Step(3, NAMES[2], "pass", "The page's origin is on the list.")


def _tell_signature(case: Case) -> str:
    tried = len(case.keys.deployment)
    return f"One of {tried} live keys verifies it." if tried > 1 else "The key verifies it."


def _tell_freshness(peeked: PeekedDeployment, case: Case) -> str:
    present = [name for name in _CLAIMS if name in peeked.payload]
    if not present:
        return "The token has no claims: it is good until its key ends."
    unheld = [
        claim for claim, what in (("aud", "audience"), ("origins", "origin")) if claim in present and what in case.assumed
    ]
    note = f" Not held against anything: {', '.join(unheld)} (see --audience, --origin)." if unheld else ""
    return f"The claims hold: {', '.join(present)}.{note}"


def _judge_opening(admission: Admission, case: Case) -> tuple[Step, ...]:
    """Steps 7 and 8, which the transaction of the opening judges; here they are only looked at."""
    if case.standing is None:
        return _UNJUDGED
    quota, jti = admission.integration.quota_per_day, admission.replay_id
    if quota is not None and case.standing.opened_today >= quota:
        return _refused_at_opening(7, "quota_exceeded")
    within = "There is no quota." if quota is None else f"{case.standing.opened_today} of {quota} sessions were opened today."
    seventh = Step(7, NAMES[6], "pass", within)
    if case.standing.replayed:
        return (seventh, *_refused_at_opening(8, "token_replayed"))
    once = "The token has no jti: it may be presented again." if jti is None else "Its jti was not used before."
    return (seventh, Step(8, NAMES[7], "pass", once))


def _refused_at_opening(number: int, code: str) -> tuple[Step, ...]:
    refusal = Refused(code)
    return _stopped_at(number, refusal, find_hint(refusal, "", None, None), ())
