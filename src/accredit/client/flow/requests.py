"""What a backend asks of the flow door (protocol-flow.md section 9). The server judges it all, and names each member at fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from accredit.encoding import Json

Strategy = Literal["reset", "incomplete", "infer", "custom"]
Decision = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowName:
    """What a person is called: both, or no name at all."""

    first: str = field(repr=False)
    last: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAddress:
    """Where a person lives. country_code: ISO 3166-1 alpha-2, upper case."""

    street: str = field(repr=False)
    city: str = field(repr=False)
    country_code: str = field(repr=False)
    street2: str | None = field(default=None, repr=False)
    subdivision: str | None = field(default=None, repr=False)
    postal_code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowIdNumber:
    """The number of an identity document. type: such as `us_ssn`, `br_cpf`."""

    value: str = field(repr=False)
    type: str
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowUser:
    """What is known of a person. phone: E.164 with `+`. date_of_birth: YYYY-MM-DD. ip_address: in answers only.

    What a request gives spares the person a screen, and no step its check.
    """

    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    name: FlowName | None = None
    date_of_birth: str | None = field(default=None, repr=False)
    address: FlowAddress | None = None
    id_number: FlowIdNumber | None = None
    ip_address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSimulation:
    """How simulators end, in the sandbox: `success`, `failed`, `pending_review`, `error` by step. run: nobody needs to be there."""

    steps: Mapping[str, str] = field(default_factory=dict)
    run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequest:
    """What `create` asks for. customer_reference: what your systems call the user, for good; nothing personal.

    shareable: make a link that the person can be sent. consent: the person accepted the terms at your site. return_url: of an allowed
    origin, where the person goes from a link's end. encryption_public_key: a public JWK that the finished session is sealed to.
    """

    template_id: str
    customer_reference: str = field(repr=False)
    user: FlowUser | None = None
    shareable: bool | None = None
    consent: bool | None = None
    tags: tuple[str, ...] | None = None
    return_url: str | None = None
    locale: str | None = None
    encryption_public_key: Mapping[str, Json] | None = None
    simulate: FlowSimulation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRetry:
    """What `retry` asks for. steps: with `custom` which run. shareable: None is as before."""

    template_id: str
    customer_reference: str = field(repr=False)
    strategy: Strategy
    steps: Mapping[str, bool] | None = None
    user: FlowUser | None = None
    shareable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFilter:
    """Which sessions to list; None leaves a member open."""

    template_id: str | None = None
    customer_reference: str | None = field(default=None, repr=False)
    status: str | None = None
    tag: str | None = None
