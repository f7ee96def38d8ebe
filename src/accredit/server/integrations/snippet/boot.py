"""What the templates of the boot door are filled with (protocol-boot.md sections 3, 4 and 7)."""

import re

from accredit.server.integrations.boot import BootPolicy
from accredit.server.integrations.snippet.rendering import VALUE, exact_origins

_SIGNATURE = "{{YOUR-SIGNATURE}}"
# Few, so that nothing has to be told of a customer that is not needed; the protocol names the others.
_FIELDS = ("email", "first_name", "surname")
# What the SDK takes as marketplace_url.
_MARKETPLACE = re.compile(r"https://[^/]+|http://(?:localhost|127\.0\.0\.1)(?::\d+)?")


def snippet_values(policy: BootPolicy, public_url: str) -> dict[str, object]:
    """The values beside those of every door. signed: the level asks for a signature, or tells of it."""
    return {
        # Below a path, or on an inner network without TLS, the SDK is told as at the other doors.
        "address_name": "marketplace_url" if _MARKETPLACE.fullmatch(public_url) else "base_url",
        "signed": policy.level in ("SECURE_IDENTITY", "SECURE_IDENTITY_DEBUG"),
        "fields": _FIELDS,
        "value": VALUE,
        "signature_value": _SIGNATURE,
        # What is only warned about is signed too: that is the way to requiring it.
        "all_signed": policy.identity_v2 != "off",
        "origin": exact_origins(policy.allowed_origins)[0] if policy.identity_origin != "off" else None,
    }
