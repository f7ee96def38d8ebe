"""One integration, made ready for the gate: the stored record with its policy in the form that decisions read."""

from dataclasses import dataclass
from typing import Literal

from accredit.server.integrations.boot import BootRules
from accredit.server.integrations.embed import EmbedRules
from accredit.server.integrations.flow import FlowPolicy, FlowRules, is_local_origin
from accredit.server.integrations.parsing import Policy
from accredit.server.integrations.policy import Trust, View
from accredit.server.integrations.rest import RestPolicy, RestRules
from accredit.server.keyring.scope import Scope
from accredit.server.origins import OriginList, origin_list

Door = Literal["embed", "boot", "rest", "flow"]


@dataclass(frozen=True, slots=True)
class Integration:
    """An integration whose application stands in a frame, at one version of its policy.

    owner_id: the account's name on the wire. rules: the door's own. debug_until_ms: 0 if not set.
    """

    integration_id: str
    scope: Scope
    door: Door
    deployer_id: str
    owner_id: str
    version: int
    enabled: bool
    origins: OriginList
    origin_required: bool
    rules: EmbedRules | BootRules
    views: tuple[View, ...]
    application_url: str | None
    lifetime_ms: int
    user_data_min_trust: Trust
    quota_per_day: int | None
    debug_until_ms: int
    retention_ms: int | None

    def find_view(self, view_id: str) -> View | None:
        """The view of that id."""
        return next((view for view in self.views if view.id == view_id), None)

    def address_of(self, view_id: str | None) -> str | None:
        """Where an admitted frame goes; None means the hosted page."""
        view = None if view_id is None else self.find_view(view_id)
        return self.application_url if view is None or view.url is None else view.url


@dataclass(frozen=True, slots=True)
class RestIntegration:
    """An integration of the rest door, at one version of its policy; API clients name it, and no deployer stands behind it."""

    integration_id: str
    scope: Scope
    version: int
    enabled: bool
    rules: RestRules
    quota_per_day: int | None
    retention_ms: int


def prepare_rest(policy: RestPolicy, *, integration_id: str, scope: Scope, version: int) -> RestIntegration:
    """Compile a stored policy of the rest door."""
    return RestIntegration(
        integration_id=integration_id,
        scope=scope,
        version=version,
        enabled=policy.enabled,
        rules=policy.rules(),
        quota_per_day=policy.quota_per_day,
        retention_ms=policy.retention_ms,
    )


@dataclass(frozen=True, slots=True)
class FlowIntegration:
    """A template of the flow door, at one version of its policy; no deployer stands behind it. debug_until_ms: 0 if not set."""

    integration_id: str
    scope: Scope
    version: int
    enabled: bool
    origins: OriginList
    rules: FlowRules
    debug_until_ms: int

    def admits_origin(self, origin: str) -> bool:
        """Whether a page of this origin may open it; an empty list admits nobody."""
        return self.origins.holds(origin) or (self.rules.allow_localhost and is_local_origin(origin))


def prepare_flow(policy: FlowPolicy, *, integration_id: str, scope: Scope, version: int) -> FlowIntegration:
    """Compile a stored policy of the flow door."""
    return FlowIntegration(
        integration_id=integration_id,
        scope=scope,
        version=version,
        enabled=policy.enabled,
        origins=policy.origins,
        rules=policy.rules(),
        debug_until_ms=policy.debug_until_ms,
    )


def prepare(
    policy: Policy, *, integration_id: str, scope: Scope, door: Door, deployer_id: str, owner_id: str, version: int
) -> Integration:
    """Compile the stored policy of a framed application; done once per version and process."""
    assert not isinstance(policy, RestPolicy | FlowPolicy)
    return Integration(
        integration_id=integration_id,
        scope=scope,
        door=door,
        deployer_id=deployer_id,
        owner_id=owner_id,
        version=version,
        enabled=policy.enabled,
        origins=origin_list(policy.allowed_origins, required=policy.origin_required),
        origin_required=policy.origin_required,
        rules=policy.rules(),
        views=policy.views,
        application_url=policy.application_url,
        lifetime_ms=policy.session_lifetime_s * 1000,
        user_data_min_trust=policy.user_data_min_trust,
        quota_per_day=policy.quota_per_day,
        debug_until_ms=policy.debug_until_ms,
        retention_ms=None if policy.retention_days is None else policy.retention_days * 86_400_000,
    )
