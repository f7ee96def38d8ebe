"""What a body of kind `flow` says of its session beside the event, read when it is sent (protocol-webhooks.md section 3)."""

from accredit.server.events.bodies import NO_FACTS, FlowFacts
from accredit.server.events.records import Endpoint, StoredEvent
from accredit.server.node import Node
from accredit.server.sessions.flow.reading import load_any
from accredit.server.sessions.flow.record import load_person


async def load_flow_facts(node: Node, endpoint: Endpoint, event: StoredEvent) -> FlowFacts:
    """The facts; nothing for other kinds, and without the customer's reference once the session was redacted.

    Raises FailureError `service_unavailable`, `sealed_damaged`, `root_key_missing`.
    """
    if endpoint.kind != "flow" or event.session_id is None:
        return NO_FACTS
    session = await load_any(node, event.session_id)
    if session is None or session.scope != event.scope:
        return NO_FACTS
    person = load_person(node.sealer, session)
    return FlowFacts(person.customer_reference, session.integration_version, session.previous_session_id)
