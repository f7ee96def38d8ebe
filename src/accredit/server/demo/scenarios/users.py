"""What is tried with the exchange's users, and what goes wrong without any ill will: each over HTTP, each with its outcomes.

Whoever attacks has a user of their own at the exchange, sees all that passes their browser and what they record on the way, and never
has the exchange's secret.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import accredit
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.backstage import find_refusal
from accredit.server.demo.demo import Demo
from accredit.server.demo.flow.desk import ExchangeDesk, make_user
from accredit.server.demo.flow.keys import KYC, KYC_LIVE, LIVE_ORIGIN, NEWSLETTER
from accredit.server.demo.flow.modal import Modal, open_modal
from accredit.server.demo.scenarios.scenario import Outcome

Outcomes = tuple[Outcome, ...]
Attack = Callable[[Demo, ExchangeDesk], Awaitable[Outcomes]]
# As many at a time as find out where the limit is.
_AT_ONCE = 20
_PATIENCE_S, _PAUSE_S = 15, 0.05


async def open_page(demo: Demo, desk: ExchangeDesk, options: dict[str, Any], origin: str | None = None) -> Modal:
    """The modal of a page, noted for the audience. origin: of another page than the exchange's."""
    modal = await open_modal(demo.http, demo.addresses.accredit, options, origin or demo.addresses.exchange)
    refused = not modal.told
    what = "Refused, and no window opens" if refused else f"A window opens: {modal.status}"
    desk.tell("accredit", "Flow", what, options["templateId"], modal.code, refused=refused)
    return modal


async def outcome_of(demo: Demo, desk: ExchangeDesk, modal: Modal) -> Outcome:
    """How a page's call counts. Why it was refused the owner alone can look up."""
    if modal.told:
        return Outcome(modal.code)
    owner = BackendApi(demo.http, demo.addresses.accredit, desk.credentials.owner)
    return Outcome(modal.code, (await find_refusal(owner, modal.request_id))["code"])


