"""The parties of the flow door in a browser: a shop whose users are verified in a modal, and what they do there."""

import json
from dataclasses import dataclass, replace
from typing import Any

from playwright.async_api import FrameLocator, Page, expect

from ..flow_backend import FlowBackend, make_flow_backend
from .embedding import until
from .parties import Site

STEPS = [
    {"step": "accept_tos"},
    {"step": "verify_email"},
    {"step": "verify_sms"},
    {"step": "kyc_check", "fields": ["name", "address"]},
    {"step": "screening"},
]

_PAGE = """<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop</title>
<h1>Shop</h1>
<p><button id="verify">Verify me</button></p>
<script src="%s/sdk/accredit.js"></script>
<script>
window.told = [];
window.flow = new Flow(%s);
for (const topic of ["all", "status"]) flow.on(topic, (object) => told.push(object));
document.getElementById("verify").onclick = () => flow.open();
</script>
</html>"""


@dataclass
class Verifier:
    """A shop's backend with a template of its own, and its publishable key."""

    backend: FlowBackend
    key: str

    def page(
        self, site: Site, reference: str = "user-1", *, signature: str | None = None, locale: str | None = None, **headers: str
    ) -> str:
        """The address of a new page of a site, which opens the modal at a press of its button; `told` is what it hears."""
        user = {"customerReference": reference, "signature": signature}
        options = {"publishableKey": self.key, "templateId": self.backend.template_id, "user": user, "locale": locale}
        body = _PAGE % (self.backend.server.url, json.dumps(options))
        return site.serve(body, **headers)

    def change(self, **policy: Any) -> None:
        """Change the template."""
        self.backend.owner.call("PATCH", f"/v1/integrations/{self.backend.template_id}", 200, policy)

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """The template's sessions, newest first."""
        return self.backend.call("GET", f"?template_id={self.backend.template_id}")["flow_sessions"]

    def another(self, **policy: Any) -> "Verifier":
        """The same backend with another template."""
        body = {"door": "flow", **_POLICY, **policy}
        template = self.backend.owner.call("POST", "/v1/integrations", 201, body)
        return replace(self, backend=replace(self.backend, template_id=template["integration_id"]))


_POLICY = {"allow_localhost": True, "steps": STEPS}


def make_verifier(owner: Any, **policy: Any) -> Verifier:
    """An account's backend with a template of all the steps that a sandbox plays, which pages of this machine may open."""
    backend = make_flow_backend(owner, **{**_POLICY, **policy})
    return Verifier(backend, owner.call("POST", "/v1/publishable_keys", 201, {})["publishable_key"])


async def open_modal(page: Page, address: str) -> FrameLocator:
    """The modal of a page, once it shows a screen."""
    await page.goto(address)
    await page.get_by_role("button", name="Verify me").click()
    frame = page.frame_locator("dialog iframe")
    await expect(frame.get_by_role("heading", level=1)).to_be_visible()
    return frame


async def see(place: Page | FrameLocator, heading: str) -> None:
    """Wait until the screen says so."""
    await expect(place.get_by_role("heading", level=1)).to_have_text(heading)


async def press(place: Page | FrameLocator, name: str) -> None:
    await place.get_by_role("button", name=name, exact=True).click()


async def fill(place: Page | FrameLocator, **values: str) -> None:
    """Fill fields by their ids."""
    for name, value in values.items():
        await place.locator(f"#{name.replace('__', '-')}").fill(value)


async def prove_address(place: Page | FrameLocator) -> None:
    """The step `verify_email`."""
    await see(place, "What is your e-mail address?")
    await fill(place, email="leslie@parks.example")
    await press(place, "Send the code")
    await see(place, "Enter the code")
    await fill(place, code="123456")
    await press(place, "Confirm")


async def prove_number(place: Page | FrameLocator) -> None:
    """The step `verify_sms`."""
    await see(place, "What is your phone number?")
    await fill(place, phone="+47 21 00 00 01")
    await press(place, "Send the code")
    await see(place, "Enter the code")
    await fill(place, code="123456")
    await press(place, "Confirm")


async def give_details(place: Page | FrameLocator, family_name: str = "Knope") -> None:
    """The fields of `kyc_check`."""
    await see(place, "Your details")
    await fill(place, name__first="Leslie", name__last=family_name)
    await fill(place, address__street="1 Ramsett Park", address__city="Pawnee")
    await place.get_by_label("Country").select_option("United States")
    await press(place, "Continue")


async def go_through(place: Page | FrameLocator, family_name: str = "Knope") -> None:
    """All of STEPS."""
    await press(place, "Accept and continue")
    await prove_address(place)
    await prove_number(place)
    await give_details(place, family_name)


async def heard(page: Page, times: int) -> list[Any]:
    """What the page was told, once it is that much."""
    entries: list[Any] = []

    async def enough() -> bool:
        entries[:] = await page.evaluate("told")
        return len(entries) >= times

    await until(enough)
    return entries
