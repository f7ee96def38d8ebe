"""Deployers, their keys and their key sets (protocol-embed.md section 10)."""

import datetime
import ipaddress
import json
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from accredit import generate_deployment_key

KEYS = "/v1/deployers/shop/keys"


def test_creating_reading_renaming_and_listing(server, clock):
    owner = server.owner()
    made = owner.call("POST", "/v1/deployers", 201, {"deployer_id": "shop", "name": "Example Shop"})
    assert made == {"deployer_id": "shop", "name": "Example Shop", "created_at": "2027-01-15T08:00:00.000Z"}
    assert owner.call("GET", "/v1/deployers/shop") == made
    renamed = owner.call("PATCH", "/v1/deployers/shop", 200, {"name": "Shop"})
    assert renamed == {**made, "name": "Shop"}
    owner.call("POST", "/v1/deployers", 201, {"deployer_id": "bank"})
    assert [each["deployer_id"] for each in owner.call("GET", "/v1/deployers")["deployers"]] == ["bank", "shop"]
    page = owner.call("GET", "/v1/deployers?limit=1")
    following = owner.call("GET", f"/v1/deployers?limit=1&cursor={page['next_cursor']}")
    assert ([each["deployer_id"] for each in following["deployers"]], following["next_cursor"]) == (["shop"], None)
    kinds = [entry["kind"] for entry in owner.call("GET", "/v1/audit")["entries"]]
    assert kinds[:3] == ["deployer.created", "deployer.renamed", "deployer.created"]


def test_an_id_is_made_where_none_is_given(server):
    owner = server.owner()
    ids = {owner.call("POST", "/v1/deployers", 201, {})["deployer_id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"cp_[A-Za-z0-9_-]{21}", each) for each in ids)


def test_a_deployer_id_is_taken_once_in_each_environment(server):
    owner = server.owner()
    owner.deployer("shop")
    problem = owner.call("POST", "/v1/deployers", 409, {"deployer_id": "shop"})
    assert (problem["code"], problem["member"]) == ("deployer_exists", "deployer_id")
    server.owner(owner.owner_id, environment="sandbox").deployer("shop")
    server.owner().deployer("shop")


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"deployer_id": "a:b"}, "deployer_id"),
        ({"deployer_id": "a\n"}, "deployer_id"),
        ({"deployer_id": ""}, "deployer_id"),
        ({"deployer_id": "a", "name": "x" * 201}, "name"),
        ({"deployer_id": "a", "name": "a\x00"}, "name"),
        ({"deployer_id": "a", "name": "\u2028"}, "name"),
        ({"deployer_id": "a", "owner": 1}, "owner"),
    ],
)
def test_refuses_a_deployer_of_another_form(start_server, sqlite_url, body, member):
    problem = start_server(sqlite_url).owner().call("POST", "/v1/deployers", 400, body)
    assert (problem["code"], problem["member"]) == ("field_invalid", member)


def test_a_public_key_that_is_handed_in_verifies_tokens(server):
    owner = server.owner()
    integration = owner.integration(signed_deployment="required")
    pair = generate_deployment_key()
    made = owner.call("POST", KEYS, 201, {"jwk": pair.public_jwk, "label": "main"})
    assert list(made) == ["key"]
    assert (made["key"]["state"], made["key"]["label"], made["key"]["alg"]) == ("active", "main", "ES512")
    assert made["key"]["thumbprint"] == pair.thumbprint
    owner.visit(integration, signed_deployment=owner.token(integration, pair.private_jwk))
    assert owner.call("GET", KEYS) == {"keys": [made["key"]], "key_sets": []}


def test_a_private_key_that_was_made_here_is_shown_once(server):
    owner = server.owner()
    owner.deployer("shop")
    made = owner.call("POST", KEYS, 201, {"generate": True, "alg": "ES256"})
    private = made["private_jwk"]
    assert private.keys() == {"kty", "crv", "x", "y", "d", "alg", "use", "key_ops", "kid"}
    assert (private["crv"], private["alg"], private["use"], private["key_ops"]) == ("P-256", "ES256", "sig", ["sign"])
    for path in (KEYS, f"/v1/keys/{made['key']['key_id']}", "/v1/keys", "/v1/audit"):
        assert private["d"] not in owner.api.get(path).text


def test_a_key_that_holds_its_private_half_is_refused_for_good(server):
    owner = server.owner()
    owner.deployer("shop")
    pair = generate_deployment_key()
    assert owner.call("POST", KEYS, 400, {"jwk": pair.private_jwk})["code"] == "key_private_member"
    assert owner.call("POST", KEYS, 400, {"jwk": pair.public_jwk})["code"] == "key_denied"


