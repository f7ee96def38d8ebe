"""Scenarios without a page: what backends do with codes, sessions and keys, and what comes of it when others do."""

from collections.abc import Awaitable
from urllib.parse import parse_qs, urlsplit

import accredit
from accredit.errors import AccreditError
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.demo import Demo
from accredit.server.demo.embed.signing import DEPLOYER_ID
from accredit.server.demo.scenarios.browser import (
    OpenedPage,
    admit,
    form_of,
    open_frame,
    open_page,
    outcome_of,
    renew,
    tell_application,
)
from accredit.server.demo.scenarios.scenario import Outcome
from accredit.server.demo.visitors import ADA, GRACE, NOBODY

Outcomes = tuple[Outcome, ...]


async def redeem_twice(demo: Demo) -> Outcomes:
    """Somebody takes the address of an admitted frame and gives the code in it to the backend again."""
    landing = await admit(demo)
    (code,) = parse_qs(urlsplit(landing.address).query)["code"]
    return (await outcome_of(demo, landing), await _outcome(demo.application.call("POST", "/v1/exchange", {"code": code})))


async def redeem_as_stranger(demo: Demo) -> Outcomes:
    """Another account's backend tries a fresh code first; the right backend comes after it."""
    code = await _fresh_code(demo)
    return (
        await _outcome(demo.stranger.call("POST", "/v1/exchange", {"code": code})),
        await _outcome(demo.application.call("POST", "/v1/exchange", {"code": code}), "redeemed"),
    )


async def visit_again(demo: Demo) -> Outcomes:
    """Ada comes twice, Grace in between, and somebody anonymous."""
    counts = [(await admit(demo, visitor)).report["opened"]["visits"] for visitor in (ADA, GRACE, ADA, NOBODY)]
    first, _grace, second, anonymous = counts
    return (
        Outcome("one more visit" if second == first + 1 else f"visits {first}, {second}"),
        Outcome("nothing kept" if anonymous is None else "kept"),
    )


async def stay_anonymous(demo: Demo) -> Outcomes:
    """Two anonymous visits."""
    ids = []
    for _ in range(2):
        opened = (await admit(demo, NOBODY)).report["opened"]
        ids.append((await demo.owner.call("GET", f"/v1/sessions/{opened['session_id']}")).body["anonymous_id"])
    return (Outcome("two different ids" if len(set(ids)) == 2 and all(ids) else "the same id"),)


async def pass_card(demo: Demo) -> Outcomes:
    """The card number goes encrypted, through the visitor's browser, to the report's backend."""
    landing = await admit(demo)
    number = str(ADA.card_number)
    backend = f"ends in {number[-4:]}" in " ".join(landing.shown.split())
    return (
        Outcome("the backend knows it" if backend else "it did not arrive"),
        Outcome("the browser saw it" if number in landing.shown else "the browser never saw it"),
    )


async def renew_session(demo: Demo) -> Outcomes:
    """The page brings a fresh token for a frame that is open; the frame's backend redeems the new code."""
    landing = await admit(demo)
    fresh = await open_page(demo)
    told = await renew(demo, landing, fresh.calls[0])
    renewed = await tell_application(demo, "/renewed", visit=landing.report["visit"], code=str(told.get("code")))
    before = await demo.owner.call("GET", f"/v1/sessions/{landing.report['opened']['session_id']}")
    return (
        Outcome(
            "renewed" if renewed.get("renews") == landing.report["opened"]["session_id"] else str(told), who=renewed.get("uid")
        ),
        Outcome(before.body["status"]),
    )


async def renew_as_another(demo: Demo) -> Outcomes:
    """Ada's frame is open; the page brings a token for Grace."""
    landing = await admit(demo, ADA)
    grace = await open_page(demo, visitor=GRACE)
    told = await renew(demo, landing, grace.calls[0])
    found = (await demo.owner.call("GET", f"/v1/audit?request_id={told.get('request_id', 'none')}")).body["entries"]
    return (Outcome(str(told.get("code")), found[0]["code"] if found else None),)


async def finish(demo: Demo) -> Outcomes:
    """The user is done, and the owner looks at the session afterwards."""
    landing = await admit(demo)
    ended = await tell_application(demo, "/finish", visit=landing.report["visit"])
    session = await demo.owner.call("GET", f"/v1/sessions/{landing.report['opened']['session_id']}")
    erased = session.body["uid"] is None and not session.body["data_passport"]
    return (Outcome(str(ended.get("status"))), Outcome("nobody in it" if erased else "personal data left"))


async def revoke_key(demo: Demo) -> Outcomes:
    """A second key of the bank signs, is revoked, and signs again."""
    made = (
        await demo.owner.call("POST", f"/v1/deployers/{DEPLOYER_ID}/keys", {"generate": True, "label": "to be revoked"})
    ).body
    before = await _visit_with(demo, made["private_jwk"])
    await demo.owner.call("POST", f"/v1/keys/{made['key']['key_id']}/revoke", {})
    return before, await _visit_with(demo, made["private_jwk"])


async def leak_api_key(demo: Demo) -> Outcomes:
    """An API key stands in a page, and a browser sends it. Afterwards the backend tries it."""
    made = await demo.owner.call("POST", "/v1/keys", {"purpose": "api", "label": "to be leaked"})
    leaked = BackendApi(demo.http, demo.addresses.accredit, made.body["secret"])
    from_page = leaked.call("GET", "/v1/integrations", Origin=demo.addresses.bank, Sec_Fetch_Site="same-site")
    return await _outcome(from_page), await _outcome(leaked.call("GET", "/v1/integrations"))


async def hand_in_private_key(demo: Demo) -> Outcomes:
    """A deployer hands in the private half of a key by mistake, and then the public half of the same."""
    made = accredit.generate_deployment_key()
    address = f"/v1/deployers/{DEPLOYER_ID}/keys"
    return (
        await _outcome(demo.owner.call("POST", address, {"jwk": made.private_jwk})),
        await _outcome(demo.owner.call("POST", address, {"jwk": made.public_jwk})),
    )


async def _outcome(calling: Awaitable[object], done: str = "done") -> Outcome:
    try:
        await calling
    except AccreditError as error:
        return Outcome(error.code)
    return Outcome(done)


async def _fresh_code(demo: Demo) -> str:
    """A code that no backend has redeemed, as the frame's address carries it."""
    form = form_of((await open_page(demo)).calls[0])
    sent = {"Origin": demo.addresses.bank}
    async with demo.http.post(f"{demo.addresses.accredit}/embed", data=form, headers=sent, allow_redirects=False) as answer:
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


async def _visit_with(demo: Demo, private_jwk: dict[str, object]) -> Outcome:
    token = demo.desk.signing_with(private_jwk).sign(ADA)
    page = OpenedPage(demo.addresses.bank, [{"signed_deployment": token}], hides_origin=False, body="")
    return await outcome_of(demo, await open_frame(demo, page, page.calls[0]))
