"""`accredit webhooks verify`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from accredit.cli.files import INPUT, read_key, read_keys, read_octets
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json
from accredit.cli.secrets import read_secret_texts
from accredit.cli.times import now_ms, parse_moment
from accredit.cli.webhooks.received import Headers, read_headers
from accredit.httpsig import TOLERANCE_S, peek_request
from accredit.webhooks import WEBHOOK_TOLERANCE_S, VerifiedEvent, open_event, verify_flow_webhook, verify_webhook

VARIABLE = "WEBHOOK_SECRET"


@click.command(
    epilog=examples(
        "accredit webhooks verify --secret endpoint.secret --body body.json --headers headers.txt",
        "accredit webhooks verify --public-key whpk_... --body - --headers headers.txt --endpoint-id whksub_... < body.json",
        "accredit webhooks verify --secret api.secret --target /hooks/flow --body body.json --headers headers.txt",
    )
)
@click.option("--body", type=INPUT, required=True, help="The body as it came, octet by octet; `-` reads standard input.")
@click.option("--headers", "header_file", type=INPUT, help="The headers, `Name: value` on a line each.")
@click.option("--header", "header_lines", metavar="TEXT", multiple=True, help="One header, `Name: value`.")
@click.option("--secret", "files", type=INPUT, multiple=True, help=f"A file with a secret, `-`: stdin; by default {VARIABLE}.")
@click.option("--public-key", "public", metavar="KEY", multiple=True, help="A key of the sender's: a whpk_ text, or a file.")
@click.option("--endpoint-id", metavar="ID", help="The endpoint that it must be for.")
@click.option("--target", metavar="PATH", help="Verify the original's headers: path and query that were called.")
@click.option("--private-key", "private_file", type=INPUT, help="A private JWK that opens a sealed body.")
@click.option("--tolerance", "tolerance_s", metavar="S", type=click.IntRange(0), help="Seconds off; by default 300, or 900.")
@click.option("--at", "--now", "at_ms", type=parse_moment, metavar="TIME", help="Judge as at this time; by default now.")
@json_option
def command(
    body: Path, header_file: Path | None, header_lines: Sequence[str], private_file: Path | None, as_json: bool, **asked: Any
) -> None:
    """Say whether a webhook that came is genuine: exit code 0, or 1 with the code of what does not hold.

    By default by its `webhook-` headers (Standard Webhooks), under the endpoint's secret or the sender's public key. With --target by
    those of the original, under the API secret, or the endpoint's where that signs. Whether it came before is yours to know.
    """
    event = _verify(read_octets(body), read_headers(header_file, header_lines), **asked)
    _show(event if private_file is None else open_event(event, read_key(private_file)), as_json=as_json)


def _verify(
    body: bytes,
    headers: Headers,
    *,
    files: Sequence[Path],
    public: Sequence[str],
    endpoint_id: str | None,
    target: str | None,
    tolerance_s: int | None,
    at_ms: int | None,
) -> VerifiedEvent:
    if target is not None and (public or endpoint_id is not None):
        raise click.UsageError("--public-key and --endpoint-id are for `webhook-` headers, and --target is not.")
    secrets = [text for _, text in read_secret_texts(files, VARIABLE)] if files or not public else []
    now = (now_ms() if at_ms is None else at_ms) // 1000
    if target is not None:
        return _verify_flow(body, headers, target, secrets, now, TOLERANCE_S if tolerance_s is None else tolerance_s)
    return verify_webhook(
        body,
        headers,
        secrets=secrets,
        public_keys=[key for text in public for key in _read_public(text)],
        now=now,
        tolerance_s=WEBHOOK_TOLERANCE_S if tolerance_s is None else tolerance_s,
        endpoint_id=endpoint_id,
    )


def _verify_flow(
    body: bytes, headers: Headers, target: str, secrets: Sequence[str], now: int, tolerance_s: int
) -> VerifiedEvent:
    """The secrets count under whatever key id is named: a file has no name."""
    keys = {peek_request(headers).key_id: secrets}
    return verify_flow_webhook(body, headers, target=target, keys=keys, now=now, tolerance_s=tolerance_s)


def _read_public(text: str) -> Sequence[str | Mapping[str, object]]:
    if text.startswith("whpk_"):
        return [text]
    if text != "-" and not Path(text).is_file():
        raise click.UsageError(f"{text} is neither a whpk_ text nor a file.")
    return read_keys(Path(text))


def _show(event: VerifiedEvent, *, as_json: bool) -> None:
    payload = event.payload or {}
    facts = {
        "holds": True,
        "id": event.id,
        "type": payload.get("type", payload.get("event")),
        "attempted_at": datetime.fromtimestamp(event.attempted_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "environment": payload.get("environment"),
        "endpoint_id": payload.get("endpoint_id"),
        "sealed": event.sealed is not None,
        "opened": event.payload is not None,
    }
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)
