"""The snippet: what a deployer pastes into a page, and what its server runs to sign (protocol-embed.md section 11).

HTML and samples are templates beside this file. Whatever comes from a record goes through a filter of the language that it stands
in, so that no name, however it got there, ends a string or a tag.

    snippet = render_snippet(record, public_url="https://id.owner.example", sdk=load_sdk())
    snippet.html, snippet.samples["python"]
"""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from accredit.deployment import MAX_LIFETIME_S, TOKEN_TYPE
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.embed import EmbedPolicy
from accredit.server.sdk import Sdk

LANGUAGES = ("python", "node", "ruby", "php")
_VALUE, _ENCRYPTED, _SIGNED, _ORIGIN = "{{YOUR-VALUE}}", "{{ENCRYPTED-VALUE}}", "{{SIGNED-VALUE}}", "{{YOUR-ORIGIN}}"
_MAX_ORIGINS = 20


class Snippet(msgspec.Struct, frozen=True):
    """html: for the page. samples: by language, programs that sign on the deployer's server; empty unless a token is required."""

    html: str
    samples: dict[str, str]


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


def render_snippet(record: IntegrationRecord, *, public_url: str, sdk: Sdk) -> Snippet:
    """The snippet of an integration for the script of one build, served at the public URL."""
    policy = record.policy
    assert isinstance(policy, EmbedPolicy)
    keys = policy.passport_schema or ()
    encrypted = any(key.encrypted_only for key in keys)
    signed = policy.signed_deployment == "required"
    parameters = ("uid", *(("data_passport",) if keys else ()), *(("encrypted_passport",) if encrypted else ()))
    values = {
        "record": record,
        "public_url": public_url,
        # The script knows the origin that it came from, and no path of it.
        "base_url": public_url if urlsplit(public_url).path.strip("/") else None,
        "sdk": sdk,
        "signed": signed,
        "parameters": parameters,
        "passport_keys": [key.name for key in keys],
        "encrypted": encrypted,
        "value": _VALUE,
        "encrypted_value": _ENCRYPTED,
        "signed_value": _SIGNED,
        "named_key": policy.token_key_id != "off",
        "claims": _claims(policy),
        "lifetime_s": MAX_LIFETIME_S,
        "token_type": TOKEN_TYPE,
    }
    languages = LANGUAGES if signed else ()
    return Snippet(
        html=_TEMPLATES.get_template("page.html.jinja").render(values),
        samples={language: _TEMPLATES.get_template(f"{language}.jinja").render(values) for language in languages},
    )


def _claims(policy: EmbedPolicy) -> _Claims:
    # A claim that is only warned about is signed too: that is the way to requiring it.
    exact = tuple(entry for entry in policy.allowed_origins if "*" not in entry)[:_MAX_ORIGINS]
    return _Claims(
        time=policy.token_expiry != "off" or policy.token_single_use != "off",
        jti=policy.token_single_use != "off",
        aud=policy.token_audience != "off",
        origins=() if policy.token_origins == "off" else exact or (_ORIGIN,),
    )


def _literal(text: str) -> Markup:
    """A string of JavaScript or Python that can stand inside a script element too."""
    escaped = json.dumps(text)
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return Markup(escaped)  # noqa: S704 - what would be markup was escaped just above


def _quoted(text: str) -> str:
    """A string of Ruby or PHP, in which nothing is interpolated."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_TEMPLATES = Environment(
    loader=PackageLoader("accredit.server.integrations"),
    autoescape=select_autoescape(enabled_extensions=("html.jinja",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {"literal": _literal, "quoted": _quoted}
