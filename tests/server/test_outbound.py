"""Outgoing requests: whom they may reach, and that nothing changes between the check and the call."""

import asyncio
import json
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.errors import FailureError, MalformedError
from accredit.server.outbound import Outbound, OutboundRequest, resolve_name
from accredit.server.outbound.addresses import Allowed, check_addresses, check_url
from accredit.server.outbound.names import Lookups

VECTORS: Any = json.loads((Path(__file__).parents[1] / "vectors" / "webhooks.json").read_text(encoding="utf-8"))
LOOPBACK = Allowed.parse(["127.0.0.0/8"])


def cases_of(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in VECTORS["cases"] if case["kind"] == kind]


@pytest.mark.parametrize("case", cases_of("address_guard"))
def test_address_guard(case: Any) -> None:
    if case["expect"] == "valid":
        check_addresses(case["inputs"]["addresses"], "shop.example")
    else:
        with pytest.raises(FailureError) as refusal:
            check_addresses(case["inputs"]["addresses"], "shop.example")
        assert refusal.value.code == case["expect"]


@pytest.mark.parametrize("case", cases_of("url_guard"))
def test_url_guard(case: Any) -> None:
    url, plain = case["inputs"]["url"], case["inputs"]["environment"] == "sandbox"
    if case["expect"] == "valid":
        target = check_url(url, plain=plain)
        assert {"host": target.host, "port": target.port, "request_target": target.request_target} == case["result"]
    else:
        with pytest.raises(MalformedError) as refusal:
            check_url(url, plain=plain)
        assert refusal.value.code == case["expect"]


@pytest.mark.parametrize(
    "authority",
    [
        "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.0x7f", "127.0.0.1.", "１２７.０.０.１", "127。0。0。1",
        "[::1]", "[::ffff:10.0.0.1]", "::1", "[fe80::1%25eth0]", "[]", "shop.example.", ".shop.example", "a..example",
        "shop_a.example", "-a.example", "a" * 64 + ".example", "a." * 127 + "example", "xn--a", "%73hop.example", "sh op.example",
        "shop.example:", "shop.example:65536", "shop.example:99999", "shop.example:444", "shop.example:80", "shop.example:x", "",
    ],
)  # fmt: skip
def test_refuses_what_is_no_host_name_with_a_usual_port(authority: str) -> None:
    with pytest.raises(MalformedError, match="endpoint_url_invalid"):
        check_url(f"https://{authority}/")


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/#x", "https://a.example/\u00fc", "https://a.example/\t", "https:/a.example/", "https://a.example/\n",
        " https://a.example/", "http://a.example/", 'https://a.example/"',
    ],
)  # fmt: skip
def test_refuses_what_is_no_address_of_ours(url: str) -> None:
    with pytest.raises(MalformedError, match="endpoint_url_invalid"):
        check_url(url)


@given(st.text())
def test_reads_any_text(text: str) -> None:
    for url in (text, f"https://{text}/", f"https://a.example/{text}"):
        with suppress(MalformedError):
            target = check_url(url)
            # There is one spelling for each target, and reading it again is no surprise.
            assert check_url(f"https://{target.authority}{target.request_target}") == target


def test_an_operator_lifts_the_guard_for_what_is_listed() -> None:
    allowed = Allowed.parse(["10.0.0.0/8", "keys.intern", "::1", "fd00::/8"])
    for url in ("https://10.1.2.3/", "https://[::1]:8443/", "https://[::ffff:10.1.1.1]/", "https://keys.intern:99/"):
        check_url(url, allowed=allowed)
    for url in ("https://11.1.2.3/", "https://[::2]/", "https://other.intern:99/", "http://keys.intern/"):
        with pytest.raises(MalformedError):
            check_url(url, allowed=allowed)
    check_addresses(["10.9.9.9", "64:ff9b::a00:1", "fd00::1"], "any.example", allowed)
    check_addresses(["192.168.0.1"], "keys.intern", allowed)
    with pytest.raises(FailureError, match="address_forbidden"):
        check_addresses(["192.168.0.1"], "any.example", allowed)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"])
def test_link_local_is_reached_only_if_it_is_listed_itself(address: str) -> None:
    for entries in (["0.0.0.0/0", "::/0", "169.0.0.0/8", "host.example"], []):
        with pytest.raises(FailureError, match="address_forbidden"):
            check_addresses([address], "host.example", Allowed.parse(entries))
    check_addresses([address], "host.example", Allowed.parse(["169.254.169.254"]))


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "https://a.example", "", "a b", "*.example", "300.1.1.1"])
def test_refuses_a_setting_that_lists_nothing(entry: str) -> None:
    with pytest.raises(MalformedError, match="settings_invalid: ACCREDIT_OUTBOUND_ALLOW"):
        Allowed.parse([entry])


