"""A stolen database of the rest door reveals nobody (protocol-rest.md sections 9 and 17, scenarios 4, 5 and 18).

Searched are the files of SQLite and a dump by `pg_dump`, with the logs, for every text that a person, a caller or a provider brought;
and then all is tried that can be done with the root key.
"""

import asyncio
import json
import subprocess
import time
from pathlib import Path

import httpx
import pytest

import accredit
from accredit.errors import AccreditError
from accredit.server.app import open_node
from accredit.server.keyring.scope import Scope
from accredit.server.settings import Settings

from ..doors.rest.person import Person
from ..program import ROOT_KEY
from ..rest_backend import make_backend
from .markers import forms_of

ADDRESS, AGENT = "127.0.0.78", "Agent-of-a-person/77b0"
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rest.json").read_text(encoding="utf-8"))
PERSON = next(each for each in VECTORS["sandbox_persons"] if each["person"] == "no-1")
ATTRIBUTES = ["name", "firstName", "lastName", "dateOfBirth", "nin", "email", "phoneNumber", "gender", "nationality", "nbidSid"]
# What a provider is told and no answer gives back; the e-mail address and the number are the person's.
PREFILLED = {
    "nin": PERSON["nin"]["value"],
    "userName": "user näme 51c0",
    "deviceId": "device-of-a-person-93ab",
    "bankAccountNumber": "NO9386011117947",
    "organisation": "Employer of a person 0e2f",
}
PARAMETERS = {"note-of-a-caller-4f1d": "value of a caller's note 6be9"}


@pytest.fixture
def program(start_program, database_url):
    return start_program(database_url, ACCREDIT_LOG_LEVEL="debug", ACCREDIT_ACCESS_LOG="1")


@pytest.fixture
def backend(program):
    return make_backend(program.owner(environment="sandbox"), plain_personal_input="allow", session_nonce="always")


@pytest.fixture
def dump(program, request):
    """The database as a thief gets it: on SQLite its files, on PostgreSQL what `pg_dump` writes."""

    def take():
        if program.database_url.startswith("sqlite:"):
            path = Path(program.database_url.removeprefix("sqlite:///"))
            return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))
        binaries = request.getfixturevalue("postgresql_server").binaries
        command = [binaries / "pg_dump", "--inserts", program.database_url]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return take


def texts_of(value):
    """Every text in a JSON value."""
    if isinstance(value, dict | list):
        return {text for each in (value.values() if isinstance(value, dict) else value) for text in texts_of(each)}
    return {value} if isinstance(value, str) else set()


def found(octets, texts):
    """Those of the texts that stand there in any form; of short ones, which chance would find encoded, the text alone."""
    forms = {text: forms_of(text) if len(text.encode()) >= 6 else {text.encode()} for text in texts}
    return {text for text, written in forms.items() if any(form in octets for form in written)}


def browse(program, made, outcome):
    """A person with an address and a browser of its own, to the end; the browser's secrets."""
    transport = httpx.HTTPTransport(local_address=ADDRESS)
    with httpx.Client(base_url=program.url, transport=transport, headers={"User-Agent": AGENT}) as http:
        person = Person(http)
        person.open(made)
        token = person.page.forms[0].fields["token"]
        answer = person.press("Continue", person="no-1", outcome=outcome)
        assert answer.status_code == 303
        nonce = httpx.URL(answer.headers["location"]).params["sessionNonce"]
        return {made["authenticationUrl"].rpartition("key=")[2], token, nonce, *http.cookies.values()}


def headless(backend, **members):
    """A session that ends without a browser."""
    made = backend.create(flow="headless", **members)
    return wait_for_end(backend, made["id"])


def wait_for_end(backend, session_id):
    deadline = time.monotonic() + 20
    while (session := backend.get(session_id))["status"] == "WAITING_FOR_USER":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return session


def test_a_database_and_logs_hold_nothing_of_the_person(program, backend, dump):
    key = {"encryptionPublicKey": backend.key()}
    asked = {"requestedAttributes": ATTRIBUTES, "allowedProviders": ["nbid"], "prefilledInput": PREFILLED}
    secret = {backend.secret, backend.token, backend.owner.secret}
    ended, told = [], set()
    for members in (key, {}):
        made = backend.create(
            **asked, **members, additionalParameters=PARAMETERS, headers={"Idempotency-Key": f"key {len(ended)}"}
        )
        told |= browse(program, made, "success")
        parameters = {**PARAMETERS, "sandbox_after": "0"}
        ended += [backend.get(made["id"]), headless(backend, **asked, **members, additionalParameters=parameters)]
    assert [each["status"] for each in ended] == ["SUCCESS"] * 4
    assert ended[0]["environment"] == {"ipAddress": ADDRESS, "userAgent": AGENT}
    # One that is open: its input is there, under the data key.
    open_one = backend.create(**asked, additionalParameters=PARAMETERS)
    refuse_all(backend)
    # Once more whatever reads: a list, events and audit.
    listed = backend.send("GET").json()["sessions"]
    assert {each["id"] for each in listed} == {each["id"] for each in (*ended, open_one)}
    audit = json.dumps(backend.owner.call("GET", "/v1/audit?limit=100")).encode()

    texts = texts_of([each["subject"] for each in ended]) | texts_of([PREFILLED, PARAMETERS, list(PARAMETERS)])
    # A headless session has none: no browser finishes it.
    nonces = {each["sessionNonce"] for each in ended if "sessionNonce" in each}
    assert len(nonces) == 2
    texts |= nonces | {ADDRESS, AGENT} | told | secret | texts_of(REFUSED)
    texts = {text for text in texts if len(text) > len(PERSON["nationality"])}
    assert texts >= {
        "Ødegård",
        "Åse Synnøve",
        "17838549969",
        "female",
        "sandbox-no-1",
        "no-1@sandbox.test",
        ended[0]["subject"]["id"],
    }
    while_it_runs, metrics = dump(), program.metrics().encode()
    program.terminate()
    assert program.wait() == 0
    places = {"database": while_it_runs + dump(), "log": program.log.read_bytes() + program.printed.encode()}
    places |= {"audit": audit, "metrics": metrics}
    assert {place: found(octets, texts - KNOWN) for place, octets in places.items()} == {place: set() for place in places}
    # What may be there is there, so the search sees what it looks at.
    assert found(places["database"], {backend.client_id, "https://shop.example/cb?status=abort"}) != set()
    assert b"rest.refused" in places["audit"]
    assert places["log"].count(b'"message":"request"') > 30


