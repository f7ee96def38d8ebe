"""The other parties of an embedding, each a real HTTP server on an origin of its own: sites that embed, and an application.

The site is a deployer's: it serves the pages that a test writes. The application is the owner's: its backend redeems the code of a
frame by its API key, and its page speaks to the page around it through the SDK.
"""

import html
import itertools
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx

NONCE = "cGFnZQ"


@dataclass(frozen=True)
class Answer:
    """What a party answers."""

    body: str
    status: int = 200
    headers: Mapping[str, str] | None = None


class _Server(ThreadingHTTPServer):
    # A browser keeps connections open in advance; nobody waits for those at the end.
    daemon_threads = True


class Party:
    """A server that runs until it is closed. host: what browsers call it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        party = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(party.get(self.path))

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                self._send(party.post(self.path, json.loads(sent)))

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                sent = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", **(answer.headers or {})}
                for name, value in sent.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body.encode())

            def log_message(self, *_: Any) -> None:
                """The tests say what went wrong."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.origin = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def get(self, path: str) -> Answer:
        raise NotImplementedError

    def post(self, path: str, sent: Any) -> Answer:
        return Answer("", 404)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Site(Party):
    """A site that embeds. fresh: what its backend gives a page that asks for fresh fields."""

    def __init__(self, accredit_url: str, host: str = "127.0.0.1") -> None:
        self.fresh: Callable[[], dict[str, Any]] | None = None
        self._accredit_url = accredit_url
        self._pages: dict[str, Answer] = {"/favicon.ico": Answer("", 204)}
        self._numbers = itertools.count(1)
        super().__init__(host)

    def get(self, path: str) -> Answer:
        if path == "/fresh" and self.fresh is not None:
            return Answer(json.dumps(self.fresh()), headers={"Content-Type": "application/json"})
        return self._pages.get(path, Answer("No such page", 404))

    def serve(self, body: str, **headers: str) -> str:
        """The address of a new page."""
        path = f"/page/{next(self._numbers)}"
        self._pages[path] = Answer(body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return self.origin + path

    def embed(self, *calls: Mapping[str, Any], script: str = "", **headers: str) -> str:
        """The address of a new page that calls `init` with each of these fields; `location` is `#one` by default.

        What the SDK tells is kept in `told`, as [location, kind, value]; the handles in `handles`. script: runs after the calls.
        """
        return self.serve(self.page(*calls, script=script), **headers)

    def page(self, *calls: Mapping[str, Any], script: str = "") -> str:
        """Such a page itself."""
        return _PAGE % (NONCE, self._accredit_url, NONCE, _in_script(calls), script)


_PAGE = """<!doctype html>
<html lang="en">
<title>Shop</title>
<h1>Shop</h1>
<p><button id="before">Before</button></p>
<div id="one" class="place"></div>
<div id="two" class="place"></div>
<p><button id="after">After</button></p>
<script nonce="%s" src="%s/sdk/accredit.js" data-global="mmob"></script>
<script nonce="%s">
for (const place of document.querySelectorAll(".place")) Object.assign(place.style, { width: "600px", height: "300px" });
window.told = [];
window.handles = [];
window.mount = (fields) => {
  const location = fields.location ?? "#one";
  const tell = (kind) => (value) => told.push([location, kind, value]);
  const listeners = { on_ready: tell("ready"), on_event: tell("event"), on_error: tell("error") };
  if (fields.fresh) listeners.on_renew = async () => (await fetch("/fresh")).json();
  const handle = accredit.init({ location, ...listeners, ...fields });
  handles.push(handle);
  return handle;
};
for (const fields of %s) mount(fields);
%s
</script>
</html>"""


class Application(Party):
    """The application that is embedded. sessions: what its backend was told for each code. url: where its frames begin."""

    _CLOSED: ClassVar = Answer("<!doctype html><title>Closed</title><p>Nothing to see here</p>", 403)

    def __init__(self, accredit_url: str, backend: httpx.Client) -> None:
        self.sessions: list[dict[str, Any]] = []
        self._accredit_url = accredit_url
        self._backend = backend
        super().__init__()

    @property
    def url(self) -> str:
        return f"{self.origin}/start"

    def get(self, path: str) -> Answer:
        address = urlsplit(path)
        session = self._redeem(parse_qs(address.query).get("code", [""])[0]) if address.path == "/start" else None
        if session is None:
            return self._CLOSED
        nonce = secrets.token_urlsafe(8)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; form-action 'none';"
            f" frame-ancestors {' '.join(session['frame_ancestors'])}"
        )
        told = {name: session[name] for name in ("origin", "channel", "door", "expires_at")}
        name = html.escape(session["uid"] or "visitor")
        body = _APPLICATION % (name, session["view_id"] or "", nonce, self._accredit_url, nonce, _in_script(told))
        return Answer(body, headers={"Content-Security-Policy": policy})

    def post(self, path: str, sent: Any) -> Answer:
        session = self._redeem(sent["code"])
        if session is None:
            return Answer("", 403)
        told = {"expires_at": session["expires_at"], "uid": session["uid"]}
        return Answer(json.dumps(told), headers={"Content-Type": "application/json"})

    def _redeem(self, code: str) -> dict[str, Any] | None:
        answer = self._backend.post("/v1/exchange", json={"code": code})
        if answer.status_code != 200:
            return None
        self.sessions.append(answer.json())
        return self.sessions[-1]


_APPLICATION = """<!doctype html>
<html lang="en">
<title>Application</title>
<h1>Hello %s</h1>
<p>View <span id="view">%s</span></p>
<button id="buy">Buy</button>
<script nonce="%s" src="%s/sdk/accredit.js"></script>
<script nonce="%s">
const { origin, channel, door, expires_at } = %s;
window.document_id = Math.random();
window.heard = [];
const on_renewed = async ({ code }) => {
  const answer = await fetch("/renewed", { method: "POST", body: JSON.stringify({ code }) });
  const { expires_at, uid } = await answer.json();
  heard.push(["renewed", uid]);
  connection.ready(expires_at);
};
const on_renew_failed = () => heard.push(["renew_failed"]);
window.connection = accredit.connect({ origin, channel, door, on_renewed, on_renew_failed });
connection.ready(expires_at);
document.getElementById("buy").onclick = () => connection.event("cart.added", { sku: "A1" });
</script>
</html>"""


def _in_script(value: Any) -> str:
    """JSON that no text in it can end the script element of."""
    return json.dumps(value).replace("<", "\\u003c")
