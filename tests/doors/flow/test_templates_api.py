"""Templates, as their owner creates, reads and publishes them (protocol-flow.md section 1)."""

import pytest

PATH = "/v1/integrations"
TEMPLATE = {"door": "flow", "allowed_origins": ["https://SHOP.example:443"], "steps": [{"step": "accept_tos"}]}
PAIR = {
    "kty": "OKP",
    "crv": "X25519",
    "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
    "d": "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
    "use": "enc",
    "alg": "ECDH-ES",
}


@pytest.fixture
def owner(shared_server):
    return shared_server.owner()


def test_has_an_id_as_clients_know_them_and_no_deployer(owner):
    made = owner.call("POST", PATH, 201, TEMPLATE)
    assert made["integration_id"].startswith("flwtmp_")
    assert len(made["integration_id"]) == len("flwtmp_") + 22
    assert "deployer_id" not in made
    assert (made["allowed_origins"], made["version"]) == (["https://shop.example"], 1)
    assert made["steps"] == [
        {
            "step": "accept_tos",
            "run": "always",
            "on_failure": "fail",
            "on_error": "pending_review",
            "service": None,
            "fields": [],
            "simulate": True,
            "terms_url": None,
        }
    ]
    assert (made["signature_policy"], made["require_signed_requests"]) == ("optional", False)
    assert owner.call("GET", f"{PATH}/{made['integration_id']}") == made


def test_the_toggle_is_read_and_written(owner):
    made = owner.call("POST", PATH, 201, {**TEMPLATE, "require_signed_requests": True})
    address = f"{PATH}/{made['integration_id']}"
    assert (made["signature_policy"], made["require_signed_requests"]) == ("required", True)
    for members, policy in (
        ({"require_signed_requests": False}, "optional"),
        ({"signature_policy": "required_v2"}, "required_v2"),
        ({"require_signed_requests": True}, "required_v2"),
        ({"require_signed_requests": True, "signature_policy": "required"}, "required"),
    ):
        changed = owner.call("PATCH", address, 200, members)
        assert (changed["signature_policy"], changed["require_signed_requests"]) == (policy, policy != "optional")
    assert changed["version"] == 5
    entry = owner.call("GET", "/v1/audit?kind=integration.published")["entries"][0]
    assert entry["detail"] == {"version": 5, "changed": ["require_signed_requests", "signature_policy"]}


@pytest.mark.parametrize(
    ("members", "code", "member"),
    [
        ({"deployer_id": "shop"}, "field_invalid", "deployer_id"),
        ({"integration_id": "with-dash"}, "field_invalid", "integration_id"),
        ({"integration_id": "a" * 65}, "field_invalid", "integration_id"),
        ({"application_url": "https://app.example/"}, "field_invalid", "application_url"),
        ({"allowed_origins": ["https://*.shop.example"]}, "origin_entry_invalid", "allowed_origins"),
        ({"allow_localhost": True}, "field_invalid", "allow_localhost"),
        ({"steps": [{"step": "kyc_check"}]}, "field_missing", "steps[0].service"),
        ({"signature_policy": "optional", "require_signed_requests": True}, "field_invalid", "require_signed_requests"),
        ({"encryption_public_key": {**PAIR, "use": "sig"}}, "key_private_part", "encryption_public_key.d"),
    ],
)
def test_names_the_member_that_is_at_fault(owner, members, code, member):
    problem = owner.call("POST", PATH, 400, {**TEMPLATE, **members})
    assert (problem["code"], problem["member"]) == (code, member)
    assert owner.call("GET", PATH)["integrations"] == []


def test_a_pair_that_was_sent_is_never_taken_again(owner):
    public = {name: value for name, value in PAIR.items() if name != "d"}
    assert owner.call("POST", PATH, 400, {**TEMPLATE, "encryption_public_key": PAIR})["code"] == "key_private_part"
    assert owner.call("POST", PATH, 400, {**TEMPLATE, "encryption_public_key": public})["code"] == "key_denied"


def test_a_template_is_its_account_s_alone(shared_server, owner):
    made = owner.call("POST", PATH, 201, {**TEMPLATE, "integration_id": f"flwtmp_of_{owner.owner_id}"})
    stranger = shared_server.owner()
    assert stranger.call("GET", f"{PATH}/{made['integration_id']}", 404)["code"] == "integration_not_found"
    assert (
        stranger.call("PATCH", f"{PATH}/{made['integration_id']}", 404, {"enabled": False})["code"] == "integration_not_found"
    )
    for below in ("snippet", "checklist"):
        assert stranger.call("GET", f"{PATH}/{made['integration_id']}/{below}", 404)["code"] == "integration_not_found"
    owner.call("DELETE", f"{PATH}/{made['integration_id']}", 204)
    assert owner.call("GET", PATH)["integrations"] == []
