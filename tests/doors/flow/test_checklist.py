"""The checklist for going live, as an owner asks for it: each item says what is wrong once it is, and no more when it is mended.

protocol-flow.md section 13, scenario 14. All tests share one server, whose clock goes on from one to the next.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

import accredit
from accredit.cli.root import command

from ...flow_backend import FlowBackend, make_flow_backend
from ...site import Reply, Request, Site
from ..conftest import ORIGIN, ROOT_KEY, Server
from .page import FlowPage
from .service import Person, Service, eventually

DAY_S = 86_400
# The order of protocol-flow.md section 13.
ITEMS = [
    "signing_rules_read",
    "signed_requests_required",
    "signed_references_seen",
    "references_persistent",
    "signing_oracle",
    "origins_intended",
    "webhook_receiver_verifies",
    "webhooks_configured",
    "secrets_unseen_in_browsers",
    "secret_age",
    "standby_ready",
    "retention_set",
    "steps_deliverable",
]
# A name that resolves wherever tests run.
RESOLVED = "https://localhost"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stop()


def address_of(backend: FlowBackend) -> str:
    return f"/v1/integrations/{backend.template_id}/checklist"


def checklist(backend: FlowBackend) -> Any:
    return backend.owner.call("GET", address_of(backend))


def item(backend: FlowBackend, name: str) -> Any:
    """One item; what is to be done stands beside everything that is not as it should be, and beside nothing else."""
    (found,) = [each for each in checklist(backend)["items"] if each["id"] == name]
    assert (found["fix"] is None) == (found["state"] == "pass"), found
    return found


def state(backend: FlowBackend, name: str) -> str:
    return item(backend, name)["state"]


def publish(backend: FlowBackend, **members: Any) -> None:
    backend.owner.call("PATCH", f"/v1/integrations/{backend.template_id}", 200, members)


def second_secret(backend: FlowBackend) -> Any:
    return backend.owner.call("POST", f"/v1/api_credentials/{backend.key_id}/secrets", 201, {})


def make(server: Server, environment: str = "live", **policy: Any) -> FlowBackend:
    return make_flow_backend(server.owner(environment=environment), **{"allowed_origins": [ORIGIN], **policy})


@pytest.fixture
def live(shared_server: Server) -> FlowBackend:
    """A backend in live with a template that lists one origin."""
    return make(shared_server)


@pytest.fixture
def sandbox(shared_server: Server) -> FlowBackend:
    return make(shared_server, "sandbox")


def test_a_new_template_is_told_all_that_it_lacks(live: FlowBackend) -> None:
    found = checklist(live)
    assert (found["integration_id"], found["ready"]) == (live.template_id, False)
    assert [each["id"] for each in found["items"]] == ITEMS
    assert {each["id"]: each["state"] for each in found["items"]} == {
        "signing_rules_read": "manual",
        "signed_requests_required": "fail",
        "signed_references_seen": "fail",
        "references_persistent": "unknown",
        "signing_oracle": "pass",
        "origins_intended": "fail",
        "webhook_receiver_verifies": "unknown",
        "webhooks_configured": "fail",
        "secrets_unseen_in_browsers": "pass",
        "secret_age": "pass",
        "standby_ready": "warn",
        "retention_set": "warn",
        "steps_deliverable": "pass",
    }


def test_only_templates_of_the_account_have_one(live: FlowBackend, shared_server: Server) -> None:
    embedded = live.owner.integration()["integration_id"]
    told = live.owner.call("GET", f"/v1/integrations/{embedded}/checklist", 409)
    assert told["code"] == "checklist_flow_only"
    confirm = f"/v1/integrations/{embedded}/checklist/confirm"
    assert live.owner.call("POST", confirm, 409, {"item": "signing_rules_read"})["code"] == "checklist_flow_only"
    stranger = shared_server.owner()
    assert stranger.call("GET", address_of(live), 404)["code"] == "integration_not_found"
    given = {"item": "signing_rules_read"}
    assert stranger.call("POST", f"{address_of(live)}/confirm", 404, given)["code"] == "integration_not_found"


def test_somebody_confirms_the_rules_of_signing_every_year(live: FlowBackend) -> None:
    confirm = f"{address_of(live)}/confirm"
    refused = live.owner.call("POST", confirm, 400, {"item": "signed_requests_required"})
    assert (refused["code"], refused["member"]) == ("field_invalid", "item")
    live.owner.call("POST", confirm, 200, {"item": "signing_rules_read"})
    assert state(live, "signing_rules_read") == "pass"
    assert live.owner.key_id in item(live, "signing_rules_read")["evidence"]
    entries = live.server.rows(
        "SELECT actor FROM audit WHERE kind = 'checklist.confirmed' AND integration_id = ?", live.template_id
    )
    assert entries == [(live.owner.key_id,)]
    live.server.clock.advance(365 * DAY_S - 1)
    assert state(live, "signing_rules_read") == "pass"
    live.server.clock.advance(1)
    assert state(live, "signing_rules_read") == "manual"
    live.owner.call("POST", confirm, 200, {"item": "signing_rules_read"})
    assert state(live, "signing_rules_read") == "pass"


def test_signed_requests_are_to_be_required(live: FlowBackend) -> None:
    FlowPage(live).open("user-1")
    found = item(live, "signed_requests_required")
    assert (found["state"], "1 of 100" in found["evidence"]) == ("fail", True)
    for policy in ("required", "required_v2"):
        publish(live, signature_policy=policy)
        assert state(live, "signed_requests_required") == "pass"
    publish(live, require_signed_requests=False)
    assert state(live, "signed_requests_required") == "fail"


def test_a_valid_signature_is_to_be_seen_within_thirty_days(live: FlowBackend) -> None:
    page = FlowPage(live)
    page.open("user-1")
    assert page.post("user-2", signature=page.sign("user-3")).status_code == 403
    assert (
        item(live, "signed_references_seen")["evidence"] == "1 opening by pages in 30 days: 100 % unsigned, 0 % legacy, 0 % v2."
    )
    assert state(live, "signed_references_seen") == "fail"
    page.open("user-2", signature=page.sign("user-2"))
    page.open("user-3", signature=page.sign_v2("user-3"))
    page.open("user-3", signature=page.sign_v2("user-3"))
    found = item(live, "signed_references_seen")
    assert (found["state"], found["evidence"].partition(": ")[2]) == ("pass", "25 % unsigned, 25 % legacy, 50 % v2.")
    live.server.clock.advance(31 * DAY_S)
    assert state(live, "signed_references_seen") == "fail"


@pytest.mark.parametrize(
    ("references", "told"),
    [
        (["ada@shop.example"], "1 reference looks like an e-mail address."),
        ([" Ada@shop.example", "bo@shop.example"], "2 references look like e-mail addresses."),
        (["+47 123 45 678"], "1 reference looks like a phone number."),
        (["(555) 123-4567", "555.123.4567"], "2 references look like phone numbers."),
        (["User-7", "user-7"], "2 references differ from another only by case or outer space."),
        (["user-7", "user-7 ", " USER-7"], "3 references differ from another only by case or outer space."),
    ],
)
def test_references_are_to_be_nobody_s_name_and_spelt_in_one_way(live: FlowBackend, references: list[str], told: str) -> None:
    page = FlowPage(live)
    for reference in ("41", "3a409367-a417-4d46-9a92-3d7bc5dc4605", "2024-000123", "10000001", "a@b", *references):
        page.open(reference)
    found = item(live, "references_persistent")
    assert (found["state"], told in found["evidence"]) == ("fail", True), found
    assert not any(reference.strip() in json.dumps(found) for reference in references)
    # What is passed from now on is right, and the others are seen no more.
    live.server.clock.advance(29 * DAY_S)
    page.open("user-7")
    assert state(live, "references_persistent") == "fail"
    live.server.clock.advance(2 * DAY_S)
    assert state(live, "references_persistent") == "pass"


def test_references_of_backends_are_looked_at_too(live: FlowBackend) -> None:
    live.create("user-1")
    assert state(live, "references_persistent") == "pass"
    live.create("ada@shop.example")
    assert state(live, "references_persistent") == "fail"
    # Nobody's page has signed anything by that.
    assert state(live, "signed_references_seen") == "fail"


def test_a_client_with_many_signatures_is_worth_a_warning(live: FlowBackend) -> None:
    page = FlowPage(live)
    for number in range(19):
        page.open(f"user-{number}", signature=page.sign(f"user-{number}"))
    page.open("user-1", signature=page.sign("user-1"))
    page.open("unsigned")
    assert state(live, "signing_oracle") == "pass"
    live.server.clock.advance(12 * 3600)
    page.open("user-19", signature=page.sign("user-19"))
    found = item(live, "signing_oracle")
    assert (found["state"], found["evidence"]) == ("warn", "A client opened 20 signed references within 24 hours.")
    live.server.clock.advance(31 * DAY_S)
    assert state(live, "signing_oracle") == "pass"


def test_tunnels_and_names_that_lead_nowhere_are_not_intended(live: FlowBackend) -> None:
    """Scenario 14."""
    publish(live, allowed_origins=[RESOLVED, "https://a1b2.ngrok-free.app", "https://nowhere.invalid"])
    found = item(live, "origins_intended")
    assert found["state"] == "fail"
    assert "https://a1b2.ngrok-free.app is a tunnel." in found["evidence"]
    assert "Take https://a1b2.ngrok-free.app out of allowed_origins." in found["fix"]
    publish(live, allowed_origins=[RESOLVED])
    assert (state(live, "origins_intended"), "not used" in item(live, "origins_intended")["evidence"]) == ("warn", True)
    FlowPage(live, RESOLVED).open()
    assert state(live, "origins_intended") == "pass"
    live.server.clock.advance(31 * DAY_S)
    assert state(live, "origins_intended") == "warn"


def test_local_pages_and_none_at_all_are_worth_a_warning(shared_server: Server) -> None:
    backend = make(shared_server, "sandbox", allowed_origins=[])
    assert "No origin is allowed." in item(backend, "origins_intended")["evidence"]
    publish(backend, allow_localhost=True, allowed_origins=[RESOLVED])
    FlowPage(backend, RESOLVED).open("user-1")
    FlowPage(backend, "http://localhost:9000").open("user-2")
    found = item(backend, "origins_intended")
    assert (found["state"], "any localhost" in found["evidence"]) == ("warn", True)
    publish(backend, allow_localhost=False)
    assert state(backend, "origins_intended") == "pass"


class Receiver:
    """An endpoint of kind flow that the API secret signs for, and the program behind it. accepts: whether a request holds."""

    def __init__(self, backend: FlowBackend, site: Site, **members: Any) -> None:
        self.backend, self.path = backend, f"/{backend.template_id}"
        site.paths[self.path] = lambda request: Reply(status=self.answer(request))
        self.accepts: Callable[[Request], bool] = self.verified
        self.down = False
        wanted = {"url": site.url(self.path), "kind": "flow", **members}
        self.made = backend.owner.call("POST", "/v1/webhook_endpoints", 201, wanted)
        self.address = f"/v1/webhook_endpoints/{self.made['id']}"

    def answer(self, request: Request) -> int:
        return 500 if self.down else 200 if self.accepts(request) else 401

    def verified(self, request: Request) -> bool:
        """As the guide says."""
        keys = {self.backend.key_id: [self.backend.secret], self.made["id"]: [self.made["secret"]]}
        now = self.backend.server.clock.now
        try:
            accredit.verify_flow_webhook(request.body, request.headers, target=self.path, keys=keys, now=now)
        except accredit.AccreditError:
            return False
        return True

    def mac_only(self, request: Request) -> bool:
        """The mistake: the signature holds over the digest as it was sent, and nobody hashes the body."""
        headers, key = request.headers, self.backend.secret.encode()
        lines = f"(request-target): post {self.path}\ndate: {headers['date']}\ndigest: {headers['digest']}"
        signature = base64.b64encode(hmac.new(key, lines.encode(), hashlib.sha256).digest()).decode()
        fresh = abs(int(headers["webhook-timestamp"]) - self.backend.server.clock.now) < 900
        return fresh and f'signature="{signature}"' in headers.get("authorization", "")

    def probe(self) -> Any:
        return self.backend.owner.call("POST", f"{self.address}/probe")

    def change(self, **members: Any) -> None:
        self.backend.owner.call("PATCH", self.address, 200, members)


@pytest.fixture
def receiver(sandbox: FlowBackend, site: Site) -> Receiver:
    return Receiver(sandbox, site)


def test_a_receiver_that_never_hashes_the_body_fails(sandbox: FlowBackend, receiver: Receiver) -> None:
    """Scenario 14."""
    found = item(sandbox, "webhook_receiver_verifies")
    assert (found["state"], "not probed" in found["evidence"]) == ("fail", True)
    receiver.accepts = receiver.mac_only
    assert [each["probe"] for each in receiver.probe()["results"] if each["outcome"] != "passed"] == ["body_swapped"]
    found = item(sandbox, "webhook_receiver_verifies")
    assert (found["state"], found["evidence"]) == (
        "fail",
        f"1 endpoint. {receiver.made['id']} took a body that was not the signed one.",
    )
    assert f"accredit webhooks probe {receiver.made['id']}" in found["fix"]
    receiver.accepts = receiver.verified
    receiver.probe()
    assert state(sandbox, "webhook_receiver_verifies") == "pass"
    sandbox.server.clock.advance(31 * DAY_S)
    assert state(sandbox, "webhook_receiver_verifies") == "fail"


def test_what_a_receiver_is_down_for_nobody_knows(sandbox: FlowBackend, receiver: Receiver) -> None:
    receiver.down = True
    receiver.probe()
    assert state(sandbox, "webhook_receiver_verifies") == "unknown"
    receiver.down = False
    receiver.probe()
    receiver.change(url=f"{receiver.made['url']}?tenant=1")
    found = item(sandbox, "webhook_receiver_verifies")
    assert (found["state"], "changed after it was probed" in found["evidence"]) == ("fail", True)
    sandbox.owner.call("POST", f"{receiver.address}/disable")
    assert state(sandbox, "webhook_receiver_verifies") == "unknown"


def test_somebody_is_to_hear_how_sessions_end(sandbox: FlowBackend, site: Site) -> None:
    wanted = {"url": site.url("/deaf"), "event_types": ["key.leaked"]}
    sandbox.owner.call("POST", "/v1/webhook_endpoints", 201, wanted)
    for narrowed in ({"tags": ["vip"]}, {"integrations": ["other"]}, {"event_types": ["flow_session.retried"]}):
        receiver = Receiver(sandbox, site, **narrowed)
        assert "No endpoint hears" in item(sandbox, "webhooks_configured")["evidence"]
    receiver = Receiver(sandbox, site)
    found = item(sandbox, "webhooks_configured")
    assert (found["state"], "signed with the API secret" in found["evidence"]) == ("warn", True)
    receiver.change(signing="endpoint")
    assert state(sandbox, "webhooks_configured") == "pass"
    sandbox.owner.call("POST", f"{receiver.address}/disable")
    found = item(sandbox, "webhooks_configured")
    assert (found["state"], "is disabled (manual)" in found["evidence"]) == ("fail", True)
    sandbox.owner.call("POST", f"{receiver.address}/enable")
    assert state(sandbox, "webhooks_configured") == "pass"


def test_an_endpoint_that_fails_hears_nothing(sandbox: FlowBackend, site: Site) -> None:
    receiver = Receiver(sandbox, site, signing="endpoint")
    receiver.down = True
    sandbox.create()

    def fails() -> bool:
        return sandbox.owner.call("GET", receiver.address)["failing_since"] is not None

    eventually(fails)
    found = item(sandbox, "webhooks_configured")
    assert (found["state"], "fails since" in found["evidence"]) == ("fail", True)
    receiver.down = False
    sandbox.server.clock.advance(300)
    eventually(lambda: not fails())
    assert state(sandbox, "webhooks_configured") == "pass"


def test_a_secret_that_a_browser_shows_is_seen_for_ninety_days(live: FlowBackend) -> None:
    shown = FlowPage(live, key=live.secret)
    assert shown.post("user-1").status_code == 403
    found = item(live, "secrets_unseen_in_browsers")
    assert (found["state"], "showed secrets 1 time" in found["evidence"]) == ("fail", True)
    live.server.clock.advance(60 * DAY_S)
    # It is revoked, and the page that shows it is still there.
    digest = hashlib.sha256(live.secret.encode()).hexdigest()
    live.server.http.post("/leaks/browser", json={"sha256": digest}, headers={"Origin": ORIGIN})
    live.server.clock.advance(60 * DAY_S)
    assert state(live, "secrets_unseen_in_browsers") == "fail"
    live.server.clock.advance(31 * DAY_S)
    assert state(live, "secrets_unseen_in_browsers") == "pass"


def test_nobody_else_s_secret_is_held_against_an_account(live: FlowBackend, shared_server: Server) -> None:
    other = make(shared_server)
    FlowPage(live, key=other.secret).post("user-1")
    assert (state(live, "secrets_unseen_in_browsers"), state(other, "secrets_unseen_in_browsers")) == ("pass", "fail")


def test_secrets_grow_old(live: FlowBackend) -> None:
    assert item(live, "secret_age")["evidence"] == "1 live secret, the oldest 0 days old."
    live.server.clock.advance(365 * DAY_S)
    found = item(live, "secret_age")
    assert (found["state"], found["evidence"]) == ("warn", "1 live secret, the oldest 365 days old.")
    second_secret(live)
    assert state(live, "secret_age") == "warn"
    old = item(live, "secret_age")["fix"].split()[-1].rstrip(".")
    live.owner.call("POST", f"/v1/keys/{old}/revoke", 200, {"whole_secret": True})
    assert state(live, "secret_age") == "pass"


def test_a_second_secret_stands_by_unused(live: FlowBackend) -> None:
    assert "has one live secret" in item(live, "standby_ready")["evidence"]
    second = second_secret(live)["secret"]
    live.create("user-1")
    live.server.run(live.server.node.keyring.flush_uses())
    assert state(live, "standby_ready") == "pass"
    mark = "UPDATE keys SET last_used_ms = 1 WHERE api_key_id = ? AND purpose = 'api'"
    live.server.run(live.server.node.store.write(lambda tx, items: [tx.execute(mark, each) for each in items], (live.key_id,)))
    assert "All 2 secrets" in item(live, "standby_ready")["evidence"]
    assert second not in json.dumps(checklist(live))
    second_secret(live)
    assert state(live, "standby_ready") == "pass"


def test_references_have_a_standby_of_their_own_where_no_credential_verifies_them(live: FlowBackend) -> None:
    second_secret(live)
    assert state(live, "standby_ready") == "pass"
    own = [live.owner.call("POST", "/v1/reference_keys", 201, {})["key"]["key_id"]]
    assert state(live, "standby_ready") == "pass"
    for (key_id,) in live.server.rows("SELECT id FROM keys WHERE api_key_id = ? AND purpose = 'reference'", live.key_id):
        live.owner.call("POST", f"/v1/keys/{key_id}/revoke", 200, {})
    assert item(live, "standby_ready")["evidence"] == "The account's own references have one live secret."
    own.append(live.owner.call("POST", "/v1/reference_keys", 201, {})["key"]["key_id"])
    assert state(live, "standby_ready") == "pass"
    for key_id in own:
        live.server.node.keyring.note_use(key_id, live.server.clock.now_ms)
    live.server.run(live.server.node.keyring.flush_uses())
    assert "All 2 secrets" in item(live, "standby_ready")["evidence"]


def test_what_is_told_of_a_person_is_not_kept_for_ever(live: FlowBackend) -> None:
    assert state(live, "retention_set") == "warn"
    publish(live, retention_days=30)
    assert item(live, "retention_set")["evidence"] == "What is told of a person is erased 30 days after the end."


def test_steps_are_simulated_in_a_sandbox(shared_server: Server) -> None:
    backend = make(shared_server, "sandbox", steps=[{"step": "accept_tos"}, {"step": "verify_email"}, {"step": "kyc_check"}])
    found = item(backend, "steps_deliverable")
    assert (found["state"], found["evidence"]) == ("pass", "3 steps, simulated: verify_email, kyc_check.")


def test_a_service_is_to_have_answered_within_seven_days(sandbox: FlowBackend, site: Site) -> None:
    service = Service(sandbox.owner, site, f"/{sandbox.owner.owner_id}")
    publish(sandbox, steps=[{"step": "kyc_check", "service": service.id, "simulate": False}])
    assert "kyc_check was not tested in 7 days." in item(sandbox, "steps_deliverable")["evidence"]

    def test(reference: str, *, ends: str) -> None:
        person = Person(sandbox, sandbox.create(reference, shareable=True))
        eventually(lambda: sandbox.get(person.session_id)["status"] == ends)

    test("user-1", ends="success")
    assert state(sandbox, "steps_deliverable") == "pass"
    sandbox.server.clock.advance(60)
    service.says(404)
    test("user-2", ends="pending_review")
    found = item(sandbox, "steps_deliverable")
    assert (found["state"], "(status_404)" in found["evidence"]) == ("fail", True)
    sandbox.server.clock.advance(60)
    service.says({"status": "failed"})
    test("user-3", ends="failed")
    assert state(sandbox, "steps_deliverable") == "pass"
    sandbox.server.clock.advance(60)
    sandbox.owner.call("PATCH", f"/v1/step_services/{service.id}", 200, {"timeout_s": 5})
    assert "was changed after it was tested" in item(sandbox, "steps_deliverable")["evidence"]
    test("user-4", ends="failed")
    sandbox.server.clock.advance(7 * DAY_S)
    assert "was not tested" in item(sandbox, "steps_deliverable")["evidence"]


def test_a_gateway_of_text_messages_is_to_have_taken_one(sandbox: FlowBackend, site: Site) -> None:
    path = f"/sms/{sandbox.owner.owner_id}"
    gateway = {"url": site.url(path), "body": {"to": "{to}", "text": "{text}"}}
    sandbox.owner.call("PUT", "/v1/sms_gateway", 200, gateway)
    publish(sandbox, steps=[{"step": "verify_sms", "simulate": False}])
    for number, (status, expected) in enumerate(((500, "fail"), (202, "pass"))):
        site.paths[path] = lambda _, status=status: Reply(status=status)
        sandbox.server.clock.advance(60)
        Person(sandbox, sandbox.create(f"user-{number}", user={"phone": f"+4712345{number:03}"}, shareable=True))
        assert state(sandbox, "steps_deliverable") == expected
    sandbox.server.clock.advance(60)
    sandbox.owner.call("PUT", "/v1/sms_gateway", 200, {**gateway, "headers": {"X-Key": "k"}})
    assert "What verify_sms asks was changed after it was tested." in item(sandbox, "steps_deliverable")["evidence"]


def test_mail_that_nothing_sends_is_told_of(sandbox: FlowBackend) -> None:
    publish(sandbox, steps=[{"step": "verify_email", "simulate": False}])
    Person(sandbox, sandbox.create("user-1", user={"email": "ada@shop.example"}, shareable=True))
    found = item(sandbox, "steps_deliverable")
    assert (found["state"], "(mail_not_configured)" in found["evidence"]) == ("fail", True), found


def test_a_template_with_everything_in_order_is_ready(shared_server: Server, site: Site) -> None:
    backend = make(shared_server, "sandbox", allowed_origins=[RESOLVED], require_signed_requests=True, retention_days=30)
    page, receiver = FlowPage(backend, RESOLVED), Receiver(backend, site, signing="endpoint")
    page.open("user-1", signature=page.sign("user-1"))
    receiver.probe()
    second_secret(backend)
    found = checklist(backend)
    assert [each["id"] for each in found["items"] if each["state"] != "pass"] == ["signing_rules_read"]
    assert found["ready"] is False
    confirmed = backend.owner.call("POST", f"{address_of(backend)}/confirm", 200, {"item": "signing_rules_read"})
    assert confirmed["ready"] is True
    assert {each["state"] for each in confirmed["items"]} == {"pass"}
    told = accredit_command(shared_server, "checklist", backend.template_id)
    assert (told.exit_code, told.output.splitlines()[-1]) == (0, "It is ready to go live.")
    # A warning is no refusal.
    publish(backend, retention_days=None)
    assert checklist(backend)["ready"] is True
    publish(backend, signature_policy="optional")
    assert checklist(backend)["ready"] is False
    told = accredit_command(shared_server, "checklist", backend.template_id, "--json")
    assert told.exit_code == 1
    # By this machine's clock, which may say other times.
    by_command = [(each["id"], each["state"]) for each in json.loads(told.output)["items"]]
    assert by_command == [(each["id"], each["state"]) for each in checklist(backend)["items"]]


def accredit_command(server: Server, *arguments: str) -> Result:
    """The command on the server's database."""
    settings = {"ACCREDIT_DATABASE_URL": server.settings.database_url, "ACCREDIT_ROOT_KEY": ROOT_KEY}
    return CliRunner().invoke(command, list(arguments), env=settings)
