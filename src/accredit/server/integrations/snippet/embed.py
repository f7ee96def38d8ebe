"""What the templates of the embed door are filled with (protocol-embed.md section 11)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from accredit.deployment import MAX_LIFETIME_S, TOKEN_TYPE
from accredit.server.integrations.embed import EmbedPolicy
from accredit.server.integrations.snippet.rendering import VALUE, exact_origins

_ENCRYPTED, _SIGNED = "{{ENCRYPTED-VALUE}}", "{{SIGNED-VALUE}}"
_MAX_ORIGINS = 20


@dataclass(frozen=True, slots=True)
class _Claims:
    """Which claims of an extended token the policy asks for, so that what a sample signs is what the integration admits."""

    time: bool
    jti: bool
    aud: bool
    origins: tuple[str, ...]

    @property
    def any(self) -> bool:
        return self.time or self.aud or bool(self.origins)


def snippet_values(policy: EmbedPolicy, public_url: str) -> dict[str, object]:
    """The values beside those of every door. signed: a token is required."""
    keys = policy.passport_schema or ()
    encrypted = any(key.encrypted_only for key in keys)
    return {
        # The script knows the origin that it came from, and no path of it.
        "base_url": public_url if urlsplit(public_url).path.strip("/") else None,
        "signed": policy.signed_deployment == "required",
        "parameters": ("uid", *(("data_passport",) if keys else ()), *(("encrypted_passport",) if encrypted else ())),
        "passport_keys": [key.name for key in keys],
        "encrypted": encrypted,
        "value": VALUE,
        "encrypted_value": _ENCRYPTED,
        "signed_value": _SIGNED,
        "named_key": policy.token_key_id != "off",
        "claims": _claims(policy),
        "lifetime_s": MAX_LIFETIME_S,
        "token_type": TOKEN_TYPE,
    }


def _claims(policy: EmbedPolicy) -> _Claims:
    # A claim that is only warned about is signed too: that is the way to requiring it.
    return _Claims(
        time=policy.token_expiry != "off" or policy.token_single_use != "off",
        jti=policy.token_single_use != "off",
        aud=policy.token_audience != "off",
        origins=() if policy.token_origins == "off" else exact_origins(policy.allowed_origins)[:_MAX_ORIGINS],
    )
