"""No log, metric, audit record or database page holds anything personal or secret in clear.

User ids, passport values, customer fields, tokens, signatures: protocol-embed.md scenario 19, protocol-boot.md scenario 20.
"""

import base64
import json
import time
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from accredit import generate_deployment_key, seal_passport, sign_deployment

from .booting import Booting
from .markers import Markers, forms_of

ORIGIN = "https://shop.example"
ADDRESS = "127.0.0.77"
CHANNEL = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def markers():
    return Markers(
        uid="user Ωmega/7c1e&+",
        erased_uid="user to be erased 8d02",
        refused_uid="user who is refused 51aa",
        value="passport välue 41d8 <Ada>",
        card="4111-2222-3333 ö 9e07",
        refused_value="passport of nobody 77b3",
        stored="stored dätum 5b2a",
        email="jäne.9c41@example.com",
        refused_email="refused.3be7@example.com",
        refused_field="customer field of nobody 60fd",
        address_1="81 Müller Street, 2nd floor",
        dob="1968-05-30T21:12:22.275Z",
        meta="loyalty number 77-1203",
        **{"broadband.provider": "Provider & Söhne 19"},
        address=ADDRESS,
        agent="Agent-of-a-person/31c9",
        referrer="https://shop.example/patients/0f4d",
    )


class Browser:
    """Posts forms from an address of its own, with the headers of a person's browser."""

    def __init__(self, program, markers):
        headers = {"Origin": ORIGIN, "User-Agent": markers["agent"], "Referer": markers["referrer"]}
        transport = httpx.HTTPTransport(local_address=ADDRESS)
        self._client = httpx.Client(base_url=program.url, headers=headers, transport=transport)

    def post(self, fields, path="/embed", **sent):
        return self._client.post(path, data=fields, **sent)

    def get(self, path):
        return self._client.get(path)

    def close(self):
        self._client.close()


@pytest.fixture
def program(start_program, database_url):
    environ = {"ACCREDIT_LOG_LEVEL": "debug", "ACCREDIT_ACCESS_LOG": "1", "ACCREDIT_REFUSALS_PER_MINUTE": "1000"}
    return start_program(database_url, **environ)


@pytest.fixture
def visitor(program, markers):
    browser = Browser(program, markers)
    yield browser
    browser.close()


def test_what_is_personal_or_secret_is_nowhere_in_clear(program, markers, visitor):
    owner = program.owner()
    markers.add("api key", owner.secret)
    schema = [{"name": "name"}, {"name": "card", "encrypted_only": True}]
    integration = owner.integration(name="a name in clear", passport_schema=schema, token_key_id="warn")
    key = owner.deployment_key()
    markers.add("deployment key", key["d"])

    admissions(owner, integration, key, markers, visitor)
    refusals(owner, integration, key, markers, visitor)
    exposures(owner, integration, markers, visitor)
    boots = Booting(owner, markers, visitor)
    boots.admissions()
    boots.refusals()
    boots.reports()
    reads(owner, integration, markers, visitor)

    metrics = program.metrics().encode()
    audit = json.dumps(everything(owner)).encode()
    raw = pages_of(program)
    program.terminate()
    assert program.wait() == 0
    log = program.log.read_bytes()
    database = raw + pages_of(program)
    places = {"log": log, "printed": program.printed.encode(), "metrics": metrics, "audit": audit, "database": database}
    assert {place: markers.found_in(octets) for place, octets in places.items()} == {place: set() for place in places}
    # What may be there is there, so the search sees what it looks at.
    assert Markers(name="a name in clear").found_in(database)
    assert Markers(integration=integration["integration_id"]).found_in(audit)
    for code in (b"passport_value_type", b"mac_mismatch", b"nonce_replayed"):
        assert code in log + metrics + audit
    assert log.count(b"\n") > 30


