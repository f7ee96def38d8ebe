"""`accredit keys create`."""

import json
from dataclasses import dataclass
from pathlib import Path

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import INPUT, OUTPUT, new_secret_file, read_text
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import show_key
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS
from accredit.server.keyring.api_keys import create_api_key
from accredit.server.keyring.identity_secrets import SecretHolder, import_identity_secret, issue_identity_secret
from accredit.server.keyring.passport_keys import PassportHolder, create_passport_key
from accredit.server.keyring.publishable_keys import create_publishable_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.reference_keys import issue_reference_secret
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node

_OF_THE_ACCOUNT = ("publishable", "reference")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The key that is to be made. imported: the text of an identity secret that the deployer has already."""

    purpose: str
    label: str
    deployer_id: str | None
    integration_ids: tuple[str, ...]
    alg: str
    enc: str
    imported: str | None

    def check(self) -> None:
        """Raises UsageError where the options do not go together."""
        if self.purpose == "passport" and len(self.integration_ids) != 1:
            raise click.UsageError("A passport key is of one integration: name it with --integration.")
        if (self.purpose == "identity") is (self.deployer_id is None):
            raise click.UsageError("An identity secret, and nothing else here, is of a deployer: name it with --deployer.")
        if self.purpose == "identity" and len(self.integration_ids) > 1:
            raise click.UsageError("An identity secret is of a deployer, or of one of its integrations.")
        if self.purpose != "identity" and self.imported is not None:
            raise click.UsageError("--import is for identity secrets; `accredit keys import` takes over API secrets.")
        if self.purpose in _OF_THE_ACCOUNT and self.integration_ids:
            raise click.UsageError("--integration is for api, passport and identity.")

    async def make(self, node: Node, scope: Scope) -> "Made":
        """Make it. Raises what the making of its purpose raises."""
        if self.purpose == "api":
            api_key = await create_api_key(node.store, scope, self.label, cause(), integration_ids=self.integration_ids or None)
            return Made(api_key.record, "secret", api_key.secret_text)
        if self.purpose == "passport":
            passport = PassportHolder(scope, self.integration_ids[0], self.alg, self.enc, self.label)
            key = await create_passport_key(node.store, node.sealer, passport, cause())
            return Made(key.record, "jwk", key.jwk)
        if self.purpose == "publishable":
            publishable = await create_publishable_key(node.store, scope, self.label, cause())
            return Made(publishable, "publishable_key", publishable.kid)
        if self.purpose == "reference":
            reference = await issue_reference_secret(node.store, node.sealer, scope, self.label, cause())
            return Made(reference.record, "secret", reference.secret_text)
        return await self._make_identity(node, scope)

    async def _make_identity(self, node: Node, scope: Scope) -> "Made":
        holder = SecretHolder(scope, str(self.deployer_id), next(iter(self.integration_ids), None), self.label)
        if self.imported is not None:
            return Made(await import_identity_secret(node.store, node.sealer, holder, self.imported, cause()))
        identity = await issue_identity_secret(node.store, node.sealer, holder, cause())
        return Made(identity.record, "secret", identity.secret_text)


@dataclass(frozen=True, slots=True)
class Made:
    """A key, and what is shown of it this once under that name; nothing of what was brought along."""

    record: KeyRecord
    name: str = ""
    secret: object = None

    @property
    def shown(self) -> dict[str, object]:
        """What stands beside the record."""
        return {self.name: self.secret} if self.name else {}


@click.command(
    epilog=examples(
        "accredit keys create --purpose api --label 'checkout backend'",
        "accredit keys create --purpose api --integration checkout --out api.key",
        "accredit keys create --purpose passport --integration checkout --alg ECDH-ES+A128KW",
        "accredit keys create --purpose publishable",
        "accredit keys create --purpose reference --label 'shop pages' --out reference.secret",
        "accredit keys create --purpose identity --deployer shop --out identity.secret",
        "accredit keys create --purpose identity --deployer shop --import old.secret",
    )
)
@click.option(
    "--purpose",
    type=click.Choice(("api", "passport", "publishable", "reference", "identity")),
    required=True,
    help="What it is for.",
)
@click.option("--label", default="", help="What people call it.")
@click.option("--deployer", "deployer_id", metavar="ID", help="identity only: whose secret it is.")
@click.option(
    "--integration",
    "integration_ids",
    metavar="ID",
    multiple=True,
    help="api: reaches these only. passport: the one that it is of. identity: its own secret, in place of the deployer's.",
)
@click.option("--alg", type=click.Choice(PASSPORT_ALGORITHMS), default="A128KW", show_default=True, help="passport only.")
@click.option("--enc", type=click.Choice(PASSPORT_ENCRYPTIONS), default="A128GCM", show_default=True, help="passport only.")
@click.option(
    "--import", "imported", type=INPUT, help="identity only: a file with a secret that the deployer has; `-`: standard input."
)
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@scope_options
@database_options
@json_option
def command(
    purpose: str,
    label: str,
    deployer_id: str | None,
    integration_ids: tuple[str, ...],
    alg: str,
    enc: str,
    imported: Path | None,
    out: Path | None,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Make an API key for an owner's backend, the key that opens an integration's encrypted passports, a publishable key or a secret
    that signs customer references for the flow door, or the secret that a deployer signs its users with.

    The secret is shown this once; one that was imported is not shown. Of a pair for passports (ECDH-ES, RSA-OAEP-256) only the public
    half ever leaves the server.
    """
    if imported is not None and out is not None:
        raise click.UsageError("An imported secret is not written anywhere: leave --out away.")
    text = None if imported is None else read_text(imported)
    wanted = Wanted(purpose, label, deployer_id, integration_ids, alg, enc, text)
    wanted.check()

    async def work(node: Node) -> Made:
        return await wanted.make(node, await whose.find(node))

    if out is None:
        made = database.run(work)
        show_key(made.record, as_json, **made.shown)
        return
    with new_secret_file(out) as file:
        made = database.run(work)
        file.write(f"{made.secret if isinstance(made.secret, str) else json.dumps(made.secret)}\n")
    show_key(made.record, as_json, **{f"{made.name}_file": str(out)})
