"""What `verify` and `explain` share: their options, and the case that these make of a token."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from accredit.cli.database import Database, database_options
from accredit.cli.deployment.case import Asked, Case, OtherKey, case_of_database, case_of_files
from accredit.cli.deployment.steps import Explanation, explain
from accredit.cli.files import INPUT, read_key, read_keys, read_token
from accredit.cli.members import parse_members
from accredit.cli.times import now_ms, parse_moment
from accredit.deployment import PeekedDeployment, peek_deployment
from accredit.encoding import Json
from accredit.errors import FailureError, MalformedError, Refused
from accredit.keys import PRIVATE_MEMBERS, SIGNATURE_ALGORITHMS, DeploymentKey, parse_deployment_key
from accredit.passport import PASSPORT_ENCRYPTIONS, PassportKey, parse_passport_key
from accredit.properties import DirectProperties
from accredit.server.gate import LiveKeys
from accredit.server.integrations.catalog import find_integration
from accredit.server.integrations.integration import Integration, prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.keyring.records import KeyFilter, KeyRecord, list_keys
from accredit.server.node import Node
from accredit.server.sessions.standing import find_standing

_DIRECT = ("deployer_id", "integration_id", "owner_id", "view_id", "uid", "encrypted_passport")


@dataclass(frozen=True, slots=True)
class Judging:
    """A token, and what it is to be judged by: the key files, or the database where there are none."""

    token: str
    asked: Asked
    keys: Sequence[DeploymentKey]
    passport_keys: Sequence[PassportKey]
    database: Database

    def explain(self) -> Explanation:
        """Ask the gate."""
        if self.keys:
            return explain(self.token, lambda peeked: case_of_files(peeked, self.asked, self.keys, self.passport_keys))
        try:
            peeked = peek_deployment(self.token)
        except Refused:
            # What has no shape needs no database.
            return explain(self.token, _never)
        try:
            case = self.database.run(lambda node: find_case(node, peeked, self.asked))
        except FailureError as error:
            if error.code != "database_missing":
                raise
            raise click.UsageError("There is no database here; name the deployer's public key with --key.") from error
        return explain(self.token, lambda _peeked: case)


def _never(_peeked: PeekedDeployment) -> Case:
    raise AssertionError("a token without a shape has no case")


def judging_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the token and the options; the command gets a Judging as `judging`."""

    @click.argument("token")
    @click.option("--key", "files", type=INPUT, multiple=True, help="A public JWK or JWKS: judge by it, without a database.")
    @click.option(
        "--passport-key", "passport_files", type=INPUT, multiple=True, help="With --key: what opens encrypted_passport."
    )
    @click.option("--policy", metavar="NAME=VALUE", multiple=True, help="A member of the integration's policy to judge by.")
    @click.option("--direct", metavar="NAME=VALUE", multiple=True, help="What the page passes beside the token.")
    @click.option("--origin", metavar="URL", help="The page's origin; without it no origin is judged.")
    @click.option("--audience", metavar="URL", help="The server's public URL; by default ACCREDIT_PUBLIC_URL of the database.")
    @click.option("--now", "at_ms", type=parse_moment, metavar="TIME", help="Judge as at this time; by default now.")
    @database_options
    @wraps(command)
    def with_judging(
        *args: object,
        token: str,
        files: Sequence[Path],
        passport_files: Sequence[Path],
        policy: Sequence[str],
        direct: Sequence[str],
        origin: str | None,
        audience: str | None,
        at_ms: int | None,
        database: Database,
        **kwargs: object,
    ) -> None:
        keys = [parse_key(jwk) for file in files for jwk in read_keys(file)]
        told = audience or (None if keys else database.settings.public_url)
        moment_ms = now_ms() if at_ms is None else at_ms
        asked = Asked(moment_ms, parse_members(policy), _read_direct(direct), origin, told)
        opening = [key for file in passport_files for key in _parse_passport_keys(read_key(file))]
        command(*args, judging=Judging(read_token(token), asked, keys, opening, database), **kwargs)

    return with_judging


