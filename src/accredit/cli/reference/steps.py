"""The steps of judging a signature of a customer reference, told one by one: protocol-flow.md sections 2 and 3.

The verdict is the library's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accredit.cli.reference.hints import find_hint
from accredit.cli.reference.judging import Judging
from accredit.cli.steps import Step
from accredit.errors import CODES, MalformedError, Refused
from accredit.reference import ReferenceSecret, peek_reference

# By version: the steps in their order, and what is said of each that holds.
_STEPS = {
    1: {
        "Reference": "It is one that may be signed.",
        "Form": "It is the base64 of 32 octets.",
        "MAC": "A secret yields it.",
    },
    2: {
        "Form": "It is a token.",
        "Signature": "A key verifies it.",
        "Claims": "They are of this moment, template, page and environment.",
        "Reference": "The page passes that of the token, or none.",
        "Replay": "Not judged: only the server knows which tokens were used.",
    },
}
_SIGNATURE_CODES = ("mac_mismatch", "jws_key_unknown", "jws_alg_not_allowed", "jws_signature_invalid")
_REFERENCE_CODES = ("customer_reference_invalid", "customer_reference_mismatch")


@dataclass(frozen=True, slots=True)
class Explanation:
    """All steps, and the code of what does not hold, None if all does."""

    steps: tuple[Step, ...]
    code: str | None


def explain(judging: Judging, old_secrets: Sequence[ReferenceSecret]) -> Explanation:
    """Judge a signature. old_secrets: such as count no more, to tell that one is still in use."""
    sentences = _STEPS[2 if judging.is_token else 1]
    names = list(sentences)
    try:
        judging.verify()
    except (MalformedError, Refused) as error:
        failed = names.index(_failed_step(error.code, judging))
        hint = find_hint(error.code, judging, old_secrets)
        steps = [_holding(number, name, sentences) for number, name in enumerate(names[:failed], start=1)]
        steps.append(Step(failed + 1, names[failed], "fail", CODES[error.code].title, error.code, error.member, hint))
        steps += [Step(number, names[number - 1], "skipped", "Not reached.") for number in range(failed + 2, len(names) + 1)]
        return Explanation(tuple(steps), error.code)
    return Explanation(tuple(_holding(number, name, sentences) for number, name in enumerate(names, start=1)), None)


def _holding(number: int, name: str, sentences: Mapping[str, str]) -> Step:
    return Step(number, name, "skipped" if name == "Replay" else "pass", sentences[name])


def _failed_step(code: str, judging: Judging) -> str:
    if code in _REFERENCE_CODES:
        return "Reference"
    if code in _SIGNATURE_CODES and _has_shape(judging.signature):
        return "Signature" if judging.is_token else "MAC"
    return "Claims" if code.startswith("token_") else "Form"


def _has_shape(signature: str) -> bool:
    """Whether it can be read at all: an algorithm may be refused by its name, or by the key's record."""
    try:
        peek_reference(signature)
    except Refused:
        return False
    return True
