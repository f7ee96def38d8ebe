"""Items of the webhooks: that a receiver hears of every end, and refuses what is forged."""

from collections.abc import Sequence

from accredit.encoding import Json
from accredit.server.checklist.item import Fault, Item, item_of, told
from accredit.server.events.event_types import hears
from accredit.server.events.probing import ProbeResult, read_probe
from accredit.server.events.records import Endpoint
from accredit.server.times import wire_time

_ENDS = ("session.success", "session.failed")
_MEANINGS = {
    "genuine": "did not take a genuine request",
    "unsigned": "took a request without a signature",
    "wrong_key": "took a request signed under another key",
    "body_swapped": "took a body that was not the signed one",
    "stale": "took a request that was signed an hour before",
}
_MEND = "Verify the signature over the raw body, its digest and its date, before anything is read (accredit.verify_webhook)."


def judge_receivers(endpoints: Sequence[Endpoint], integration_id: str, now_ms: int) -> list[Item]:
    """The items, in the order of the checklist. endpoints: of the account and environment."""
    return [_verifies([each for each in endpoints if each.enabled], now_ms), _configured(endpoints, integration_id)]


def _verifies(enabled: Sequence[Endpoint], now_ms: int) -> Item:
    faults = [fault for each in enabled for fault in _probed(each, now_ms)]
    if not enabled:
        faults.append(Fault("unknown", "No endpoint is enabled", "Create a webhook endpoint, and probe it."))
    return item_of(
        "webhook_receiver_verifies", faults, "" if not enabled else f"{told(len(enabled), 'endpoint', 'endpoints')}."
    )


def _probed(endpoint: Endpoint, now_ms: int) -> list[Fault]:
    name, probe = endpoint.endpoint_id, read_probe(endpoint, now_ms)
    again = f"Probe it: accredit webhooks probe {name}."
    if probe is None:
        return [Fault("fail", f"{name} was not probed in 30 days", again)]
    if probe.at < wire_time(endpoint.updated_ms):
        return [Fault("fail", f"{name} was changed after it was probed", again)]
    return [_fault(name, result, again) for result in probe.results if result.outcome != "passed"]


def _fault(name: str, result: ProbeResult, again: str) -> Fault:
    if result.outcome == "unknown":
        answer = result.error or f"status {result.status}"
        return Fault("unknown", f"{name} answered the {result.probe} probe with {answer}", again)
    return Fault("fail", f"{name} {_MEANINGS[result.probe]}", f"{_MEND} {again}")


def _configured(endpoints: Sequence[Endpoint], integration_id: str) -> Item:
    told_of: dict[str, Json] = {"door": "flow", "tags": []}
    hearing = [each for each in endpoints if all(hears(each, kind, told_of, integration_id) for kind in _ENDS)]
    working = [each for each in hearing if each.enabled and each.failing_since_ms is None]
    names = ", ".join(each.endpoint_id for each in working)
    good = f"{names} {'hears' if len(working) == 1 else 'hear'} how sessions end." if working else ""
    faults = [_fault_of(each) for each in hearing if each not in working]
    if not hearing:
        fix = "Create a webhook endpoint of kind flow, or one that asks for session.*, for this template and without tags."
        faults.append(Fault("fail", "No endpoint hears how sessions of this template end", fix))
    if working:
        # One that works is enough; others are worth a word.
        faults = [Fault("warn", each.evidence, each.fix) for each in faults]
    faults += [_signed_with_api_secret(each) for each in working if each.members.signing == "api_key"]
    return item_of("webhooks_configured", faults, good)


def _fault_of(endpoint: Endpoint) -> Fault:
    name = endpoint.endpoint_id
    if not endpoint.enabled:
        return Fault(
            "fail", f"{name} is disabled ({endpoint.disabled_reason})", f"Mend the receiver and enable {name}, or delete it."
        )
    since = wire_time(endpoint.failing_since_ms or 0)
    return Fault(
        "fail", f"{name} fails since {since}", f"Mend the receiver: accredit webhooks deliveries {name} says how it answers."
    )


def _signed_with_api_secret(endpoint: Endpoint) -> Fault:
    name = endpoint.endpoint_id
    fix = f"Set signing of {name} to endpoint, so that its receiver needs no secret that opens the API."
    return Fault("warn", f"Requests to {name} are signed with the API secret", fix)
