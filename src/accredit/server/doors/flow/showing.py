"""How a session is shown to its person: the screen that is due, around it who asks, and what the page's script has to know."""

from dataclasses import dataclass

from accredit.encoding import Json
from accredit.server.doors.owners import load_owner
from accredit.server.hosted.flow.pages import render_look, render_screen
from accredit.server.hosted.flow.views import Around, Screen
from accredit.server.hosted.wording import Language
from accredit.server.node import Node
from accredit.server.sessions.flow.record import FlowSession, KeptStep, load_person
from accredit.server.sessions.flow.statuses import flow_word

# How often a page asks at most where it only waits; the node looks by itself, too.
_ASK_EVERY_MS = 1000


@dataclass(frozen=True, slots=True)
class Viewer:
    """Where a session is shown. in_frame: in the modal of a page, else at a hosted link. ancestors: who may frame it.

    with_input: the answer to a form that was not right, which has what was typed; nothing else ever shows it again.
    """

    request_id: str
    language: Language
    in_frame: bool
    ancestors: str = "'none'"
    with_input: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A session as it is shown now. told: what the page's script has to know, without the screen itself."""

    around: Around
    screen: Screen
    now_ms: int
    told: dict[str, Json]

    def answer(self) -> dict[str, Json]:
        """The answer to a call of the page: `told` and the screen; a page at a link learns from it whose colours it has."""
        html = render_screen(self.around, self.screen, self.now_ms)
        return {**self.told, "html": html, "look": render_look(self.around)}


async def show(node: Node, session: FlowSession, viewer: Viewer) -> Shown:
    """What is to be seen of a session. Its scope is ready. Raises FailureError `sealed_damaged`."""
    owner, now_ms = await load_owner(node, session.scope), node.clock()
    around = Around(
        request_id=viewer.request_id,
        language=viewer.language,
        look=owner.look,
        who=owner.name,
        logo=owner.logo,
        sandbox=session.environment == "sandbox",
        ancestors=viewer.ancestors,
    )
    active = session.is_active(now_ms)
    screen = _find_screen(node, session, viewer) if active else _verdict(node, session, viewer, now_ms)
    told = {**_stand(session, screen, now_ms), "language": viewer.language.code}
    return Shown(around, screen, now_ms, told)


def _stand(session: FlowSession, screen: Screen, now_ms: int) -> dict[str, Json]:
    """How the session stands: the attempt that forms are for, when to ask again, how long there is; None where nothing is due."""
    active = session.is_active(now_ms)
    step = session.active_step if active else None
    return {
        "session": {"id": session.session_id, "status": flow_word(session.status_at(now_ms))},
        "step": step,
        "attempt": None if step is None else session.steps[step].attempt,
        "again_ms": max(_ASK_EVERY_MS, (session.wake_ms or 0) - now_ms) if screen.name == "waiting" else None,
        "left_ms": session.expires_ms - now_ms if active else None,
    }


def _find_screen(node: Node, session: FlowSession, viewer: Viewer) -> Screen:
    number, count = _progress(session)
    kept = load_person(node.sealer, session).kept
    step = session.active_step
    if kept is None or step is None or (kept.step, kept.attempt) != (step, session.steps[step].attempt):
        # Nobody has begun the step yet, or somebody is at it just now.
        kept = KeptStep(step=step or "", attempt=1, kind="wait")
    if kept.kind == "wait" or kept.screen is None:
        return Screen("waiting", {"continue_url": kept.continue_url}, number, count, session.expires_ms)
    values = kept.values if viewer.with_input else {name: value for name, value in kept.values.items() if name != "given"}
    return Screen(kept.screen, {"given": {}, **values}, number, count, session.expires_ms)


def _progress(session: FlowSession) -> tuple[int, int]:
    """Which of the steps on the way is due, and how many they are; 0 of them while none is."""
    steps = session.steps
    ahead = [
        rule.step
        for rule in session.control.rules
        if steps[rule.step].status != "skipped" and (rule.run == "always" or steps[rule.step].called)
    ]
    step = session.active_step
    return (ahead.index(step) + 1, len(ahead)) if step in ahead else (0, 0)


def _verdict(node: Node, session: FlowSession, viewer: Viewer, now_ms: int) -> Screen:
    """How it ended. Where the person came by a link, there may be an address to go back to, which is told of the session's id."""
    address = None if viewer.in_frame else load_person(node.sealer, session).return_url
    values: dict[str, Json] = {
        "status": flow_word(session.status_at(now_ms)),
        "return_url": None if address is None else _with_session(address, session.session_id),
        "modal": viewer.in_frame,
    }
    return Screen("verdict", values)


def _with_session(address: str, session_id: str) -> str:
    page, mark, fragment = address.partition("#")
    return f"{page}{'&' if '?' in page else '?'}session_id={session_id}{mark}{fragment}"
