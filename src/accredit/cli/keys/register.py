"""`accredit keys register`."""

from dataclasses import dataclass
from pathlib import Path

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import INPUT, read_key
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import described, show_key
from accredit.cli.output import print_facts, print_json
from accredit.cli.times import parse_moment
from accredit.encoding import Json
from accredit.keys import SIGNATURE_ALGORITHMS
from accredit.server.keyring.deployment_keys import Holder, register_deployment_key
from accredit.server.keyring.encryption_records import NewEncryptionKey, register_encryption_key
from accredit.server.keyring.key_sets import AppliedReading
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.reference_keys import NewReferenceKey, register_reference_key
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node

_DEFAULT_ALG, _REFERENCE_ALG = "ES512", "ES256"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a key is to be registered as; None is what nobody said."""

    deployer_id: str | None
    alg: str | None
    integration_ids: tuple[str, ...]
    label: str
    key_id: str | None
    not_before_ms: int | None
    not_after_ms: int | None

    def check(self, purpose: str) -> None:
        """Raises UsageError where the options do not go together."""
        if (purpose == "deployment") is (self.deployer_id is None):
            raise click.UsageError("A deployment key, and nothing else here, is of a deployer: name it with --deployer.")
        if purpose == "encryption" and self.alg:
            raise click.UsageError("An encryption key names its alg itself: leave --alg away.")
        if purpose != "deployment" and self.integration_ids:
            raise click.UsageError("--integration is for deployment keys.")
        if purpose != "encryption" and (self.key_id, self.not_before_ms, self.not_after_ms) != (None, None, None):
            raise click.UsageError("--key-id, --not-before and --not-after are for --purpose encryption.")

    def holder(self, scope: Scope) -> Holder:
        """Of a deployment key."""
        return Holder(scope, str(self.deployer_id), self.alg or _DEFAULT_ALG, self.integration_ids or None, self.label)

    async def register(self, purpose: str, node: Node, scope: Scope, jwk: Json) -> KeyRecord:
        """Register a public key. Raises what the registering of its purpose raises."""
        if purpose == "deployment":
            return await register_deployment_key(node.store, self.holder(scope), jwk, cause())
        if purpose == "reference":
            reference = NewReferenceKey(scope, jwk, self.alg or _REFERENCE_ALG, self.label)
            return await register_reference_key(node.store, reference, cause())
        wanted = NewEncryptionKey(scope, jwk, self.key_id, self.label, self.not_before_ms, self.not_after_ms)
        return await register_encryption_key(node.store, wanted, cause())


@click.command(
    epilog=examples(
        "accredit keys register shop.public.jwk --deployer shop",
        "accredit keys register - --deployer shop --integration checkout < shop.public.jwk",
        "accredit keys register --jwks-uri https://shop.example/keys.json --deployer shop",
        "accredit keys register pages.public.jwk --purpose reference --alg ES256",
        "accredit keys register answers.public.jwk --purpose encryption --key-id 2027-01 --not-before 2027-01-01T00:00:00Z",
    )
)
@click.argument("file", type=INPUT, required=False)
@click.option(
    "--purpose",
    type=click.Choice(("deployment", "reference", "encryption")),
    default="deployment",
    show_default=True,
    help="deployment: verifies a deployer's tokens. reference: verifies tokens of customer references. encryption: answers of the"
    " rest door are sealed to it.",
)
@click.option("--jwks-uri", metavar="URL", help="Deployment, in place of FILE: where the deployer publishes its keys.")
@click.option("--deployer", "deployer_id", metavar="ID", help="Deployment: whose key it is.")
@click.option(
    "--alg",
    type=click.Choice(tuple(SIGNATURE_ALGORITHMS)),
    help=f"What it is recorded for: deployment {_DEFAULT_ALG} by default, reference {_REFERENCE_ALG}.",
)
@click.option(
    "--integration", "integration_ids", metavar="ID", multiple=True, help="Deployment: where it counts; by default everywhere."
)
@click.option("--label", default="", help="What people call it.")
@click.option("--key-id", metavar="ID", help="Encryption: what requests and answers call it; by default its thumbprint.")
@click.option(
    "--not-before", "not_before_ms", type=parse_moment, metavar="TIME", help="Encryption: from when `current` may mean it."
)
@click.option(
    "--not-after", "not_after_ms", type=parse_moment, metavar="TIME", help="Encryption: until when requests may name it."
)
@scope_options
@database_options
@json_option
def command(
    file: Path | None,
    purpose: str,
    jwks_uri: str | None,
    deployer_id: str | None,
    alg: str | None,
    integration_ids: tuple[str, ...],
    label: str,
    key_id: str | None,
    not_before_ms: int | None,
    not_after_ms: int | None,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Register a public key of a deployer, of a backend that signs customer references, or of a caller of the rest door.

    FILE holds a JWK, `-` reads standard input.

    A JWK with its private half is refused, and that key is refused for good, because it has travelled. A key set (--jwks-uri) is read
    at once and then by the servers every 10 minutes; a key that left it is revoked.
    """
    wanted = Wanted(deployer_id, alg, integration_ids, label, key_id, not_before_ms, not_after_ms)
    wanted.check(purpose)
    if (file is None) is (jwks_uri is None):
        raise click.UsageError("Name either a FILE or --jwks-uri.")
    if file is not None:
        _register(wanted, purpose, read_key(file), whose, database, as_json)
    elif purpose == "deployment":
        _follow(wanted, str(jwks_uri), whose, database, as_json)
    elif purpose == "reference":
        raise click.UsageError("--jwks-uri is for deployment keys.")
    else:
        raise click.UsageError("Key sets of callers stand in the policy of an integration, as encryption_jwks_uri.")


def _register(wanted: Wanted, purpose: str, jwk: Json, whose: Whose, database: Database, as_json: bool) -> None:
    async def register(node: Node) -> KeyRecord:
        return await wanted.register(purpose, node, await whose.find(node), jwk)

    show_key(database.run(register), as_json)


def _follow(wanted: Wanted, jwks_uri: str, whose: Whose, database: Database, as_json: bool) -> None:
    async def follow(node: Node) -> AppliedReading:
        return await node.key_sets.add(wanted.holder(await whose.find(node)), jwks_uri, cause())

    added = database.run(follow)
    key_set = {"key_set_id": added.key_set.key_set_id, "jwks_uri": added.key_set.uri, "alg": added.key_set.holder.alg}
    if as_json:
        print_json({"key_set": key_set, "keys": [described(key) for key in added.keys], "skipped": list(added.skipped)})
        return
    counted = ", ".join(key.key_id for key in added.keys)
    print_facts({**key_set, "keys": counted, "skipped": ", ".join(added.skipped)})