async def find_case(node: Node, peeked: PeekedDeployment, asked: Asked) -> Case:
    """The case as the door of this database would find it, at a policy that the options may change."""
    record = await node.store.read(find_integration, peeked.integration_id)
    # No token is for an integration that no deployer stands behind.
    if record is None or record.deployer_id is None:
        return case_of_database(peeked, asked, None, LiveKeys(), (), None)
    policy = cast("dict[str, Json]", msgspec.to_builtins(record.policy)) | asked.policy
    integration = prepare(
        parse_policy(record.door, policy, now_ms=asked.now_ms) if asked.policy else record.policy,
        integration_id=record.integration_id,
        scope=record.scope,
        door=record.door,
        deployer_id=record.deployer_id,
        owner_id=record.owner_id,
        version=record.version,
    )
    held = await node.keyring.deployment_keys(record.scope, record.deployer_id)
    opening = await node.keyring.passport_keys(record.scope, record.integration_id)
    keys = LiveKeys(
        held.live(asked.now_ms, record.integration_id),
        opening.live(asked.now_ms, record.integration_id),
    )
    jti = peeked.payload.get("jti")
    wanted = (record.integration_id, jti if isinstance(jti, str) else None, asked.now_ms)
    standing = await node.store.read(find_standing, wanted)
    return case_of_database(peeked, asked, integration, keys, await _find_others(node, integration, asked, keys), standing)


async def _find_others(node: Node, integration: Integration, asked: Asked, keys: LiveKeys) -> list[OtherKey]:
    """The keys of this account and environment that do not count for the token: one of them may have signed it."""
    counting = {key.key_id for key in keys.deployment}
    records = await node.store.read(list_keys, KeyFilter(scope=integration.scope, purpose="deployment"))
    return [
        OtherKey(
            parse_deployment_key(record.public_jwk, record.alg or "", key_id=record.key_id, kid=record.kid),
            _tell_other(record, integration, asked.now_ms),
        )
        for record in records
        if record.key_id not in counting
    ]


def _tell_other(record: KeyRecord, integration: Integration, at_ms: int) -> str:
    if record.deployer_id != integration.deployer_id:
        return f"{record.key_id}, a key of deployer {record.deployer_id}"
    state = record.state(at_ms)
    if state in ("retired", "revoked"):
        return f"{record.key_id}, which is {state}"
    return f"{record.key_id}, which does not count for this integration"


def parse_key(jwk: dict[str, Json]) -> DeploymentKey:
    """A deployer's key from a file, for the alg that it names or that its curve has; of a private one the public half is taken.

    Raises MalformedError as `parse_deployment_key`.
    """
    by_curve = {row.crv: alg for alg, row in SIGNATURE_ALGORITHMS.items()}
    named = jwk.get("alg")
    alg = named if isinstance(named, str) and named in SIGNATURE_ALGORITHMS else by_curve.get(str(jwk.get("crv")), "ES512")
    kid = jwk.get("kid")
    public: dict[str, Any] = {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}
    if len(public) != len(jwk):
        # What a private key may be used for says nothing of its public half.
        public.pop("key_ops", None)
    return parse_deployment_key(public, alg, kid=kid if isinstance(kid, str) else None)


def _parse_passport_keys(jwk: dict[str, Json]) -> list[PassportKey]:
    """A passport key from a file, for each content encryption that it may be recorded for: a JWK does not say which.

    Raises MalformedError as `parse_passport_key`.
    """
    alg, kid = str(jwk.get("alg", "A128KW")), jwk.get("kid")
    keys: list[PassportKey] = []
    for enc in PASSPORT_ENCRYPTIONS:
        with suppress(MalformedError):
            keys.append(parse_passport_key(jwk, alg, enc, key_id=kid if isinstance(kid, str) else ""))
    return keys or [parse_passport_key(jwk, alg)]


def _read_direct(texts: Sequence[str]) -> DirectProperties:
    """The direct properties: text as it is typed, and data_passport as JSON. Raises MalformedError `field_invalid`."""
    named: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if name == "data_passport":
            named[name] = parse_members([text])[name]
            if not isinstance(named[name], dict):
                raise MalformedError("field_invalid", name)
        elif separator and name in _DIRECT:
            named[name] = value
        else:
            raise click.BadParameter(f"--direct takes {', '.join(_DIRECT)} and data_passport, as NAME=VALUE.")
    return DirectProperties(**named)