def admissions(owner, integration, key, markers, visitor):
    """Visits with and without a token, renewed, with stored data; some end, one user is erased, some stay open."""
    plain = owner.fields(integration, uid=markers["uid"], data_passport=json.dumps({"name": markers["value"]}))
    session = redeem(owner, markers, visitor.post(plain))
    assert (session["uid"], session["data_passport"]) == (markers["uid"], {"name": markers["value"]})
    owner.call("PUT", f"/v1/sessions/{session['session_id']}/user_data", 204, {"note": markers["stored"]})
    owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "success"})
    owner.call("GET", f"/v1/users/{quote(markers['uid'], safe='')}/data?integration_id={integration['integration_id']}")

    made = owner.call("POST", f"/v1/integrations/{integration['integration_id']}/passport_keys", 201, {})
    markers.add("passport key", made["jwk"]["k"])
    sealed = markers.add("sealed passport", seal_passport({"card": markers["card"]}, made["jwk"], alg="A128KW", enc="A128GCM"))
    token = signed(owner, integration, key, markers, uid=markers["uid"], encrypted_passport=sealed)
    session = redeem(owner, markers, visitor.post({"signed_deployment": token, "channel": CHANNEL}))
    assert session["data_passport"] == {"card": markers["card"]}
    token = signed(owner, integration, key, markers, uid=markers["uid"])
    renewed = visitor.post({"signed_deployment": token, "channel": CHANNEL}, "/embed/renew")
    code = markers.add("renewal code", renewed.json()["code"])
    assert owner.call("POST", "/v1/exchange", 200, {"code": code})["renews"] == session["session_id"]

    anonymous = redeem(owner, markers, visitor.post(owner.fields(integration)))
    markers.add("anonymous id", anonymous["anonymous_id"])
    redeem(owner, markers, visitor.post(owner.fields(integration, uid=markers["erased_uid"])))
    owner.call("DELETE", f"/v1/users/{quote(markers['erased_uid'])}?integration_id={integration['integration_id']}")
    hosted = owner.integration(application_url=None)
    assert visitor.post(owner.fields(hosted, uid=markers["uid"])).status_code == 200


def refusals(owner, integration, key, markers, visitor):
    """Proofs and bodies that are refused at each step."""
    stranger = generate_deployment_key().private_jwk
    fields = owner.fields(integration)
    uid, value = markers["refused_uid"], markers["refused_value"]
    ids = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
    forged = markers.add("forged token", sign_deployment({**ids, "uid": uid, "data_passport": {"name": value}}, stranger))
    single = signed(owner, integration, key, markers, uid=uid)
    assert visitor.post({"signed_deployment": single}).status_code == 303
    for refused in (
        {"signed_deployment": single},
        {"signed_deployment": forged},
        {"signed_deployment": forged[:-4]},
        {"signed_deployment": f"{uid}.{value}.x"},
        {**fields, "owner_id": "somebody", "uid": uid},
        {**fields, "uid": uid, "signed_deployment": signed(owner, integration, key, markers)},
        {**fields, "uid": f"{uid}\x00"},
        {**fields, "uid": uid, "data_passport": json.dumps({"name": [value]})},
        {**fields, "uid": uid, "data_passport": json.dumps({"card": value})},
        {**fields, "uid": uid, "encrypted_passport": f"{value}.a.b.c.d"},
        {**fields, "uid": uid, "channel": CHANNEL},
    ):
        path = "/embed/renew" if "channel" in refused else "/embed"
        assert visitor.post(refused, path).status_code == 403
    for malformed in (
        {**fields, "data_passport": value},
        {**fields, "view_id": value},
        {**fields, "channel": value},
        {uid: value},
    ):
        assert visitor.post(malformed).status_code == 400
    assert visitor.post(None, content=f"uid={uid}&uid={value}", headers=FORM).status_code == 400
    assert visitor.post(None, content=uid, headers={"Content-Type": value.replace(" ", "-")}).status_code == 415


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def exposures(owner, integration, markers, visitor):
    """Secrets that arrive where they must never be."""
    fields = owner.fields(integration)
    leaked = owner.call("POST", "/v1/keys", 201, {"purpose": "api"})
    secret = markers.add("leaked api key", leaked["secret"])
    assert visitor.post({**fields, "data_passport": json.dumps({"name": secret})}).status_code == 403
    leaked, kept = (owner.call("POST", "/v1/deployers/shop/secrets", 201, {})["secret"] for _ in range(2))
    for name, secret in (("leaked identity secret", leaked), ("identity secret", kept)):
        markers.add(name, secret)
        markers.add(f"octets of the {name}", base64.b64decode(secret).hex())
    assert visitor.post({**fields, "uid": leaked}).status_code == 403
    private = generate_deployment_key().private_jwk
    markers.add("private key", private["d"])
    refused = owner.call("POST", "/v1/deployers/shop/keys", 400, {"jwk": private})
    assert refused["code"] == "key_private_member"
    link = owner.call("POST", "/v1/deployers/shop/invitations", 201, {})["url"]
    token = markers.add("invitation", link.rpartition("/")[2])
    assert visitor.post({"jwk": json.dumps(private)}, f"/invitations/{token}").status_code == 400
    assert visitor.get(f"/invitations/{token}").status_code == 200


