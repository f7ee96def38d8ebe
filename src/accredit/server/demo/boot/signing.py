"""The utility's server, as far as Accredit is concerned: it signs who is at its page. Its secret never leaves it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import accredit
from accredit.server.demo.addresses import Addresses
from accredit.server.demo.visitors import Visitor

CP_ID = "beacon-energy"
# One integration for each way to be asked; the first is what clients of the original know.
SIGNED, ALL_SIGNED, LISTED, OPEN, DEBUGGED = (
    "credit-check",
    "credit-check-fields",
    "credit-check-listed",
    "credit-check-open",
    "credit-check-debug",
)


@dataclass(frozen=True, slots=True)
class IdentityDesk:
    """Where a customer signs its users. secret: what it shares with Accredit."""

    addresses: Addresses
    secret: accredit.IdentitySecret = field(repr=False)
    clock: Callable[[], int]

    def signing_with(self, secret: accredit.IdentitySecret) -> "IdentityDesk":
        """The same desk with another secret."""
        return replace(self, secret=secret)

    def now(self) -> int:
        """Seconds."""
        return self.clock() // 1000

    def sign(self, email: str | None, integration_id: str = SIGNED, *, age_s: int = 0) -> str:
        """A signature for one page view, as the published design has it: ids, e-mail, time and nonce. age_s: how old it is."""
        return accredit.sign_identity(self.secret, CP_ID, integration_id, email, now=self.now() - age_s)

    def sign_all(self, visitor: Visitor) -> str:
        """A signature over every field that the page passes, for the utility's page alone."""
        return accredit.sign_identity_v2(
            self.secret, CP_ID, ALL_SIGNED, dict(visitor.customer_info), now=self.now(), origin=self.addresses.utility
        )

    def call(self, visitor: Visitor, signature: str | None, integration_id: str = SIGNED) -> dict[str, object]:
        """What the page passes to the SDK."""
        fields: dict[str, object] = {
            "customerInfo": dict(visitor.customer_info),
            "cp_id": CP_ID,
            "cp_deployment_id": integration_id,
            "marketplace_url": self.addresses.accredit,
        }
        return fields if signature is None else fields | {"signature": signature}
