"""The flow door's pages as they are rendered: every screen of a step and all that it can say, and nothing that runs."""

import re
from typing import get_args

import pytest

from accredit.server.gate.flow.user import ID_NUMBERS
from accredit.server.hosted.flow.pages import frame_page, link_page, render_look, render_screen
from accredit.server.hosted.flow.views import Around, Screen
from accredit.server.hosted.wording import languages
from accredit.server.sessions.flow.statuses import FLOW_WORDS
from accredit.server.steps.screens import FORM_FIELDS, SCREENS, AddressFault, CodeFault
from accredit.server.themes.look import Look

NOW_MS = 1_800_000_000_000
CODE = {"masked": "a•••@b•••.example", "fixed": False, "fault": None, "entries_left": 3, "deliveries_left": 2}
CODE |= {"resend_after_s": 0, "addresses_left": 2}
ALL_FIELDS = [field for fields in FORM_FIELDS.values() for field in fields]
VALUES = {
    "accept_tos": {"version": 3, "url": None},
    "email_address": {"fault": None, "addresses_left": 3},
    "phone_number": {"fault": None, "addresses_left": 3},
    "email_code": CODE,
    "phone_code": CODE,
    "fields": {"fields": ALL_FIELDS, "required": ALL_FIELDS, "given": {}, "faults": {}},
    "waiting": {"continue_url": None},
}


def around(code="en", **members):
    return Around("0" * 32, languages()[code], **{"who": "Parks & Recreation", **members})


def shown(name, code="en", **values):
    screen = Screen(name, {**VALUES.get(name, {}), **values}, 1, 2, NOW_MS + 60_000)
    return render_screen(around(code), screen, NOW_MS)


def words(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_of_a_step_is_there_in_every_language(name, code):
    html = shown(name, code)
    assert html.count("<h1") == 1
    assert ("Parks &amp; Recreation" in html, "Parks & Recreation" in html) == (True, False)


def test_terms_that_have_a_page_are_a_link():
    html = shown("accept_tos", url="https://parks.example/terms?a=1&b=2")
    assert '<a href="https://parks.example/terms?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">' in html
    assert "_blank" not in shown("accept_tos")


@pytest.mark.parametrize("status", [word for word in FLOW_WORDS if word != "active"])
def test_every_end_is_told(status):
    html = render_screen(around(), Screen("verdict", {"status": status, "return_url": None, "modal": False}), NOW_MS)
    assert "You can close this page." in html
    assert "data-close" not in html
    closable = render_screen(around(), Screen("verdict", {"status": status, "return_url": None, "modal": True}), NOW_MS)
    assert "data-close" in closable


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, fault) for name in ("email_address", "phone_number") for fault in get_args(AddressFault)),
        *((name, fault) for name in ("email_code", "phone_code") for fault in get_args(CodeFault)),
    ],
)
def test_every_fault_is_told_at_its_field(name, fault):
    html = shown(name, fault=fault)
    (text,) = re.findall(r'<p class="fault" id="fault" role="alert">(.+?)</p>', html)
    assert text
    assert 'aria-invalid="true"' in html
    assert re.search(r'aria-describedby="fault( \w+)?"', html)


def test_each_field_has_its_own_label_and_its_own_fault():
    faults = dict.fromkeys(ALL_FIELDS[::2], "missing") | dict.fromkeys(ALL_FIELDS[1::2], "invalid")
    html = shown("fields", faults=faults)
    labels = dict(re.findall(r'<label for="([\w-]+)">(.+?)</label>', html))
    assert len(labels) == len(set(labels.values())) == len(ALL_FIELDS)
    described = re.findall(r'<(?:input|select) id="([\w-]+)"[^>]* aria-describedby="([^"]+)"', html)
    assert [name for name, _ in described] == list(labels)
    assert all(f'id="{target}"' in html for _, targets in described for target in targets.split())


def test_only_what_may_be_left_empty_may_be():
    html = shown("fields", required=["email"])
    assert re.findall(r'<input id="([\w-]+)"[^>]* required', html) == ["email"]


def test_known_kinds_of_numbers_are_offered_and_others_taken():
    html = shown("fields")
    assert re.findall(r'<option value="(\w+)">', html) == list(ID_NUMBERS)
    assert re.search(r'<input id="id_number-type"[^>]* list="id-types"', html)


def test_what_was_typed_is_no_markup():
    html = shown("fields", given={"name.first": '"><img src=x onerror=alert(1)>'})
    assert "<img" not in html
    waiting = shown("waiting", continue_url='https://service.example/"><script>')
    assert "<script" not in waiting


def test_a_code_that_cannot_be_had_again_offers_no_button():
    html = shown("email_code", deliveries_left=0, addresses_left=0)
    assert 'name="again"' not in html
    assert 'name="change"' not in html
    assert 'name="change"' not in shown("email_code", fixed=True)
    later = shown("email_code", resend_after_s=30)
    assert 'data-after="30"' in later
    assert "A new code can be sent in 30 seconds." in words(later)


def test_which_step_it_is_is_told_where_there_are_several():
    assert "Step 2 of 5" in render_screen(around(), Screen("accept_tos", {"version": 1, "url": None}, 2, 5, NOW_MS), NOW_MS)
    assert "Step" not in words(render_screen(around(), Screen("accept_tos", {"version": 1, "url": None}, 1, 1, NOW_MS), NOW_MS))


def test_the_sandbox_says_so():
    assert "Test environment" not in shown("accept_tos")
    screen = Screen("accept_tos", {"version": 1, "url": None}, until_ms=NOW_MS)
    assert "Test environment" in render_screen(around(sandbox=True), screen, NOW_MS)


def test_an_owner_with_a_logo_is_shown_by_it():
    screen = Screen("accept_tos", {"version": 1, "url": None}, until_ms=NOW_MS)
    html = render_screen(around(logo="/logos/1"), screen, NOW_MS)
    assert '<img class="logo" src="/logos/1" alt="Parks &amp; Recreation">' in html


def test_documents_run_nothing_but_what_has_their_nonce():
    screen = Screen("accept_tos", {"version": 1, "url": None}, until_ms=NOW_MS)
    pages = [
        frame_page(
            around(ancestors="https://shop.example"), screen, script={"a": "</script><b>"}, sdk="/sdk.js", now_ms=NOW_MS
        ),
        link_page(around(who=""), script={"a": "</script><b>"}),
    ]
    for page, ancestors in zip(pages, ("https://shop.example", "'none'"), strict=True):
        text, policy = page.body.decode(), dict(page.headers)[b"content-security-policy"].decode()
        (nonce,) = set(re.findall(r"nonce-([\w-]+)", policy))
        scripts = re.findall(r"<script([^>]*)>", text)
        assert len(scripts) == (3 if ancestors != "'none'" else 2)
        assert all(f'nonce="{nonce}"' in each for each in scripts)
        assert not re.findall(r"<[^>]+ on[a-z]+=|<[^>]+ style=", text)
        assert "</script><b>" not in text
        assert policy.endswith(f"frame-ancestors {ancestors}")
        assert "unsafe" not in policy


def test_the_look_is_a_style_sheet_alone():
    sheet = render_look(around(look=Look(font="slab")))
    assert sheet.startswith(":root {")
    assert "Rockwell, 'Rockwell Nova'" in sheet
    assert "<" not in sheet
