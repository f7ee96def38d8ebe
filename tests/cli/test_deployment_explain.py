"""`accredit deployment explain`: the verdict is the gate's for every vector, each step is told, and no value is."""

import json
import re

from accredit.cli.deployment.case import Asked
from accredit.cli.deployment.judging import find_case
from accredit.deployment import peek_deployment
from accredit.passport import seal_passport
from accredit.properties import DirectProperties
from accredit.server.app import open_node
from accredit.server.gate import admit_deployment
from accredit.server.sessions.opening import Visitor, open_session
from accredit.server.settings import Settings

# At which step the gate stops, for the codes that can come of two.
FIRST_STEP = {"extra_header_kid": 4, "es256_header": 4, "owner_absent": 6, "alg_none": 1}
STEPS = {
    **dict.fromkeys(("jws_malformed", "jws_header_not_allowed", "jws_alg_not_allowed", "missing_required_property"), 1),
    **dict.fromkeys(("payload_malformed", "payload_duplicate_member", "payload_not_object"), 1),
    **dict.fromkeys(("jws_signature_invalid", "jws_key_unknown"), 4),
}


def options_of(vectors, inputs, directory):
    """A vector's circumstances as options."""
    options = ["--now", str(inputs["now"]), "--audience", inputs["issuer"], "--origin", inputs["origin"]]
    for name in inputs["keys"]:
        path = directory / f"{name}.jwk"
        path.write_text(json.dumps(vectors["keys"][name]["jwk"]))
        options += ["--key", path.name]
    policy = {**inputs["policy"], "strict_passport": inputs.get("strict_passport", False)}
    if inputs.get("schema") is not None:
        policy["passport_schema"] = inputs["schema"]
    options += [part for name, value in policy.items() for part in ("--policy", f"{name}={json.dumps(value)}")]
    direct = {name: value if isinstance(value, str) else json.dumps(value) for name, value in inputs["direct"].items()}
    return [*options, *(part for name, value in direct.items() for part in ("--direct", f"{name}={value}"))]


