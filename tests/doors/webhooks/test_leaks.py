"""A webhook secret that a browser sends ends at once, and its endpoint goes on; without any key it waits for one."""

import json

from accredit.server.store import one_by_one

from .conftest import ENDPOINTS, URL, bodies_for


def send_by_browser(shared, owner, text):
    """What a page does that has the secret in its form."""
    integration = owner.integration("shop")
    answer = shared.embed(owner.fields(integration, locale=text))
    assert answer.status_code == 403
    assert text not in answer.text


def make(owner, **members):
    return owner.call("POST", ENDPOINTS, 201, {"url": URL, **members})


def read(owner, endpoint):
    return owner.call("GET", f"{ENDPOINTS}/{endpoint['id']}")


def secrets_of(owner, endpoint):
    keys = owner.call("GET", "/v1/keys?purpose=webhook&limit=100")["keys"]
    return [(each["state"], each["revoke_reason"]) for each in keys if each["endpoint_id"] == endpoint["id"]]


def test_an_endpoint_whose_secret_leaked_signs_with_another(shared, owner):
    made, listener = make(owner), make(owner, event_types=["key.leaked"])
    send_by_browser(shared, owner, f"key={made['secret']}")
    assert secrets_of(owner, made) == [("revoked", "secret_exposed"), ("active", None)]
    assert secrets_of(owner, listener) == [("active", None)]
    assert read(owner, made)["state"] == "enabled"
    [(_, body)] = bodies_for(owner, listener["id"])
    data = json.loads(body)["data"]
    assert (data["purposes"], data["source"]) == (["webhook"], "browser")
    assert made["secret"].removeprefix("whsec_").encode() not in body
    rotated = owner.call("POST", f"{ENDPOINTS}/{made['id']}/rotate_secret", 200, {"overlap_s": 0})
    assert rotated["secret"] != made["secret"]


def test_an_endpoint_without_any_api_key_waits_for_another(shared, owner):
    first = owner.call("POST", "/v1/api_credentials", 201, {})
    made, other = make(owner, kind="flow"), make(owner, kind="flow", signing="endpoint")
    send_by_browser(shared, owner, first["secret"])
    disabled = read(owner, made)
    assert (disabled["state"], disabled["disabled_reason"]) == ("disabled", "key_revoked")
    assert read(owner, other)["state"] == "enabled"
    address = f"{ENDPOINTS}/{made['id']}"
    assert owner.call("POST", f"{address}/enable", 409)["code"] == "key_not_live"
    owner.call("PATCH", address, 200, {"timeout_s": 10})
    assert read(owner, made)["state"] == "disabled"
    # That it failed before says nothing of what it does with another key.
    shared.run(shared.node.store.write(_fail_for_days, made["id"]))
    second = owner.call("POST", "/v1/api_credentials", 201, {})["api_key_id"]
    given = owner.call("PATCH", address, 200, {"api_key_id": second})
    assert (given["state"], given["disabled_reason"], given["api_key_id"]) == ("enabled", None, second)
    assert given["failing_since"] is read(owner, made)["failing_since"] is None


def test_with_a_standby_an_endpoint_goes_on(shared, owner):
    first = owner.call("POST", "/v1/api_credentials", 201, {})
    owner.call("POST", f"/v1/api_credentials/{first['api_key_id']}/secrets", 201, {})
    made = make(owner, kind="flow")
    send_by_browser(shared, owner, first["secret"])
    assert read(owner, made)["state"] == "enabled"


@one_by_one
def _fail_for_days(tx, endpoint_id):
    tx.execute("UPDATE webhook_endpoints SET failing_since_ms = 1, failures = 9 WHERE id = ?", (endpoint_id,))
