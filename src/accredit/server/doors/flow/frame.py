"""What a frame or a hosted page asks while the person goes through the steps: `/flow/frame/...` (protocol-flow.md sections 5 and 14).

Every call is a POST of JSON with the bearer token that came with the page; no cookie is read or set. The answer is the session as it
stands now, with the screen to show. What the owner switches off stops here at once: a template, or the origin of the page around.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from accredit.encoding import Json
from accredit.errors import ConflictError, Refused
from accredit.server.asgi import HttpScope
from accredit.server.attempts import Attempt
from accredit.server.doors.flow.calls import JsonPart, check_open, read_wanted
from accredit.server.doors.flow.showing import Viewer, show
from accredit.server.hosted.wording import choose_language
from accredit.server.node import Node
from accredit.server.sessions.flow.ending import find_any_flow
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.sessions.flow.statuses import flow_word
from accredit.server.sessions.flow.stepping import look_again, submit
from accredit.server.sessions.flow.tokens import FrameToken, find_token

_MAX_FIELDS = 50


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a call. language: what the page is shown in. step, attempt, form: of a screen that was filled in."""

    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    step: Annotated[str, msgspec.Meta(max_length=40)] = ""
    attempt: int = 0
    form: Annotated[dict[str, str], msgspec.Meta(max_length=_MAX_FIELDS)] = {}


@dataclass(frozen=True, slots=True)
class FrameCall:
    """A call of a page whose token holds."""

    node: Node
    scope: HttpScope = field(repr=False)
    wanted: Wanted = field(repr=False)
    token: FrameToken
    session: FlowSession = field(repr=False)

    async def answer(self, session: FlowSession, *, with_input: bool = False) -> dict[str, Json]:
        """The session as the page shows it. with_input: after a form that was not right."""
        accepted = dict(self.scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        language = choose_language((self.wanted.language, self.token.language, session.locale), accepted)
        viewer = Viewer(self.scope["request_id"], language, in_frame=self.token.origin is not None, with_input=with_input)
        return (await show(self.node, session, viewer)).answer()


class FramePart(JsonPart):
    """An address for whoever holds a frame token."""

    @abstractmethod
    async def run(self, call: FrameCall) -> dict[str, Json]:
        """Carry a call out. Raises errors of the tree."""

    async def answer(self, scope: HttpScope, body: bytes, attempt: Attempt) -> dict[str, Json]:
        """Find the session of the token. Raises Refused: `invalid_token`, `integration_disabled`, `origin_not_allowed`."""
        node = self._node
        wanted = read_wanted(body, Wanted)
        token = await find_token(node, _bearer(dict(scope["headers"])))
        session = None if token is None else await find_any_flow(node, token.session_id)
        if token is None or session is None:
            raise Refused("invalid_token")
        await check_open(node, session, token.origin, attempt)
        return await self.run(FrameCall(node, scope, wanted, token, session))


class FrameState(FramePart):
    """`POST /flow/frame/state`: how the session stands, and what is due begins."""

    async def run(self, call: FrameCall) -> dict[str, Json]:
        """Look, and ask what is awaited."""
        return await call.answer(await look_again(call.node, call.session))


class FrameSubmit(FramePart):
    """`POST /flow/frame/submit`: the form of the screen that is due."""

    async def run(self, call: FrameCall) -> dict[str, Json]:
        """Hand the form to its step. Raises ConflictError `step_not_active`."""
        session, wanted = call.session, call.wanted
        status = session.status_at(call.node.clock())
        if flow_word(status) == "canceled":
            # After a retry the person is told so, whatever was sent.
            return await call.answer(session)
        step = session.active_step
        if not session.is_active(call.node.clock()) or step is None:
            raise ConflictError("step_not_active")
        if (step, session.steps[step].attempt) != (wanted.step, wanted.attempt):
            raise ConflictError("step_not_active")
        return await call.answer(await submit(call.node, session, step, wanted.form), with_input=True)


def _bearer(sent: Mapping[bytes, bytes]) -> str:
    """The token of a call (RFC 6750 section 2.1); empty without one."""
    scheme, _, token = sent.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token if scheme.lower() == "bearer" else ""