def values_of(document):
    """The texts in a payload that nobody else should read: not ids, not the server's own address."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name not in ("deployer_id", "integration_id", "owner_id", "view_id", "aud", "origins"):
                yield from values_of(value)
    elif isinstance(document, str) and len(document) > 3:
        yield document


def test_agrees_with_every_vector_and_tells_no_value(accredit, vectors):
    cases = [case for case in vectors["cases"] if case["kind"] == "deployment_token"]
    for case in cases:
        name, inputs, expected = case["name"], case["inputs"], case["expect"]
        if expected == "deployer_mismatch":  # Needs a database that knows whose the integration is.
            continue
        options = options_of(vectors, inputs, accredit.directory)
        done = accredit(
            "deployment", "explain", inputs["token"], *options, "--show-payload", "--json", code=0 if expected == "valid" else 1
        )
        assert done.json["code"] == (None if expected == "valid" else expected), name
        failed = [step["number"] for step in done.json["steps"] if step["status"] == "fail"]
        later = 5 if expected.startswith("token_") else 6
        stopped = FIRST_STEP.get(name, STEPS.get(expected, later))
        if name == "old_token_under_require":
            stopped = 4  # Its header lacks kid already.
        assert failed == ([] if expected == "valid" else [stopped]), name
        shown = accredit("deployment", "explain", inputs["token"], *options, code=done.code).out
        told = json.dumps(done.json["steps"]) + shown
        for value in values_of(done.json.get("payload")):
            assert value not in told, name
    assert len(cases) == 59


def test_tells_each_step_of_a_token_that_would_be_admitted(on_database, set_up, words):
    set_up(on_database)
    on_database(
        "integration", "set", "checkout", 'allowed_origins=["https://shop.example"]', "quota_per_day=9", "token_expiry=warn"
    )
    ids = ("--deployer", "shop", "--integration", "checkout", "--owner", "example", "--uid", "user-1", "--passport", "name=Ada")
    token = on_database("deployment", "sign", "--key", "shop.jwk", *ids).out.strip()
    shown = on_database("deployment", "explain", token, "--origin", "https://shop.example").out
    lines = shown.splitlines()
    assert [line.split()[:3] for line in lines[:8]] == [
        [str(number), name, "pass"]
        for number, name in enumerate(
            ("Shape", "Integration", "Origin", "Signature", "Freshness", "Properties", "Quota", "Replay"), start=1
        )
    ]
    assert "deployer_id, integration_id, owner_id, uid, data_passport" in shown
    assert "0 of 9 sessions were opened today" in shown
    assert "It would be admitted." in shown
    assert "warning: token_claim_missing:exp" in shown
    assert "user-1" not in shown
    assert "Ada" not in shown
    assert '"uid": "user-1"' in on_database("deployment", "explain", token, "--show-payload").out


def test_stops_where_the_gate_stops_and_says_that_the_rest_was_not_reached(shop, sign):
    done = shop("deployment", "explain", sign()[:-8], code=1)
    lines = [line for line in done.out.splitlines() if re.match(r"\d ", line)]
    assert [line.split()[2] for line in lines] == ["pass"] * 3 + ["fail"] + [
        "skipped"
    ] * 4 or "Origin       skipped" in done.out
    assert done.out.count("Not reached.") == 4
    assert "It would be refused: jws_signature_invalid." in done.out


def test_says_what_a_key_file_cannot_tell(shop, sign):
    told = shop(
        "deployment",
        "explain",
        sign("--extended", "--audience", "https://x.example", "--origin", "https://y.example"),
        "--key",
        "shop.jwk",
        "--policy",
        "token_key_id=warn",
        "--json",
    ).json
    assert [step["number"] for step in told["steps"] if step["status"] == "skipped"] == [2, 3, 7, 8]
    assert "Not held against anything: aud, origins" in told["steps"][4]["sentence"]


def test_changes_nothing(shop, sign):
    database = shop.directory / "accredit-data" / "accredit.sqlite"
    token = sign()
    before = (shop("audit", "verify", "--json").json, database.read_bytes())
    shop("deployment", "explain", token)
    shop("deployment", "explain", token, "--origin", "https://evil.example", "--policy", "origin_check=require", code=1)
    assert (shop("audit", "verify", "--json").json, database.read_bytes()) == before


def test_judges_by_a_policy_that_is_only_thought_of(shop, sign):
    token = sign()
    assert shop("deployment", "explain", token).code == 0
    assert "token_claim_missing" in shop("deployment", "explain", token, "--policy", "token_profile=require", code=1).out
    assert shop("integration", "show", "checkout", "--json").json["version"] == 1


def test_tells_of_integrations_that_are_not_there_or_not_theirs(shop, sign):
    shop("deployer", "create", "other")
    shop("integration", "create", "theirs", "--deployer", "other")

    def explained(*options):
        token = sign(*options)
        done = shop("deployment", "explain", token, "--json", code=1).json
        (failed,) = [step for step in done["steps"] if step["status"] == "fail"]
        return failed["number"], failed["code"], failed["hint"]

    assert explained("--integration", "nothing")[:2] == (2, "integration_unknown")
    assert explained("--integration", "theirs") == (
        2,
        "deployer_mismatch",
        "theirs belongs to deployer other; the token names shop.",
    )
    assert explained("--owner", "somebody")[:2] == (6, "owner_mismatch")
    shop("integration", "set", "checkout", "enabled=false")
    number, code, hint = explained()
    assert (number, code) == (2, "integration_disabled")
    assert "enabled=true" in hint


def test_opens_encrypted_passports_where_the_key_is_given(shop, sign):
    made = shop("keys", "create", "--purpose", "passport", "--integration", "checkout", "--out", "passport.jwk", "--json").json
    key = json.loads((shop.directory / "passport.jwk").read_text())
    (shop.directory / "properties.json").write_text(json.dumps({"encrypted_passport": seal_passport({"card": "4111"}, key)}))
    token = sign("--properties", "properties.json")
    assert made["key"]["purpose"] == "passport"
    assert shop("deployment", "explain", token, "--json").json["steps"][5]["status"] == "pass"
    unopened = shop("deployment", "explain", token, "--key", "shop.jwk", "--json").json
    assert (unopened["verdict"], unopened["steps"][5]["status"]) == ("holds", "skipped")
    opened = shop("deployment", "explain", token, "--key", "shop.jwk", "--passport-key", "passport.jwk", "--json").json
    assert opened["steps"][5]["status"] == "pass"
    assert "4111" not in json.dumps(opened)


async def open_one(directory, token):
    """Opens a session as the door does."""
    settings = Settings(data_dir=directory / "accredit-data")
    async with open_node(settings, exclusive=False) as node:
        asked = Asked(node.clock(), {}, DirectProperties(), None, settings.public_url)
        case = await find_case(node, peek_deployment(token), asked)
        await node.sealer.ready(case.integration.scope)
        admission = admit_deployment(case.proof, case.integration, case.keys, case.visit, case.now_ms)
        await open_session(node.store, node.sealer, admission, Visitor("request"), now_ms=case.now_ms, with_code=True)


def test_looks_at_quota_and_replay_beforehand(shop, sign, run):
    shop("integration", "set", "checkout", "token_profile=warn", "quota_per_day=2")
    token = sign("--extended")
    assert "Its jti was not used before." in shop("deployment", "explain", token).out
    run(open_one(shop.directory, token))
    told = shop("deployment", "explain", token, "--json", code=1).json
    assert (told["code"], told["steps"][6]["status"], told["steps"][7]["status"]) == ("token_replayed", "pass", "fail")
    assert told["steps"][6]["sentence"] == "1 of 2 sessions were opened today."
    assert "Sign a token for each page view" in told["steps"][7]["hint"]
    told = shop("deployment", "explain", token, "--policy", "quota_per_day=1", "--json", code=1).json
    assert (told["code"], told["steps"][6]["status"], told["steps"][7]["status"]) == ("quota_exceeded", "fail", "skipped")
