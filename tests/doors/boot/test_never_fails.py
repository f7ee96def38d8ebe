"""Whatever is posted, the boot door answers for it: never with a failure of ours, and never with a session by chance."""

import json
import random
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accredit.identity import BOOT_NAMES, CUSTOMER_NAMES

from .conftest import new_shop

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FEW = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)

names = st.one_of(
    st.sampled_from(sorted(BOOT_NAMES | CUSTOMER_NAMES | {"customerInfo", "broadband", "broadbandPpm"})),
    st.sampled_from(sorted(CUSTOMER_NAMES)).flatmap(lambda name: st.sampled_from([f"[{name}]", f"customerInfo[{name}]"])),
    st.text(max_size=12),
)
texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "null", "json", "v2.a.b.c.d", "1800000000:x:y", "{}", '{"a":{"b":[1]}}', "\x00", "\r\n", "2", "yes", "1968-05-30"]
    ),
    st.builds("{}:{}:{}".format, st.integers(0, 10**13), st.text("ABab+/=", max_size=44), st.text("n~", max_size=50)),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
levels = st.sampled_from(["BASIC", "SECURE_IDENTITY_DEBUG"])


@pytest.fixture(scope="module")
def shops(server):
    """An integration at each of two levels: what is admitted anyway, and what is reported."""
    made = {"BASIC": new_shop(server, level="BASIC"), "SECURE_IDENTITY_DEBUG": new_shop(server)}
    made["SECURE_IDENTITY_DEBUG"].debug(seconds=24 * 3600)
    return made


def post(shop, content, media_type, path="/boot"):
    headers = {"Content-Type": media_type, "Origin": "https://shop.example"}
    # The server runs in this process: without chance it would give each example's request the same id.
    random.seed()
    # Few enough a minute that each is reported.
    shop.server.clock.advance(3)
    answer = shop.server.http.post(path, content=content, headers=headers)
    assert answer.status_code in (200, 303, 400, 403), answer.text
    assert answer.headers["x-request-id"]
    return answer


@FEW
@given(body=st.dictionaries(names, values, max_size=6), level=levels, path=st.sampled_from(["/boot", "/boot/renew"]))
def test_json_of_any_kind(shops, body, level, path):
    shop = shops[level]
    body = shop.fields() | {name: value for name, value in body.items() if not name.startswith("cp_")}
    post(shop, json.dumps(body).encode(), JSON, path)


@FEW
@given(pairs=st.lists(st.tuples(names, texts), max_size=6), level=levels, path=st.sampled_from(["/boot", "/boot/renew"]))
def test_forms_of_any_kind(shops, pairs, level, path):
    shop = shops[level]
    ids = [(name, value) for name, value in shop.fields().items()]
    content = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in [*ids, *pairs])
    post(shop, content.encode(), FORM, path)


@FEW
@given(content=st.binary(max_size=200), media_type=st.sampled_from([FORM, JSON]))
def test_octets_of_any_kind(shops, content, media_type):
    assert post(shops["BASIC"], content, media_type).status_code in (400, 403)


@FEW
@given(signature=st.text(max_size=260), email=st.text(max_size=60))
def test_no_text_is_a_signature_by_chance(shops, signature, email):
    shop = shops["BASIC"]
    answer = post(shop, json.dumps(shop.fields(signature=signature, email=email)).encode(), JSON)
    absent = signature in ("", "null")
    assert answer.status_code == 303 if absent else answer.status_code in (400, 403)
