"""A person's browser without a screen: opens a session's page, reads what it says, and presses its buttons.

person = new_person()
person.open(made)
person.press("Norwegian BankID")
answer = person.press("Continue", person="no-1")          # the redirect that leaves us
answer.headers["location"]
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

_MOST_REDIRECTS = 8


@dataclass
class Form:
    """A form of a page. fields: what it posts as it stands. buttons: each with its words, name and value."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str | None, str]] = field(default_factory=list)


class Document(HTMLParser):
    """A page: its forms, its links by their words, its heading and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.heading = ""
        self.words = ""
        self._button: tuple[str | None, str] | None = None
        self._link: str | None = None
        self._select: str | None = None
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside.append(tag)
        if tag == "form":
            assert given["method"] == "post"
            self.forms.append(Form(given["action"] or ""))
        elif tag == "input" and (given.get("type") != "radio" or "checked" in given):
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ""
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select is not None and "selected" in given:
            self._inside.append("selected")
        elif tag == "button":
            self._button = (given.get("name"), given.get("value") or "")
            self._said = ""
        elif tag == "a":
            self._link, self._said = given["href"], ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            self.forms[-1].buttons.append((self._said.strip(), *self._button))
            self._button = None
        elif tag == "a" and self._link is not None:
            self.links[self._said.strip()] = self._link
            self._link = None
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._inside or self._inside[-1] in ("script", "style", "template"):
            return
        if "template" in self._inside:
            return
        if self._inside[-1] == "selected" and self._select is not None:
            self.forms[-1].fields[self._select] = data
        if self._button is not None or self._link is not None:
            self._said += data
        if "h1" in self._inside:
            self.heading += data
        self.words += data


class Person:
    """A browser with a jar of cookies of its own. page: what it shows. cookies: whether it sends any back."""

    def __init__(self, http: httpx.Client, *, cookies: bool = True) -> None:
        self.http = http
        self.cookies = cookies
        self.answer: httpx.Response | None = None

    def open(self, made: dict[str, Any]) -> "Document":
        """Open the page of a session by its link, and follow our own redirects."""
        self.go(made["authenticationUrl"])
        return self.page

    @property
    def page(self) -> Document:
        assert self.answer is not None
        assert "html" in self.answer.headers.get("content-type", ""), self.answer.headers
        return Document(self.answer.text)

    def go(self, address: str, **given: Any) -> httpx.Response:
        """Go to an address and follow our own redirects; the first answer that stays, or leads away from us."""
        method = "POST" if "data" in given else "GET"
        for _ in range(_MOST_REDIRECTS):
            if not self.cookies:
                self.http.cookies.clear()
            self.answer = self.http.request(method, address, **given)
            location = self.answer.headers.get("location")
            if location is None or not str(self.answer.url.join(location)).startswith(str(self.http.base_url)):
                return self.answer
            method, address, given = "GET", str(self.answer.url.join(location)), {}
        raise AssertionError("it goes round in circles")

    def press(self, words: str, **fields: str) -> httpx.Response:
        """Press the button of these words, with its form filled in."""
        form, name, value = self.find_button(words)
        pressed = {} if name is None else {name: value}
        return self.go(form.action, data={**form.fields, **fields, **pressed})

    def find_button(self, words: str) -> tuple[Form, str | None, str]:
        for form in self.page.forms:
            for said, name, value in form.buttons:
                if said == words:
                    return form, name, value
        raise AssertionError(f"no such button: {words}: {[form.buttons for form in self.page.forms]}")

    def follow(self, words: str) -> Document:
        """Follow the link of these words."""
        self.go(self.page.links[words])
        return self.page
