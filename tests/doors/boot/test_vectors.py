"""Every vector of the boot door from the outside: signatures and bodies through POST /boot, secrets through the API.

One server for all cases of a database, at the hour of the vectors; before each case its tables are as they were on the first day.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from accredit.encoding import b64_decode
from accredit.server.keyring.identity_secrets import identity_hash
from accredit.server.keyring.records import KeyRecord, insert_record
from accredit.server.keyring.scope import SERVER
from accredit.server.store import bump_config, one_by_one

from ..conftest import Clock

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "vectors/boot.json").read_text(encoding="utf-8"))["cases"]
ORIGIN = "https://shop.example"
CP, CPD = "cp_" + "A" * 21, "cpd_" + "B" * 21
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def cases_of(*kinds: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["kind"] in kinds]


@pytest.fixture
def clock():
    return Clock(1_700_000_000_000)


@pytest.fixture
def server(start_server, database_url):
    return start_server(database_url, refusals_per_minute=10_000)


@pytest.fixture
def owner(server):
    return server.owner()


@one_by_one
def _forget(tx, _item) -> None:
    for table in ("sessions", "integrations", "integration_versions", "deployers"):
        tx.execute(f"DELETE FROM {table}")
    tx.execute("DELETE FROM keys WHERE purpose <> 'api'")
    bump_config(tx)


def prepare(server, owner, case, **policy) -> None:
    """The integration that a case speaks of, and nothing else."""
    inputs = case["inputs"]
    server.clock.now_ms = inputs.get("now", 1_700_000_000) * 1000
    server.run(server.node.store.write(_forget, None))
    owner._deployers.clear()
    asked = {name: inputs[name] for name in ("identity_v2", "identity_origin", "window_s") if name in inputs}
    ids = {"integration_id": inputs.get("cp_deployment_id", CPD)}
    owner.boot_integration(inputs.get("cp_id", CP), **ids, **asked, **policy)
    for secret in inputs.get("secrets", ()):
        keep_secret(server, owner, inputs["cp_id"], secret)


def keep_secret(server, owner, deployer_id, secret) -> None:
    """The vector's own secret under the vector's own key id, as the server would have kept it."""
    sealer, octets = server.node.sealer, b64_decode(secret["secret_base64"])
    for scope in (SERVER, owner.scope):
        server.run(sealer.ready(scope))
    record = KeyRecord(
        key_id=secret["key_id"],
        scope=owner.scope,
        purpose="identity",
        label="",
        created_ms=server.clock.now_ms,
        deployer_id=deployer_id,
        secret=sealer.seal(owner.scope, octets, row=secret["key_id"], column="keys.secret"),
        secret_hash=identity_hash(sealer, octets),
    )

    @one_by_one
    def keep(tx, _item) -> None:
        insert_record(tx, record)
        bump_config(tx)

    server.run(server.node.store.write(keep, None))


def outcome(server, owner, answer) -> dict[str, Any] | str:
    """What the application's backend learns, or the code in the audit record."""
    if answer.status_code == 303:
        code = answer.headers["location"].partition("code=")[2]
        return owner.call("POST", "/v1/exchange", 200, {"code": code})
    request_id = answer.headers["x-request-id"]
    ((code, detail),) = server.rows("SELECT code, detail FROM audit WHERE request_id = ?", request_id)
    if answer.status_code == 403:
        assert code not in answer.text
    else:
        assert (answer.status_code, code in answer.text) == (415 if code == "media_type_unsupported" else 400, True)
        member = json.loads(detail).get("member")
        assert member is None or member in answer.text
    return code


@pytest.mark.parametrize("as_json", [False, True], ids=["form", "json"])
def test_every_signature(server, owner, as_json):
    surprises = {}
    for case in cases_of("identity_v1", "identity_v2"):
        prepare(server, owner, case)
        answers = [
            post_signature(server, case["inputs"], as_json) for _ in range(1 + len(case["inputs"].get("nonces_seen", ())))
        ]
        seen = outcome(server, owner, answers[-1])
        if isinstance(seen, dict):
            proof = (seen["uid"] or "", seen["trust"], f"identity_v{seen['proof']['version']}")
            seen = "valid" if proof == (case["inputs"]["email"], "signed", case["kind"]) else proof
        if seen != case["expect"]:
            surprises[case["name"]] = (case["expect"], seen)
    assert surprises == {}


