"""Invitations: a link with which a deployer hands in its public key itself (protocol-embed.md section 10).

The page works without a script. Who has the link can hand in one key for that deployer, and nothing else; what was pasted is never
shown again, since it may be a private key.
"""

import msgspec

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import AccreditError, FailureError, MalformedError, NotFoundError
from accredit.server import telemetry
from accredit.server.api.deployer_keys import IntegrationIds, require_deployer
from accredit.server.api.key_answers import time_or_null
from accredit.server.api.operations import Call, operation
from accredit.server.api.pages import page_reply
from accredit.server.api.replies import Reply, json_reply
from accredit.server.keyring import invitations
from accredit.server.keyring.deployment_keys import Holder
from accredit.server.keyring.invitations import Invitation
from accredit.server.times import wire_time

_ADDRESS, _LINK = "/v1/deployers/{deployer_id}/invitations", "/invitations/{token}"
_MAX_DEPTH = 8


class NewInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the key that is handed in will be for. integration_ids: where it counts; null: everywhere."""

    alg: str = "ES512"
    integration_ids: IntegrationIds | None = None


class InvitationAnswer(msgspec.Struct, frozen=True):
    """One invitation. key_id: the key that was handed in with it."""

    invitation_id: str
    deployer_id: str
    alg: str
    integration_ids: tuple[str, ...] | None
    created_at: str
    expires_at: str
    used_at: str | None
    key_id: str | None


class MadeInvitationAnswer(msgspec.Struct, frozen=True):
    """url: the link, shown this once."""

    invitation: InvitationAnswer
    url: str


class Invitations(msgspec.Struct, frozen=True):
    """Oldest first, used and expired ones too."""

    invitations: list[InvitationAnswer]


@operation(
    "POST",
    _ADDRESS,
    answer=MadeInvitationAnswer,
    status=201,
    codes=("deployer_not_found", "integration_not_found"),
)
async def create_invitation(call: Call, body: NewInvitation) -> Reply:
    """Make a link, good once and for 7 days, with which the deployer hands in its public key."""
    holder = Holder(call.scope, call.part("deployer_id"), body.alg, body.integration_ids)
    made = await invitations.create_invitation(call.node.store, holder, call.cause)
    url = f"{call.node.settings.public_url}/invitations/{made.token}"
    return json_reply(call.request_id, MadeInvitationAnswer(_answer(made.invitation), url), 201)


@operation("GET", _ADDRESS, answer=Invitations, codes=("deployer_not_found",))
async def list_invitations(call: Call) -> Reply:
    """List a deployer's invitations, oldest first."""
    deployer_id = await require_deployer(call)
    records = await call.node.store.read(invitations.list_invitations, (call.scope, deployer_id))
    return json_reply(call.request_id, Invitations([_answer(each) for each in records]))


@operation("GET", _LINK, public=True, listed=False, page=True)
async def show_invitation(call: Call) -> Reply:
    """The page that asks for the key. Looking at it uses nothing up, as mail scanners follow links."""
    invitation = await invitations.find_open_invitation(call.node.store, call.part("token"), call.now_ms)
    return _page(call, invitation)


@operation("POST", _LINK, public=True, listed=False, page=True)
async def accept_invitation(call: Call, form: dict[str, str]) -> Reply:
    """Take the key that was pasted."""
    store, token = call.node.store, call.part("token")
    invitation = await invitations.find_open_invitation(store, token, call.now_ms)
    try:
        record = await invitations.accept_invitation(store, token, _parse(form), call.cause)
    except (NotFoundError, FailureError):
        raise
    except AccreditError as error:
        telemetry.refusals("api", error.code).inc()
        return _page(call, invitation, error)
    return page_reply(call.node.settings, call.request_id, "accepted.html", record=record)


def _parse(form: dict[str, str]) -> Json:
    try:
        return parse_json(form.get("jwk", "").strip().encode("utf-8", "surrogatepass"), max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("key_malformed") from error


def _page(call: Call, invitation: Invitation, error: AccreditError | None = None) -> Reply:
    return page_reply(
        call.node.settings,
        call.request_id,
        "invitation.html",
        200 if error is None else error.status,
        invitation=invitation,
        expires_at=wire_time(invitation.expires_ms),
        error=error,
    )


def _answer(invitation: Invitation) -> InvitationAnswer:
    return InvitationAnswer(
        invitation_id=invitation.invitation_id,
        deployer_id=invitation.holder.deployer_id,
        alg=invitation.holder.alg,
        integration_ids=invitation.holder.integration_ids,
        created_at=wire_time(invitation.created_ms),
        expires_at=wire_time(invitation.expires_ms),
        used_at=time_or_null(invitation.used_ms),
        key_id=invitation.key_id,
    )


OPERATIONS = (create_invitation, list_invitations, show_invitation, accept_invitation)
