"""The boot door while something goes wrong: two processes at once, and `kill -9` (protocol-boot.md section 10, 4 and 8)."""

import time
from collections import Counter

from accredit import IdentitySecret, sign_identity

from .test_two_nodes import SECONDS, all_at_once

ORIGIN = {"Origin": "https://shop.example"}


class Shop:
    """A deployer of an owner, whose backend signs."""

    def __init__(self, owner):
        self.owner, self.app = owner, owner.boot_integration()
        self.secret, self.secret_id = owner.identity_secret("cp_1")

    def signed(self, email="jane@example.com"):
        ids = self.app["deployer_id"], self.app["integration_id"]
        signature = sign_identity(IdentitySecret.from_base64(self.secret), *ids, email, now=int(time.time()))
        return self.owner.boot_fields(self.app, signature=signature, email=email)


def boot(node, body):
    return node.http.post("/boot", data=body, headers=ORIGIN)


def test_of_fifty_boots_with_one_signature_exactly_one_is_admitted(nodes):
    owner = nodes[0].owner()
    body = Shop(owner).signed()
    answers = all_at_once([lambda node=nodes[number % 2]: boot(node, body).status_code for number in range(50)])
    assert Counter(answers) == {303: 1, 403: 49}
    assert len(owner.call("GET", "/v1/sessions")["sessions"]) == 1
    assert len(owner.call("GET", "/v1/audit?code=nonce_replayed&limit=100")["entries"]) == 49


def test_a_revoked_secret_stops_on_the_other_node_within_a_second(nodes):
    owner = nodes[0].owner()
    shop = Shop(owner)
    assert [boot(node, shop.signed()).status_code for node in nodes] == [303, 303]
    owner.call("POST", f"/v1/keys/{shop.secret_id}/revoke", 200, {})
    revoked_at = admitted_at = time.monotonic()
    while True:
        asked_at = time.monotonic()
        if boot(nodes[1], shop.signed()).status_code == 403:
            break
        admitted_at = asked_at
        assert asked_at < revoked_at + 10, "the node goes on admitting"
    assert admitted_at - revoked_at < SECONDS


def test_after_a_kill_what_was_answered_stands_and_its_nonces_stay_used(program, audit_holds):
    owner = program.owner()
    shop = Shop(owner)
    bodies = [shop.signed(f"user-{number}@example.com") for number in range(12)]
    answers = [boot(program, body) for body in bodies]
    refused = boot(program, {**bodies[0], "email": "mallory@example.com"})
    program.kill()
    program.start()

    codes = [answer.headers["location"].partition("code=")[2] for answer in answers]
    sessions = [owner.call("POST", "/v1/exchange", 200, {"code": code}) for code in codes]
    assert [session["uid"] for session in sessions] == [body["email"] for body in bodies]
    assert {boot(program, body).status_code for body in bodies} == {403}
    replays = owner.call("GET", "/v1/audit?code=nonce_replayed&limit=100")["entries"]
    assert len(replays) == len(bodies)
    (mismatch,) = owner.call("GET", "/v1/audit?code=mac_mismatch")["entries"]
    assert mismatch["request_id"] == refused.headers["x-request-id"]
    assert audit_holds(program)
