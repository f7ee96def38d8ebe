"""What the parts of the server stand on: a fixed clock, a root key, and a sealer on each database."""

import asyncio
import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from accredit.server.keyring.root import RootKey, RootKeys
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store

_NOW_MS = 1_767_571_200_000


@pytest.fixture
def now_ms():
    """The time of the fixed clock: 2026-01-05T00:00:00Z."""
    return _NOW_MS


@pytest.fixture
def root_keys():
    """The root key that a test's server has."""
    return RootKeys(RootKey.from_octets(bytes(range(32))))


@pytest.fixture
def sealer(store, root_keys):
    """A sealer on an open store."""
    return Sealer(store, root_keys, lambda: _NOW_MS)


@pytest.fixture
def second_store(run, database_url, store):
    """Another node on the same database."""
    second = run(Store.open(database_url, exclusive=False))
    yield second
    run(second.close())


class Peer:
    """An HTTPS server of somebody else on 127.0.0.1, for the name keys.example: gives one answer to all, and keeps what it was asked.

    answer: the octets of the whole response; None never answers. names: what clients named in SNI, one for each connection.
    """

    def __init__(self, certificate, key):
        self.answer = b""
        self.requests = []
        self.names = []
        self.port = 0
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._tls.sni_callback = lambda _socket, name, _context: self.names.append(name)

    async def start(self, *, tls=True):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls if tls else None)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()
        await self._server.wait_closed()

    def url(self, path="/"):
        return f"https://keys.example:{self.port}{path}"

    def say(self, body, status="200 OK", headers=""):
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.answer = head.encode() + body

    async def _serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                if self.answer is None:
                    await reader.read()
                writer.write(self.answer or b"")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority with a certificate for keys.example: paths of its own certificate, of the other, and of its key."""
    directory = tmp_path_factory.mktemp("authority")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
    now = datetime.datetime.now(datetime.UTC)

    def signed(name, public_key, extension):
        builder = x509.CertificateBuilder(root_name, name, public_key, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(30))
        return builder.add_extension(extension, critical=True).sign(root_key, hashes.SHA256())

    root = signed(root_name, root_key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName([x509.DNSName("keys.example")])
    leaf = signed(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Peer")]), key.public_key(), names)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    paths = [directory / name for name in ("root.pem", "leaf.pem", "leaf.key")]
    for path, octets in zip(paths, (root.public_bytes(Encoding.PEM), leaf.public_bytes(Encoding.PEM), private), strict=True):
        path.write_bytes(octets)
    return paths


@pytest.fixture
def trust(authority):
    """What a client trusts that knows the test's authority."""
    return ssl.create_default_context(cafile=authority[0])


@pytest.fixture
def peer(run, authority):
    """Somebody else's HTTPS server."""
    peer = Peer(authority[1], authority[2])
    run(peer.start())
    yield peer
    run(peer.stop())
