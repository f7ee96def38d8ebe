"""Invitations: a deployer hands in its public key itself, on a page without a script (protocol-embed.md section 10)."""

import json
from html.parser import HTMLParser
from urllib.parse import urlsplit

from accredit import generate_deployment_key

ADDRESS = "/v1/deployers/shop/invitations"


class Labels(HTMLParser):
    """The controls of a page, and what labels and describes them."""

    def __init__(self):
        super().__init__()
        self.ids, self.labelled, self.described, self.scripts = set(), set(), set(), 0

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.add(attributes.get("id"))
        self.described.update(attributes.get("aria-describedby", "").split())
        self.scripts += tag == "script"
        if tag == "label":
            self.labelled.add(attributes["for"])


def invite(owner, **members):
    owner.deployer("shop")
    made = owner.call("POST", ADDRESS, 201, members)
    return made["invitation"], urlsplit(made["url"]).path


def hand_in(server, path, jwk):
    return server.http.post(path, data={"jwk": jwk if isinstance(jwk, str) else json.dumps(jwk)})


def test_a_deployer_hands_in_its_key_once(server, clock):
    owner = server.owner()
    integration = owner.integration()
    invitation, path = invite(owner)
    assert invitation["expires_at"] == "2027-01-22T08:00:00.000Z"
    page = server.http.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    pair = generate_deployment_key()
    accepted = hand_in(server, path, pair.public_jwk)
    assert accepted.status_code == 200
    assert pair.thumbprint in accepted.text
    owner.visit(integration, signed_deployment=owner.token(integration, pair.private_jwk))
    (listed,) = owner.call("GET", ADDRESS)["invitations"]
    (key,) = owner.call("GET", "/v1/deployers/shop/keys")["keys"]
    assert listed == {**invitation, "used_at": "2027-01-15T08:00:00.000Z", "key_id": key["key_id"]}
    for again in (server.http.get(path), hand_in(server, path, generate_deployment_key().public_jwk)):
        assert (again.status_code, "link_invalid" in again.text) == (404, True)


def test_the_page_needs_no_script_and_names_its_control(server):
    _invitation, path = invite(server.owner())
    page = server.http.get(path)
    found = Labels()
    found.feed(page.text)
    assert found.scripts == 0
    assert found.labelled == {"jwk"}
    assert found.labelled | found.described <= found.ids
    policy = page.headers["content-security-policy"]
    assert "script-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert '<html lang="en">' in page.text


def test_a_private_key_is_burnt_and_not_shown_again(server):
    owner = server.owner()
    _invitation, path = invite(owner)
    pair = generate_deployment_key()
    refused = hand_in(server, path, pair.private_jwk)
    assert refused.status_code == 400
    assert "can never be used" in refused.text
    assert 'role="alert"' in refused.text
    assert pair.private_jwk["d"] not in refused.text
    assert hand_in(server, path, pair.public_jwk).status_code == 400
    assert owner.call("POST", "/v1/deployers/shop/keys", 400, {"jwk": pair.public_jwk})["code"] == "key_denied"
    assert hand_in(server, path, generate_deployment_key().public_jwk).status_code == 200


def test_what_is_no_key_is_told_and_leaves_the_link_good(server):
    _invitation, path = invite(server.owner(), alg="ES256")
    for text, code in (
        ("", "key_malformed"),
        ("<script>x</script>", "key_malformed"),
        ("[]", "key_malformed"),
        ('{"kty":"EC","kty":"EC"}', "key_malformed"),
        (json.dumps(generate_deployment_key("ES512").public_jwk), "key_alg_mismatch"),
    ):
        refused = hand_in(server, path, text)
        assert (refused.status_code, code in refused.text) == (400, True), text
        assert "<script>" not in refused.text
    found = Labels()
    found.feed(refused.text)
    assert found.described <= found.ids
    assert hand_in(server, path, generate_deployment_key("ES256").public_jwk).status_code == 200


def test_a_link_is_good_for_seven_days(server, clock):
    _invitation, path = invite(server.owner())
    clock.advance(7 * 86400 - 0.001)
    assert server.http.get(path).status_code == 200
    clock.advance(0.001)
    assert server.http.get(path).status_code == 404


def test_other_links_and_forms_end_in_a_page(server):
    _invitation, path = invite(server.owner())
    for answer, status in (
        (server.http.get("/invitations/unknown"), 404),
        (server.http.get("/invitations/%00"), 404),
        (server.http.post(path, json={}), 415),
        (server.http.post(path, data={"jwk": "x" * 70_000}), 413),
        (server.http.post(path, content=b"jwk=a&jwk=b", headers={"Content-Type": "application/x-www-form-urlencoded"}), 400),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


def test_inviting_for_what_is_not_there(server):
    owner = server.owner()
    assert owner.call("POST", ADDRESS, 404, {})["code"] == "deployer_not_found"
    assert owner.call("GET", ADDRESS, 404)["code"] == "deployer_not_found"
    owner.deployer("shop")
    assert owner.call("POST", ADDRESS, 404, {"integration_ids": ["unknown"]})["code"] == "integration_not_found"
    assert owner.call("POST", ADDRESS, 400, {"alg": "none"})["member"] == "alg"


def test_the_link_is_not_readable_in_the_database(server):
    _invitation, path = invite(server.owner())
    ((token_hash,),) = server.rows("SELECT token_hash FROM invitations")
    assert path.rpartition("/")[2].encode() not in bytes(token_hash)
