"""Whatever is posted, the flow door answers for it: never with a failure of ours, and never with a session by chance."""

import itertools
import json
import random
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ...flow_backend import make_flow_backend
from ..conftest import ORIGIN
from .page import FlowPage

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FEW = settings(max_examples=50, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = itertools.count()
STEPS = [
    {"step": "accept_tos"},
    {"step": "verify_email"},
    {"step": "verify_sms"},
    {"step": "kyc_check", "fields": ["name", "date_of_birth", "address", "id_number"]},
]
# What leads to each screen.
WAY = [{"accept": "1"}, {"email": "a@b.example"}, {"code": "123456"}, {"phone": "+4721000001"}, {"code": "123456"}]

names = st.one_of(
    st.sampled_from(
        ["publishableKey", "templateId", "customerReference", "signature", "email", "locale", "channel", "origin_ticket"]
    ),
    st.text(max_size=12),
)
# JSON can spell halves of surrogate pairs, which are no Unicode.
texts = st.one_of(
    st.text(st.characters(), max_size=40), st.sampled_from(["", "\x00", "\ud800", "v.a.b", "e30.e30.e30", "A" * 43 + "="])
)
fields = st.one_of(
    st.sampled_from(
        ["accept", "decline", "email", "code", "again", "change", "phone", "name.first", "name.last", "date_of_birth"]
    ),
    st.sampled_from(["address.street", "address.city", "address.country_code", "id_number.type", "id_number.value"]),
    st.text(max_size=8),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def page(shared_server: Any) -> FlowPage:
    """A page of a listed origin, in the sandbox."""
    owner = shared_server.owner(environment="sandbox")
    return FlowPage(make_flow_backend(owner, allowed_origins=[ORIGIN], steps=STEPS))


def post(page: FlowPage, path: str, content: bytes, media_type: str, **headers: str) -> Any:
    # The server runs in this process: without chance it would give each example's request the same id.
    random.seed()
    sent = {"Content-Type": media_type, "Origin": ORIGIN, **headers}
    answer = page.backend.server.http.post(path, content=content, headers=sent)
    assert answer.status_code in (200, 400, 401, 403, 404, 409, 415, 429), answer.text
    assert answer.headers["x-request-id"]
    return answer


@FEW
@given(pairs=st.lists(st.tuples(names, texts), max_size=5), whole=st.booleans())
def test_forms_of_any_kind(page: FlowPage, pairs: list[tuple[str, str]], whole: bool) -> None:
    named = {name for name, _ in pairs}
    given = [(name, value) for name, value in page.fields().items() if whole and name not in named]
    spelt = [f"{_quoted(name)}={_quoted(value)}" for name, value in [*given, *pairs]]
    post(page, "/flow", "&".join(spelt).encode(), FORM)


def _quoted(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogatepass"))


@FEW
@given(content=st.binary(max_size=200), path=st.sampled_from(["/flow", "/flow/frame/state", "/verify/flwses_1/exchange"]))
def test_octets_of_any_kind(page: FlowPage, content: bytes, path: str) -> None:
    for media_type in (FORM, JSON):
        assert post(page, path, content, media_type).status_code != 200


@FEW
@given(signature=texts, reference=st.text(min_size=1, max_size=60))
def test_no_text_is_a_signature_by_chance(page: FlowPage, signature: str, reference: str) -> None:
    form = page.fields(reference, signature=signature)
    content = "&".join(f"{name}={_quoted(value)}" for name, value in form.items())
    assert post(page, "/flow", content.encode(), FORM).status_code in (400, 403)


@FEW
@given(step=st.integers(0, len(WAY)), form=st.dictionaries(fields, texts, max_size=6))
def test_screens_take_any_form(page: FlowPage, step: int, form: dict[str, str]) -> None:
    shown = page.open(f"user-{next(_numbers)}")
    for done in WAY[:step]:
        shown.submit(**done)
    body = {"step": shown.told["step"], "attempt": shown.told["attempt"], "form": form}
    post(page, "/flow/frame/submit", json.dumps(body).encode(), JSON, Authorization=f"Bearer {shown.token}")
    assert shown.look().status in ("active", "success", "failed")


@FEW
@given(body=values, path=st.sampled_from(["/flow/frame/state", "/flow/frame/submit"]))
def test_bodies_of_any_kind(page: FlowPage, body: Any, path: str) -> None:
    shown = page.open(f"user-{next(_numbers)}")
    post(page, path, json.dumps(body).encode(), JSON, Authorization=f"Bearer {shown.token}")


@FEW
@given(key=values, session_id=st.text("abcABC123_", min_size=1, max_size=70))
def test_no_key_opens_a_link_by_chance(page: FlowPage, key: Any, session_id: str) -> None:
    answer = post(page, f"/verify/flwses_{session_id}/exchange", json.dumps({"key": key}).encode(), JSON)
    assert answer.status_code in (400, 404, 429)
