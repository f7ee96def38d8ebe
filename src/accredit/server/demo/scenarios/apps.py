"""Scenarios of the boot door without a page: apps, renewals, secrets that end, and what the owner is told while a level debugs."""

from typing import Any

import accredit
from accredit.encoding import b64_encode
from accredit.server.demo.boot.signing import CP_ID, LISTED
from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios.browser import boot, open_frame, open_page, outcome_of, renew, tell_application
from accredit.server.demo.scenarios.scenario import Outcome
from accredit.server.demo.visitors import ADA, GRACE

Outcomes = tuple[Outcome, ...]
_BUNDLE_ID = "example.beacon.app"


async def boot_app(demo: Demo) -> Outcomes:
    """The utility's app posts JSON with a signature from its backend, and reads the answer."""
    told = await _post_json(demo, demo.identity_desk.call(ADA, demo.identity_desk.sign(ADA.email)))
    return (Outcome(str(told.get("trust", told.get("code")))), Outcome("an address to open" if "url" in told else "no address"))


async def boot_strange_app(demo: Demo) -> Outcomes:
    """An app that is on no list boots where only listed sites may."""
    told = await _post_json(demo, demo.identity_desk.call(ADA, None, LISTED))
    return (await _refusal(demo, told),)


async def renew_boot(demo: Demo) -> Outcomes:
    """The page brings a fresh signature for a frame that is open; the frame's backend redeems the new code."""
    landing = await boot(demo)
    fresh = await open_page(demo, "boot_signed", ADA, "utility")
    told = await renew(demo, landing, fresh.calls[0])
    renewed = await tell_application(demo, "/renewed", visit=landing.report["visit"], code=str(told.get("code")))
    before = await demo.owner.call("GET", f"/v1/sessions/{landing.report['opened']['session_id']}")
    went_on = renewed.get("renews") == landing.report["opened"]["session_id"]
    return (Outcome("renewed" if went_on else str(told), who=renewed.get("uid")), Outcome(before.body["status"]))


async def renew_boot_as_another(demo: Demo) -> Outcomes:
    """Ada's frame is open; the page brings a signature for Grace."""
    landing = await boot(demo, ADA)
    grace = await open_page(demo, "boot_signed", GRACE, "utility")
    return (await _refusal(demo, await renew(demo, landing, grace.calls[0])),)


async def revoke_secret(demo: Demo) -> Outcomes:
    """A second secret of the utility signs, is revoked, and signs again."""
    made = await _make_secret(demo)
    before = await _boot_with(demo, made)
    await demo.owner.call("POST", f"/v1/keys/{made.key_id}/revoke", {})
    return before, await _boot_with(demo, made)


async def leak_secret(demo: Demo) -> Outcomes:
    """A secret stands in a page, which passes it along. Afterwards the backend signs with it."""
    made = await _make_secret(demo)
    page = await open_page(demo, "boot_signed", ADA, "utility")
    (call,) = page.calls
    leaked = call["customerInfo"] | {"meta": b64_encode(made.octets)}
    landing = await open_frame(demo, page, call | {"customerInfo": leaked})
    return await outcome_of(demo, landing), await _boot_with(demo, made)


async def name_mistake(demo: Demo) -> Outcomes:
    """The owner looks up the report of a boot at the level that debugs."""
    page = await open_page(demo, "boot_debugged", ADA, "utility")
    landing = await open_frame(demo, page, page.calls[0])
    told = (await demo.owner.call("GET", f"/v1/boot_reports/{landing.request_id}")).body
    mistakes = [name for name, found in told["mistakes"].items() if found]
    return (Outcome(", ".join(mistakes) or "no mistake"),)


async def _make_secret(demo: Demo) -> accredit.IdentitySecret:
    made = (await demo.owner.call("POST", f"/v1/deployers/{CP_ID}/secrets", {"label": "to be ended"})).body
    return accredit.IdentitySecret.from_base64(made["secret"], made["key"]["key_id"])


async def _boot_with(demo: Demo, secret: accredit.IdentitySecret) -> Outcome:
    page = await open_page(demo, "boot_signed", ADA, "utility")
    fresh = {"signature": demo.identity_desk.signing_with(secret).sign(ADA.email)}
    return await outcome_of(demo, await open_frame(demo, page, page.calls[0] | fresh))


async def _post_json(demo: Demo, call: dict[str, object]) -> dict[str, Any]:
    """What an app posts that reads the answer: neither an origin nor a frame stands behind it."""
    fields = {name: value for name, value in call.items() if name != "marketplace_url"}
    sent = fields | {"identifier_type": "ios", "identifier_value": _BUNDLE_ID, "response_mode": "json"}
    async with demo.http.post(f"{demo.addresses.accredit}/boot", json=sent) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
    return told


async def _refusal(demo: Demo, problem: dict[str, Any]) -> Outcome:
    """How a problem document counts; why it came to be only the owner can look up."""
    found = (await demo.owner.call("GET", f"/v1/audit?request_id={problem.get('request_id', 'none')}")).body["entries"]
    return Outcome(str(problem.get("code")), found[0]["code"] if found else None)
