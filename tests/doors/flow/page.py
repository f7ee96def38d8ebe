"""The pages of the flow door as a browser shows them: a modal that a page opens, a hosted link, and what a person does there.

page = FlowPage(backend)                                       # a page of an origin that the template lists
shown = page.open("user-1")                                    # the frame that was admitted
shown.submit(accept="1")
shown.heading                                                  # "What is your e-mail address?"

link = open_link(backend.server, made["shareable_url"])        # as after the person's click
"""

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from accredit import ReferenceSecret, sign_reference, sign_reference_v2

from ..conftest import ORIGIN

CHANNEL = "AAAAAAAAAAAAAAAAAAAAAA"
_BLOCK = re.compile(r'<script nonce="[\w-]+" type="application/json" id="(?:script|message)">(.*?)</script>', re.DOTALL)


@dataclass
class Shown:
    """A page that holds a frame token. told: what its script was told last; page: its HTML."""

    server: Any
    told: dict[str, Any]
    page: str = ""
    token: str = ""
    language: str | None = None
    answer: httpx.Response | None = field(default=None, repr=False)

    @property
    def session_id(self) -> str:
        return self.told["session"]["id"]

    @property
    def status(self) -> str:
        return self.told["session"]["status"]

    @property
    def heading(self) -> str:
        """The heading of the screen."""
        return text_of(re.search(r"<h1[^>]*>(.*?)</h1>", self.html, re.DOTALL)[1])

    @property
    def html(self) -> str:
        return self.told.get("html", self.page)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """One call of the page, whatever it is answered."""
        shown = {"Authorization": f"Bearer {self.token}", **headers}
        self.answer = self.server.http.post(path, json=body, headers=shown)
        return self.answer

    def _call(self, path: str, status: int, body: dict[str, Any]) -> "Shown":
        named = {} if self.language is None else {"language": self.language}
        answer = self.post(path, {**named, **body})
        assert answer.status_code == status, answer.text
        if status == 200:
            self.told = answer.json()
        return self

    def look(self, status: int = 200) -> "Shown":
        """Ask how it stands."""
        return self._call("/flow/frame/state", status, {})

    def submit(self, status: int = 200, **form: str) -> "Shown":
        """Post the form of the screen."""
        form = {name.replace("__", "."): value for name, value in form.items()}
        body = {"step": self.told["step"], "attempt": self.told["attempt"], "form": form}
        return self._call("/flow/frame/submit", status, body)


@dataclass
class FlowPage:
    """A page of a listed origin, with the account's publishable key. secret: what its backend signs with."""

    backend: Any
    origin: str | None = ORIGIN
    key: str = ""

    def __post_init__(self) -> None:
        if not self.key:
            self.key = self.backend.owner.call("POST", "/v1/publishable_keys", 201, {})["publishable_key"]

    def fields(self, reference: str | None = "user-1", **fields: str) -> dict[str, str]:
        """The fields of the form that the SDK posts."""
        given = {} if reference is None else {"customerReference": reference}
        return {
            "publishableKey": self.key,
            "templateId": self.backend.template_id,
            **given,
            "channel": CHANNEL,
            "sdk": "accredit.js/1",
            **fields,
        }

    def post(self, reference: str | None = "user-1", *, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """What a browser does with that form."""
        named = {} if self.origin is None else {"Origin": self.origin}
        sent = {**named, "Sec-Fetch-Dest": "iframe", **(headers or {})}
        return self.backend.server.http.post("/flow", data=self.fields(reference, **fields), headers=sent)

    def open(self, reference: str | None = "user-1", **fields: str) -> Shown:
        """The frame of an admission."""
        answer = self.post(reference, **fields)
        assert answer.status_code == 200, answer.text
        first = block_of(answer)["first"]
        return Shown(self.backend.server, first, answer.text, first["token"])

    def sign(self, reference: str = "user-1") -> str:
        """The original's signature."""
        return sign_reference(ReferenceSecret.from_text(self.backend.secret, self.backend.key_id), reference)

    def sign_v2(self, reference: str = "user-1", **claims: Any) -> str:
        """A token by the bridge."""
        secret = ReferenceSecret.from_text(self.backend.secret, self.backend.key_id)
        given = {"templates": [self.backend.template_id], "now": self.backend.now, **claims}
        return sign_reference_v2(secret, reference, environment=self.backend.owner.scope.environment, **given)


def open_link(server: Any, url: str, **body: Any) -> Shown:
    """A hosted link, once the person has pressed its button."""
    answer = exchange(server, url, **body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return Shown(server, told, token=told.get("token", ""))


def exchange(server: Any, url: str, **body: Any) -> httpx.Response:
    """What the script of a link's page asks."""
    parts = urlsplit(url)
    (key,) = parse_qs(parts.query or parts.fragment)["key"]
    return server.http.post(f"{parts.path}/exchange", json={"key": key, **body})


def block_of(answer: httpx.Response) -> Any:
    """The JSON block of a page: of its script, or of what a refusal tells the page around."""
    return json.loads(_BLOCK.search(answer.text)[1])


def text_of(markup: str) -> str:
    """The words of a piece of HTML."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def audited(server: Any, answer: httpx.Response) -> list[str]:
    """The audit codes of a refusal."""
    sql = "SELECT code FROM audit WHERE request_id = ? AND kind = 'flow.refused'"
    return [code for (code,) in server.rows(sql, answer.headers["x-request-id"])]


def refused(
    page: FlowPage, answer: httpx.Response, code: str, status: int = 403, *, audit: str | None = None
) -> httpx.Response:
    """A refusal as page and message tell it, with its precise code in the audit record."""
    assert answer.status_code == status, answer.text
    told = block_of(answer)
    assert told == {
        "accredit": 1,
        "door": "flow",
        "type": "refused",
        "channel": CHANNEL,
        "code": code,
        "request_id": answer.headers["x-request-id"],
        "message": told["message"],
    }
    assert told["message"] in text_of(answer.text)
    assert code in answer.text
    assert audited(page.backend.server, answer) == [audit or code]
    return answer
