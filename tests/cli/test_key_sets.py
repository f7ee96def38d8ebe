"""`accredit keys register --jwks-uri`, with a deployer's real HTTPS server."""

import datetime
import http.server
import json
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accredit.keys import generate_deployment_key

PAIR = generate_deployment_key()
KEY_SET = json.dumps({"keys": [PAIR.public_jwk, {"kty": "RSA"}]}).encode()


class Published(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(KEY_SET)

    def log_message(self, *_args):
        pass


@pytest.fixture
def deployer(tmp_path_factory):
    """The port of the deployer's server, and the certificate to trust."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    certificate = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    server = http.server.HTTPServer(("127.0.0.1", 0), Published)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, str(path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_follows_the_keys_that_a_deployer_publishes(shop, deployer):
    port, certificate = deployer
    shop.environ.update({"ACCREDIT_OUTBOUND_ALLOW": "localhost", "SSL_CERT_FILE": certificate})
    options = ("--deployer", "shop", "--jwks-uri", f"https://localhost:{port}/keys.json")
    done = shop.process("keys", "register", *options, "--json")
    assert done.code == 0, done.err
    told = done.json
    assert told["key_set"]["jwks_uri"] == f"https://localhost:{port}/keys.json"
    assert [key["thumbprint"] for key in told["keys"]] == [PAIR.thumbprint]
    assert told["skipped"] == ["key_type_unsupported"]
    assert told["keys"][0]["key_id"] in shop("keys", "list", "--live").out


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("--jwks-uri", "http://shop.example/keys.json"), 2, "jwks_uri_invalid"),
        (("--jwks-uri", "https://127.0.0.1/keys.json"), 2, "jwks_uri_invalid"),
        (("--jwks-uri", "https://shop.example", "shop.public.jwk"), 2, "either a FILE or --jwks-uri"),
        ((), 2, "either a FILE or --jwks-uri"),
    ],
)
def test_refuses_what_cannot_be_followed(shop, args, code, told):
    assert told in shop("keys", "register", "--deployer", "shop", *args, code=code).err
