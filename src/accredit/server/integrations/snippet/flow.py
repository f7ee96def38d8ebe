"""What the templates of the flow door are filled with (protocol-flow.md sections 2 to 4)."""

from urllib.parse import urlsplit

from accredit.server.integrations.flow import FlowPolicy

_KEY, _USER, _SIGNATURE = "{{YOUR-PUBLISHABLE-KEY}}", "{{YOUR-USER-ID}}", "{{YOUR-SIGNATURE}}"


def snippet_values(policy: FlowPolicy, public_url: str) -> dict[str, object]:
    """The values beside those of every door. signed: always, as a page that is not signed stops at a hundred sessions.

    token: the policy takes no signature of the original's. origin: bound into the token where one page alone may open the template.
    """
    origins = policy.allowed_origins
    return {
        # The script knows the origin that it came from, and no path of it.
        "base_url": public_url if urlsplit(public_url).path.strip("/") else None,
        "signed": True,
        "key_value": _KEY,
        "user_value": _USER,
        "signature_value": _SIGNATURE,
        "token": policy.signature_policy == "required_v2",
        "origin": origins[0] if len(origins) == 1 and not policy.allow_localhost else None,
    }
