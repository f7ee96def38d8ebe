"""The packages `standardwebhooks` of both registries: what we and our server sign they verify, and what they sign we do."""

import email.message
import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import multidict
import pytest
import standardwebhooks
import starlette.datastructures
import werkzeug.datastructures
from django.http.request import HttpHeaders

import accredit
from accredit.server.events.bodies import FlowFacts, body_of, event_id_of
from accredit.server.events.records import StoredEvent
from accredit.server.store import Store

from ..server.events.conftest import Desk

Call = Callable[..., Any]
BODIES = ['{"id":"evt_1"}', '{"id":"evt_1","name":"Zoë","emoji":"😀"}', '{ "id" : "evt_1" ,\n "data":{"a":[1,null]}}\n']


class Python:
    """The package of Python; its clock is the machine's, so ours is too."""

    def verify(self, secret: str, body: str, headers: dict[str, str]) -> Any:
        return standardwebhooks.Webhook(secret).verify(body, headers)

    def sign(self, secret: str, body: str, event_id: str, now: int) -> dict[str, str]:
        signature = standardwebhooks.Webhook(secret).sign(event_id, datetime.fromtimestamp(now, UTC), body)
        return {"webhook-id": event_id, "webhook-timestamp": str(now), "webhook-signature": signature}


class Node:
    """The package of Node."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def verify(self, secret: str, body: str, headers: dict[str, str]) -> Any:
        return self.call("verifyWebhook", secret=secret, body=body, headers=headers)

    def sign(self, secret: str, body: str, event_id: str, now: int) -> dict[str, str]:
        return dict(self.call("signWebhook", secret=secret, body=body, id=event_id, now=now))


@pytest.fixture(params=["python", "node"])
def receiver(request: pytest.FixtureRequest) -> Python | Node:
    return Python() if request.param == "python" else Node(request.getfixturevalue("node"))


@pytest.fixture
def now() -> int:
    return int(time.time())


@pytest.mark.parametrize("body", BODIES)
def test_they_verify_what_we_sign(receiver: Python | Node, body: str, now: int) -> None:
    secret, old = accredit.generate_webhook_secret(), accredit.generate_webhook_secret()
    pair = accredit.generate_deployment_key("EdDSA")
    # As in a rotation: two secrets and a key that they do not know of.
    headers = accredit.sign_webhook(
        body.encode(), event_id="evt_1", secrets=[secret, old], private_keys=[pair.private_jwk], now=now
    )
    for known in (secret, old):
        assert receiver.verify(known, body, headers)["id"] == "evt_1"


def test_they_verify_beside_the_original_s_headers(receiver: Python | Node, now: int) -> None:
    """Of an endpoint of kind flow, where the endpoint's own secret signs both."""
    secret = accredit.generate_webhook_secret()
    body = '{"id":"whkevt_1","event":"flow_session.status.updated"}'
    flow = accredit.sign_flow_webhook(body.encode(), target="/hooks", key_id="whksub_1", secret=secret, now=now)
    headers = flow | accredit.sign_webhook(body.encode(), event_id="whkevt_1", secrets=[secret], now=now)
    assert receiver.verify(secret, body, headers)["id"] == "whkevt_1"
    event = accredit.verify_flow_webhook(body.encode(), headers, target="/hooks", keys={"whksub_1": [secret]}, now=now)
    assert event == accredit.verify_webhook(body.encode(), headers, secrets=[secret], now=now)


def test_they_refuse_what_we_refuse(receiver: Python | Node, now: int) -> None:
    secret, body = accredit.generate_webhook_secret(), BODIES[0]
    headers = accredit.sign_webhook(body.encode(), event_id="evt_1", secrets=[secret], now=now)
    stale = accredit.sign_webhook(body.encode(), event_id="evt_1", secrets=[secret], now=now - 3600)
    for key, octets, sent in (
        (accredit.generate_webhook_secret(), body, headers),
        (secret, body + " ", headers),
        (secret, body, headers | {"webhook-id": "evt_2"}),
        (secret, body, stale),
        (secret, body, {name: text for name, text in headers.items() if name != "webhook-signature"}),
    ):
        with pytest.raises((standardwebhooks.WebhookVerificationError, RuntimeError), match=r"(?i)signature|timestamp|headers"):
            receiver.verify(key, octets, sent)
        with pytest.raises(accredit.Refused):
            accredit.verify_webhook(octets.encode(), sent, secrets=[key], now=now)


