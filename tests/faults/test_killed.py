"""Whatever was answered for survives: `kill -9`, and being asked to stop (design.md section 8)."""

import socket
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

import pytest

from .visitors import ORIGIN, Visitors, redeem, visit


def test_a_killed_server_loses_no_answered_session_and_no_recorded_refusal(program, rows, audit_holds):
    owner = program.owner()
    fields = owner.fields(owner.integration())

    def fields_of(number):
        wrong = {"owner_id": "somebody-else"} if number % 10 == 0 else {}
        return {**fields, **wrong, "uid": f"user-{number}"}

    # As many as there is room for, so that at any moment some have just been answered and others are about to be.
    with Visitors(program, fields_of, connections=16, pace_s=0) as visitors:
        visitors.until(303, 300)
        program.kill()
    program.start()

    sessions = redeem(owner, visitors.codes)
    assert len(sessions) >= 300
    assert (
        len({session["session_id"] for session in sessions}) == len({session["uid"] for session in sessions}) == len(sessions)
    )
    stored = {session_id for (session_id,) in rows(program.database_url, "SELECT id FROM sessions")}
    assert {session["session_id"] for session in sessions} <= stored
    refused = {answer.request_id for answer in visitors.answers if answer.status == 403}
    recorded = {request_id for (request_id,) in rows(program.database_url, "SELECT request_id FROM audit")}
    assert refused
    assert refused <= recorded
    assert audit_holds(program)


# What a store keeps is seen above, on both engines; how a server stops has nothing to do with it.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_is_asked_to_stop_answers_what_it_has_accepted(program):
    owner = program.owner()
    fields = owner.fields(owner.integration())
    with Visitors(program, lambda number: {**fields, "uid": f"user-{number}"}) as visitors:
        visitors.until(303, 20)
        waiting = [Interrupted(program.port, {**fields, "uid": f"slow-{number}"}) for number in range(20)]
        # What is answered long after they were sent comes after they were read.
        visitors.until(303, 24)
        program.terminate()
        answers = [each.finish() for each in waiting]
    assert program.wait() == 0
    assert [answer.status for answer in answers] == 20 * [303]

    program.start()
    codes = [answer.headers["Location"].partition("code=")[2] for answer in answers]
    assert {session["uid"] for session in redeem(owner, codes)} == {f"slow-{number}" for number in range(20)}
    assert len(redeem(owner, visitors.codes)) >= 44


class Interrupted:
    """A request of which the server has read the headers and half of the body."""

    def __init__(self, port, fields):
        self._body = urlencode(fields).encode()
        self._half = len(self._body) // 2
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        head = f"POST /embed HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {ORIGIN}\r\nContent-Length: {len(self._body)}\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        self._socket.sendall(f"{head}{form}".encode() + self._body[: self._half])

    def finish(self):
        """The answer to the whole of it."""
        self._socket.sendall(self._body[self._half :])
        answer = HTTPResponse(self._socket, method="POST")
        answer.begin()
        answer.read()
        self._socket.close()
        return answer


def test_a_session_that_was_redeemed_before_a_kill_stays_redeemed(program):
    owner = program.owner()
    fields = owner.fields(owner.integration())
    connection = HTTPConnection("127.0.0.1", program.port, timeout=20)
    code = visit(connection, fields).code
    connection.close()
    session = owner.call("POST", "/v1/exchange", 200, {"code": code})
    ended = owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "success"})
    program.kill()
    program.start()
    assert owner.call("POST", "/v1/exchange", 404, {"code": code})["code"] == "code_unknown"
    assert owner.call("GET", f"/v1/sessions/{session['session_id']}") == ended
