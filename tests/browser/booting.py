"""A customer that boots the owner's application in its pages: its integrations, and its backend, which signs."""

import time
from typing import Any

from accredit import IdentitySecret, sign_identity, sign_identity_v2

from ..doors.conftest import Owner

JANE = "jane@example.com"


class Customer:
    """A customer partner with a secret of its own."""

    def __init__(self, owner: Owner, cp_id: str) -> None:
        self.cp_id = cp_id
        self._owner = owner
        text, key_id = owner.identity_secret(cp_id)
        self._secret = IdentitySecret.from_base64(text, key_id)

    def integration(self, **members: Any) -> dict[str, Any]:
        """One more integration, by default at level SECURE_IDENTITY."""
        return self._owner.boot_integration(self.cp_id, **members)

    def sign(self, integration: dict[str, Any], email: str = "", *, age_s: int = 0) -> str:
        """What the backend makes for one view of the page."""
        return sign_identity(self._secret, self.cp_id, integration["integration_id"], email, now=int(time.time()) - age_s)

    def sign_all(self, integration: dict[str, Any], customer_info: dict[str, Any], **beside: Any) -> str:
        """The same of version 2, over all that the page passes. beside: page, locale, origin."""
        ids = self.cp_id, integration["integration_id"]
        return sign_identity_v2(self._secret, *ids, customer_info, now=int(time.time()), **beside)

    def call(self, integration: dict[str, Any], email: str | None = JANE, **fields: Any) -> dict[str, Any]:
        """The fields of the page's call; a signature of `email` unless one is given, None for none."""
        customer_info = {} if email is None else {"email": email}
        given = {"customerInfo": customer_info, "signature": self.sign(integration, email or ""), **fields}
        return {"cp_id": self.cp_id, "cp_deployment_id": integration["integration_id"], **given}
