"""The checklist of a template as it stands now: every item is judged when it is asked for, by what was recorded before."""

import msgspec

from accredit.errors import ConflictError
from accredit.server.checklist.confirming import find_confirmation, judge_confirmation
from accredit.server.checklist.findings import count_exposures, find_findings, find_step_findings
from accredit.server.checklist.item import Fault, Item, item_of, told
from accredit.server.checklist.pages import Page, judge_page, resolve_origins
from accredit.server.checklist.receivers import judge_receivers
from accredit.server.checklist.secrets import find_flow_secrets, judge_secrets
from accredit.server.checklist.steps import StepUse, judge_steps
from accredit.server.events.records import list_endpoints
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.flow import FlowPolicy, StepRule
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.flow.quota import SESSION_LIMIT, find_count


class Checklist(msgspec.Struct, frozen=True):
    """ready: no item fails, and what people have to confirm is confirmed."""

    integration_id: str
    ready: bool
    items: list[Item]


async def read_checklist(node: Node, record: IntegrationRecord) -> Checklist:
    """Judge every item. Raises ConflictError `checklist_flow_only` for an integration of another door."""
    policy, now_ms = record.policy, node.clock()
    if not isinstance(policy, FlowPolicy):
        raise ConflictError("checklist_flow_only")
    await node.observations.flush()
    secrets = await node.store.read(find_flow_secrets, (record.scope, now_ms))
    exposures = await node.store.read(count_exposures, (record.scope, now_ms))
    endpoints = await node.store.read(list_endpoints, record.scope)
    items = [
        judge_confirmation(await node.store.read(find_confirmation, record.integration_id), now_ms),
        *judge_page(await _look_at_page(node, record, policy, now_ms)),
        *judge_receivers(endpoints, record.integration_id, now_ms),
        *judge_secrets(secrets, exposures, now_ms),
        _retention(policy),
        await _look_at_steps(node, record, policy, now_ms),
    ]
    ready = not any(item.state in ("fail", "manual") for item in items)
    return Checklist(record.integration_id, ready, items)


async def _look_at_page(node: Node, record: IntegrationRecord, policy: FlowPolicy, now_ms: int) -> Page:
    return Page(
        policy=policy,
        environment=record.scope.environment,
        findings=await node.store.read(find_findings, (record.integration_id, now_ms)),
        created=await node.store.read(find_count, record.integration_id),
        limit=SESSION_LIMIT,
        resolved=await resolve_origins(node.outbound, policy),
    )


async def _look_at_steps(node: Node, record: IntegrationRecord, policy: FlowPolicy, now_ms: int) -> Item:
    uses = []
    for rule in policy.steps:
        simulated = record.scope.environment == "sandbox" and rule.simulate
        uses.append(StepUse(rule, simulated, None if simulated else await _changed_ms(node, record.scope, rule)))
    return judge_steps(uses, await node.store.read(find_step_findings, record.integration_id), now_ms)


async def _changed_ms(node: Node, scope: Scope, rule: StepRule) -> int | None:
    """When what a step asks was last changed; None where it is none of the account's."""
    if rule.step == "verify_sms":
        gateway = await node.steps.gateways.find(scope)
        return None if gateway is None else gateway.updated_ms
    service = None if rule.service is None else await node.steps.services.find(scope, rule.service)
    return None if service is None else service.updated_ms


def _retention(policy: FlowPolicy) -> Item:
    if policy.retention_days is not None:
        days = told(policy.retention_days, "day", "days")
        return item_of("retention_set", [], f"What is told of a person is erased {days} after the end.")
    fix = "Set retention_days to as long as you have a reason to keep what is told of a person."
    return item_of("retention_set", [Fault("warn", "What is told of a person is kept for ever", fix)])
