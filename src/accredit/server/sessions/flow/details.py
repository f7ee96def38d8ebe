"""What a session tells of its checks: which members of a service's `detail` are kept, and how they are shown.

protocol-flow.md section 9. Members that it does not know are dropped before anything is stored. A step of the template's own keeps
its detail whole.
"""

from collections.abc import Mapping
from typing import Any

from accredit.encoding import Json
from accredit.server.integrations.flow import STANDARD_STEPS
from accredit.server.sessions.flow.record import FlowPerson, StepState
from accredit.server.sessions.flow.statuses import StepStatus

CHECKS = ("kyc_check", "documentary_verification", "selfie_check", "screening", "risk_check", "verify_sms")
SUMMARIES = ("match", "partial_match", "no_match", "no_data", "no_input")
# A check is shown once its step came to one of these.
_SHOWN: frozenset[StepStatus] = frozenset({"success", "failed", "pending_review", "manually_approved", "manually_rejected"})
_COMPARED = ("name", "phone", "date_of_birth", "id_number")
_EXTRACTED = ("category", "id_number", "expiration_date", "issuing_country")
_ANALYSED = ("authenticity", "image_quality", "extracted_data")
_MAX_DOCUMENTS = 20


def known_detail(step: str, detail: Mapping[str, Json] | None) -> dict[str, Any]:
    """The members of a detail that are kept. Unknown ones, and known ones that are not of their form, are dropped."""
    found = {} if detail is None else dict(detail)
    if step == "kyc_check":
        return _known_kyc(found)
    if step == "documentary_verification":
        documents = found.get("documents")
        return (
            {"documents": [_known_document(each) for each in documents[:_MAX_DOCUMENTS] if isinstance(each, dict)]}
            if isinstance(documents, list)
            else {}
        )
    if step == "screening":
        return {name: value for name, value in found.items() if name == "screening_id" and isinstance(value, str)}
    return {} if step in CHECKS else found


def _known_kyc(detail: dict[str, Json]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name in (*_COMPARED, "address"):
        member = detail.get(name)
        if isinstance(member, dict) and member.get("summary") in SUMMARIES:
            known[name] = {"summary": member["summary"]}
    address = detail.get("address")
    if "address" in known and isinstance(address, dict):
        known["address"] |= {name: value for name in ("type", "po_box") if isinstance(value := address.get(name), str)}
    return known


def _known_document(document: dict[str, Json]) -> dict[str, Any]:
    known: dict[str, Any] = {"status": document.get("status") if isinstance(document.get("status"), str) else None}
    attempt = document.get("attempt")
    known["attempt"] = attempt if isinstance(attempt, int) and not isinstance(attempt, bool) else 1
    for group, names in (("extracted_data", _EXTRACTED), ("analysis", _ANALYSED)):
        members = document.get(group)
        if isinstance(members, dict):
            known[group] = {name: value for name in names if isinstance(value := members.get(name), str)}
    return known


def check_objects(person: FlowPerson, steps: Mapping[str, StepState]) -> dict[str, Json]:
    """The objects of the checks that every session has, by their steps; null until their step ended."""
    return {
        step: _shown(step, steps[step].status, person.details.get(step, {}))
        if step in steps and steps[step].status in _SHOWN
        else None
        for step in CHECKS
    }


def own_details(person: FlowPerson) -> dict[str, Json]:
    """`details`: what is known of the other steps."""
    return {step: dict(detail) for step, detail in person.details.items() if step not in CHECKS}


def screening_id(person: FlowPerson) -> str | None:
    """What the screening service calls its result."""
    return person.details.get("screening", {}).get("screening_id")


def _shown(step: str, status: StepStatus, detail: dict[str, Any]) -> dict[str, Json]:
    if step == "kyc_check":
        address = detail.get("address")
        compared: dict[str, Json] = {name: detail.get(name) for name in _COMPARED}
        shown = None if address is None else {name: address.get(name) for name in ("summary", "type", "po_box")}
        return {"status": status, **compared, "address": shown}
    if step == "documentary_verification":
        return {"status": status, "documents": [_shown_document(each) for each in detail.get("documents", [])]}
    return {"status": status}


def _shown_document(document: dict[str, Any]) -> dict[str, Json]:
    groups: dict[str, Json] = {
        group: None if (members := document.get(group)) is None else {name: members.get(name) for name in names}
        for group, names in (("extracted_data", _EXTRACTED), ("analysis", _ANALYSED))
    }
    # Images stay with the service.
    return {"status": document.get("status"), "attempt": document.get("attempt"), "images": None, **groups}


def step_words(steps: Mapping[str, StepState]) -> dict[str, Json]:
    """`steps`: the standard ones, `not_applicable` where the template has them not, and then the template's own."""
    words: dict[str, Json] = dict.fromkeys(STANDARD_STEPS, "not_applicable")
    return words | {step: state.status for step, state in steps.items()}
