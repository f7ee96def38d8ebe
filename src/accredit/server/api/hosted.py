"""The page of one session, reached by its link (protocol-boot.md section 5)."""

from typing import Annotated

import msgspec

from accredit.errors import NotFoundError
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply
from accredit.server.hosted.pages import Welcome, hosted_page
from accredit.server.sessions.hosted_links import link_holds
from accredit.server.sessions.record import Session, find_any_session, open_person


class LinkQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """key: what makes the link this session's."""

    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


@operation("GET", "/verify/{session_id}", codes=("link_invalid",), public=True, page=True, listed=False)
async def show_session(call: Call, query: LinkQuery) -> Reply:
    """Show which application was opened, for whom, while the session is open."""
    node, session_id = call.node, call.part("session_id")
    holds = link_holds(node.sealer, session_id, query.key)
    session = await node.store.read(find_any_session, session_id) if holds else None
    if session is None or not session.is_open(call.now_ms):
        raise NotFoundError("link_invalid")
    page = hosted_page(await _welcome(call, session), script=f"{node.settings.public_path}/sdk/accredit.js")
    return Reply(page.status, page.headers, page.body)


async def _welcome(call: Call, session: Session) -> Welcome:
    integration = await call.node.catalog.find("boot", session.integration_id)
    if integration is None:
        raise NotFoundError("link_invalid")
    return Welcome(
        request_id=call.request_id,
        ancestors=integration.origins.frame_ancestors,
        origin=session.origin,
        channel=session.channel,
        door=session.door,
        integration_id=session.integration_id,
        deployer_id=integration.deployer_id,
        uid=open_person(call.node.sealer, session).uid,
        view_id=session.view_id,
        trust=session.trust,
    )


OPERATIONS = (show_session,)
