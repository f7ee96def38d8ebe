"""The snippet: what a deployer pastes into a page, and what its server runs to sign.

protocol-embed.md section 11, protocol-boot.md section 3, protocol-flow.md section 4. Each door has a module and a folder of templates
here; embed and boot share the page around the call.

    snippet = render_snippet(record, public_url="https://id.owner.example", sdk=load_sdk())
    snippet.html, snippet.samples["python"]
"""

import msgspec

from accredit.errors import NotFoundError
from accredit.server.integrations.boot import BootPolicy
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.integrations.embed import EmbedPolicy
from accredit.server.integrations.flow import FlowPolicy
from accredit.server.integrations.parsing import Policy
from accredit.server.integrations.snippet import boot, embed, flow
from accredit.server.integrations.snippet.rendering import LANGUAGES, render_template
from accredit.server.sdk import Sdk

__all__ = ["LANGUAGES", "Snippet", "render_snippet"]


class Snippet(msgspec.Struct, frozen=True):
    """html: for the page. samples: by language, programs that sign on the deployer's server; empty where nothing is to be signed."""

    html: str
    samples: dict[str, str]


def render_snippet(record: IntegrationRecord, *, public_url: str, sdk: Sdk) -> Snippet:
    """The snippet of an integration for the script of one build, served at the public URL.

    Raises NotFoundError `integration_not_found` for one of the rest door: backends call it, no page loads it.
    """
    own = _values(record.policy, public_url)
    values = {"record": record, "public_url": public_url, "sdk": sdk, **own}
    languages = LANGUAGES if own["signed"] else ()
    return Snippet(
        html=render_template(f"{record.door}/page.html.jinja", values),
        samples={language: render_template(f"{record.door}/{language}.jinja", values) for language in languages},
    )


def _values(policy: Policy, public_url: str) -> dict[str, object]:
    if isinstance(policy, EmbedPolicy):
        return embed.snippet_values(policy, public_url)
    if isinstance(policy, BootPolicy):
        return boot.snippet_values(policy, public_url)
    if isinstance(policy, FlowPolicy):
        return flow.snippet_values(policy, public_url)
    raise NotFoundError("integration_not_found")