def reads(owner, integration, markers, visitor):
    """Addresses, queries and bodies that hold what they should, and what they should not."""
    known = f"integration_id={integration['integration_id']}"
    path = quote(markers["refused_uid"], safe="")
    owner.call("GET", f"/v1/users/{path}/data?{known}", 404)
    owner.call("GET", f"/v1/users/{path}/data", 400)
    owner.call("PUT", f"/v1/users/{path}/data?{known}", 400, [markers["refused_value"]])
    owner.call("GET", f"/v1/sessions?status={path}", 400)
    owner.call("POST", "/v1/exchange", 400, {"code": markers["refused_value"]})
    owner.call("POST", "/v1/exchange", 404, {"code": markers.add("unknown code", "Zm9yZ2VkIGNvZGU" + 27 * "Q" + "A")})
    for address in (f"/{path}", f"/v1/sessions/{path}", f"/docs?q={path}", f"/sdk/{path}/accredit.js"):
        assert visitor.get(address).status_code in (200, 401, 404)


def signed(owner, integration, key, markers, **properties):
    """A fresh single-use token, whose text and parts are secret."""
    ids = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
    token = sign_deployment({**ids, **properties}, key, now=int(time.time()))
    number = len(markers.texts)
    for part, text in zip(("payload", "signature"), token.split(".")[1:], strict=True):
        markers.add(f"{part} {number}", text)
    return token


def redeem(owner, markers, answer):
    """The session of an admission, whose code is secret."""
    assert answer.status_code == 303, answer.text
    code = markers.add(f"code {len(markers.texts)}", answer.headers["location"].rpartition("code=")[2])
    return owner.call("POST", "/v1/exchange", 200, {"code": code})


def everything(owner):
    """All audit records of the account."""
    page = owner.call("GET", "/v1/audit?limit=100")
    entries = page["entries"]
    while page["next_cursor"]:
        page = owner.call("GET", f"/v1/audit?limit=100&cursor={page['next_cursor']}")
        entries += page["entries"]
    return entries


def pages_of(program):
    """The octets of a SQLite database with its log, or all values of all tables on PostgreSQL."""
    if program.database_url.startswith("sqlite:"):
        path = Path(program.database_url.removeprefix("sqlite:///"))
        return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))
    with psycopg.connect(program.database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        values = [
            value for (table,) in tables for row in connection.execute(f'SELECT * FROM "{table}"').fetchall() for value in row
        ]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


def test_the_search_finds_every_form(markers):
    octets = markers["uid"].encode()
    for form in forms_of(markers["uid"]):
        assert markers.found_in(b"..." + form + b"...")
    for before in range(4):
        longer = bytes(before) + octets + b" and more"
        assert markers.found_in(base64.urlsafe_b64encode(longer))
        assert markers.found_in(longer.hex().encode())
    assert not markers.found_in(b"user Omega/7c1e&+")
