"""The bank's server, as far as Accredit is concerned: it signs who embeds, for whom, with what. Its private key never leaves it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import accredit
from accredit.server.demo.addresses import Addresses
from accredit.server.demo.visitors import Visitor

OWNER_ID, DEPLOYER_ID = "acme", "harbour-bank"
STRICT, ORIGINAL = "credit-report", "credit-report-original"
LIFETIME_S = 300


@dataclass(frozen=True, slots=True)
class SigningDesk:
    """Where a deployer signs. private_jwk: its deployment key. passport_key: the symmetric key of the integration."""

    addresses: Addresses
    private_jwk: Mapping[str, Any] = field(repr=False)
    passport_key: Mapping[str, Any] = field(repr=False)
    clock: Callable[[], int]

    def signing_with(self, private_jwk: Mapping[str, Any]) -> "SigningDesk":
        """The same desk with another key of the bank."""
        return replace(self, private_jwk=private_jwk)

    def now(self) -> int:
        """Seconds."""
        return self.clock() // 1000

    def properties(self, visitor: Visitor, integration_id: str = STRICT) -> dict[str, object]:
        """What is to be signed for a visitor. The card number goes encrypted, so that even the visitor's browser cannot read it."""
        properties: dict[str, object] = {"deployer_id": DEPLOYER_ID, "integration_id": integration_id, "owner_id": OWNER_ID}
        if visitor.uid is not None:
            properties |= {"uid": visitor.uid, "data_passport": dict(visitor.passport)}
        if visitor.card_number is not None and integration_id == STRICT:
            properties["encrypted_passport"] = accredit.seal_passport(
                {"card_number": visitor.card_number},
                self.passport_key,
                now=self.now(),
                integration_id=integration_id,
                uid=visitor.uid,
            )
        return properties

    def sign(self, visitor: Visitor, *, age_s: int = 0) -> str:
        """A token for one page view: named key, 300 s, single use, for this server and the bank's origin. age_s: how old it is."""
        return accredit.sign_deployment(
            self.properties(visitor),
            self.private_jwk,
            now=self.now() - age_s,
            lifetime_s=LIFETIME_S,
            audience=self.addresses.accredit,
            origins=[self.addresses.bank],
        )

    def sign_original(self, visitor: Visitor) -> str:
        """A token as the published design prints it: header {"alg":"ES512"}, and nothing but properties."""
        return accredit.sign_deployment(self.properties(visitor, ORIGINAL), self.private_jwk)