def post_signature(server, inputs, as_json):
    """As a page at the vector's origin posts it, or the app that it names."""
    body = {name: inputs[name] for name in ("cp_id", "cp_deployment_id", "signature")}
    body |= inputs.get("fields", {"email": inputs["email"]})
    origin = inputs.get("origin", ORIGIN)
    if origin is not None and origin.startswith("app:"):
        _, body["identifier_type"], body["identifier_value"] = origin.split(":")
        origin = None
    if not as_json:
        body = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in body.items()}
    return server.boot(body, origin=origin, as_json=as_json)


def test_every_body(server, owner):
    surprises = {}
    for case in cases_of("boot_body"):
        inputs = case["inputs"]
        for media_type, content in bodies_of(case):
            prepare(server, owner, case, level="BASIC")
            answer = server.http.post("/boot", content=content, headers={"Content-Type": media_type, "Accept": "text/html"})
            seen = outcome(server, owner, answer)
            wrong = "other values" if isinstance(seen, dict) and not agrees(server, seen, case) else None
            verdict = "valid" if isinstance(seen, dict) else seen
            member = case.get("member") if media_type == inputs["content_type"] else None
            if verdict != case["expect"] or wrong or (member and f"<code>{member}</code>" not in answer.text):
                surprises[case["name"], media_type] = (case["expect"], wrong or seen)
    assert surprises == {}


def bodies_of(case):
    """The body of a case, and where JSON could say the same, or a form, that too."""
    inputs = case["inputs"]
    yield inputs["content_type"], inputs["body"]
    pairs = parse_qsl(inputs["body"], keep_blank_values=True)
    if inputs["content_type"] == FORM and len(dict(pairs)) == len(pairs):
        yield JSON, json.dumps(dict(pairs))
    elif case["expect"] == "valid" and inputs["content_type"] == JSON:
        members = json.loads(inputs["body"])
        info = members.pop("customerInfo", {})
        broadband = info.pop("broadband", {})
        flat = members | info | {f"broadband[{name}]": value for name, value in broadband.items()}
        yield FORM, as_pairs(flat)


def as_pairs(members) -> bytes:
    texts = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in members.items()}
    return urlencode({name: "null" if value is None else value for name, value in texts.items()}).encode()


def agrees(server, session, case) -> bool:
    """Whether a session is what the case says."""
    boot, info = case["result"]["boot"], dict(session["customer_info"])
    info |= {f"broadband.{name}": value for name, value in info.pop("broadband", {}).items()}
    ((stored,),) = server.rows("SELECT warnings FROM sessions WHERE id = ?", session["session_id"])
    dropped = [each.partition(":")[2] for each in json.loads(stored) if each.startswith("field_dropped")]
    app = {"type": boot["identifier_type"], "value": boot["identifier_value"]} if "identifier_type" in boot else None
    return (info, dropped, session["app"]) == (case["result"]["customer_info"], case["result"]["dropped"], app) and (
        session["deployer_id"],
        session["integration_id"],
        session["view_id"],
        session["locale"],
        session["environment"],
    ) == (boot["cp_id"], boot["cp_deployment_id"], boot.get("page"), boot.get("locale"), "live")


def test_every_secret(server, owner):
    for number, case in enumerate(cases_of("identity_secret")):
        path = f"/v1/deployers/{owner.deployer(f'cp_{number}')}/secrets"
        answer = owner.api.post(path, json={"secret": case["inputs"]["secret_base64"]})
        if case["expect"] == "valid":
            assert (answer.status_code, "secret" in answer.json()) == (201, False), case["name"]
        else:
            told = answer.json()
            assert (answer.status_code, told["code"], told["member"]) == (400, case["expect"], "secret"), case["name"]
