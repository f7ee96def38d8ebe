"""What a page has to post to `POST /flow`, and from where: steps 1 and 3 of protocol-flow.md section 5."""

import re

import pytest

from ..conftest import ORIGIN
from .page import CHANNEL, FlowPage, audited, block_of, refused

OTHER = "https://elsewhere.example"


@pytest.fixture
def page(shared_server, backend):
    """A page of a listed origin, in the sandbox."""
    change(backend, allowed_origins=[ORIGIN])
    return FlowPage(backend)


def change(backend, **policy):
    backend.owner.call("PATCH", f"/v1/integrations/{backend.template_id}", 200, policy)


@pytest.mark.parametrize(
    ("sent", "code", "status", "member"),
    [
        ({"publishableKey": ""}, "field_missing", 400, "publishableKey"),
        ({"templateId": ""}, "field_missing", 400, "templateId"),
        ({"templateId": "flw-1"}, "field_invalid", 400, "templateId"),
        ({"locale": "e" * 36}, "field_invalid", 400, "locale"),
        ({"locale": "en\x00"}, "field_invalid", 400, "locale"),
        ({"email": "nobody"}, "field_invalid", 400, "email"),
        ({"customerReference": ""}, "customer_reference_invalid", 400, "customer_reference"),
        ({"customerReference": "a\nb"}, "customer_reference_invalid", 400, "customer_reference"),
        ({"customerReference": "é" * 128}, "customer_reference_invalid", 400, "customer_reference"),
        ({"signature": ""}, "signature_malformed", 400, "signature"),
        ({"signature": "ab" * 32}, "signature_malformed", 400, "signature"),
        ({"padding": "x" * 16384}, "body_too_large", 413, None),
    ],
)
def test_what_has_no_form_is_told_with_its_field(page, sent, code, status, member):
    answer = page.post(**sent)
    if code == "body_too_large":
        # Nothing of it was read, the channel neither.
        assert (answer.status_code, block_of(answer)["code"]) == (status, code)
        return
    refused(page, answer, code, status)
    assert f"<code>{member}</code>" in answer.text


def test_without_a_reference_something_has_to_name_the_user(page):
    refused(page, page.post(None), "field_missing", 400)
    refused(page, page.post(None, signature=page.sign()), "field_missing", 400)


def test_a_field_that_comes_twice_and_another_media_type_are_refused(page):
    http = page.backend.server.http
    twice = http.post(
        "/flow", content=b"templateId=a&templateId=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (twice.status_code, "request_malformed" in twice.text) == (400, True)
    as_json = http.post("/flow", json=page.fields())
    assert (as_json.status_code, "media_type_unsupported" in as_json.text) == (415, True)
    asked = http.get("/flow")
    assert (asked.status_code, asked.headers["allow"]) == (405, "POST")


def test_origins(page):
    def from_origin(origin, **headers):
        return FlowPage(page.backend, origin, page.key).post(headers=headers)

    refused(page, from_origin(OTHER), "origin_not_allowed")
    refused(page, from_origin("https://shop.example:443"), "origin_not_allowed")
    refused(page, from_origin(ORIGIN, **{"Sec-Fetch-Dest": "document"}), "not_framed")
    refused(page, from_origin("http://localhost:3000"), "origin_not_allowed")
    change(page.backend, allow_localhost=True)
    local = from_origin("http://localhost:3000")
    assert local.status_code == 200
    policy = local.headers["content-security-policy"]
    assert f"frame-ancestors {ORIGIN} http://localhost:* http://127.0.0.1:*" in policy
    change(page.backend, allowed_origins=[], allow_localhost=False)
    refused(page, from_origin(ORIGIN), "origin_not_allowed")


def test_an_origin_that_was_stripped_is_asked_for(page):
    """protocol-embed.md section 3, item 4: the browser itself names it to a page of ours."""
    stripped = FlowPage(page.backend, "null", page.key).post()
    assert stripped.status_code == 200
    assert block_of(stripped) == {"accredit": 1, "door": "flow", "type": "origin_wanted", "channel": CHANNEL}
    ticket = re.search(r'name="origin_ticket" value="([\w-]+)"', stripped.text)[1]
    ours = FlowPage(page.backend, page.backend.server.url, page.key)
    assert ours.open(parent_origin=ORIGIN, origin_ticket=ticket).told["opening"] == "created"
    for origin, code in ((OTHER, "origin_not_allowed"), ("null", "origin_missing")):
        refused_page = ours.post(parent_origin=origin, origin_ticket=ticket)
        assert (refused_page.status_code, code in refused_page.text) == (403, True)
    assert audited(page.backend.server, ours.post(parent_origin=ORIGIN, origin_ticket=ticket.swapcase()))
