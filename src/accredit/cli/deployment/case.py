"""What the gate is asked about a token: by which integration, keys and circumstances, and what of that was only assumed.

From a key file nothing is known of integration and origin, so what the options do not tell is assumed to fit; from the database
everything is as the door would find it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accredit.deployment import PeekedDeployment
from accredit.encoding import Json
from accredit.keys import DeploymentKey
from accredit.passport import PassportKey
from accredit.properties import DirectProperties, is_id
from accredit.server.gate import DeploymentProof, LiveKeys, Visit
from accredit.server.integrations.integration import Integration, prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.keyring.scope import Scope
from accredit.server.origins import origin_list, read_origin
from accredit.server.sessions.standing import Standing


@dataclass(frozen=True, slots=True)
class OtherKey:
    """A key that does not count for this token. sentence: whose it is, and why it does not count."""

    key: DeploymentKey
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say. origin, audience: None where they were not named. direct: what the page passes beside the token."""

    now_ms: int
    policy: dict[str, Json]
    direct: DirectProperties
    origin: str | None
    audience: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the gate. by_database: as the door would find it. assumed: `integration`, `origin`, `audience`.

    others: keys that do not count. standing: what the opening would find, None where no database was asked.
    """

    proof: DeploymentProof
    integration: Integration | None
    keys: LiveKeys
    visit: Visit
    now_ms: int
    by_database: bool
    assumed: frozenset[str]
    others: Sequence[OtherKey] = ()
    standing: Standing | None = None


def case_of_files(
    peeked: PeekedDeployment, asked: Asked, keys: Sequence[DeploymentKey], passport_keys: Sequence[PassportKey]
) -> Case:
    """The case of a token and key files: an integration that fits its ids, with the policy that was given."""
    named = [peeked.payload.get("owner_id"), asked.direct.owner_id, ""]
    integration = prepare(
        parse_policy("embed", asked.policy, now_ms=asked.now_ms),
        integration_id=peeked.integration_id,
        scope=Scope("", "live"),
        door="embed",
        deployer_id=peeked.deployer_id,
        owner_id=next(str(owner) for owner in named if is_id(owner) or owner == ""),
        version=0,
    )
    return _complete(peeked, asked, integration, LiveKeys(keys, passport_keys), by_database=False)


def case_of_database(
    peeked: PeekedDeployment,
    asked: Asked,
    integration: Integration | None,
    keys: LiveKeys,
    others: Sequence[OtherKey],
    standing: Standing | None,
) -> Case:
    """The case of a token as the door would find it. asked.audience: the server's public URL unless another is named."""
    case = _complete(peeked, asked, integration, keys, by_database=True)
    return replace(case, others=others, standing=standing)


def _complete(
    peeked: PeekedDeployment, asked: Asked, integration: Integration | None, keys: LiveKeys, *, by_database: bool
) -> Case:
    """Fill in what was not told by what fits, and remember that it was."""
    payload = peeked.payload
    assumed = set() if by_database else {"integration"}
    origin, audience = read_origin(asked.origin), asked.audience
    if asked.origin is None:
        assumed.add("origin")
        origin = _first(payload.get("origins"))
        if integration is not None:
            integration = replace(integration, origins=origin_list(()), origin_required=False)
    if audience is None:
        assumed.add("audience")
        audience = _first(payload.get("aud"))
    return Case(
        proof=DeploymentProof(peeked, asked.direct),
        integration=integration,
        keys=keys,
        visit=Visit(origin, "iframe", audience or ""),
        now_ms=asked.now_ms,
        by_database=by_database,
        assumed=frozenset(assumed),
    )


def _first(value: Json) -> str | None:
    """The first text of a claim that is a text or a list of them."""
    candidates = value if isinstance(value, list) else [value]
    return next((text for text in candidates if isinstance(text, str)), None)
