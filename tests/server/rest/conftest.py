"""What a create request is read against: policies, providers as the gate sees them, and a body that passes."""

import json
from dataclasses import dataclass
from typing import Any

from accredit.server.gate.rest import RestAdmission, RestRequest, Surroundings, admit_request, find_offers, parse_request
from accredit.server.integrations.integration import RestIntegration, prepare_rest
from accredit.server.integrations.parsing import parse_policy
from accredit.server.integrations.rest import RestPolicy
from accredit.server.keyring.scope import Scope

NOW_MS = 1_800_000_000_000
CALLBACKS = {kind: f"https://shop.example/cb?status={kind}" for kind in ("success", "abort", "error")}


@dataclass(frozen=True)
class Offer:
    """A provider as the gate sees it."""

    provider_id: str
    flows: tuple[str, ...] = ("redirect", "headless", "embedded")
    loa: str = "high"
    requires_encryption: bool = False
    enabled: bool = True


OFFERS = (
    Offer("nbid"),
    Offer("sbid", ("redirect", "headless"), "substantial"),
    Offer("ftn", ("redirect",), "substantial", requires_encryption=True),
    Offer("otp-email", ("redirect", "embedded"), "low"),
    Offer("mitid", ("redirect",), enabled=False),
)


@dataclass(frozen=True)
class Gate:
    """The gate over one integration and its providers."""

    integration: RestIntegration
    offers: tuple[Offer, ...] = OFFERS

    def surroundings(self) -> Surroundings:
        named = [offer.provider_id for offer in find_offers(self.integration, self.offers)]
        return Surroundings(self.integration.rules, self.integration.scope.environment, named)

    def parse(self, **members: Any) -> RestRequest:
        """A body of flow `redirect` with callbacks, and whatever else."""
        body = {"flow": "redirect", "callbackUrls": CALLBACKS, **members}
        return parse_request(json.dumps(body).encode(), self.surroundings())

    def admit(self, request: RestRequest, *, encrypted: bool = False) -> RestAdmission:
        offers = find_offers(self.integration, self.offers)
        return admit_request(request, self.integration, offers, "client-1", encrypted=encrypted)


def make_gate(environment: str = "live", offers: tuple[Offer, ...] = OFFERS, **policy: Any) -> Gate:
    """A gate over an integration with this policy."""
    parsed = parse_policy("rest", policy, now_ms=NOW_MS, environment=environment)
    assert isinstance(parsed, RestPolicy)
    return Gate(prepare_rest(parsed, integration_id="int_1", scope=Scope("acc_1", environment), version=1), offers)
