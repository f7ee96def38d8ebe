"""Who is this visitor? A Flask site asks Accredit. The three steps of the integration are marked.

pip install 'accredit[client]' flask
"""

import json
import os

from flask import Flask, redirect, request, session, url_for
from markupsafe import escape
from werkzeug.wrappers import Response

from accredit import AccreditError
from accredit.client import CallbackUrls, Client, SessionRequest, read_callback

accredit = Client(
    os.environ["ACCREDIT_URL"],
    client_id=os.environ["ACCREDIT_CLIENT_ID"],
    client_secret=os.environ["ACCREDIT_CLIENT_SECRET"],
    keys=[json.loads(os.environ["ANSWERS_KEY"])],
)

app = Flask(__name__)
app.secret_key = os.environ["SITE_SECRET"]
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


@app.get("/")
def show() -> str:
    name = session.get("name")
    return (
        f"Hello, {escape(name)}." if name else '<form method="post" action="/start"><button>Identify yourself</button></form>'
    )


@app.post("/start")
def start() -> Response:
    # (1) Start: ask for the name, and send the browser where Accredit says.
    back = CallbackUrls.to(url_for("come_back", _external=True))
    asked = accredit.create(SessionRequest(requested_attributes=("name",), callback_urls=back))
    session["asked"] = asked.id
    return redirect(asked.authentication_url, 303)


@app.get("/back")
def come_back() -> Response:
    if "asked" not in session:
        return redirect("/", 303)
    # (2) Callback: read what this visitor's own session started, never what an address names.
    asked = accredit.get(session["asked"])
    if asked.status == "SUCCESS" and asked.subject is not None:
        # (3) Read: who finished is this browser, and nobody who was sent a link.
        asked.check_nonce(read_callback(request.url).session_nonce)
        session["name"] = asked.subject.text("name")
    return redirect("/", 303)


@app.errorhandler(AccreditError)
def refuse(error: AccreditError) -> tuple[str, int]:
    return f"That did not work ({error.code}).", error.status
