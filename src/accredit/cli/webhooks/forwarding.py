"""Forwarding: fetch what a listener is sent, post it to an address nearby, and say what came of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import click
import msgspec

from accredit.encoding import b64_decode
from accredit.errors import CODES, AccreditError, FailureError, NotFoundError

# Beyond the server's own wait.
_PATIENCE_S, _FORWARD_S = 40, 15
_AGAIN_S = 1.0
_KEPT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to listen to. types: empty for the default."""

    forward_to: str
    kind: str
    types: tuple[str, ...]


@dataclass(slots=True)
class Forwarder:
    """One listener. stop_after: how many requests are to be answered, None without end. as_json: what is told is for programs."""

    server: str
    api_key: str = field(repr=False)
    wanted: Wanted
    stop_after: int | None
    as_json: bool = False
    _answered: int = 0

    async def run(self) -> None:
        """Listen until cancelled, or until enough was answered. Raises the errors that the server answers with."""
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout, trust_env=True) as ours,
            aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as theirs,
        ):
            listener = await self._open(ours)
            try:
                while self.stop_after is None or self._answered < self.stop_after:
                    await self._round(ours, theirs, listener)
            finally:
                # Also when cancelled: the secret is not to live longer than it must.
                await asyncio.shield(self._close(ours, listener))

    async def _open(self, ours: aiohttp.ClientSession) -> str:
        members: dict[str, object] = {"forward_to": self.wanted.forward_to, "kind": self.wanted.kind}
        if self.wanted.types:
            members["event_types"] = list(self.wanted.types)
        try:
            made = await self._call(ours, "POST", "", members)
        except aiohttp.ClientError as error:
            raise FailureError("connect_failed", "--server") from error
        if self.as_json:
            click.echo(msgspec.json.encode({**made, "forward_to": self.wanted.forward_to}).decode())
        else:
            click.echo(f"Forwarding {', '.join(made['event_types'])} of the sandbox to {self.wanted.forward_to}")
            click.echo(f"Signed with {made['secret']} until this ends.")
        return str(made["id"])

    async def _close(self, ours: aiohttp.ClientSession, listener: str) -> None:
        try:
            await self._call(ours, "DELETE", f"/{listener}")
        except (AccreditError, aiohttp.ClientError, TimeoutError):
            # A listener that is silent for a minute is closed anyway.
            return

    async def _round(self, ours: aiohttp.ClientSession, theirs: aiohttp.ClientSession, listener: str) -> None:
        try:
            fetched = await self._call(ours, "GET", f"/{listener}/requests")
            await asyncio.gather(*(self._forward(ours, theirs, listener, each) for each in fetched["requests"]))
        except (aiohttp.ClientError, TimeoutError, FailureError):
            click.echo("The server does not answer; trying again.", err=True)
            await asyncio.sleep(_AGAIN_S)

    async def _forward(
        self, ours: aiohttp.ClientSession, theirs: aiohttp.ClientSession, listener: str, fetched: dict[str, Any]
    ) -> None:
        body = b64_decode(fetched["body"])
        told, duration_ms = await _post(theirs, self.wanted.forward_to, fetched["headers"], body)
        named = {"delivery_id": fetched["delivery_id"], "lease": fetched["lease"], "duration_ms": duration_ms}
        event_id, answer = fetched["headers"]["webhook-id"], told.get("status") or told["error"]
        if self.as_json:
            line = {"type": _type_of(body), "event_id": event_id, "answer": answer, "duration_ms": duration_ms}
            click.echo(msgspec.json.encode(line).decode())
        else:
            now = datetime.now().astimezone()
            click.echo(f"{now:%H:%M:%S}  {_type_of(body)}  {event_id}  {answer}  {duration_ms} ms")
        try:
            await self._call(ours, "POST", f"/{listener}/answers", {**told, **named})
        except NotFoundError as error:
            # It took so long that the server gave it up: it comes again.
            if error.code != "delivery_not_found":
                raise
        self._answered += 1

    async def _call(self, ours: aiohttp.ClientSession, method: str, path: str, members: object = None) -> Any:
        """One call of the server. Raises the error that it answers with; FailureError `response_malformed` for what is none."""
        async with ours.request(method, f"{self.server}/v1/webhook_listeners{path}", json=members) as answer:
            octets = await answer.read()
        if answer.status == 204:
            return None
        try:
            told = msgspec.json.decode(octets)
        except msgspec.DecodeError as error:
            raise FailureError("response_malformed", "--server") from error
        if answer.status < 400:
            return told
        code = CODES.get(told.get("code", "")) if isinstance(told, dict) else None
        if code is None:
            raise FailureError("response_malformed", "--server")
        raise code.family(told["code"], told.get("member"))


async def _post(theirs: aiohttp.ClientSession, url: str, headers: dict[str, str], body: bytes) -> tuple[dict[str, object], int]:
    """What came of it, in the words of the listener's answers, and how long it took in ms."""
    loop = asyncio.get_running_loop()
    begun, timeout = loop.time(), aiohttp.ClientTimeout(total=_FORWARD_S)
    told: dict[str, object]
    try:
        async with theirs.post(url, data=body, headers=headers, allow_redirects=False, timeout=timeout) as answer:
            text = (await answer.content.read(_KEPT_BYTES)).decode("utf-8", "replace")
            told = {"status": answer.status, "body": text[:_KEPT_BYTES]}
            for member, name in (("retry_after", "Retry-After"), ("content_type", "Content-Type")):
                if name in answer.headers:
                    told[member] = answer.headers[name][:256]
    except TimeoutError:
        told = {"error": "response_timeout"}
    except aiohttp.ClientConnectionError:
        told = {"error": "connect_failed"}
    except (aiohttp.ClientError, ValueError):
        told = {"error": "response_malformed"}
    return told, round((loop.time() - begun) * 1000)


def _type_of(body: bytes) -> str:
    event = msgspec.json.decode(body)
    return str(event.get("type") or event.get("event"))
