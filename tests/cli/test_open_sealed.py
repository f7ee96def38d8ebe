"""`accredit open-sealed`: the session is printed, and what does not open or hold is one sentence."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "rest.json").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in VECTORS["cases"] if case["kind"] in ("open", "open_signed")}
NESTED = CASES["nested_with_nonce"]
SIGNER = NESTED["inputs"]["signer"]
WHO = (
    *("--issuer", SIGNER["issuer"], "--audience", SIGNER["audience"], "--session-id", SIGNER["session_id"]),
    *("--nonce", SIGNER["nonce"], "--now", str(SIGNER["now"])),
)


@pytest.fixture
def reader(accredit):
    """A directory with the private keys of the vectors, the server's key set, and answers."""
    for name, key in VECTORS["keys"].items():
        (accredit.directory / f"{name}.jwk").write_text(json.dumps(key["private"]))
    private = [key["private"] for key in VECTORS["keys"].values()]
    (accredit.directory / "all.jwks").write_text(json.dumps({"keys": private[:4]}))
    (accredit.directory / "server.jwks").write_text(json.dumps(VECTORS["jwks"]))
    for name, case in CASES.items():
        (accredit.directory / f"{name}.jwe").write_text(case["inputs"]["jwe"] + "\n")
    return accredit


@pytest.mark.parametrize("name", ["rsa_oaep_a128cbc", "rsa_oaep_special_characters", "p384_kid_a256gcm", "x25519"])
def test_prints_the_session(reader, name):
    done = reader.process("open-sealed", f"{name}.jwe", "--key", f"{CASES[name]['inputs']['keys'][0]}.jwk")
    assert (done.code, done.err) == (0, "")
    assert done.json == json.loads(VECTORS["plaintexts"][CASES[name]["plaintext"]])


def test_reads_standard_input_and_sets_of_keys(reader):
    sealed = f"\n  {CASES['p384_kid_a256gcm']['inputs']['jwe']} \n"
    expected = json.loads(VECTORS["plaintexts"]["session_ascii"])
    assert reader("open-sealed", "--key", "all.jwks", stdin=sealed).json == expected
    assert reader("open-sealed", "-", "--key", "sample.jwk", "--key", "p384.jwk", "--json", stdin=sealed).json == expected


def test_opens_a_nested_answer_by_the_key_set_of_its_signer(reader):
    options = ("--key", "sample.jwk", "--jwks", "server.jwks", *WHO)
    assert reader("open-sealed", "nested_with_nonce.jwe", *options).json["id"] == SIGNER["session_id"]
    for name in ("rsa_oaep_a128cbc", "inner_attacker_key_known_kid", "session_other", "expired"):
        assert "sealed_invalid" in reader("open-sealed", f"{name}.jwe", *options, code=1).err


def test_time_passes_where_none_is_named(reader):
    options = ("--key", "sample.jwk", "--jwks", "server.jwks", *WHO[:-2])
    assert "sealed_invalid" in reader("open-sealed", "nested_with_nonce.jwe", *options, code=1).err


@pytest.mark.parametrize("name", ["tag_bit", "wrong_key", "zip", "alg_pbes2", "plaintext_list", "nested_opened_as_plain"])
def test_every_failure_is_one_sentence(reader, name):
    done = reader("open-sealed", f"{name}.jwe", "--key", "sample.jwk", code=1)
    assert done.err == "accredit: sealed_invalid: The sealed answer does not open, or does not hold.\n"
    assert done.out == ""
    told = json.loads(reader("open-sealed", f"{name}.jwe", "--key", "sample.jwk", "--json", code=1).err)
    assert told["code"] == "sealed_invalid"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "'--key'"),
        (("--key", "nothing.jwk"), "does not exist"),
        (("--key", "server.jwks"), "key_malformed"),
        (("--key", "sample.jwk", "--nonce", "n"), "go with --jwks"),
        (("--key", "sample.jwk", "--jwks", "server.jwks", "--issuer", "i"), "--jwks needs"),
        (("--key", "sample.jwk", "--jwks", "nothing.jwks", *WHO), "neither an address nor a file"),
        (("--key", "sample.jwk", "--jwks", "small.jwe", *WHO), "key_malformed"),
    ],
)
def test_wrong_usage_is_told(reader, options, told):
    (reader.directory / "small.jwe").write_text("ey")
    assert told in reader("open-sealed", "rsa_oaep_a128cbc.jwe", *options, code=2).err


def test_an_answer_that_was_never_sealed_is_told(reader):
    assert "not sealed" in reader("open-sealed", "--key", "sample.jwk", stdin='{"id":"1"}', code=2).err


class _Publisher(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = {"/keys": (200, json.dumps(VECTORS["jwks"])), "/broken": (200, "{"), "/huge": (200, " " * (1024 * 1024 + 1))}
        status, text = answers.get(self.path, (302, ""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/keys")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def published() -> Iterator[str]:
    """The address of a server of key sets."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Publisher) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_loads_the_key_set_from_its_address(reader, published):
    options = ("open-sealed", "nested_with_nonce.jwe", "--key", "sample.jwk", *WHO, "--jwks")
    assert reader(*options, f"{published}/keys").json["id"] == SIGNER["session_id"]
    assert "key_malformed" in reader(*options, f"{published}/broken", code=2).err


@pytest.mark.parametrize("path", ["/huge", "/moved"])
def test_a_key_set_that_cannot_be_loaded_is_a_failure(reader, published, path):
    options = ("open-sealed", "nested_with_nonce.jwe", "--key", "sample.jwk", *WHO, "--jwks")
    assert "key_set_unreadable" in reader(*options, f"{published}{path}", code=3).err


def test_nobody_at_the_address_is_a_failure(reader):
    options = ("open-sealed", "nested_with_nonce.jwe", "--key", "sample.jwk", *WHO, "--jwks")
    for address in ("http://127.0.0.1:1/keys", "http://127.0.0.1:port/keys", "https://"):
        assert "key_set_unreadable" in reader(*options, address, code=3).err
