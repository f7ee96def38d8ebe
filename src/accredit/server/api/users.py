"""Users of an integration by their id: stored data, and erasure (protocol-embed.md section 9)."""

import msgspec

from accredit.errors import NotFoundError
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.api.user_data import UserData, delete_reply, read_reply, write_reply
from accredit.server.integrations.policy import Id
from accredit.server.integrations.removing import find_ours, was_ever_ours
from accredit.server.sessions.user_data import User, erase_user, find_user

_DATA = "/v1/users/{uid}/data"
_CODES = ("field_invalid", "integration_not_found")


class UserQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The integration whose user it is."""

    integration_id: Id


class Erasure(msgspec.Struct, frozen=True):
    """sessions: how many of the user's sessions were redacted."""

    sessions: int


@operation("GET", _DATA, answer=UserData, codes=(*_CODES, "user_data_unknown"), limited=True, conditional=True)
async def read_user_data(call: Call, query: UserQuery) -> Reply:
    """Read what is stored for a user."""
    return await read_reply(call, await _find(call, query))


@operation("PUT", _DATA, status=204, codes=(*_CODES, "precondition_failed"), limited=True, conditional=True)
async def write_user_data(call: Call, query: UserQuery, body: bytes) -> Reply:
    """Store an object of at most 64 KiB for a user."""
    user = await _find(call, query)
    # Nothing new is stored for an integration that was deleted.
    found(await call.node.store.read(find_ours, (call.scope, query.integration_id)), "integration_not_found")
    return await write_reply(call, user, body)


@operation(
    "DELETE", _DATA, status=204, codes=(*_CODES, "user_data_unknown", "precondition_failed"), limited=True, conditional=True
)
async def delete_user_data(call: Call, query: UserQuery) -> Reply:
    """Delete what is stored for a user."""
    return await delete_reply(call, await _find(call, query))


@operation("DELETE", "/v1/users/{uid}", answer=Erasure, codes=_CODES, limited=True)
async def erase(call: Call, query: UserQuery) -> Reply:
    """Erase a user of an integration.

    Stored data is deleted, open sessions are cancelled, and all of the user's sessions are redacted. Doing it again finds nothing.
    """
    sessions = await erase_user(call.node.store, await _find(call, query), call.cause)
    return json_reply(call.request_id, Erasure(sessions))


async def _find(call: Call, query: UserQuery) -> User:
    """The user that the call names. Of a deleted integration too: erasure is owed as long as anything is stored."""
    uid = call.part("uid")
    ours = call.reaches(query.integration_id) and await call.node.store.read(was_ever_ours, (call.scope, query.integration_id))
    if not ours:
        raise NotFoundError("integration_not_found", "integration_id")
    return find_user(call.node.sealer, call.scope, query.integration_id, uid)


OPERATIONS = (read_user_data, write_user_data, delete_user_data, erase)
