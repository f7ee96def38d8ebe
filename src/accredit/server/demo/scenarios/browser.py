"""A browser with the SDK in it, without the browser: it posts the forms that the SDK would and goes where the frame would go."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from accredit.encoding import b64url_encode
from accredit.server.demo.demo import Demo
from accredit.server.demo.reading import read_page
from accredit.server.demo.scenarios.scenario import Outcome
from accredit.server.demo.visitors import ADA, Visitor

_SDK = "accredit.js/check"


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A site's page. calls: the fields of its `init` calls. hides_origin: its Referrer-Policy keeps the browser from naming it."""

    origin: str
    calls: list[dict[str, Any]]
    hides_origin: bool
    body: str


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a frame ended. code: `admitted`, `debug`, or what the refusal page says. address: where an admitted frame went.

    report: what the application's page holds for its script, or the debug report. shown: everything that the browser got to see.
    """

    code: str
    request_id: str
    origin: str
    channel: str
    address: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    shown: str = ""


@dataclass(frozen=True, slots=True)
class _Got:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: str


async def open_page(demo: Demo, scenario_id: str = "signed", visitor: Visitor = ADA, site: str = "bank") -> OpenedPage:
    """Load a site's page in a situation."""
    origin: str = getattr(demo.addresses, site)
    got = await _send(demo, "GET", f"{origin}/?{urlencode({'try': scenario_id, 'as': visitor.visitor_id})}")
    calls = [call["fields"] for call in read_page(got.body).blocks["stage-data"]["calls"]]
    return OpenedPage(origin, calls, got.headers.get("Referrer-Policy") == "no-referrer", got.body)


async def open_frame(demo: Demo, page: OpenedPage, call: Mapping[str, Any]) -> Landing:
    """What `accredit.init` does with one call, up to the page that the frame then shows."""
    channel = b64url_encode(secrets.token_bytes(16))
    form = form_of(call) | {"channel": channel, "sdk": _SDK}
    got = await _post_form(demo, form, "null" if page.hides_origin else page.origin, path=_path_of(call))
    again = read_page(got.body).hidden
    if "origin_ticket" in again:
        # Accredit's own page asks the browser which origin is around it, and posts the form again from its own.
        got = await _post_form(demo, again | {"parent_origin": page.origin}, demo.addresses.accredit, path=_path_of(call))
    request_id = got.headers["X-Request-Id"]
    if got.status != 303:
        told = read_page(got.body).blocks["message"]
        code = told["code"] if told["type"] == "refused" else told["type"]
        return Landing(code, request_id, page.origin, channel, "", told.get("report", {}), page.body + got.body)
    address = got.headers["Location"]
    framed = await _send(demo, "GET", address)
    report = read_page(framed.body).blocks.get("report", {})
    return Landing("admitted", request_id, page.origin, channel, address, report, page.body + address + framed.body)


async def admit(demo: Demo, visitor: Visitor = ADA) -> Landing:
    """An honest visit at the bank."""
    page = await open_page(demo, visitor=visitor)
    return await open_frame(demo, page, page.calls[0])


async def boot(demo: Demo, visitor: Visitor = ADA) -> Landing:
    """An honest visit at the utility."""
    page = await open_page(demo, "boot_signed", visitor, "utility")
    return await open_frame(demo, page, page.calls[0])


async def outcome_of(demo: Demo, landing: Landing) -> Outcome:
    """How a landing counts. Why it was refused the owner alone can look up; the panel beside the bank's page is asked."""
    if landing.code == "admitted":
        opened = landing.report.get("opened", {"uid": "a code that does not hold"})
        return Outcome("admitted", who=opened["uid"] or "anonymous")
    if landing.code == "debug":
        return Outcome("debug", landing.report["code"])
    got = await _send(demo, "GET", f"{demo.addresses.bank}/backstage/refusals/{landing.request_id}")
    return Outcome(landing.code, json.loads(got.body)["code"])


async def renew(demo: Demo, landing: Landing, call: Mapping[str, Any]) -> dict[str, Any]:
    """What the SDK sends to renew a frame's session: the members of the answer."""
    form = form_of(call) | {"channel": landing.channel, "sdk": _SDK}
    path = f"{_path_of(call)}/renew"
    got = await _post_form(demo, form, landing.origin, path=path, Sec_Fetch_Dest="empty", Sec_Fetch_Mode="cors")
    told: dict[str, Any] = json.loads(got.body)
    return told


async def tell_application(demo: Demo, path: str, **members: str) -> dict[str, Any]:
    """What the script of the application's page sends to its own backend."""
    async with demo.http.post(f"{demo.addresses.application}{path}", json=members) as answer:
        told: dict[str, Any] = await answer.json()
    return told


def form_of(call: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a call as the SDK posts them: its address is not among them, and customer fields lie flat."""
    flat = {name: value for name, value in call.items() if name not in ("customerInfo", "marketplace_url")}
    flat |= call.get("customerInfo", {})
    return {name: json.dumps(value) if isinstance(value, dict) else str(value) for name, value in flat.items()}


def _path_of(call: Mapping[str, Any]) -> str:
    """The door that the ids of a call lead to."""
    return "/boot" if "cp_id" in call else "/embed"


async def _post_form(demo: Demo, form: Mapping[str, str], origin: str, *, path: str, **headers: str) -> _Got:
    sent = {"Origin": origin, "Sec_Fetch_Dest": "iframe", "Sec_Fetch_Mode": "navigate", **headers}
    return await _send(demo, "POST", f"{demo.addresses.accredit}{path}", form, **sent)


async def _send(demo: Demo, method: str, url: str, form: Mapping[str, str] | None = None, **headers: str) -> _Got:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with demo.http.request(method, url, data=form, headers=sent, allow_redirects=False) as answer:
        return _Got(answer.status, answer.headers, await answer.text())
