"""Every vector of the embed door from the outside: tokens and encrypted passports through POST /embed, keys through the API.

One server for all cases of a database; before each case its tables are as they were on the first day.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from accredit.encoding import compact_json
from accredit.keys import secret_hash
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.keyring.records import KeyRecord, insert_record
from accredit.server.keyring.scope import Scope
from accredit.server.store import bump_config, one_by_one

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/embed.json").read_text(encoding="utf-8"))
ISSUER = "https://id.owner.example"
NOW_MS = 1_700_000_000_000


def cases_of(kind: str) -> list[dict[str, Any]]:
    return [case for case in VECTORS["cases"] if case["kind"] == kind]


@pytest.fixture
def clock(clock):
    clock.now_ms = NOW_MS
    return clock


@pytest.fixture
def server(start_server, database_url):
    return start_server(database_url, public_url=ISSUER, refusals_per_minute=10_000)


class Owners:
    """The account of each owner that the vectors name, and a clean slate before each case."""

    def __init__(self, server) -> None:
        self.server = server
        self._known: dict[str, Any] = {}

    def ready(self, owner_id: str):
        self.server.run(self.server.node.store.write(_forget, None))
        if owner_id not in self._known:
            wanted = NewAccount(account_id=owner_id)
            self.server.run(create_account(self.server.node.store, wanted, self.server.cause()))
            self._known[owner_id] = self.server.owner(owner_id)
        owner = self._known[owner_id]
        owner._deployers.clear()
        return owner


@one_by_one
def _forget(tx, _item) -> None:
    for table in ("sessions", "integrations", "integration_versions", "deployers"):
        tx.execute(f"DELETE FROM {table}")
    tx.execute("DELETE FROM keys WHERE purpose <> 'api'")
    bump_config(tx)


def outcome(server, owner, answer) -> dict[str, Any] | str:
    """What the application's backend learns, or the code in the audit record of the refusal."""
    if answer.status_code == 303:
        code = answer.headers["location"].partition("code=")[2]
        session = owner.call("POST", "/v1/exchange", 200, {"code": code})
        ((warnings,),) = server.rows("SELECT warnings FROM sessions WHERE id = ?", session["session_id"])
        passport = [warning for warning in json.loads(warnings) if warning.startswith("passport_")]
        return {**session, "warnings": passport}
    request_id = answer.headers["x-request-id"]
    assert request_id in answer.text
    ((code,),) = server.rows("SELECT code FROM audit WHERE request_id = ?", request_id)
    # All that was refused from the token's shape on looks the same, and names no rule.
    assert answer.status_code == 403
    assert code not in answer.text
    return code


def test_every_deployment_token(server):
    owners = Owners(server)
    surprises = {}
    for case in cases_of("deployment_token"):
        inputs = case["inputs"]
        owner = owners.ready(inputs["integration"]["owner_id"])
        answer = post_token(server, owner, inputs)
        seen = outcome(server, owner, answer)
        if isinstance(seen, dict):
            seen = {name: seen[name] for name in case["result"]} if case["expect"] == "valid" else "valid"
        if seen != case.get("result", case["expect"]):
            surprises[case["name"]] = (case["expect"], seen)
    assert surprises == {}


def post_token(server, owner, inputs):
    wanted = inputs["integration"]
    policy = {name: inputs[member] for name, member in (("passport_schema", "schema"),) if member in inputs}
    policy |= {"strict_passport": inputs.get("strict_passport", False), **inputs["policy"]}
    owner.integration(wanted["deployer_id"], integration_id=wanted["integration_id"], **policy)
    # The keys are the signer's, who in one case is another deployer than the integration's.
    for deployer_id in {wanted["deployer_id"], "your-deployer-id"}:
        owner.deployer(deployer_id)
        for name in inputs["keys"]:
            key = VECTORS["keys"][name]
            owner.call("POST", f"/v1/deployers/{deployer_id}/keys", 201, {"jwk": key["jwk"], "alg": key["alg"]})
    direct = {name: value if isinstance(value, str) else json.dumps(value) for name, value in inputs["direct"].items()}
    return server.embed({"signed_deployment": inputs["token"], **direct}, origin=inputs["origin"])


def test_every_encrypted_passport(server):
    owners = Owners(server)
    signing = VECTORS["keys"]["es512"]
    surprises = {}
    for case in cases_of("encrypted_passport"):
        inputs = case["inputs"]
        owner = owners.ready("your-owner-id")
        integration = owner.integration(
            "your-deployer-id",
            integration_id=inputs["integration_id"],
            passport_envelope=inputs.get("passport_envelope", "off"),
        )
        owner.call("POST", "/v1/deployers/your-deployer-id/keys", 201, {"jwk": signing["jwk"]})
        keep_passport_key(server, owner, inputs)
        uid = {} if inputs["uid"] is None else {"uid": inputs["uid"]}
        token = owner.token(integration, signing["private_jwk"], encrypted_passport=inputs["encrypted_passport"], **uid)
        seen = outcome(server, owner, server.embed({"signed_deployment": token}))
        if isinstance(seen, dict):
            assert seen["server_only"] == list(seen["data_passport"])
            seen = {"passport": seen["data_passport"], "warnings": seen["warnings"]}
        if seen != case.get("result", case["expect"]):
            surprises[case["name"]] = (case["expect"], seen)
    assert surprises == {}


def keep_passport_key(server, owner, inputs) -> None:
    """The vector's own key, as the server would have made it."""
    key, sealer = inputs["key"], server.node.sealer
    server.run(sealer.ready(owner.scope))
    record = KeyRecord(
        key_id="key_vector",
        scope=Scope(owner.scope.account_id, owner.scope.environment),
        purpose="passport",
        label="",
        created_ms=NOW_MS,
        integration_id=inputs["integration_id"],
        alg=key["alg"],
        enc=key["enc"],
        secret=sealer.seal(owner.scope, compact_json(key["jwk"]), row="key_vector", column="keys.secret"),
        secret_hash=secret_hash(json.dumps(key["jwk"])),
    )

    @one_by_one
    def keep(tx, _item) -> None:
        insert_record(tx, record)
        bump_config(tx)

    server.run(server.node.store.write(keep, None))


def test_every_deployment_key(server):
    owners = Owners(server)
    surprises = {}
    for case in cases_of("deployment_key"):
        owner = owners.ready(f"owner-of-{case['name']}")
        owner.deployer("shop")
        answer = owner.api.post("/v1/deployers/shop/keys", json=case["inputs"])
        seen = answer.json()["key"]["thumbprint"] if answer.status_code == 201 else answer.json()["code"]
        if seen != case.get("result", {}).get("thumbprint", case["expect"]):
            surprises[case["name"]] = (case["expect"], answer.text)
    assert surprises == {}
