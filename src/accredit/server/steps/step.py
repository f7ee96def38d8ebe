"""What every step of a flow is asked and answers: the seam between the sessions of the flow door and the kinds of steps.

protocol-flow.md section 7. A step does not touch the session: it says what comes next, and at the end how it ended. What it must know
again is its `state`, small JSON that the session keeps sealed.

    kind = node.steps.find(scope, rule)
    next = await kind.start(asked)                       # the step became active: Ask, Wait or Done
    next = await kind.submit(asked, form)                # the person's form of an Ask
    next = await kind.poll(asked)                        # somebody asks again: a page that waits

The session stores `next.state` and `next.user` and, in the same transaction, calls `next.write(tx)` where it is not None. If its
compare-and-set loses, it drops the whole `next`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from accredit.encoding import Json
from accredit.server.gate.flow.user import User
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction

State: TypeAlias = Mapping[str, Json]
Write: TypeAlias = Callable[[Transaction], None]
Ending: TypeAlias = Literal["success", "failed", "pending_review", "error"]

ENDINGS: tuple[Ending, ...] = ("success", "failed", "pending_review", "error")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one attempt at one step is for.

    attempt: counts from 1. user: what is known of the person. fixed: members of `user` that the owner's backend vouches for (by API
    or signature), which the person cannot change. forced: what `simulate.steps` of the API says of this step. headless:
    `simulate.run`, no person is there. state: as the last Next of this attempt left it, empty at the start. return_url: where a
    service sends the person back to. expires_ms: of the session, which is the `deadline` of call-outs.
    """

    session_id: str
    scope: Scope
    integration_id: str
    version: int
    step: str
    attempt: int
    language: str
    return_url: str
    expires_ms: int
    now_ms: int
    user: User = field(repr=False)
    fixed: frozenset[str] = frozenset()
    forced: Ending | None = None
    headless: bool = False
    state: State = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """How a step ended.

    status: `error` means that nobody could say: the template's `on_error` decides what that is. detail: JSON, at most 16 KiB, of
    which the session keeps what protocol-flow.md section 9 knows. checked: members of `user` that were found to be true. reason:
    the precise cause, for the audit record alone.
    """

    status: Ending
    detail: Mapping[str, Json] | None = field(default=None, repr=False)
    checked: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Show a screen; its form comes to `submit`. The screens, their values and their fields: see `screens.py`.

    user: members that the person gave meanwhile, to be kept with the session's own.
    """

    screen: str
    values: Mapping[str, Json] = field(repr=False)
    state: State = field(default_factory=dict, repr=False)
    user: User = field(default=User(), repr=False)
    write: Write | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to ask of the person: the screen `waiting`. A page that waits asks again meanwhile.

    ask_again_ms: from when, milliseconds UTC, `poll` brings the step on, though nobody is there; None: the answer comes by itself, by
    `answer_step`. continue_url: where the person goes on with the service.
    """

    state: State = field(repr=False)
    ask_again_ms: int | None = None
    continue_url: str | None = field(default=None, repr=False)
    user: User = field(default=User(), repr=False)
    write: Write | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The step is over."""

    outcome: StepOutcome
    user: User = field(default=User(), repr=False)
    write: Write | None = field(default=None, repr=False)


Next: TypeAlias = Ask | Wait | Done


class StepKind(Protocol):
    """One kind of step, ready to be asked. None of the three raises for what the person or a service does: that is a Next."""

    async def start(self, asked: Asked) -> Next:
        """Begin an attempt."""

    async def submit(self, asked: Asked, form: Mapping[str, str]) -> Next:
        """The person posted the form of the screen that was shown last. form: each field once."""

    async def poll(self, asked: Asked) -> Next:
        """What there is to show now: the screen again, or what happened since."""
