"""What is tried with the rental's sessions, and what goes wrong without any ill will: each over HTTP, each with its outcomes.

Whoever attacks sees the public key and all that passes a browser, and never has the rental's private key, nor its client secret.
"""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import accredit
from accredit.encoding import b64url_decode, compact_json
from accredit.errors import SealedError
from accredit.server.demo.backend_api import problem_error
from accredit.server.demo.demo import Demo
from accredit.server.demo.rest.backend import Flow, RentalDesk
from accredit.server.demo.rest.person import Person
from accredit.server.demo.scenarios.scenario import Outcome

Outcomes = tuple[Outcome, ...]
Attack = Callable[[Demo, RentalDesk], Awaitable[Outcomes]]
AUTO = {"sandbox_auto": "true", "sandbox_person": "no-1"}
_BROWSER = {"Origin": "https://kestrel.example", "Sec_Fetch_Site": "same-origin"}


def name_of(session: dict[str, Any]) -> str:
    """The person that an opened answer tells of."""
    return f"{session['subject']['firstName']} {session['subject']['lastName']}"


def told_by(session: dict[str, Any]) -> Outcome:
    """How a session stands, and who it is."""
    return Outcome(session["status"], who=name_of(session) if "subject" in session else None)


async def ask(desk: RentalDesk, nonce: str | None, flow: Flow = "redirect", **members: Any) -> dict[str, Any]:
    """A session, opened as it was asked for: signed if there is a nonce. Raises the AccreditError that the answer names."""
    heard = await desk.create(desk.body(flow, nonce, **members))
    if heard.status != 200:
        raise problem_error(json.loads(heard.body))
    return desk.open(heard.body) if nonce is None else await desk.open_signed(heard.body, nonce)


async def finish(desk: RentalDesk, nonce: str | None) -> tuple[dict[str, Any], str]:
    """A session that ended well, as it was created, and the session nonce that the browser brought back."""
    session = await ask(desk, nonce, allowedProviders=["nbid"], additionalParameters=AUTO)
    async with Person() as person:
        place = await person.identify(session)
    desk.tell("person", "Person", "Was identified, and came back", place.query["ended"])
    return session, place.query["sessionNonce"]


