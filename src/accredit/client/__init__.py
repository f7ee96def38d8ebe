"""A typed client for customers' backends (extra: client): who is this person, is this user verified, and who embeds my application?

Two of each shape: `Client` and `FlowClient` wait, `AsyncClient` and `AsyncFlowClient` are awaited. They get and renew access tokens
or sign each request, open sealed answers with your keys, check who signed them where you ask for it, and send a call again that got
no answer.

    client = Client("https://accredit.example", client_id="shop-1", client_secret=secret, keys=[private_jwk])
    session = client.create(SessionRequest(requested_attributes=("name",), callback_urls=CallbackUrls.to(back)))
    ...                                             # the browser goes to session.authentication_url, and comes back
    session = client.get(session.id)
    session.status, session.subject                 # ("SUCCESS", Subject(...))
"""

from accredit.client.async_client import AsyncClient
from accredit.client.client import Client
from accredit.client.configuration import Options
from accredit.client.errors import (
    CallConflictError,
    CallError,
    CallFailureError,
    CallMalformedError,
    CallNotFoundError,
    CallRefused,
    InvalidParam,
)
from accredit.client.flow.async_client import AsyncFlowClient
from accredit.client.flow.client import FlowClient
from accredit.client.flow.operations import FlowOptions
from accredit.client.flow.requests import (
    FlowAddress,
    FlowFilter,
    FlowIdNumber,
    FlowName,
    FlowRequest,
    FlowRetry,
    FlowSimulation,
    FlowUser,
)
from accredit.client.flow.sessions import FlowSession, FlowSessionItem, FlowSessionPage, FlowTemplate
from accredit.client.requests import (
    Callback,
    CallbackUrls,
    PrefilledInput,
    ResponseProtection,
    SessionFilter,
    SessionRequest,
    read_callback,
)
from accredit.client.sessions import Environment, Session, SessionFault, SessionItem, SessionPage, Subject
from accredit.client.visits import Proof, Visit

__all__ = [
    "AsyncClient",
    "AsyncFlowClient",
    "CallConflictError",
    "CallError",
    "CallFailureError",
    "CallMalformedError",
    "CallNotFoundError",
    "CallRefused",
    "Callback",
    "CallbackUrls",
    "Client",
    "Environment",
    "FlowAddress",
    "FlowClient",
    "FlowFilter",
    "FlowIdNumber",
    "FlowName",
    "FlowOptions",
    "FlowRequest",
    "FlowRetry",
    "FlowSession",
    "FlowSessionItem",
    "FlowSessionPage",
    "FlowSimulation",
    "FlowTemplate",
    "FlowUser",
    "InvalidParam",
    "Options",
    "PrefilledInput",
    "Proof",
    "ResponseProtection",
    "Session",
    "SessionFault",
    "SessionFilter",
    "SessionItem",
    "SessionPage",
    "SessionRequest",
    "Subject",
    "Visit",
    "read_callback",
]
