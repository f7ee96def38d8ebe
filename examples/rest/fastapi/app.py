"""Who is this visitor? A FastAPI site asks Accredit. The three steps of the integration are marked.

pip install 'accredit[client]' fastapi itsdangerous uvicorn
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

from accredit import AccreditError
from accredit.client import AsyncClient, CallbackUrls, SessionRequest, read_callback

accredit = AsyncClient(
    os.environ["ACCREDIT_URL"],
    client_id=os.environ["ACCREDIT_CLIENT_ID"],
    client_secret=os.environ["ACCREDIT_CLIENT_SECRET"],
    keys=[json.loads(os.environ["ANSWERS_KEY"])],
)


@asynccontextmanager
async def closing(_: FastAPI) -> AsyncIterator[None]:
    yield
    await accredit.close()


app = FastAPI(lifespan=closing)
app.add_middleware(SessionMiddleware, secret_key=os.environ["SITE_SECRET"])


@app.get("/", response_class=HTMLResponse)
def show(request: Request) -> str:
    name = request.session.get("name")
    return (
        f"Hello, {escape(name)}." if name else '<form method="post" action="/start"><button>Identify yourself</button></form>'
    )


@app.post("/start")
async def start(request: Request) -> RedirectResponse:
    # (1) Start: ask for the name, and send the browser where Accredit says.
    asked = SessionRequest(requested_attributes=("name",), callback_urls=CallbackUrls.to(str(request.url_for("come_back"))))
    session = await accredit.create(asked)
    request.session["asked"] = session.id
    return RedirectResponse(session.authentication_url, 303)


@app.get("/back")
async def come_back(request: Request) -> RedirectResponse:
    if "asked" not in request.session:
        return RedirectResponse("/", 303)
    # (2) Callback: read what this visitor's own session started, never what an address names.
    session = await accredit.get(request.session["asked"])
    if session.status == "SUCCESS" and session.subject is not None:
        # (3) Read: who finished is this browser, and nobody who was sent a link.
        session.check_nonce(read_callback(str(request.url)).session_nonce)
        request.session["name"] = session.subject.text("name")
    return RedirectResponse("/", 303)


@app.exception_handler(AccreditError)
async def refuse(_: Request, error: AccreditError) -> HTMLResponse:
    return HTMLResponse(f"That did not work ({error.code}).", error.status)