# What a number is, in every country.
KNOWN = {"PERSON"}
PRIVATE = accredit.generate_encryption_key(alg="ECDH-ES").private_jwk
REFUSED = {
    "members of a private key": [PRIVATE["d"], PRIVATE["x"], PRIVATE["y"]],
    "kid": "kid of a private key 2c77",
    "value": "refused välue of a caller 8a1e",
}


def refuse_all(backend):
    """Requests that are refused, with something of a person or a private key in them."""
    value = REFUSED["value"]
    private = {**PRIVATE, "kid": REFUSED["kid"]}
    assert backend.create(status=400, encryptionPublicKey=private)["invalidParams"][0]["name"] == "encryptionPublicKey.d"
    public = {name: text for name, text in private.items() if name != "d"}
    assert backend.create(status=400, encryptionPublicKey=public)["invalidParams"][0]["code"] == "key_denied"
    for members in (
        {"prefilledInput": {"email": value}},
        {"prefilledInput": {value: value}},
        {"additionalParameters": {"sandbox_person": value}},
        {"additionalParameters": {value: [value]}},
        {"requestedAttributes": [value]},
        {"allowedProviders": [value[:30]]},
        {"flow": value},
        {"callbackUrls": {"success": value}},
        {"encryptionKeyId": value},
    ):
        assert value not in json.dumps(backend.create(status=400, **members), ensure_ascii=False)
    for content in (value.encode(), f'{{"{value}":1,"{value}":2}}'.encode()):
        answer = backend.send("POST", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
    backend.send("GET", f"/{REFUSED['kid'].replace(' ', '-')}", params={"sessionNonce": value})
    backend.send("GET", params={"externalReference": value, "cursor": value})
    assert backend.server.http.get(f"/auth/callback/x?state={value}&code={value}").status_code == 404
    assert backend.server.http.get("/auth/session/x", params={"key": value}).status_code == 404


# The same octets are in the same columns of both engines.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_with_the_root_key_a_session_that_has_a_key_stays_shut(program, backend, rows):
    asked = {"requestedAttributes": ATTRIBUTES, "allowedProviders": ["nbid"], "prefilledInput": PREFILLED}
    sealed = headless(backend, **asked, encryptionPublicKey=backend.key(), additionalParameters={"sandbox_after": "0"})
    plain = headless(backend, **asked, additionalParameters={"sandbox_after": "0"})
    database_url, scope = program.database_url, backend.owner.scope
    stored = dict(rows(database_url, "SELECT id, answer FROM sessions"))
    parts = rows(database_url, "SELECT sealed FROM sessions WHERE sealed IS NOT NULL")
    program.terminate()
    program.wait()
    opened = asyncio.run(open_all(database_url, scope, stored))
    # The thief's tools work: what only the data key protects is open to who has the root key.
    assert json.loads(opened[plain["id"]])["subject"]["lastName"] == PERSON["lastName"]
    assert sealed["id"] not in opened
    assert parts == []
    # It is sealed to the caller's key, and to no other.
    assert bytes(stored[sealed["id"]]).count(b".") == 4
    assert accredit.open_sealed(bytes(stored[sealed["id"]]), backend.keys) == sealed


async def open_all(database_url, scope: Scope, stored):
    """What the root key opens, by the id of its row, of whichever column it may be."""
    opened = {}
    async with open_node(Settings(database_url=database_url, root_key=ROOT_KEY), exclusive=False) as node:
        await node.sealer.ready(scope)
        for row, octets in stored.items():
            for column in ("sessions.answer", "sessions.sealed"):
                try:
                    opened[row] = node.sealer.open(scope, bytes(octets), row=row, column=column)
                except AccreditError:
                    continue
    return opened


def test_after_redaction_nothing_is_left_for_anybody(program, backend, rows):
    asked = {"requestedAttributes": ATTRIBUTES, "allowedProviders": ["nbid"], "prefilledInput": PREFILLED}
    finished = headless(backend, **asked, additionalParameters={"sandbox_after": "0"})
    waiting = backend.create(**asked)
    listed = backend.send("POST", f"/{finished['id']}/redact").json()
    assert backend.send("POST", f"/{waiting['id']}/redact").json()["code"] == "session_active"
    assert backend.send("DELETE", f"/{waiting['id']}").status_code == 204
    backend.get(finished["id"], 410)
    backend.get(waiting["id"], 404)
    assert backend.send("GET").json()["sessions"] == [listed]
    # Nothing is left that a key could open, and nothing that tells two persons apart.
    sql = "SELECT sealed, answer FROM sessions UNION ALL SELECT request_hash, browser_hash FROM rest_sessions"
    assert set(rows(program.database_url, sql)) == {(None, None)}


def test_the_search_finds_what_is_there():
    texts = texts_of(PERSON) - {"no-1", "NO"}
    assert len(texts) > 8
    for text in texts:
        for octets in (text.encode(), json.dumps(text).encode()):
            assert text in found(b"..." + octets + b"...", texts)
