"""Below `/auth`, and the few public addresses beside it: which address leads to which part of the door.

All answers below `/auth` are for nobody's cache.
"""

from accredit.server.doors.rest.api import cancel_address, events_address, redact_address, session_address, sessions_address
from accredit.server.doors.rest.browser import SessionPage, SessionState
from accredit.server.doors.rest.documents import DiscoveryDocument, KeySetDocument
from accredit.server.doors.rest.federation import EntityStatement, ProviderKeySet
from accredit.server.doors.rest.forms import SessionForm
from accredit.server.doors.rest.returns import ProviderReturn
from accredit.server.doors.rest.token import TokenEndpoint
from accredit.server.doors.routing import Paths, Router, nothing_here
from accredit.server.node import Node
from accredit.server.problems import rest_problem

BELOW = "/auth/"
# Those of the browser, of tokens and of documents stand in files of their own.
PATHS: Paths = {
    "/auth/open/connect/token": TokenEndpoint,
    "/auth/rest/sessions": sessions_address,
    "/auth/rest/sessions/{session_id}": session_address,
    "/auth/rest/sessions/{session_id}/cancel": cancel_address,
    "/auth/rest/sessions/{session_id}/events": events_address,
    "/auth/rest/sessions/{session_id}/redact": redact_address,
    "/auth/session/{session_id}": SessionPage,
    "/auth/session/{session_id}/state": SessionState,
    "/auth/session/{session_id}/{verb}": SessionForm,
    "/auth/callback/{provider_ref}": ProviderReturn,
    "/.well-known/jwks.json": KeySetDocument,
    "/auth/open/.well-known/openid-configuration": DiscoveryDocument,
    "/.well-known/oauth-authorization-server/auth/open": DiscoveryDocument,
    "/auth/federation/{provider_ref}/entity-statement": EntityStatement,
    "/auth/federation/{provider_ref}/jwks": ProviderKeySet,
}


def rest_router(node: Node) -> Router:
    """The addresses of the rest door."""
    return Router(node, PATHS, nothing_here(node, rest_problem))