def test_headers_are_taken_as_frameworks_have_them(now: int) -> None:
    secret, body = accredit.generate_webhook_secret(), BODIES[0].encode()
    plain = accredit.sign_webhook(body, event_id="evt_1", secrets=[secret], now=now)
    pairs = [(name.title(), value) for name, value in plain.items()]
    octets = [(name.encode(), value.encode()) for name, value in plain.items()]
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in plain.items()}
    message = email.message.Message()  # http.server
    for name, value in pairs:
        message[name] = value
    for headers in (
        dict(pairs),  # also an IncomingHttpHeaders of Node, as a Lambda is given it
        pairs,
        octets,  # ASGI
        message,
        starlette.datastructures.Headers(raw=octets),
        werkzeug.datastructures.Headers(pairs),
        werkzeug.datastructures.EnvironHeaders({**environ, "wsgi.input": io.BytesIO()}),
        HttpHeaders(environ),
        multidict.CIMultiDictProxy(multidict.CIMultiDict(pairs)),  # aiohttp
    ):
        assert accredit.verify_webhook(body, headers, secrets=[secret], now=now).id == "evt_1"
    for twice in ([*pairs, pairs[0]], starlette.datastructures.Headers(raw=[*octets, octets[0]])):
        with pytest.raises(accredit.Refused, match="webhook_headers_missing"):
            accredit.verify_webhook(body, twice, secrets=[secret], now=now)


@pytest.mark.parametrize("body", BODIES)
def test_we_verify_what_they_sign(receiver: Python | Node, body: str, now: int) -> None:
    secret = accredit.generate_webhook_secret()
    headers = receiver.sign(secret, body, "evt_1", now)
    assert accredit.verify_webhook(body.encode(), headers, secrets=[secret], now=now).id == "evt_1"
    assert headers == accredit.sign_webhook(body.encode(), event_id="evt_1", secrets=[secret], now=now)


def test_a_sealed_body_is_verified_without_being_parsed(now: int) -> None:
    secret = accredit.generate_webhook_secret()
    key = accredit.parse_encryption_key(accredit.generate_encryption_key("ECDH-ES").public_jwk)
    body = accredit.seal_event(BODIES[0].encode(), key)
    headers = accredit.sign_webhook(body, event_id="evt_1", secrets=[secret], now=now)
    standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="No matching signature"):
        standardwebhooks.Webhook(secret).verify(body + b"A", headers, json_parse=False)


@pytest.fixture
def desk(run: Call, sqlite_url: str, now: int) -> Iterator[Desk]:
    """A server's endpoints; its clock is the machine's."""
    store = run(Store.open(sqlite_url))
    yield Desk.open(run, store, lambda: now * 1000)
    run(store.close())


@pytest.mark.parametrize("members", [{}, {"kind": "flow", "signing": "endpoint"}], ids=["accredit", "flow"])
def test_they_verify_what_the_server_sends(receiver: Python | Node, desk: Desk, now: int, members: dict[str, str]) -> None:
    """During a rotation with the old secret and with the new one."""
    made = desk.create(**members)
    event = StoredEvent(
        "evt_1", made.endpoint.scope, "session.success", now * 1000, "s1", "int_1", 3, {"door": "flow", "tags": ["Zoë"]}
    )
    body = body_of(made.endpoint, event, FlowFacts("user-é", 2)).decode()
    for secrets in ([made.secret], [made.secret, desk.rotate(made.endpoint, 3600)]):
        signed = desk.sign(made.endpoint, body.encode(), event_id=event_id_of(made.endpoint, event))
        for secret in secrets:
            assert receiver.verify(secret, body, signed.headers)["endpoint_id"] == made.endpoint.endpoint_id
