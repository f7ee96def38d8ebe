"""What becomes of a create request: step 7 of protocol-rest.md section 5, which providers the person may choose from.

    admission = admit_request(request, integration, providers, client_id, encrypted=False)

The key was judged before; here it counts whether there is one. Rate, quota and the Idempotency-Key are judged where the session is
created.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import InitVar, dataclass
from typing import Protocol

from accredit.errors import Refused
from accredit.server.gate.admission import GATE
from accredit.server.gate.faults import FaultyRequestError, fault
from accredit.server.gate.rest.request import LOAS, Flow, Loa, RestRequest
from accredit.server.integrations.integration import RestIntegration


class Offer(Protocol):
    """What the gate knows of a provider."""

    @property
    def provider_id(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def flows(self) -> Collection[Flow]: ...
    @property
    def loa(self) -> Loa: ...
    @property
    def requires_encryption(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RestAdmission:
    """The gate's verdict on a create request. A session of the rest door is created from nothing else.

    offered: ids of the providers that the person may choose from, in order. encrypted: the request came encrypted.
    """

    integration: RestIntegration
    request: RestRequest
    client_id: str
    offered: tuple[str, ...]
    encrypted: bool
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not GATE:
            raise TypeError("a RestAdmission comes from the gate only")


def find_offers(integration: RestIntegration, providers: Sequence[Offer]) -> list[Offer]:
    """The enabled providers that the policy offers, in its order. Raises Refused `integration_disabled`."""
    if not integration.enabled:
        raise Refused("integration_disabled")
    enabled = {provider.provider_id: provider for provider in providers if provider.enabled}
    wanted = integration.rules.providers
    return [enabled[name] for name in wanted if name in enabled] if wanted else list(enabled.values())


def admit_request(
    request: RestRequest, integration: RestIntegration, offers: Sequence[Offer], client_id: str, *, encrypted: bool
) -> RestAdmission:
    """Decide which providers a request may lead to.

    offers: as `find_offers` has them; the request was read against them. encrypted: it came in an encrypted request.
    Raises FaultyRequestError: `encryption_required`, `encrypted_request_required`, `invalid_request_parameter`.
    """
    rules, named, has_key = integration.rules, request.allowed_providers, request.has_key
    if rules.protection != "optional" and not has_key:  # (a)
        raise _encryption_required()
    left = list(offers)
    if named is not None:
        by_id = {offer.provider_id: offer for offer in offers}
        left = [by_id[name] for name in named]
    left = _keep(left, lambda offer: request.flow in offer.flows, "flow")  # (b)
    if request.requested_loa is not None:  # (c)
        least = LOAS.index(request.requested_loa)
        left = _keep(left, lambda offer: LOAS.index(offer.loa) >= least, "requestedLoa")
    if not has_key:  # (d)
        left = _without_secretive(left, _encryption_required, narrowed=named is None)
    if request.prefilled and not encrypted:  # (e)
        left = _judge_plain_input(left, rules.plain_personal_input, narrowed=named is None)
    if request.flow == "headless" and len(left) != 1:  # (f)
        raise FaultyRequestError([fault("allowedProviders", "length", "A headless session has exactly one provider.")])
    return RestAdmission(integration, request, client_id, tuple(offer.provider_id for offer in left), encrypted, made_by=GATE)


def _keep(offers: list[Offer], holds: Callable[[Offer], bool], member: str) -> list[Offer]:
    left = [offer for offer in offers if holds(offer)]
    if not left:
        raise FaultyRequestError([fault(member, "not_allowed", "No provider that is allowed can do this.")])
    return left


def _without_secretive(offers: list[Offer], refusal: Callable[[], FaultyRequestError], *, narrowed: bool) -> list[Offer]:
    """Drop those that require encryption. Who named providers is told instead: nothing is narrowed behind their back."""
    left = [offer for offer in offers if not offer.requires_encryption]
    if not left or (len(left) < len(offers) and not narrowed):
        raise refusal()
    return left


def _judge_plain_input(offers: list[Offer], rule: str, *, narrowed: bool) -> list[Offer]:
    if rule == "refuse":
        raise _encrypted_request_required()
    return offers if rule == "allow" else _without_secretive(offers, _encrypted_request_required, narrowed=narrowed)


def _encrypted_request_required() -> FaultyRequestError:
    return FaultyRequestError(
        [fault("prefilledInput", "not_allowed", "Send it in an encrypted request.")], "encrypted_request_required"
    )


def _encryption_required() -> FaultyRequestError:
    return FaultyRequestError([fault("encryptionPublicKey", "required", "Send a public key.")], "encryption_required")
