"""What is observed of a template's use, on both databases and by two nodes: what it comes to, how long it is kept, what it is not.

tests/doors/flow/test_checklist.py asks for the whole checklist over HTTP.
"""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from accredit.server.checklist.checklist import read_checklist
from accredit.server.checklist.confirming import confirm_signing_rules
from accredit.server.checklist.observations import likeness_of
from accredit.server.checklist.pages import resolve_origins
from accredit.server.checklist.recording import forget_observations
from accredit.server.checklist.tunnels import TUNNEL_HOSTS, is_tunnel
from accredit.server.integrations.catalog import find_integration
from accredit.server.keyring.changes import Cause
from accredit.server.outbound import Outbound
from accredit.server.sessions.flow.redacting import redact_customer

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/flow.json").read_text(encoding="utf-8"))
TABLES = ("flow_tallies", "flow_references", "flow_clients", "step_tries")
DAY_S = 86_400


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["name"]) for case in VECTORS["cases"] if case["kind"] == "tunnel_host"]
)
def test_tunnel_host(case: dict[str, Any]) -> None:
    assert is_tunnel(case["inputs"]["host"]) == (case["expect"] == "tunnel_host")


def test_knows_the_tunnels_of_the_vectors() -> None:
    assert sorted(VECTORS["tunnel_hosts"]) == sorted(TUNNEL_HOSTS)


@pytest.mark.parametrize(
    ("reference", "likeness"),
    [
        *((text, "email") for text in ("a@b.example", " A.B+c@shop.example ", "ü@müller.example")),
        *((text, "phone") for text in ("+4712345678", "+1 (555) 123-4567", "555-123-4567", "(555) 123 4567")),
        *((text, None) for text in ("a@b", "@ada.b", "a b@c.d e", "4712345678", "0047123", "+1", "2024-01-23-001", "user+1")),
    ],
)
def test_tells_what_a_reference_looks_like(reference: str, likeness: str | None) -> None:
    assert likeness_of(reference) == likeness


def items(flow: Any) -> Any:
    """The items of a template by their names, as one node tells them; the other has ended, and written down what it noted."""
    flow.run(flow.second.observations.close())
    record = flow.run(flow.node.store.read(find_integration, flow.template_id))
    found = flow.run(read_checklist(flow.node, record))
    return {item.id: item for item in found.items}


def kept(flow: Any) -> dict[str, int]:
    """How many rows there are of the template."""
    return {
        table: flow.rows(f"SELECT COUNT(*) FROM {table} WHERE integration_id = ?", flow.template_id)[0][0] for table in TABLES
    }


def test_a_reference_of_many_clients_is_no_user_s(flow: Any) -> None:
    for number in range(5):
        flow.open("user-1", address=f"198.51.100.{number}", node=(flow.node, flow.second)[number % 2])
        flow.open(f"user-{number + 10}", address="198.51.100.200")
    # One network is one client, and a day has an end.
    flow.open("user-2", address="2001:db8::1")
    flow.open("user-1", address="198.51.100.4")
    flow.clock.advance(DAY_S)
    flow.open("user-1", address="198.51.100.77")
    assert items(flow)["references_persistent"].state == "pass"
    for number in range(6):
        flow.open("user-1", address=f"2001:db8:{number}::{number}", node=(flow.node, flow.second)[number % 2])
    found = items(flow)["references_persistent"]
    assert (found.state, "1 reference came from over 5 clients in a day." in found.evidence) == ("fail", True)
    # The reference is right from now on; that day is forgotten in time.
    for _ in range(4):
        flow.clock.advance(8 * DAY_S)
        flow.open("user-1")
    assert items(flow)["references_persistent"].state == "pass"


def test_spellings_that_two_nodes_saw_are_held_against_each_other(flow: Any) -> None:
    flow.open("User-1", node=flow.node)
    assert items(flow)["references_persistent"].state == "pass"
    flow.open("user-1 ", node=flow.second)
    assert "2 references differ" in items(flow)["references_persistent"].evidence
    for _ in range(4):
        flow.clock.advance(8 * DAY_S)
        flow.open("User-1")
        flow.run(flow.node.store.write(forget_observations, flow.clock()))
    assert items(flow)["references_persistent"].state == "pass"


