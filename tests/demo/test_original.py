"""A client of the original at a demo: its request and its code as they are printed, with another address and other credentials."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import accredit
from accredit.server.demo.reading import read_page

TESTS = Path(__file__).parents[1]
REQUEST = (TESTS / "interop" / "python" / "original_request.json").read_text(encoding="utf-8")
PROGRAM = TESTS / "interop" / "python" / "original.py"
KEYS = json.loads((TESTS / "vectors" / "rest.json").read_text(encoding="utf-8"))["keys"]
# The person's own words; quotes are in no name of theirs, so the sample's way of reading shows them right.
SUBJECT = {"firstName": "Åse Synnøve", "lastName": "Ødegård", "dateOfBirth": "1985-03-17"}


@pytest.fixture
def backend(start):
    """A client of the demo with an access token, as the original gets one."""
    told = json.loads(start("--port", "0", "--json").stdout.readline())
    with httpx.Client(base_url=told["accredit"], headers={"Accept": "application/json"}) as http:
        form = {"grant_type": "client_credentials", "scope": "signicat-api"}
        client = told["client"]["client_id"], told["client"]["client_secret"]
        token = http.post("/auth/open/connect/token", data=form, auth=client).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


def open_as_the_original(body):
    """What the original's program prints of an answer; it reads what to insert from standard input."""
    inserted = json.dumps({"jwe_serialized": body, "jwe_private_key": KEYS["sample"]["private"]})
    done = subprocess.run(
        [sys.executable, "-X", "utf8", PROGRAM], input=inserted, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sign_in(address):
    """What the person does on the page; the address that the browser is sent to."""
    with httpx.Client() as browser:
        page = browser.get(address, follow_redirects=True)
        form = {"token": read_page(page.text).hidden["token"], "person": "no-1", "outcome": "success"}
        return browser.post(page.url.copy_with(path=f"{page.url.path}/provider"), data=form).headers["location"]


def test_the_request_and_the_code_of_the_original_work_as_they_are_printed(backend):
    created = backend.post("/auth/rest/sessions", content=REQUEST, headers={"Content-Type": "application/json"})
    assert (created.status_code, created.headers["content-type"]) == (200, "application/jose")
    parts = [len(part) for part in created.text.split(".")]
    assert (parts[:3], parts[4]) == ([70, 342, 22], 22)
    session = open_as_the_original(created.text)
    assert session["status"] == "CREATED"

    back = sign_in(session["authenticationUrl"])
    assert back == f"https://postman-echo.com/get?status=success&sessionId={session['id']}"
    answer = backend.get(f"/auth/rest/sessions/{session['id']}")
    told = open_as_the_original(answer.text)
    assert told["status"] == "SUCCESS"
    assert told["subject"].items() >= SUBJECT.items()
    assert accredit.open_sealed(answer.text, [accredit.parse_decryption_key(KEYS["sample"]["private"])]) == told
    assert backend.get(f"/auth/rest/sessions/{session['id']}").content == answer.content


def test_who_sends_the_published_private_key_is_told_and_may_go_on_in_the_sandbox(backend):
    """Everybody has it, so there is nothing to burn; in live the pair is refused (tests/doors/rest)."""
    whole = json.loads(REQUEST) | {"encryptionPublicKey": KEYS["sample"]["private"]}
    (fault,) = backend.post("/auth/rest/sessions", json=whole).json()["invalidParams"]
    assert (fault["name"], fault["code"]) == ("encryptionPublicKey.d", "key_private_part")
    again = backend.post("/auth/rest/sessions", content=REQUEST, headers={"Content-Type": "application/json"})
    assert again.status_code == 200