def test_five_keys_live_at_once(server):
    owner = server.owner()
    for _ in range(5):
        owner.deployment_key()
    assert owner.call("POST", KEYS, 409, {"generate": True})["code"] == "key_limit_reached"
    first = owner.call("GET", KEYS)["keys"][0]["key_id"]
    owner.call("POST", f"/v1/keys/{first}/revoke")
    owner.deployment_key()
    assert [key["state"] for key in owner.call("GET", KEYS)["keys"]] == ["revoked", *["active"] * 5]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "field_missing"),
        ({"generate": False}, "field_missing"),
        ({"generate": True, "jwk": {}}, "field_missing"),
        ({"jwk": []}, "key_malformed"),
        ({"jwk": None}, "key_malformed"),
        ({"jwk": {}}, "key_type_unsupported"),
        ({"generate": True, "alg": "HS256"}, "field_invalid"),
        ({"generate": True, "integration_ids": []}, "field_invalid"),
        ({"jwks_uri": "http://shop.example/keys"}, "jwks_uri_invalid"),
        ({"jwks_uri": "https://user@shop.example/keys"}, "jwks_uri_invalid"),
        ({"jwks_uri": "x" * 2049}, "field_invalid"),
    ],
)
def test_refuses_a_key_of_another_form(start_server, sqlite_url, body, code):
    owner = start_server(sqlite_url).owner()
    owner.deployer("shop")
    assert owner.call("POST", KEYS, 400, body)["code"] == code


def test_a_key_set_at_an_address_of_our_own_network_is_not_asked(server):
    owner = server.owner()
    owner.deployer("shop")
    assert owner.call("POST", KEYS, 400, {"jwks_uri": "https://127.0.0.1/keys"})["code"] == "jwks_uri_invalid"
    assert owner.call("POST", KEYS, 422, {"jwks_uri": "https://localhost/keys"})["code"] == "endpoint_address_forbidden"


def test_keys_of_unknown_deployers_and_integrations(server):
    owner = server.owner()
    owner.deployer("shop")
    assert owner.call("POST", "/v1/deployers/bank/keys", 404, {"generate": True})["code"] == "deployer_not_found"
    problem = owner.call("POST", KEYS, 404, {"generate": True, "integration_ids": ["unknown"]})
    assert problem["code"] == "integration_not_found"
    assert owner.call("GET", "/v1/deployers/a%00/keys", 404)["code"] == "deployer_not_found"


def test_a_key_set_is_followed_until_it_is_deleted(start_server, database_url, published, monkeypatch):
    url, certificate = published
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    owner = start_server(database_url, outbound_allow=("127.0.0.1",)).owner()
    integration = owner.integration(signed_deployment="required")
    owner.deployer("bank")
    made = owner.call("POST", KEYS, 201, {"jwks_uri": url})
    assert [key["thumbprint"] for key in made["keys"]] == [PUBLISHED.thumbprint]
    assert made["skipped"] == ["key_type_unsupported"]
    assert (made["key_set"]["jwks_uri"], made["key_set"]["alg"]) == (url, "ES512")
    owner.visit(integration, signed_deployment=owner.token(integration, PUBLISHED.private_jwk))
    assert owner.call("GET", KEYS)["key_sets"] == [made["key_set"]]
    key_set_id = made["key_set"]["key_set_id"]
    assert owner.call("DELETE", f"/v1/deployers/bank/key_sets/{key_set_id}", 404)["code"] == "key_not_found"
    owner.call("DELETE", f"/v1/deployers/shop/key_sets/{key_set_id}", 204)
    listed = owner.call("GET", KEYS)
    assert ([key["state"] for key in listed["keys"]], listed["key_sets"]) == (["revoked"], [])
    assert owner.call("DELETE", f"/v1/deployers/shop/key_sets/{key_set_id}", 404)["code"] == "key_not_found"


def test_a_key_set_that_cannot_be_read_is_not_added(start_server, sqlite_url, published):
    url, _certificate = published
    owner = start_server(sqlite_url, outbound_allow=("127.0.0.1",)).owner()
    owner.deployer("shop")
    assert owner.call("POST", KEYS, 503, {"jwks_uri": url})["code"] == "key_set_unreadable"
    assert owner.call("GET", KEYS)["key_sets"] == []


PUBLISHED = generate_deployment_key()


class Publisher(BaseHTTPRequestHandler):
    """A deployer's server that publishes its keys."""

    def do_GET(self):
        body = json.dumps({"keys": [PUBLISHED.public_jwk, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Tests are quiet."""


@pytest.fixture
def published(tmp_path):
    """The address of a key set on loopback, and the certificate that vouches for it."""
    certificate = tmp_path / "peer.pem"
    certificate.write_bytes(self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(("127.0.0.1", 0), Publisher) as peer:
        peer.socket = context.wrap_socket(peer.socket, server_side=True)
        thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"https://127.0.0.1:{peer.server_address[1]}/keys.json", certificate
        peer.shutdown()
        thread.join()


def self_signed():
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
