"""What every kind of provider is asked and answers: the seam between the sessions of the rest door and `sandbox/`, `oidc/`, ...

protocol-rest.md sections 9 to 12. A provider keeps nothing between two steps: what it must know again is its step's `state`, small
JSON that the session keeps sealed. It does not touch the session; it says what comes next, and at the end what it found out.

    provider = await open_provider(node, record)
    step = await provider.start(asked)                      # Redirect, Show or Waiting: keep step.state, carry the step out
    step = await provider.submit(asked, state, form)        # the person's form of a Show
    step = await provider.come_back(asked, state, query)    # the browser is back at the callback address
    step = await provider.poll(asked, state)                # headless, after ask_again_ms
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from accredit.encoding import Json
from accredit.server.keyring.scope import Scope
from accredit.server.providers.records import Flow, Loa, ProviderRecord

State: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one attempt at one provider is for.

    attempt_id: UUID text, new for each attempt. language: of the page. prefilled: `prefilledInput` by its own names. parameters:
    `additionalParameters`. callback_address: `{base}/auth/callback/{provider_ref}`.
    """

    session_id: str
    scope: Scope
    attempt_id: str
    provider: ProviderRecord
    flow: Flow
    language: str
    requested_loa: Loa | None
    requested_attributes: tuple[str, ...]
    prefilled: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)
    callback_address: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Verified:
    """The provider says who it is. claims: by the provider's own names, for `mapping.map_claims`. loa: the level reached."""

    idp_id: str = field(repr=False)
    claims: Mapping[str, Json] = field(repr=False)
    loa: Loa


@dataclass(frozen=True, slots=True)
class Ended:
    """The attempt ended otherwise.

    status: as inside: `aborted`, `error`, `failed`, `expired`. detail: the code of protocol-rest.md section 10, None for `expired`.
    audit: the precise reason, for the audit record alone.
    """

    status: Literal["aborted", "error", "failed", "expired"]
    detail: str | None
    audit: str | None = None


Outcome: TypeAlias = Verified | Ended


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser there (303, no referrer)."""

    url: str = field(repr=False)
    state: State = field(repr=False)


@dataclass(frozen=True, slots=True)
class Show:
    """Show a screen of the kind: `hosted/rest/templates/<kind>/<screen>.html`, whose form posts to `{page}/provider`.

    values: what the template needs. Screens of `sandbox`: `person` (values `persons`, `outcomes`, `fault`; fields `person`,
    `outcome`), `waiting` (nothing comes of it). Of `email_otp`: `address` (values `fault`; field `email`), `code` (values `masked`,
    `fixed`, `fault`, `entries_left`, `deliveries_left`, `resend_after_s`; fields `code`, or `again=1`, or `change=1` unless fixed).
    Of `callout`: `waiting`. A `fault` is None or a word that the template has a text for.
    """

    screen: str
    values: Mapping[str, Json] = field(repr=False)
    state: State = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to show but idpData (headless). ask_again_ms: from when, milliseconds UTC, `poll` is worth a call."""

    idp_data: Mapping[str, str] = field(repr=False)
    state: State = field(repr=False)
    ask_again_ms: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The attempt is over."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Dropped:
    """What came is no answer to this attempt: the session stays as it is, and the audit record says `late_answer`."""

    audit: str


Step: TypeAlias = Redirect | Show | Waiting | Finished | Dropped


class Provider(Protocol):
    """One provider, ready to be asked. None of the four raises: what goes wrong outside is an `Ended`."""

    async def start(self, asked: Asked) -> Step:
        """Begin an attempt."""

    async def submit(self, asked: Asked, state: State, form: Mapping[str, str]) -> Step:
        """The person posted the form of the screen that was shown last."""

    async def come_back(self, asked: Asked, state: State, query: Mapping[str, str]) -> Step:
        """The browser came back. query: what it brought, each name once."""

    async def poll(self, asked: Asked, state: State) -> Step:
        """Whether anything happened since."""