def test_a_client_is_counted_over_midnight_and_all_nodes(flow: Any) -> None:
    flow.clock.advance(DAY_S - flow.clock.now_ms // 1000 % DAY_S - 60)
    for number in range(10):
        flow.open(f"user-{number}", True)
    flow.clock.advance(120)
    for number in range(9):
        flow.open(f"user-{number + 10}", True, node=flow.second)
    for number in range(20):
        flow.open(f"guest-{number}", address="198.51.100.8")
        flow.open(f"user-{number % 19}", True, address="198.51.100.9")
    assert items(flow)["signing_oracle"].state == "pass"
    flow.open("user-19", True)
    found = items(flow)["signing_oracle"]
    assert (found.state, found.evidence) == ("warn", "A client opened 20 signed references within 24 hours.")


def test_what_is_observed_goes_in_its_time(flow: Any) -> None:
    flow.open("user-1")
    flow.node.observations.note_step(flow.template_id, "kyc_check", None, flow.clock())
    items(flow)
    # A tally of the opening and one of its origin.
    assert kept(flow) == {"flow_tallies": 2, "flow_references": 1, "flow_clients": 1, "step_tries": 1}
    flow.clock.advance(2 * DAY_S)
    flow.run(flow.node.store.write(forget_observations, flow.clock()))
    assert kept(flow)["flow_clients"] == 0
    flow.clock.advance(27 * DAY_S)
    flow.run(flow.node.store.write(forget_observations, flow.clock()))
    assert (kept(flow)["flow_tallies"], kept(flow)["flow_references"]) == (2, 1)
    flow.clock.advance(DAY_S)
    flow.run(flow.node.store.write(forget_observations, flow.clock()))
    assert kept(flow) == {"flow_tallies": 0, "flow_references": 0, "flow_clients": 0, "step_tries": 1}


def test_who_is_erased_is_observed_no_more(flow: Any) -> None:
    flow.open("ada@shop.example")
    assert items(flow)["references_persistent"].state == "fail"
    # Another node has noted a visit, and not written it down yet.
    flow.open("ada@shop.example", node=flow.second)
    flow.run(redact_customer(flow.node, flow.scope, "ada@shop.example", flow.cause(), None))
    items(flow)
    flow.open("ada@shop.example")
    items(flow)
    assert (kept(flow)["flow_references"], kept(flow)["flow_clients"]) == (0, 0)
    assert items(flow)["references_persistent"].state == "pass"


def test_nothing_that_is_kept_tells_who_it_was(flow: Any) -> None:
    flow.open("ada@shop.example", address="198.51.100.33")
    items(flow)
    rows = str([flow.rows(f"SELECT * FROM {table} WHERE integration_id = ?", flow.template_id) for table in TABLES])
    assert "ada" not in rows.casefold()
    assert "198.51.100" not in rows
    # What the client is called here, nothing else calls it.
    (client_hash,) = flow.rows("SELECT client_hash FROM flow_clients WHERE integration_id = ?", flow.template_id)[0]
    assert client_hash != flow.node.sealer.server_mac("address", b"198.51.100.33")[:16]


def test_what_failed_last_counts(flow: Any) -> None:
    flow.publish(steps=[{"step": "verify_sms", "simulate": False}])
    notes = flow.node.observations
    for reason, state in (("sms_not_configured", "fail"), (None, "pass"), ("status_503", "fail"), (None, "pass")):
        flow.clock.advance(1)
        notes.note_step(flow.template_id, "verify_sms", reason, flow.clock())
        found = items(flow)["steps_deliverable"]
        assert (found.state, (reason or "1 step.") in found.evidence) == (state, True)
    flow.clock.advance(1)
    notes.note_step(flow.template_id, "verify_sms", "status_500", flow.clock())
    flow.clock.advance(1)
    # Both between two flushes: the later one counts.
    notes.note_step(flow.template_id, "verify_sms", None, flow.clock())
    assert items(flow)["steps_deliverable"].state == "pass"


def test_the_last_word_counts(flow: Any) -> None:
    record = flow.run(flow.node.store.read(find_integration, flow.template_id))
    for actor in ("ada", "bo"):
        flow.run(flow.node.store.write(confirm_signing_rules, (record, Cause(flow.clock(), actor=actor))))
    assert items(flow)["signing_rules_read"].evidence.endswith("by bo.")


def test_names_that_nobody_answers_for_just_now_are_unknown(flow: Any) -> None:
    failures = {
        "gone.example": socket.gaierror(socket.EAI_NONAME, "gone"),
        "later.example": socket.gaierror(socket.EAI_AGAIN, "later"),
        "slow.example": TimeoutError(),
    }

    async def resolve(host: str, _: int) -> list[str]:
        if host in failures:
            raise failures[host]
        return ["192.0.2.1"]

    flow.publish(allowed_origins=[f"https://{name}" for name in ("there.example:8443", *failures)])
    record = flow.run(flow.node.store.read(find_integration, flow.template_id))
    found = flow.run(resolve_origins(Outbound(resolve=resolve), record.policy))
    assert list(found.values()) == [True, False, None, None]
    behind_proxy = Outbound(resolve=resolve, proxy="http://proxy.example:3128")
    assert set(flow.run(resolve_origins(behind_proxy, record.policy)).values()) == {None}
