"""Items of the page: that it signs, for whom, and where it stands."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from accredit.server.checklist.findings import Findings
from accredit.server.checklist.item import Fault, Item, item_of, told
from accredit.server.checklist.recording import MAX_CLIENTS_A_DAY, ORACLE_REFERENCES
from accredit.server.checklist.tunnels import is_tunnel
from accredit.server.integrations.flow import FlowPolicy
from accredit.server.outbound import Outbound


@dataclass(frozen=True, slots=True)
class Page:
    """What the items of a page are judged by. created: live sessions that pages have created. resolved: as `resolve_origins` says."""

    policy: FlowPolicy
    environment: str
    findings: Findings
    created: int
    limit: int
    resolved: Mapping[str, bool | None]


async def resolve_origins(outbound: Outbound, policy: FlowPolicy) -> dict[str, bool | None]:
    """Whether the name of each allowed origin has an address; None where nobody can say."""
    found = await asyncio.gather(*(outbound.has_address(_host_of(origin)) for origin in policy.allowed_origins))
    return dict(zip(policy.allowed_origins, found, strict=True))


def judge_page(page: Page) -> list[Item]:
    """Its items, in the order of the checklist."""
    return [_requires(page), _signs(page), _references(page), _oracle(page), _origins(page)]


def _requires(page: Page) -> Item:
    policy = page.policy
    counted = f"; pages have created {page.created} of {page.limit} sessions" if page.environment == "live" else ""
    evidence = f"signature_policy is {policy.signature_policy}{counted if policy.signature_policy == 'optional' else ''}"
    if policy.signature_policy != "optional":
        return item_of("signed_requests_required", [], f"{evidence}.")
    fix = "Set require_signed_requests to true, once the page's signatures are valid."
    return item_of("signed_requests_required", [Fault("fail", evidence, fix)])


def _signs(page: Page) -> Item:
    seen = page.findings
    by_pages = seen.unsigned + seen.legacy + seen.v2
    shares = ", ".join(
        f"{count * 100 // by_pages} % {name}"
        for name, count in (("unsigned", seen.unsigned), ("legacy", seen.legacy), ("v2", seen.v2))
        if by_pages
    )
    evidence = f"{told(by_pages, 'opening', 'openings')} by pages in 30 days{': ' if shares else ''}{shares}"
    if seen.legacy or seen.v2:
        return item_of("signed_references_seen", [], f"{evidence}.")
    fix = "Sign the customer reference on the backend, pass it as user.signature, and open the window once from the page."
    return item_of("signed_references_seen", [Fault("fail", evidence, fix)])


def _references(page: Page) -> Item:
    seen = page.findings
    if not seen.opened:
        fix = "Open the window with the references of two users or more."
        return item_of("references_persistent", [Fault("unknown", "No reference was seen in 30 days", fix)])
    own = "Pass a key of your own for the user, such as the id in your database, and nothing that says who it is."
    one = "Pass one spelling of a reference everywhere: it is compared byte for byte."
    many = "Pass a reference of the user's own: one that many clients share is no user's."
    found = (
        (seen.emails, "looks like an e-mail address", "look like e-mail addresses", own),
        (seen.phones, "looks like a phone number", "look like phone numbers", own),
        (
            seen.varying,
            "differs from another only by case or outer space",
            "differ from another only by case or outer space",
            one,
        ),
        (seen.crowded, "came from over {} clients in a day", "came from over {} clients in a day", many),
    )
    faults = [
        Fault("fail", f"{told(count, 'reference', 'references')} {(it if count == 1 else they).format(MAX_CLIENTS_A_DAY)}", fix)
        for count, it, they, fix in found
        if count
    ]
    return item_of("references_persistent", faults, f"{told(seen.opened, 'opening', 'openings')} in 30 days.")


def _oracle(page: Page) -> Item:
    most = page.findings.oracle
    if not most:
        return item_of("signing_oracle", [], f"No client opened {ORACLE_REFERENCES} signed references within 24 hours.")
    fix = "Sign for the user of the page's own session only, never for a reference that a request names."
    return item_of("signing_oracle", [Fault("warn", f"A client opened {most} signed references within 24 hours", fix)])


def _origins(page: Page) -> Item:
    policy, faults = page.policy, []
    if policy.allow_localhost:
        faults.append(Fault("warn", "Pages of any localhost are admitted", "Set allow_localhost to false."))
    if not policy.allowed_origins:
        faults.append(Fault("warn", "No origin is allowed", "Name the origins of your pages in allowed_origins."))
    for origin in policy.allowed_origins:
        faults += _faults_of(origin, page)
    return item_of("origins_intended", faults, f"{told(len(policy.allowed_origins), 'origin', 'origins')}.")


def _faults_of(origin: str, page: Page) -> list[Fault]:
    if is_tunnel(_host_of(origin)):
        return [Fault("fail", f"{origin} is a tunnel", f"Take {origin} out of allowed_origins.")]
    resolved = page.resolved.get(origin)
    if resolved is False:
        fix = f"Take {origin} out of allowed_origins, or give its name an address before somebody else does."
        return [Fault("fail", f"{origin} does not resolve", fix)]
    faults = []
    if resolved is None:
        faults.append(
            Fault("unknown", f"Whether {origin} resolves could not be found out", "Ask for the checklist again later.")
        )
    if origin not in page.findings.origins:
        fix = f"Take {origin} out of allowed_origins unless a page of it is to open the window."
        faults.append(Fault("warn", f"{origin} was not used in 30 days", fix))
    return faults


def _host_of(origin: str) -> str:
    return origin.partition("://")[2].partition(":")[0]
