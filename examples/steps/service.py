"""A service that decides steps of a flow, in the standard library and accredit: it checks names, and has documents looked at.

    STEP_SECRET=whsec_... python service.py 9100

POST /steps is where call-outs arrive. `kyc_check` is answered at once. Every other step is answered later: the person is sent to
/documents/{id}, and what is pressed there goes to the call-out's callback_url.
"""

import html
import json
import os
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import accredit

# During a rotation both, newest first, separated by spaces.
SECRETS = os.environ["STEP_SECRET"].split()
PORT = int(sys.argv[1])
# Call-outs by their id: what comes twice, because our answer got lost, is answered the same. Yours belong into a database.
CALLS: dict[str, dict] = {}
MAX_BYTES = 64 * 1024


def decide(call: dict) -> dict:
    """The answer to a call-out."""
    if call["step"] == "kyc_check":
        name = call["input"].get("name")
        if name is None:
            return {"status": "pending_review", "detail": {"name": {"summary": "no_input"}}}
        known = name["last"] != "Nobody"
        summary = {"summary": "match" if known else "no_data"}
        return {"status": "success" if known else "failed", "detail": {"name": summary}}
    return {"status": "pending", "continue_url": f"http://localhost:{PORT}/documents/{call['id']}"}


def answer_later(call: dict, answer: dict) -> None:
    """Tell Accredit how a step ended that was pending. Raises HTTPError: 409 where somebody has told already, or it is over."""
    body = json.dumps(answer).encode()
    signed = accredit.sign_webhook(body, event_id=call["id"], secrets=SECRETS[:1], now=int(time.time()))
    request = urllib.request.Request(call["callback_url"], body, signed)
    with urllib.request.urlopen(request, timeout=10):
        pass


class Service(BaseHTTPRequestHandler):
    """Call-outs, and the page that people are sent to."""

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BYTES))
        if self.path == "/steps":
            self.take_callout(body)
        else:
            self.take_document()

    def take_callout(self, body: bytes) -> None:
        try:
            event = accredit.verify_webhook(body, self.headers.items(), secrets=SECRETS, now=int(time.time()))
        except accredit.AccreditError as error:
            self.reply(401, {"error": error.code})
            return
        call = CALLS.setdefault(event.id, event.payload)
        self.reply(200, decide(call))

    def take_document(self) -> None:
        call = CALLS.get(self.path.rpartition("/")[2])
        if call is None:
            self.reply(404, {"error": "not_found"})
            return
        answer_later(call, {"status": "success"})
        self.send_response(303)
        self.send_header("Location", call["return_url"])
        self.end_headers()

    def do_GET(self) -> None:
        call = CALLS.get(self.path.rpartition("/")[2])
        if call is None:
            self.reply(404, {"error": "not_found"})
            return
        step = html.escape(call["step"])
        page = f"<!doctype html><title>{step}</title><form method=post><button>My document is in order</button></form>"
        self.send(200, "text/html; charset=utf-8", page.encode())

    def reply(self, status: int, answer: dict) -> None:
        self.send(status, "application/json", json.dumps(answer).encode())

    def send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: addresses have ids in them."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", PORT), Service) as server:
        print(f"listens on http://127.0.0.1:{PORT}", flush=True)
        server.serve_forever()