class Names:
    """A resolver: what a name means now, and how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.asked = list(addresses), 0

    async def __call__(self, host: str, port: int) -> list[str]:
        assert host == "keys.example"
        self.asked += 1
        if not self.addresses:
            raise OSError("no such name")
        return self.addresses


@pytest.fixture
def names() -> Names:
    return Names("127.0.0.1")


@pytest.fixture
def outbound(run: Any, names: Names, trust: ssl.SSLContext) -> Any:
    outbound = Outbound(LOOPBACK, resolve=names, ssl_context=trust)
    yield outbound
    run(outbound.close())


def test_connects_to_the_checked_address_by_its_name(run: Any, peer: Any, names: Names, outbound: Outbound) -> None:
    peer.say(b'{"keys":[]}', headers="X-A: b\r\n")
    answer = run(outbound.send(OutboundRequest(peer.url("/a/../k%2f?x=1&y"), headers={"Accept": "application/json"})))
    assert (answer.status, answer.headers["X-A"], answer.body, answer.complete) == (200, "b", b'{"keys":[]}', True)
    assert (answer.address, names.asked, peer.names) == ("127.0.0.1", 1, ["keys.example"])
    head = peer.requests[0].decode()
    assert head.startswith("GET /a/../k%2f?x=1&y HTTP/1.1\r\n")
    assert f"\r\nHost: keys.example:{peer.port}\r\n" in head
    assert "\r\nAccept: application/json\r\n" in head
    assert "\r\nUser-Agent: Accredit/" in head
    assert "\r\nAccept-Encoding: identity\r\n" in head


def test_sends_a_body(run: Any, peer: Any, outbound: Outbound) -> None:
    peer.say(b"")
    run(outbound.send(OutboundRequest(peer.url(), method="POST", body=b"")))
    assert peer.requests[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 0\r\n" in peer.requests[0]


def test_a_connection_serves_the_same_address_only(run: Any, peer: Any, names: Names, outbound: Outbound) -> None:
    peer.say(b"")
    for _ in range(2):
        run(outbound.send(OutboundRequest(peer.url())))
    assert (len(peer.requests), len(peer.names), names.asked) == (2, 1, 2)
    names.addresses = ["127.0.0.2"]
    with pytest.raises(FailureError, match="connect_failed"):
        run(outbound.send(OutboundRequest(peer.url())))


def test_tries_the_next_address_when_one_takes_no_connection(run: Any, peer: Any, names: Names, outbound: Outbound) -> None:
    peer.say(b"")
    names.addresses = ["127.0.0.2", "127.0.0.1"]
    assert run(outbound.send(OutboundRequest(peer.url()))).address == "127.0.0.1"
    assert names.asked == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_refuses_a_private_address_on_save_and_on_attempt(run: Any, peer: Any, trust: Any, address: str) -> None:
    outbound = Outbound(resolve=Names(address), ssl_context=trust)
    with pytest.raises(MalformedError, match="endpoint_address_forbidden"):
        run(outbound.check(peer.url()))
    with pytest.raises(FailureError, match="address_forbidden"):
        run(outbound.send(OutboundRequest(peer.url())))
    assert (peer.requests, peer.names) == ([], [])
    run(outbound.close())


def test_refuses_a_name_that_turned_private_since_it_was_saved(run: Any, peer: Any, trust: Any) -> None:
    names = Names("93.184.215.14", "2606:4700::1111")
    outbound = Outbound(resolve=names, ssl_context=trust)
    assert run(outbound.check(peer.url())).host == "keys.example"
    names.addresses = ["93.184.215.14", "127.0.0.1"]
    with pytest.raises(FailureError, match="address_forbidden"):
        run(outbound.send(OutboundRequest(peer.url())))
    assert peer.names == []
    run(outbound.close())


def test_names_that_nobody_answers_for_keep_no_other_waiting(run: Any) -> None:
    answered, asked = threading.Event(), []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(threading.get_ident())
        if host == "unknown.example":
            raise OSError("no such name")
        if host != "shop.example":
            answered.wait()
        return ["192.0.2.1"]

    names = Lookups(look_up)

    async def ask() -> None:
        silent = [asyncio.create_task(names(f"silent-{number}.example", 443)) for number in range(100)]
        for _ in range(3):
            assert await asyncio.wait_for(names("shop.example", 443), 10) == ["192.0.2.1"]
        with pytest.raises(OSError, match="no such name"):
            await names("unknown.example", 443)
        silent[0].cancel()
        answered.set()
        assert await asyncio.gather(*silent[1:]) == [["192.0.2.1"]] * 99

    run(ask())
    # One thread served all that came one after another.
    assert len(set(asked)) == 101


def test_a_name_that_does_not_resolve_may_be_saved_but_not_called(run: Any, peer: Any, trust: Any) -> None:
    outbound = Outbound(resolve=Names(), ssl_context=trust)
    run(outbound.check(peer.url()))
    with pytest.raises(FailureError, match="dns_failed"):
        run(outbound.send(OutboundRequest(peer.url())))
    run(outbound.close())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent", "304 Not Modified"])
def test_follows_no_redirect(run: Any, peer: Any, outbound: Outbound, status: str) -> None:
    peer.say(b"", status, f"Location: {peer.url('/elsewhere')}\r\n")
    with pytest.raises(FailureError, match="redirect_refused"):
        run(outbound.send(OutboundRequest(peer.url())))
    assert len(peer.requests) == 1


def test_refuses_a_certificate_of_an_unknown_authority(run: Any, peer: Any) -> None:
    outbound = Outbound(LOOPBACK, resolve=Names("127.0.0.1"))
    with pytest.raises(FailureError, match="tls_failed"):
        run(outbound.send(OutboundRequest(peer.url())))
    run(outbound.close())


def test_refuses_a_certificate_of_another_name(run: Any, peer: Any, trust: Any) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    outbound = Outbound(LOOPBACK, resolve=resolve, ssl_context=trust)
    for url in (f"https://other.example:{peer.port}/", f"https://127.0.0.1:{peer.port}/"):
        with pytest.raises(FailureError, match="tls_failed"):
            run(outbound.send(OutboundRequest(url)))
    run(outbound.close())


def test_refuses_old_tls(run: Any, peer: Any, outbound: Outbound, trust: Any) -> None:
    trust.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    peer.say(b"")
    run(outbound.send(OutboundRequest(peer.url())))
    assert trust.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(("size", "complete"), [(99, True), (100, True), (101, False), (5_000_000, False)])
def test_reads_as_much_as_was_asked_for(run: Any, peer: Any, outbound: Outbound, size: int, complete: bool) -> None:
    peer.say(b"x" * size)
    answer = run(outbound.send(OutboundRequest(peer.url(), max_body_bytes=100)))
    assert (answer.status, len(answer.body), answer.complete) == (200, min(size, 100), complete)


def test_an_endless_body_is_cut_and_its_status_counts(run: Any, peer: Any, outbound: Outbound) -> None:
    peer.answer = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"
    answer = run(outbound.send(OutboundRequest(peer.url(), max_body_bytes=100)))
    assert (answer.status, answer.complete) == (201, False)


def test_unpacks_nothing(run: Any, peer: Any, outbound: Outbound) -> None:
    peer.say(b"\x1f\x8b not gzip", headers="Content-Encoding: gzip\r\n")
    assert run(outbound.send(OutboundRequest(peer.url()))).body == b"\x1f\x8b not gzip"


def test_keeps_no_cookie(run: Any, peer: Any, outbound: Outbound) -> None:
    peer.say(b"", headers="Set-Cookie: a=b\r\n")
    for _ in range(2):
        run(outbound.send(OutboundRequest(peer.url())))
    assert b"Cookie" not in peer.requests[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(20)) + b"Content-Length: 0\r\n\r\n",
    ],
)
def test_refuses_what_is_not_http_or_has_long_headers(run: Any, peer: Any, outbound: Outbound, answer: bytes) -> None:
    peer.answer = answer
    with pytest.raises(FailureError, match="response_malformed"):
        run(outbound.send(OutboundRequest(peer.url())))


def test_waits_no_longer_than_it_was_told(run: Any, peer: Any, outbound: Outbound) -> None:
    peer.answer = None
    with pytest.raises(FailureError, match="response_timeout"):
        run(outbound.send(OutboundRequest(peer.url(), timeout_s=0.2)))


def test_a_closed_port_is_a_failed_attempt(run: Any, peer: Any, outbound: Outbound) -> None:
    run(peer.stop())
    with pytest.raises(FailureError, match="connect_failed"):
        run(outbound.send(OutboundRequest(peer.url())))
    run(peer.start())


def test_speaks_plain_http_where_it_may(run: Any, peer: Any, outbound: Outbound) -> None:
    run(peer.stop())
    run(peer.start(tls=False))
    peer.say(b"hello")
    url = peer.url().replace("https:", "http:")
    assert run(outbound.send(OutboundRequest(url, plain=True))).body == b"hello"
    with pytest.raises(MalformedError, match="endpoint_url_invalid"):
        run(outbound.send(OutboundRequest(url)))


def test_a_proxy_resolves_in_our_place(run: Any, peer: Any, trust: Any) -> None:
    asked: list[bytes] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65536):
            writer.write(octets)
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", peer.port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    async def send() -> Any:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outbound = Outbound(proxy=address, resolve=names, ssl_context=trust)
        await outbound.check(peer.url())
        for _ in range(2):
            answer = await outbound.send(OutboundRequest(peer.url()))
        await outbound.close()
        server.close()
        return answer

    names = Names()
    peer.say(b"hello", headers="Set-Cookie: a=b\r\n")
    answer = run(send())
    assert (answer.body, answer.address, names.asked) == (b"hello", None, 0)
    assert asked[0].startswith(f"CONNECT keys.example:{peer.port} HTTP/1.1\r\n".encode())
    assert set(peer.names) == {"keys.example"}
    assert b"Cookie" not in peer.requests[1]


def test_the_system_resolves_names(run: Any) -> None:
    assert "127.0.0.1" in run(resolve_name("localhost", 443))