async def open_as_original(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """No attack: a key without a name, no nonce, no signature, as the published design has it."""
    made = await asyncio.to_thread(accredit.generate_encryption_key)
    original = desk.with_key(made.private_jwk)
    session, session_nonce = await finish(original, None)
    heard = await original.read(session["id"], session_nonce)
    header = b64url_decode(heard.body.split(".")[0]).decode()
    original.tell("rental", "Header", "Of the answer", header)
    return Outcome(heard.media_type), told_by(original.open(heard.body))


async def forge(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """Whoever knows the public key seals an answer of their own, about somebody else."""
    session, session_nonce = await finish(desk, "forge")
    real = await desk.open_signed((await desk.read(session["id"], session_nonce)).body, "forge", session["id"])
    subject = real["subject"] | {"firstName": "Mallory", "lastName": "Moss"}
    key = accredit.parse_encryption_key(desk.public_jwk)
    forged = accredit.seal_response(compact_json(real | {"subject": subject}), key).decode()
    believed = Outcome("opened", who=name_of(desk.open(forged)))
    return believed, await _verdict(desk, forged, "forge", session["id"])


async def swap(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """Two sessions are over, and the answer about one is handed in for the other."""
    nonce = secrets.token_hex(8)
    (first, first_nonce), (second, _) = await finish(desk, nonce), await finish(desk, nonce)
    heard = await desk.read(first["id"], first_nonce)
    swapped = await _verdict(desk, heard.body, nonce, second["id"])
    return swapped, await _verdict(desk, heard.body, nonce, first["id"])


async def keep(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """An answer to an earlier request is handed in for a new one."""
    kept = (await desk.create(desk.body("redirect", "of-yesterday"))).body
    return (await _verdict(desk, kept, "of-today"),)


async def bring_another(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """Somebody ends a session of their own, and a victim's browser is sent to the rental with its id."""
    session, session_nonce = await finish(desk, "visit")
    guessed = await desk.read(session["id"], "A" * 22)
    left_out = await desk.read(session["id"])
    right = await desk.read(session["id"], session_nonce)
    told = await desk.open_signed(right.body, "visit", session["id"])
    return Outcome(guessed.code), Outcome(left_out.code), told_by(told)


async def read_as_stranger(demo: Demo, desk: RentalDesk) -> Outcomes:
    """Another account's client asks for the rental's session, by its id and under the rental's account."""
    session = await ask(desk, "ours")
    stranger = desk.with_credentials(demo.keys.stranger_client)
    foreign = await stranger.read(session["id"])
    named = await stranger.send("GET", f"/{session['id']}", params={"accountId": desk.credentials.account_id})
    return Outcome(foreign.code), Outcome(named.code)


async def hand_in_private(demo: Demo, desk: RentalDesk) -> Outcomes:
    """A developer sends the whole key pair. Afterwards the public half is used, as it should have been."""
    made = accredit.generate_encryption_key("ECDH-ES")
    sent = desk.body("redirect", encryptionPublicKey=made.private_jwk)
    first = await desk.create(sent)
    second = await desk.create(sent | {"encryptionPublicKey": made.public_jwk})
    found = await asyncio.to_thread(_find_in_database, demo, str(made.private_jwk["d"]))
    return Outcome(first.code), Outcome(second.code), Outcome("kept somewhere" if found else "kept nowhere")


async def leave_out_key(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """The Finnish Trust Network is asked for without a key, then everybody is."""
    plain = desk.body("redirect", encryptionPublicKey=None)
    named = await desk.create(plain | {"allowedProviders": ["ftn"]})
    anybody = json.loads((await desk.create({name: value for name, value in plain.items() if name != "allowedProviders"})).body)
    async with Person() as person:
        offered = (await person.go(anybody["authenticationUrl"])).html
    shown = "offered" if 'value="ftn"' in offered else "not offered"
    desk.tell(
        "person", "Person", "Looks at the choice", f"ftn is {shown}", "nbid is offered" if 'value="nbid"' in offered else ""
    )
    return Outcome(json.loads(named.body)["code"]), Outcome(f"ftn is {shown}")


async def expose_secret(demo: Demo, desk: RentalDesk) -> Outcomes:
    """A client secret stands in a page, whose script asks for a token. Afterwards the backend does."""
    path = f"/v1/api_clients/{desk.credentials.client_id}/secrets"
    made = (await demo.rental_owner.call("POST", path, {"label": "to be exposed"})).body
    exposed = desk.with_credentials(replace(desk.credentials, secret=made["secret"]))
    before, leaked = await exposed.ask_for_token(), await exposed.ask_for_token(**_BROWSER)
    after = await exposed.ask_for_token()
    return Outcome(before.code), Outcome(leaked.code), Outcome(after.code)


async def look_first(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """A mail scanner follows the link before the person does."""
    session = await ask(desk, "scanned", allowedProviders=["nbid"])
    async with Person() as scanner, Person() as person:
        scanned = await scanner.go(str(session["authenticationUrl"]))
        place = await person.sign_in(await person.go(str(session["authenticationUrl"])))
        late = await scanner.go(scanned.url)
    desk.tell("person", "Scanner", "Opened the link first, and is shown nothing any more", f"status {late.status}")
    heard = await desk.read(session["id"], place.query["sessionNonce"])
    told = await desk.open_signed(heard.body, "scanned", session["id"])
    return Outcome(f"{late.status} for the scanner"), told_by(told)


async def retry(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """A create request is sent again, because its answer was lost; then another one under the same name."""
    named = {"Idempotency_Key": secrets.token_hex(8)}
    first, second = [await desk.create(desk.body("redirect", "retry"), **named) for _ in range(2)]
    ids = {(await desk.open_signed(each.body, "retry"))["id"] for each in (first, second)}
    other = await desk.create(desk.body("redirect", "retry", tags=["van"]), **named)
    return Outcome("one session" if len(ids) == 1 else "two sessions"), Outcome(other.code)


async def read_twice(_demo: Demo, desk: RentalDesk) -> Outcomes:
    """A session that is over is read twice, and cancelled."""
    session, session_nonce = await finish(desk, "twice")
    read = [(await desk.read(session["id"], session_nonce)).body for _ in range(2)]
    late = await desk.send("POST", f"/{session['id']}/cancel")
    return Outcome("the same octets" if read[0] == read[1] else "other octets"), Outcome(late.code)


async def steal_database(demo: Demo, desk: RentalDesk) -> Outcomes:
    """Somebody copies the whole data directory, root key included, after a person was identified."""
    session, session_nonce = await finish(desk, "stolen")
    heard = await desk.read(session["id"], session_nonce)
    told = await desk.open_signed(heard.body, "stolen", session["id"])
    texts = [
        *(str(told["subject"][name]) for name in ("firstName", "lastName", "dateOfBirth")),
        told["subject"]["nin"]["value"],
    ]
    found = await asyncio.to_thread(_find_in_database, demo, *texts)
    kept = await asyncio.to_thread(_kept_answer, demo, session["id"])
    desk.tell("rental", "Data directory", "Searched for what the answer tells", *(f"{len(text)} letters" for text in texts))
    same = "the sealed answer" if kept == heard.body.encode() else "something else"
    return Outcome("nobody’s data" if not found else "a name"), Outcome(same)


async def _verdict(desk: RentalDesk, body: str, nonce: str, session_id: str | None = None) -> Outcome:
    try:
        session = await desk.open_signed(body, nonce, session_id)
    except SealedError as error:
        desk.refuse("Refused to believe it", error.code)
        return Outcome(error.code)
    return told_by(session)


def _find_in_database(demo: Demo, *texts: str) -> bool:
    octets = b"".join(path.read_bytes() for path in demo.data_dir.iterdir() if path.is_file())
    spellings = {spelled for text in texts for spelled in (text, json.dumps(text)[1:-1])}
    return any(text.encode() in octets for text in spellings)


def _kept_answer(demo: Demo, session_id: str) -> bytes:
    with sqlite3.connect(f"file:{demo.data_dir / 'accredit.sqlite'}?mode=ro", uri=True) as database:
        (answer,) = database.execute("SELECT answer FROM sessions WHERE id = ?", (session_id,)).fetchone()
    database.close()
    return bytes(answer)
