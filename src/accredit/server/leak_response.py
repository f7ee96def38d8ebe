"""What a server does about a leak: it ends what was exposed (`keyring.leaks`), and writes to the owners.

protocol-flow.md section 12, protocol-embed.md section 9. Everything that finds a secret where it must not be ends here: the doors,
the API, reports of pages and of scanners.

    revoked = await answer_exposed(node, form.values(), Sighting("browser", Cause(now_ms, request_id=request_id)))
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accredit.server.checklist.recording import find_holders, record_exposure
from accredit.server.events.leaked import go_on_without
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.leaks import Leak, respond
from accredit.server.keyring.records import KeyRecord
from accredit.server.node import Node
from accredit.server.notices import Notice
from accredit.server.times import wire_time


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where something was seen. source: `browser`, `api`, or who reported it. url: None where it is not known."""

    source: str
    cause: Cause
    url: str | None = None


async def answer_exposed(node: Node, texts: Iterable[str], seen: Sighting) -> tuple[KeyRecord, ...]:
    """End whatever secret of anybody here stands in these texts; the records that were live. Raises as `answer_leak`."""
    exposed = await node.keyring.find_exposed(texts)
    return await answer_leak(node, Leak(exposed, seen.source, seen.cause, seen.url)) if exposed else ()


async def answer_leak(node: Node, leak: Leak) -> tuple[KeyRecord, ...]:
    """End every live record over what was exposed, durably, and let the owners know; the records that were live.

    Raises FailureError `service_unavailable`.
    """
    revoked = await respond(node.store, leak)
    # A page may show for long what was revoked when it was first seen.
    holders = await node.store.read(find_holders, leak.exposed) if leak.source == "browser" else ()
    if holders:
        await node.store.write(record_exposure, (leak.exposed, leak.cause.at_ms))
    for account_id in dict.fromkeys(record.scope.account_id for record in revoked if record.scope.account_id):
        records = [record for record in revoked if record.scope.account_id == account_id]
        of_webhooks = await go_on_without(node, records, leak.cause)
        text = _letter(leak, records, await _without_standby(node, records, leak.cause.at_ms), of_webhooks)
        node.notices.send_soon(Notice("key_leaked", account_id, "A secret was exposed and has been revoked", text))
    return revoked


async def _without_standby(node: Node, records: Sequence[KeyRecord], at_ms: int) -> list[str]:
    """Key ids of API credentials that have no other live secret."""
    ids = dict.fromkeys(record.api_key_id for record in records if record.api_key_id is not None)
    return [api_key_id for api_key_id in ids if await node.keyring.api_credential(api_key_id, at_ms) is None]


def _letter(leak: Leak, records: Sequence[KeyRecord], without_standby: Sequence[str], of_webhooks: Sequence[str]) -> str:
    lines = [
        f"At {wire_time(leak.cause.at_ms)} something that must be secret was seen where others can read it. It counts no more:",
        "",
        *(f"- {_described(record)}" for record in records),
        "",
        f"Seen by: {leak.source}",
        *([f"Address: {leak.url}"] if leak.url else []),
        "",
        *(f"{name} has no other live secret: requests under it are refused until you make one." for name in without_standby),
        *of_webhooks,
        "What has another live secret goes on with that one.",
        "Make a new secret, give it to the backend that used the old one, and take the old one out of the place where it was seen.",
    ]
    return "\n".join(lines) + "\n"


def _described(record: KeyRecord) -> str:
    called = f', "{record.label}"' if record.label else ""
    holder = record.api_key_id or record.endpoint_id
    whose = f" of {holder}" if holder else ""
    return f"{record.purpose} key {record.key_id}{whose} ({record.scope.environment}{called})"
