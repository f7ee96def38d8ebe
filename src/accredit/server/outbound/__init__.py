"""Outgoing requests: the one way in which the server calls addresses that an account may name (protocol-webhooks.md section 7).

`guard` judges a name and its addresses, `call` makes the connection to one that was judged. Nothing else here calls out.
"""

from accredit.server.outbound.addresses import Allowed, Target
from accredit.server.outbound.guard import Outbound
from accredit.server.outbound.names import resolve_name
from accredit.server.outbound.request import Answer, OutboundRequest, Redirected

__all__ = ["Allowed", "Answer", "Outbound", "OutboundRequest", "Redirected", "Target", "resolve_name"]
