"""`accredit audit`."""

import click

from accredit.cli.database import Database, Whose, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_json, print_table
from accredit.server.audit import AuditHead, AuditRecord, AuditSearch, find, verify
from accredit.server.keyring.scope import SERVER
from accredit.server.node import Node
from accredit.server.times import wire_time


@click.group()
def command() -> None:
    """Read the audit trail, and verify that nobody rewrote it.

    Entries hold ids, codes, names of members and counts; never a value or a secret.
    """


@command.command(
    "list",
    epilog=examples(
        "accredit audit list --limit 20",
        "accredit audit list --code jws_signature_invalid --json",
        "accredit audit list --request-id 4f1d...",
    ),
)
@click.option("--kind", help="Only entries of this kind, such as key.revoked.")
@click.option("--code", help="Only entries with this code, such as token_expired.")
@click.option("--request-id", metavar="ID", help="Only entries of this request, as the page of a refusal names it.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--server", is_flag=True, help="Entries that belong to no account.")
@scope_options
@database_options
@json_option
def list_(
    kind: str | None,
    code: str | None,
    request_id: str | None,
    limit: int,
    server: bool,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """List entries of an account and environment, newest first."""

    async def work(node: Node) -> list[AuditRecord]:
        scope = SERVER if server else await whose.find(node)
        search = AuditSearch(scope, request_id=request_id, kind=kind, code=code)
        page = await find(node.store, node.sealer, search, limit=limit)
        return list(page.records)

    records = database.run(work)
    if as_json:
        print_json([_described(record) for record in records])
        return
    rows = [
        (record.seq, wire_time(entry.at_ms), entry.kind, entry.code, entry.actor, _about(record), entry.detail)
        for record in records
        for entry in (record.entry,)
    ]
    print_table(("seq", "at", "kind", "code", "actor", "about", "detail"), rows)


@command.command(
    "verify",
    epilog=examples(
        "accredit audit verify", "accredit audit verify --expect-head 1024:5f3c...", "accredit audit verify --json"
    ),
)
@click.option("--expect-head", metavar="SEQ:MAC", help="A head noted earlier; the chain must lead through it.")
@database_options
@json_option
def verify_(expect_head: str | None, database: Database, as_json: bool) -> None:
    """Recompute the whole chain of the audit trail; exit code 1 when it does not hold.

    Note the head that this prints where nobody who can write the database can change it, and give it to the next run: then an old
    copy of the database shows too.
    """
    expected = None if expect_head is None else AuditHead.parse(expect_head)
    report = database.run(lambda node: verify(node.store, node.sealer, expect_head=expected))
    if as_json:
        print_json({"holds": True, "count": report.count, "head": str(report.head)})
        return
    click.echo(f"The audit chain holds: {report.count} entries.")
    click.echo(f"head {report.head}")


def _about(record: AuditRecord) -> str | None:
    """The narrowest id that the entry names."""
    entry = record.entry
    return entry.session_id or entry.key_id or entry.integration_id


def _described(record: AuditRecord) -> dict[str, object]:
    entry = record.entry
    return {
        "seq": record.seq,
        "at": wire_time(entry.at_ms),
        "kind": entry.kind,
        "code": entry.code,
        "actor": entry.actor,
        "integration_id": entry.integration_id,
        "key_id": entry.key_id,
        "session_id": entry.session_id,
        "request_id": entry.request_id,
        "detail": dict(entry.detail),
    }
