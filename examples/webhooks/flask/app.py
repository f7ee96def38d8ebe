"""Hears what happens at Accredit, in Flask. The three steps of a receiver are marked.

pip install accredit flask httpx
"""

import json
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from flask import Flask, request

from accredit import AccreditError, WebhookSecret, open_event, parse_decryption_key, verify_webhook

# During a rotation both, separated by spaces.
SECRETS = [WebhookSecret.from_text(text) for text in os.environ["WEBHOOK_SECRETS"].split()]
# The private half of the endpoint's encryption key; without one leave out `open_event`.
KEY = parse_decryption_key(json.loads(os.environ["WEBHOOK_KEY"]))
WEEK_S = 7 * 86_400

accredit = httpx.Client(
    base_url=os.environ["ACCREDIT_URL"], headers={"Authorization": f"Bearer {os.environ['ACCREDIT_API_KEY']}"}
)
# Your task queue, if you have one.
later = ThreadPoolExecutor(4)
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 512 * 1024


@app.post("/hooks")
def hear() -> tuple[str, int]:
    now = int(time.time())
    # (1) Verify the octets as they came, before anything reads them; then open them.
    try:
        event = open_event(verify_webhook(request.get_data(), request.headers, secrets=SECRETS, now=now), KEY)
    except AccreditError as error:
        return error.code, 401
    # (2) Drop what came before, and (3) answer first: what takes time comes afterwards.
    if is_new(event.id, now) and event.payload["data"]["object"] == "session":
        later.submit(ask, event.payload["data"]["id"])
    return "", 204


def is_new(event_id: str, now: int) -> bool:
    """Note an event for a week. Work that must outlive a crash is noted in the same transaction."""
    heard = sqlite3.connect(os.environ["HEARD"])
    with heard:
        heard.execute("CREATE TABLE IF NOT EXISTS heard (id TEXT PRIMARY KEY, at INTEGER NOT NULL)")
        heard.execute("DELETE FROM heard WHERE at < ?", (now - WEEK_S,))
        new = heard.execute("INSERT OR IGNORE INTO heard VALUES (?, ?)", (event_id, now)).rowcount == 1
    heard.close()
    return new


def ask(session_id: str) -> None:
    """How the session stands now, whatever came in whichever order; at the rest and flow doors `accredit.client` asks."""
    answer = accredit.get(f"/v1/sessions/{session_id}")
    if answer.status_code == 200:
        print("session", session_id, answer.json()["status"], flush=True)
