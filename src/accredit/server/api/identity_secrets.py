"""Identity secrets: made here or brought along, for a deployer or for one of its integrations (protocol-boot.md section 8).

They are retired and revoked as every key is, at `/v1/keys/{key_id}`.
"""

import msgspec

from accredit.server.api.bodies import Label
from accredit.server.api.deployer_keys import require_deployer
from accredit.server.api.key_answers import KeyAnswer, KeyList, answer_key
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.integrations.policy import Id
from accredit.server.keyring.identity_secrets import SecretHolder, import_identity_secret, issue_identity_secret
from accredit.server.keyring.records import KeyFilter, list_keys

_ADDRESS = "/v1/deployers/{deployer_id}/secrets"


class NewIdentitySecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """integration_id: whose own it is; null: the deployer's.

    secret: one that the deployer has already, canonical padded base64 of 16..64 octets; null: one is made.
    """

    integration_id: Id | None = None
    secret: str | None = None
    label: Label = ""


class IdentitySecretAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """secret: of one that was made here, shown this once; 32 octets as padded base64."""

    key: KeyAnswer
    secret: str | None = None


@operation(
    "POST",
    _ADDRESS,
    answer=IdentitySecretAnswer,
    status=201,
    codes=(
        "deployer_not_found",
        "integration_not_found",
        "secret_malformed",
        "key_denied",
        "key_exists",
        "key_limit_reached",
    ),
)
async def create_identity_secret(call: Call, body: NewIdentitySecret) -> Reply:
    """Give a deployer a secret to sign its users with.

    Two live at once, and two for each integration that has its own, so that rotation overlaps. An integration with a live one of its
    own does not take the deployer's.
    """
    node, cause = call.node, call.cause
    holder = SecretHolder(call.scope, call.part("deployer_id"), body.integration_id, body.label)
    if body.secret is None:
        made = await issue_identity_secret(node.store, node.sealer, holder, cause)
        answer = IdentitySecretAnswer(key=answer_key(made.record, call.now_ms), secret=made.secret_text)
    else:
        record = await import_identity_secret(node.store, node.sealer, holder, body.secret, cause)
        answer = IdentitySecretAnswer(key=answer_key(record, call.now_ms))
    return json_reply(call.request_id, answer, 201)


@operation("GET", _ADDRESS, answer=KeyList, codes=("deployer_not_found",))
async def list_identity_secrets(call: Call) -> Reply:
    """List the secrets of a deployer and of its integrations, oldest first, without what signs."""
    wanted = KeyFilter(scope=call.scope, purpose="identity", deployer_id=await require_deployer(call))
    records = await call.node.store.read(list_keys, wanted)
    return json_reply(call.request_id, KeyList([answer_key(each, call.now_ms) for each in records]))


OPERATIONS = (create_identity_secret, list_identity_secrets)
