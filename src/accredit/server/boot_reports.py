"""Debug reports of the boot door: what is wrong with a signature, told while the level is SECURE_IDENTITY_DEBUG.

protocol-boot.md section 5. The page and the caller get the whole report. What is kept for a day, for the owner, are its booleans,
codes and numbers: no field value, no signature, no signed text and no hash of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from accredit.errors import NotFoundError
from accredit.identity import diagnose_identity
from accredit.server.gate import Admission, IdentityProof, Visit
from accredit.server.gate.boot import bound_origin, rules_of
from accredit.server.integrations.integration import Integration
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.opening import replay_key
from accredit.server.store import Transaction, one_by_one
from accredit.server.times import wire_time

LIFETIME_MS, MAX_PER_MINUTE = 24 * 3600 * 1000, 30
_MINUTE_MS, _FORGOTTEN_AT_ONCE = 60_000, 500


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check: how it went, and the code if it failed."""

    check: str
    result: Literal["pass", "fail", "skipped"]
    code: str | None = None


class KeptReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner can look up. would_admit, code: what SECURE_IDENTITY would have done. skew_s: ahead of us, negative: behind."""

    level: Literal["SECURE_IDENTITY_DEBUG"] = "SECURE_IDENTITY_DEBUG"
    would_admit: bool
    code: str | None
    request_id: str
    server_time: str
    timestamp: int | None
    skew_s: int | None
    window_s: int
    secrets_tried: int
    checks: list[Check]
    level_until: str


class OwnersReport(KeptReport, frozen=True, kw_only=True):
    """mistakes: by name, whether the signature was likely made with it. integration_id: whose level it was."""

    integration_id: str
    mistakes: dict[str, bool]


class BootReport(KeptReport, frozen=True, kw_only=True):
    """What the caller sees. signed_text: what should have been signed, masked; of the whole text size and hash."""

    signed_text: str | None
    signed_text_bytes: int | None
    signed_text_sha256: str | None


@dataclass(frozen=True, slots=True)
class _Keeping:
    integration: Integration
    report: BootReport
    mistakes: Mapping[str, bool]
    now_ms: int
    nonce_key: bytes | None


async def report_boot(
    node: Node, proof: IdentityProof, admission: Admission, visit: Visit, request_id: str, now_ms: int
) -> BootReport | None:
    """Tell how the signature of an admitted boot fares, and keep that for a day; None beyond 30 a minute per integration."""
    integration, rules = admission.integration, rules_of(admission.integration)
    held = await node.keyring.identity_secrets(integration.scope, integration.deployer_id, integration.integration_id)
    nonce = None if proof.peeked is None else replay_key(proof.peeked.nonce)
    used = rules.single_use and nonce is not None and await node.store.read(_is_used, (integration.integration_id, nonce))
    told = diagnose_identity(
        proof.boot.signature,
        held.live(now_ms),
        proof.boot,
        now=now_ms // 1000,
        window_s=rules.window_s,
        origin=bound_origin(proof.boot, visit),
        policy=rules.identity_policy,
        old_secrets=held.old(now_ms),
        nonce_used=used,
    )
    report = BootReport(
        would_admit=told.would_admit,
        code=told.code,
        request_id=request_id,
        server_time=wire_time(now_ms),
        timestamp=told.timestamp,
        skew_s=told.skew_s,
        window_s=told.window_s,
        secrets_tried=told.secrets_tried,
        checks=[Check(each.check, each.result, each.code) for each in told.checks],
        level_until=wire_time(rules.debug_until_ms),
        signed_text=told.signed_text,
        signed_text_bytes=told.signed_text_bytes,
        signed_text_sha256=told.signed_text_sha256,
    )
    # Only what SECURE_IDENTITY would have admitted uses up a nonce.
    nonce_key = nonce if told.would_admit and rules.single_use else None
    kept = await node.store.write(_keep, _Keeping(integration, report, told.mistakes, now_ms, nonce_key))
    return report if kept else None


def _is_used(tx: Transaction, wanted: tuple[str, bytes]) -> bool:
    """Query: whether a session, or while debugging a report, stands for a right signature with that nonce."""
    found = tx.row(
        "SELECT 1 FROM sessions WHERE integration_id = ? AND replay_key = ?"
        " UNION ALL SELECT 1 FROM boot_reports WHERE integration_id = ? AND nonce_key = ? LIMIT 1",
        wanted * 2,
    )
    return found is not None


@one_by_one
def _keep(tx: Transaction, item: _Keeping) -> bool:
    integration = item.integration
    row = tx.row(
        "SELECT COUNT(*) FROM boot_reports WHERE integration_id = ? AND created_ms > ?",
        (integration.integration_id, item.now_ms - _MINUTE_MS),
    )
    if row is not None and row[0] >= MAX_PER_MINUTE:
        return False
    members = {name: getattr(item.report, name) for name in KeptReport.__struct_fields__}
    kept = OwnersReport(**members, integration_id=integration.integration_id, mistakes=dict(item.mistakes))
    tx.execute(
        "INSERT INTO boot_reports (request_id, account_id, environment, integration_id, created_ms, nonce_key, report)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(kept.request_id, integration.scope.account_id, integration.scope.environment, integration.integration_id),
            *(item.now_ms, item.nonce_key, msgspec.json.encode(kept).decode()),
        ),
    )
    return True


def find_report(tx: Transaction, wanted: tuple[str, Scope, int]) -> OwnersReport:
    """Query: the report of a request, if it is of that account and environment and less than a day old.

    Raises NotFoundError `boot_report_not_found`.
    """
    request_id, scope, now_ms = wanted
    row = tx.row(
        "SELECT report FROM boot_reports WHERE request_id = ? AND account_id = ? AND environment = ? AND created_ms > ?",
        (request_id, scope.account_id, scope.environment, now_ms - LIFETIME_MS),
    )
    if row is None:
        raise NotFoundError("boot_report_not_found")
    return msgspec.json.decode(row[0], type=OwnersReport)


@one_by_one
def forget_reports(tx: Transaction, now_ms: int) -> int:
    """Change: remove up to 500 reports that are a day old."""
    old = (
        f"SELECT request_id FROM boot_reports WHERE created_ms <= {now_ms - LIFETIME_MS:d} ORDER BY created_ms"
        f" LIMIT {_FORGOTTEN_AT_ONCE}"
    )
    return tx.execute(f"DELETE FROM boot_reports WHERE request_id IN ({old})", ())
