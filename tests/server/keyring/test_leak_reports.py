"""Reports of leaked secrets: whose are believed, how the sender's keys are read, and which secrets are everybody's."""

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from accredit.errors import FailureError, MalformedError, Refused
from accredit.reference import is_published_secret
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.credentials import NewSecret, create_credential
from accredit.server.keyring.leak_reports import LeakedToken, ReportSignature, read_report, verify_report
from accredit.server.keyring.report_keys import ReportKeys, read_report_keys
from accredit.server.keyring.scope import Scope
from accredit.server.outbound import Allowed, Outbound

FOLDER = Path(__file__).parents[2] / "vectors"
CASES = json.loads((FOLDER / "flow.json").read_text(encoding="utf-8"))["cases"]
MINUTE_MS = 60_000
KEYS = {"public_keys": [{"key_identifier": "k1", "key": "PEM", "is_current": True}, {"key_identifier": 7}, "other"]}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == "leak_report"])
def test_leak_report(case: dict[str, Any]) -> None:
    inputs, body = case["inputs"], case["inputs"]["body"].encode()
    signed = ReportSignature(inputs["key_identifier"], inputs["signature"])
    if case["expect"] == "valid":
        verify_report(body, signed, inputs["public_keys"])
        assert [told.token for told in read_report(body)] == [item["token"] for item in json.loads(body)]
    else:
        with pytest.raises(Refused, match=case["expect"]):
            verify_report(body, signed, inputs["public_keys"])


def pem_of(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "pem",
    ["", "no key", pem_of(ec.generate_private_key(ec.SECP384R1())), pem_of(rsa.generate_private_key(65537, 2048))],
    ids=["empty", "no_pem", "other_curve", "other_kind"],
)
def test_believes_keys_of_one_kind_only(pem: str) -> None:
    inputs = next(case["inputs"] for case in CASES if case["kind"] == "leak_report")
    with pytest.raises(Refused, match="leak_report_unverified"):
        verify_report(inputs["body"].encode(), ReportSignature("k1", inputs["signature"]), {"k1": pem})


@given(st.text(max_size=120), st.binary(max_size=80))
def test_any_signature_ends_in_our_error(signature: str, body: bytes) -> None:
    pem = next(iter(next(case["inputs"]["public_keys"] for case in CASES if case["kind"] == "leak_report").values()))
    with pytest.raises(Refused, match="leak_report_unverified"):
        verify_report(body, ReportSignature("k1", signature), {"k1": pem})


@given(st.binary(max_size=60) | st.text('[]{}",:tokenurl7').map(str.encode))
def test_any_body_is_read_or_ends_in_our_error(body: bytes) -> None:
    told: list[LeakedToken] = []
    with suppress(MalformedError):
        told = read_report(body)
    assert all(each.token for each in told)


def test_a_token_is_in_no_representation() -> None:
    (told,) = read_report(b'[{"token":"some-secret","type":"t","url":"https://code.example/some-secret"}]')
    assert "some-secret" not in repr(told)


def texts_of_vectors() -> set[str]:
    """Every secret that the vectors of the flow door and of webhooks print, but for those of our own form."""
    found: set[str] = set()

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, member in value.items():
                # `keys` of API requests: key id to secrets.
                walk(member, "secret" if name == "keys" and isinstance(member, list) else key)
        elif isinstance(value, list):
            for member in value:
                walk(member, name)
        elif isinstance(value, str):
            found.update(re.findall("(?:live|sandbox)_secret_[0-9a-f]{64}", value))
            if name in ("secret", "secrets"):
                found.add(value)

    for file in ("flow.json", "webhooks.json"):
        walk(json.loads((FOLDER / file).read_text(encoding="utf-8")), "")
    return {text for text in found if not text.startswith("accredit_")}


def test_what_is_printed_is_refused_in_live() -> None:
    printed = texts_of_vectors()
    assert len(printed) >= 8
    nothing: Any = None
    for text in printed:
        assert is_published_secret(text), text[:20]
        if len(text) < 32:
            continue
        with pytest.raises(MalformedError, match="key_published: secret"):
            asyncio.run(create_credential(nothing, nothing, NewSecret(Scope("acc_1", "live"), brought=text), Cause(0)))


def test_what_is_printed_is_taken_in_the_sandbox(ring: Any) -> None:
    text = "live_secret_" + "abcd1234" * 8
    wanted = NewSecret(Scope("acc_1", "sandbox"), brought=text)
    made = ring.run(create_credential(ring.store, ring.sealer, wanted, ring.cause()))
    assert len(made.records) == 3


def test_reads_the_keys_that_have_their_form() -> None:
    assert read_report_keys(json.dumps(KEYS).encode()) == {"k1": "PEM"}
    for octets in (b"", b"[]", b"{}", b'{"public_keys":{}}'):
        with pytest.raises(FailureError, match="key_set_unreadable"):
            read_report_keys(octets)


def test_a_pinned_file_is_read_at_most_once_in_five_minutes(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = ReportKeys(Outbound(), str(path))
    assert run(keys.find("k1", 0)) == {}
    path.write_text(json.dumps(KEYS))
    assert run(keys.find("k1", 5 * MINUTE_MS - 1)) == {}
    assert run(keys.find("k1", 5 * MINUTE_MS)) == {"k1": "PEM"}


def test_keys_are_fetched_again_for_an_unknown_one_or_after_an_hour(run: Any, peer: Any, trust: Any) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    outbound = Outbound(Allowed.parse(["127.0.0.1"]), resolve=resolve, ssl_context=trust)
    keys = ReportKeys(outbound, peer.url("/keys"))
    peer.say(json.dumps(KEYS).encode())

    async def at(minutes: int, *names: str) -> tuple[list[bool], int]:
        """Which of them are known at that minute, all asked for at once, and how often the keys were fetched by then."""
        found = await asyncio.gather(*(keys.find(name, minutes * MINUTE_MS) for name in names))
        return [name in each for name, each in zip(names, found, strict=True)], len(peer.requests)

    assert run(at(0, "k1", "k2", "k1")) == ([True, False, True], 1)
    assert run(at(4, "k1", "k2")) == ([True, False], 1)
    assert run(at(5, "k1")) == ([True], 1)
    assert run(at(5, "k2")) == ([False], 2)
    assert run(at(66, "k1")) == ([True], 3)
    peer.say(b"gone", "500 Oops")
    assert run(at(130, "k1")) == ([True], 4)
    assert run(at(66 + 24 * 60, "k1")) == ([False], 5)
    run(outbound.close())


def test_without_an_address_nobody_is_asked(run: Any) -> None:
    assert run(ReportKeys(Outbound(), "").find("k1", 0)) == {}


def test_a_failure_to_read_them_is_logged_by_its_code(run: Any, tmp_path: Path, caplog: Any) -> None:
    for name, octets in (("missing", None), ("other", b"no JSON")):
        path = tmp_path / name
        if octets is not None:
            path.write_bytes(octets)
        assert run(ReportKeys(Outbound(), str(path)).find("k1", 0)) == {}
    assert [record.fields["code"] for record in caplog.records] == ["FileNotFoundError", "key_set_unreadable"]
