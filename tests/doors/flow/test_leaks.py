"""Secrets where they must not be: a page that has one, a scanner that found one, and what nobody may end by saying so."""

import asyncio
import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accredit.server.accounts.accounts import change_notice_addresses

from ...flow_backend import SESSIONS, FlowBackend, make_flow_backend
from ...post import Post
from ..conftest import ORIGIN, Clock, Server, start
from .page import FlowPage

SIGNER, STRANGER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
BROWSER, SCANNING = "/leaks/browser", "/leaks/secret-scanning"
FOUND_AT = "https://code.example/shop/blob/main/config.js"


def pinned(path: Path) -> str:
    """A file with the scanner's key, as its address would give it."""
    pem = SIGNER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    path.write_text(json.dumps({"public_keys": [{"key_identifier": "k1", "key": pem, "is_current": True}]}))
    return str(path)


@pytest.fixture(scope="module")
def watched(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server that knows a scanner's key and sends letters by a mail server of the test's."""
    directory, post = tmp_path_factory.mktemp("watched"), Post()
    shutil.copyfile(migrated_sqlite, directory / "accredit.sqlite")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, ExitStack() as ending:
        mail = runner.run(post.start())
        ending.callback(mail.close)
        settings = {
            "secret_scanning_keys": pinned(directory / "keys.json"),
            "smtp_url": f"smtp://127.0.0.1:{post.port}",
            "mail_from": "Accredit <no-reply@accredit.example>",
            "refusals_per_minute": 100_000,
        }
        server = start(ending, runner.run, Clock(), f"sqlite:///{directory / 'accredit.sqlite'}", settings)
        yield SimpleNamespace(server=server, post=post)


@pytest.fixture
def shop(watched: Any) -> FlowBackend:
    """A backend in live at that server, whose requests of this minute count for themselves."""
    watched.server.clock.advance(60)
    return make_flow_backend(watched.server.owner())


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def tell(server: Server, text: str) -> Any:
    """What the SDK does with a secret in place of a publishable key."""
    headers = {"Origin": ORIGIN, "Content-Type": "text/plain"}
    return server.http.post(BROWSER, content=json.dumps({"sha256": sha256(text)}), headers=headers)


def report(server: Server, tokens: list[Any], *, key: Any = SIGNER, **headers: str) -> Any:
    """A report as the scanner sends it. tokens: texts, or whole items."""
    items = [
        {"token": each, "type": "t", "url": FOUND_AT, "source": "commit"} if isinstance(each, str) else each for each in tokens
    ]
    body = json.dumps(items).encode()
    signature = base64.b64encode(key.sign(body, ec.ECDSA(hashes.SHA256()))).decode()
    named = {"Github-Public-Key-Identifier": "k1", "Github-Public-Key-Signature": signature, **headers}
    return server.http.post(SCANNING, content=body, headers={name: text for name, text in named.items() if text})


def is_served(backend: FlowBackend) -> bool:
    """Whether a signed call of the backend is let in."""
    return backend.send("GET", "?limit=1").status_code == 200


def leaks_of(backend: FlowBackend) -> list[Any]:
    entries = backend.owner.call("GET", "/v1/audit")["entries"]
    return [entry for entry in entries if entry["kind"] == "key.leaked"]


def wait_for_letter(watched: Any, address: str) -> Any:
    """The letter to that address, which comes in the background; at most five seconds."""
    for _ in range(500):
        for to, message, _tls in watched.post.letters:
            if to == [address]:
                return message
        watched.server.run(asyncio.sleep(0.01))
    raise AssertionError("no letter came")


def test_a_secret_that_a_page_has_ends_at_once_and_the_standby_works(make_backend: Any) -> None:
    """On both databases; scenario 13."""
    backend = make_backend("live")
    made = backend.owner.call("POST", f"/v1/api_credentials/{backend.key_id}/secrets", 201, {"label": "standby"})
    standby = FlowBackend(backend.owner, backend.key_id, made["secret"], backend.template_id)
    assert (is_served(backend), is_served(standby)) == (True, True)
    assert tell(backend.server, backend.secret).status_code == 204
    assert (is_served(backend), is_served(standby)) == (False, True)
    (credential,) = backend.owner.call("GET", "/v1/api_credentials")["api_credentials"]
    states = [[key["state"] for key in secret["keys"]] for secret in credential["secrets"]]
    assert states == [["revoked"] * 3, ["active"] * 3]
    assert [entry["code"] for entry in leaks_of(backend)] == ["secret_exposed"] * 3
    ((data,),) = backend.server.rows("SELECT data FROM events WHERE type = 'key.leaked'")
    told = json.loads(data)
    assert (told["purposes"], told["source"], told["url"]) == (["api", "reference", "webhook"], "browser", ORIGIN)
    # The same without the SDK, which would not have sent it.
    answer = FlowPage(standby).post(publishableKey=standby.secret)
    assert (answer.status_code, is_served(standby)) == (403, False)


def test_the_owners_get_a_letter_without_the_secret(watched: Any, shop: FlowBackend) -> None:
    address, server = f"{shop.owner.owner_id}@shop.example".replace("_", "-"), watched.server
    server.run(change_notice_addresses(server.node.store, shop.owner.owner_id, [address], server.cause()))
    tell(server, shop.secret)
    message = wait_for_letter(watched, address)
    text = message.get_content()
    assert message["Subject"] == "A secret was exposed and has been revoked"
    for told in (shop.key_id, "api key key_", "reference key key_", "webhook key key_", ORIGIN, "has no other live secret"):
        assert told in text
    assert shop.secret not in text


def test_every_form_of_secret_is_known_by_its_digest(watched: Any, shop: FlowBackend) -> None:
    owner = shop.owner
    brought = "Correct-Horse-Battery-Staple-" + owner.owner_id
    made = owner.call("POST", "/v1/reference_keys", 201, {})
    keys = [made["key"], owner.call("POST", "/v1/api_credentials", 201, {"secret": brought})["keys"][0]]
    for text in (made["secret"], brought):
        assert tell(watched.server, text).status_code == 204
    assert [owner.call("GET", f"/v1/keys/{key['key_id']}")["state"] for key in keys] == ["revoked"] * 2
    assert tell(watched.server, owner.secret).status_code == 204
    assert owner.api.get("/v1/keys").status_code == 401


def test_a_digest_of_nobodys_secret_is_answered_alike(watched: Any, shop: FlowBackend) -> None:
    ours, nobodys = tell(watched.server, shop.secret), tell(watched.server, "live_secret_" + "0" * 64)
    assert (ours.status_code, ours.content) == (nobodys.status_code, nobodys.content) == (204, b"")
    assert {name for name, _ in ours.headers.items()} == {name for name, _ in nobodys.headers.items()}


def test_any_page_may_tell(watched: Any, shop: FlowBackend) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = watched.server.http.options(BROWSER, headers=asked)
    assert preflight.status_code == 204
    assert (preflight.headers["access-control-allow-methods"], preflight.headers["access-control-allow-headers"]) == (
        "POST",
        "content-type",
    )
    for answer in (preflight, tell(watched.server, shop.secret), watched.server.http.post(BROWSER, content=b"{}")):
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "request_malformed"),
        (b"[]", "field_invalid"),
        (b"{}", "field_invalid"),
        (b'{"sha256":7}', "field_invalid"),
        (b'{"sha256":"' + b"A" * 64 + b'"}', "field_invalid"),
        (b'{"sha256":"' + b"a" * 63 + b'"}', "field_invalid"),
        (b'{"sha256":"' + b"a" * 2048 + b'"}', "body_too_large"),
    ],
)
def test_what_is_no_digest_is_refused(watched: Any, shop: FlowBackend, body: bytes, code: str) -> None:
    answer = watched.server.http.post(BROWSER, content=body)
    assert (answer.status_code, answer.json()["code"]) == (413 if code == "body_too_large" else 400, code)


def test_a_page_tells_so_often_and_then_waits(watched: Any, shop: FlowBackend) -> None:
    answers = [tell(watched.server, str(number)) for number in range(31)]
    assert [answer.status_code for answer in answers] == [204] * 30 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert tell(watched.server, shop.secret).status_code == 429
    assert is_served(shop)


def test_a_signed_report_ends_what_is_ours_and_labels_all(watched: Any, shop: FlowBackend) -> None:
    other = "live_secret_" + "0" * 64
    answer = report(watched.server, [other, {"token": shop.secret, "type": "aws_key"}])
    assert answer.status_code == 200
    assert answer.json() == [
        {"token_hash": sha256(other), "token_type": "t", "label": "false_positive"},
        {"token_hash": sha256(shop.secret), "token_type": "aws_key", "label": "true_positive"},
    ]
    assert not is_served(shop)
    assert {(entry["actor"], entry["code"]) for entry in leaks_of(shop)} == {("secret-scanning", "secret_exposed")}
    again = report(watched.server, [shop.secret])
    assert again.json()[0]["label"] == "true_positive"
    assert len(leaks_of(shop)) == 3


def test_a_report_says_where_unless_that_shows_the_secret(watched: Any, shop: FlowBackend) -> None:
    told = []
    for url in (FOUND_AT, f"{FOUND_AT}?key=SECRET", 7, "x" * 3000):
        made = shop.owner.call("POST", "/v1/api_credentials", 201, {})
        shown = url.replace("SECRET", made["secret"]) if isinstance(url, str) else url
        assert report(watched.server, [{"token": made["secret"], "type": "t", "url": shown}]).status_code == 200
        rows = watched.server.rows("SELECT data FROM events WHERE type = 'key.leaked' AND account_id = ?", shop.owner.owner_id)
        told.append(json.loads(rows[-1][0])["url"])
    assert told == [FOUND_AT, None, None, None]


def test_a_large_report_is_answered_in_full(watched: Any, shop: FlowBackend) -> None:
    tokens = [f"token-{number}" for number in range(250)]
    answer = report(watched.server, [*tokens, shop.secret])
    assert [each["label"] for each in answer.json()] == ["false_positive"] * 250 + ["true_positive"]


@pytest.mark.parametrize(
    "forged",
    [
        {"key": STRANGER},
        {"Github-Public-Key-Identifier": "k2"},
        {"Github-Public-Key-Identifier": ""},
        {"Github-Public-Key-Signature": ""},
        {"Github-Public-Key-Signature": "AAAA"},
        {"Github-Public-Key-Signature": "x" * 5000},
    ],
    ids=["stranger", "unknown_key", "no_key", "no_signature", "other_signature", "long_signature"],
)
def test_a_forged_report_revokes_nothing(watched: Any, shop: FlowBackend, forged: dict[str, Any]) -> None:
    answer = report(watched.server, [shop.secret], **forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "leak_report_unverified")
    assert is_served(shop)
    ((kind, code),) = watched.server.rows("SELECT kind, code FROM audit WHERE request_id = ?", answer.headers["x-request-id"])
    assert (kind, code) == ("leak_report.refused", "leak_report_unverified")


def test_a_report_that_was_changed_on_the_way_revokes_nothing(watched: Any, shop: FlowBackend) -> None:
    signature = base64.b64encode(SIGNER.sign(b"[]", ec.ECDSA(hashes.SHA256()))).decode()
    assert report(watched.server, [shop.secret], **{"Github-Public-Key-Signature": signature}).status_code == 401
    assert is_served(shop)


@pytest.mark.parametrize("items", [[7], [{}], [{"token": ""}], [{"token": "a", "type": 1}], [[]]], ids=str)
def test_a_signed_report_of_another_form_is_refused(watched: Any, shop: FlowBackend, items: list[Any]) -> None:
    answer = report(watched.server, items)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_malformed")


def test_no_report_is_taken_where_no_key_is_configured(shared_server: Server) -> None:
    assert report(shared_server, ["a"]).status_code == 401


def test_other_methods_are_told_which_there_is(watched: Any) -> None:
    for path in (BROWSER, SCANNING):
        answer = watched.server.http.get(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{SESSIONS}?key=SECRET", {}),
        ("/embed?a=1&b=SECRET", {}),
        ("/v1/sessions?cursor=SECRET", {}),
        (SESSIONS, {"Authorization": "Bearer SECRET"}),
        ("/v1/keys", {"Authorization": "Bearer SECRET"}),
        ("/auth/rest/sessions", {"Authorization": "Basic BASIC"}),
    ],
)
def test_a_secret_in_the_address_or_as_credential_of_a_page_ends(
    watched: Any, shop: FlowBackend, path: str, headers: dict[str, str]
) -> None:
    basic = base64.b64encode(f"{shop.key_id}:{shop.secret}".encode()).decode()
    sent = {name: text.replace("SECRET", shop.secret).replace("BASIC", basic) for name, text in headers.items()}
    asked = path.replace("SECRET", shop.secret)
    watched.server.http.post(asked, headers=sent)
    assert is_served(shop), "a backend names no origin"
    answer = watched.server.http.post(asked, headers={**sent, "Origin": ORIGIN})
    assert (answer.status_code, "secret_exposed" in answer.text) == (403, True)
    assert shop.secret not in answer.text
    assert not is_served(shop)


def test_a_secret_of_nobody_in_an_address_is_no_reason_to_refuse(watched: Any, shop: FlowBackend) -> None:
    answer = watched.server.http.get(f"/v1/keys?a=live_secret_{'0' * 64}", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
