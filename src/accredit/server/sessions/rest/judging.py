"""What a provider's answer comes to: steps 1 and 2 of protocol-rest.md section 9.

The level is compared, the key's state and the need for encryption are looked at again, and the claims become attributes, cut to those
that were asked for.
"""

from dataclasses import dataclass

from accredit.server.keyring.encryption_keys import is_key_live
from accredit.server.node import Node
from accredit.server.providers.mapping import map_claims
from accredit.server.providers.provider import Ended, Outcome, Verified
from accredit.server.providers.records import LOAS, ProviderRecord, find_providers
from accredit.server.sessions.rest.answers import Standing
from accredit.server.sessions.rest.record import RestSession
from accredit.server.sessions.rest.subjects import build_subject


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the session is to end. reason, left_out: for the audit record alone."""

    standing: Standing
    reason: str | None = None
    left_out: tuple[str, ...] = ()


async def judge_outcome(node: Node, session: RestSession, outcome: Outcome) -> Judgement:
    """What comes of an attempt, by what holds now."""
    if isinstance(outcome, Ended):
        return Judgement(Standing(outcome.status, outcome.detail), outcome.audit)
    record = await find_provider(node, session)
    if record is None:
        return Judgement(Standing("error", "provider_unavailable"), "provider_removed")
    control = session.control
    asked = control.requested_loa
    if asked is not None and LOAS.index(outcome.loa) < LOAS.index(asked):
        return Judgement(Standing("failed", "loa_too_low"), outcome.loa)
    if await key_is_revoked(node, session):
        return Judgement(Standing("error", "encryption_key_revoked", bare=True))
    if record.requires_encryption and session.key_jwk is None:
        return Judgement(Standing("error", "encryption_required"))
    return _judge_claims(node, session, record, outcome)


def _judge_claims(node: Node, session: RestSession, record: ProviderRecord, outcome: Verified) -> Judgement:
    mapped = map_claims(record, outcome.claims, session.control.requested_attributes)
    if mapped.missing:
        return Judgement(Standing("failed", "attribute_missing"), "attribute_missing", mapped.missing)
    subject = build_subject(node.sealer, session.scope, record.provider_id, outcome.idp_id, mapped.subject)
    return Judgement(Standing("success", subject=subject, loa=outcome.loa), left_out=mapped.left_out)


async def find_provider(node: Node, session: RestSession) -> ProviderRecord | None:
    """The record of the provider that was chosen, while it is there and enabled."""
    records = await find_providers(node, session.scope)
    chosen = session.provider_id
    return next((each for each in records if each.provider_id == chosen and each.enabled), None)


async def key_is_revoked(node: Node, session: RestSession) -> bool:
    """Whether the session's key was revoked, or denied, since the session was created."""
    control = session.control
    if session.thumbprint is None or control.protection is None:
        return False
    return not await is_key_live(
        node,
        session.scope,
        control.protection.key_id,
        session.thumbprint,
        jwks_uri=control.jwks_uri,
        now_ms=node.clock(),
    )
