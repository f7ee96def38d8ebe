"""The checklist for going live of a template (protocol-flow.md section 13)."""

from typing import Literal

import msgspec

from accredit.server.api.integrations import find_integration_of
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.checklist.checklist import Checklist, read_checklist
from accredit.server.checklist.confirming import confirm_signing_rules

_ADDRESS = "/v1/integrations/{integration_id}/checklist"
_CODES = ("integration_not_found", "checklist_flow_only", "service_unavailable")


class ConfirmedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody confirms; it is good for a year."""

    item: Literal["signing_rules_read"]


@operation("GET", _ADDRESS, answer=Checklist, codes=_CODES)
async def read_integration_checklist(call: Call) -> Reply:
    """Say whether a template of the flow door is fit to go live, and what to do where it is not."""
    return json_reply(call.request_id, await read_checklist(call.node, await find_integration_of(call)))


@operation("POST", f"{_ADDRESS}/confirm", answer=Checklist, codes=_CODES)
async def confirm_checklist_item(call: Call, body: ConfirmedItem) -> Reply:
    """Confirm what only people can: that they have read the rules of signing, and keep to them."""
    record = await find_integration_of(call)
    await read_checklist(call.node, record)
    await call.node.store.write(confirm_signing_rules, (record, call.cause))
    return json_reply(call.request_id, await read_checklist(call.node, record))


OPERATIONS = (read_integration_checklist, confirm_checklist_item)