async def take_reference(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """A user puts somebody else's reference beside their own signature."""
    mallory, victim = make_user(), make_user()
    honest = await open_page(demo, desk, desk.options(mallory, KYC, desk.sign(mallory)))
    taken = await open_page(demo, desk, desk.options(victim, KYC, desk.sign(mallory)))
    return await outcome_of(demo, desk, honest), await outcome_of(demo, desk, taken)


def made_up_secret(desk: ExchangeDesk) -> accredit.ReferenceSecret:
    """A secret of the right form, under the name of ours."""
    return accredit.ReferenceSecret.from_text(f"sandbox_secret_{'0123456789abcdef' * 4}", desk.credentials.key_id)


async def forge_signature(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """Signatures of the right form under a secret that was made up: the original's, and a token with the right key id."""
    secret, victim = made_up_secret(desk), make_user()
    signatures = accredit.sign_reference(secret, victim), desk.sign_v2(victim, secret=secret)
    opened = [await open_page(demo, desk, desk.options(victim, KYC, each)) for each in signatures]
    return await outcome_of(demo, desk, opened[0]), await outcome_of(demo, desk, opened[1])


async def leave_out(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """No signature at all."""
    return (await outcome_of(demo, desk, await open_page(demo, desk, desk.options(make_user(), KYC, None))),)


async def downgrade(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """A user changes the template in the page to one that asks for a click: with the original's signature, then with a token."""
    user = make_user()
    laxer = await open_page(demo, desk, desk.options(user, NEWSLETTER, desk.sign(user)))
    await laxer.submit({"accept": "1"})
    desk.tell("accredit", "Session", "Of the laxer template", laxer.status)
    wanted = await desk.find(user)
    believed = "may trade" if wanted is not None and wanted["status"] == "success" else "not_verified"
    desk.tell("exchange", "Asks", "For a session of its own template: there is none", refused=True)
    with_token = await open_page(demo, desk, desk.options(user, NEWSLETTER, desk.sign_v2(user)))
    return Outcome(laxer.status), Outcome(believed), await outcome_of(demo, desk, with_token)


async def try_again(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """A user who failed comes back, by the page and by the exchange's careless backend; then the exchange allows another attempt."""
    user = make_user()
    options = desk.options(user, KYC, desk.sign(user))
    first = await open_page(demo, desk, options)
    await first.go_through("Gergich")
    again = await open_page(demo, desk, options)
    created = await desk.create(user)
    retried = await desk.send("POST", "/retry", {"template_id": KYC, "customer_reference": user, "strategy": "incomplete"})
    steps = retried.body["steps"]
    kept = "verify_email is kept" if steps["verify_email"] == "skipped" else "verify_email is asked again"
    return Outcome(first.status), Outcome(f"{again.code}, {again.status}"), Outcome(created.code), Outcome(kept)


async def exceed_limit(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """Pages open live sessions until the server refuses, then the exchange requires signatures: the signed go on, others do not."""
    live = demo.exchange_desk("live")
    live.told = desk.told
    office = BackendApi(demo.http, demo.addresses.accredit, live.credentials.owner)
    template = f"/v1/integrations/{KYC_LIVE}"

    async def open_live(*, signed: bool) -> Modal:
        user = make_user()
        options = live.options(user, KYC_LIVE, live.sign(user) if signed else None)
        return await open_modal(demo.http, demo.addresses.accredit, options, LIVE_ORIGIN)

    await office.call("PATCH", template, {"require_signed_requests": False})
    while all(each.told for each in await asyncio.gather(*(open_live(signed=True) for _ in range(_AT_ONCE)))):
        desk.tell("person", "Users", f"{_AT_ONCE} more open the window, in live")
    limited = await outcome_of(demo, live, await open_live(signed=False))
    await office.call("PATCH", template, {"require_signed_requests": True})
    desk.tell("exchange", "Owner", "Requires signed requests")
    unsigned = await outcome_of(demo, live, await open_live(signed=False))
    return limited, unsigned, await outcome_of(demo, live, await open_live(signed=True))


async def replay_call(_demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """Somebody recorded a signed request for a retry: sends it again, changes it, and keeps it for a quarter of an hour."""
    user = make_user()
    await desk.create(user)
    body = {"template_id": KYC, "customer_reference": user, "strategy": "reset"}
    recorded = desk.sign_call("POST", "/retry", body)
    first, again = await desk.carry(recorded), await desk.carry(recorded)
    once = first.body["id"] == again.body["id"] and again.headers.get("Idempotent-Replayed") == "true"
    edited = json.dumps(body | {"customer_reference": make_user()}).encode()
    changed = await desk.carry(replace(recorded, content=edited))
    late = await desk.carry(desk.sign_call("POST", "/retry", body, age_s=900))
    return Outcome("one retry" if once else "two retries"), Outcome(changed.code), Outcome(late.code)


async def hear(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """A session goes through all steps by the API alone, and both endpoints are told."""
    user = make_user()
    person = {"name": {"first": "Leslie", "last": "Knope"}, "email": "leslie@parks.example"}
    made = await desk.create(user, user=person, simulate={"run": True})
    heard = [await _hear_end(demo, kind, made.body["id"]) for kind in ("accredit", "flow")]
    for kind, told in zip(("accredit", "flow"), heard, strict=True):
        desk.tell("exchange", "Webhook", f"Verified, of kind {kind}", told["type"], told["status"])
    found = await desk.find(user)
    return *(Outcome(f"{each['type']}, {each['status']}") for each in heard), Outcome(found["status"] if found else "none")


async def forge_hook(demo: Demo, desk: ExchangeDesk) -> Outcomes:
    """Somebody tells the exchange that they were verified; then Accredit tries the same with five requests of its own."""
    data = {"object": "session", "id": "flwses_1111111111111111111111", "status": "success"}
    event = {"id": "evt_1111111111111111111111", "type": "session.success", "data": data}
    body = json.dumps(event).encode()
    secret = accredit.generate_webhook_secret()
    forged = accredit.sign_webhook(body, event_id=str(event["id"]), secrets=[secret], now=desk.now)
    key_id = desk.credentials.key_id
    original = accredit.sign_flow_webhook(body, target="/hooks/flow", key_id=key_id, secret=secret, now=desk.now)
    answers = [await _post(demo, desk, "accredit", body, forged), await _post(demo, desk, "flow", body, original)]
    answers.append(await _post(demo, desk, "accredit", body, {}))
    office = BackendApi(demo.http, demo.addresses.accredit, desk.credentials.owner)
    path = f"/v1/webhook_endpoints/{demo.keys.exchange.endpoint_id}/probe"
    probe = (await office.call("POST", path, {})).body
    for each in probe["results"]:
        desk.tell("accredit", "Probe", str(each["probe"]), str(each["outcome"]), str(each["status"]))
    return *map(Outcome, answers), Outcome("passed" if probe["passed"] else "failed")


async def _post(demo: Demo, desk: ExchangeDesk, kind: str, body: bytes, headers: dict[str, str]) -> str:
    """Post to the exchange's endpoint; its code."""
    async with demo.http.post(f"{demo.addresses.exchange}/hooks/{kind}", data=body, headers=headers) as answer:
        code = await answer.text()
    desk.tell("exchange", "Webhook", f"Refused, of kind {kind}", str(answer.status), code, refused=True)
    return code


async def _hear_end(demo: Demo, kind: str, session_id: str) -> dict[str, Any]:
    """The webhook of that kind that tells of the end of a session, once the exchange has it."""
    ends_at = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends_at:
        async with demo.http.get(f"{demo.addresses.exchange}/heard") as answer:
            hooks: list[dict[str, Any]] = (await answer.json())["hooks"]
        for each in hooks:
            if (each["kind"], each["session_id"], each["status"], each["step"]) == (kind, session_id, "success", None):
                return each
        await asyncio.sleep(_PAUSE_S)
    return {"type": "nothing heard", "status": "none"}
