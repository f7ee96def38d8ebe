"""Keys of the flow door: publishable keys, API credentials, keys of customer references (protocol-flow.md sections 1, 3 and 12).

Each secret of a credential is three records; they are read, retired and revoked as every key is, at `/v1/keys/{key_id}`, one by one
or, with `whole_secret`, together.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from accredit.server.api.bodies import Label
from accredit.server.api.deployer_keys import KEY_CODES
from accredit.server.api.key_answers import KeyAnswer, KeyList, answer_key
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.keyring.credentials import (
    Credential,
    MadeSecret,
    NewSecret,
    add_secret,
    create_credential,
    list_credentials,
)
from accredit.server.keyring.publishable_keys import create_publishable_key
from accredit.server.keyring.records import KeyFilter, KeyRecord, Purpose, list_keys
from accredit.server.keyring.reference_keys import NewReferenceKey, issue_reference_secret, register_reference_key

_SECRET_CODES = ("secret_malformed", "key_published", "key_denied", "key_exists", "key_limit_reached")
# 32..128 visible ASCII characters, judged with the codes of secrets.
_Brought = Annotated[str, msgspec.Meta(max_length=1024)]


class NewPublishableKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """label: to tell it from the others."""

    label: Label = ""


class PublishableKeyAnswer(msgspec.Struct, frozen=True):
    """publishable_key: what pages name; it is no secret, and is the `kid` of the record."""

    key: KeyAnswer
    publishable_key: str


class NewCredential(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """secret: one that is used with the original already, 32..128 visible ASCII characters; null: one is made.

    api_key_id: the one that goes with it there; null: one is made.
    """

    label: Label = ""
    secret: _Brought | None = None
    api_key_id: Annotated[str, msgspec.Meta(max_length=128)] | None = None


class NewCredentialSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """secret: one that is used with the original already; null: one is made."""

    label: Label = ""
    secret: _Brought | None = None


class CredentialAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """keys: the records over the secret, one for each purpose. secret: of one that was made here, shown this once."""

    api_key_id: str
    keys: list[KeyAnswer]
    secret: str | None = None


class HeldSecret(msgspec.Struct, frozen=True):
    """One secret of a credential: its records, one for each purpose."""

    keys: list[KeyAnswer]


class HeldCredential(msgspec.Struct, frozen=True):
    """secrets: oldest first, dead ones too. The oldest live one signs webhooks."""

    api_key_id: str
    secrets: list[HeldSecret]


class CredentialList(msgspec.Struct, frozen=True):
    """Oldest first."""

    api_credentials: list[HeldCredential]


class ReferenceKeyInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """jwk: a public JSON Web Key that verifies tokens, recorded for alg; without one, a secret is made."""

    jwk: Annotated[Any, msgspec.Meta(extra_json_schema={"type": "object"})] | UnsetType = UNSET
    alg: str = "ES256"
    label: Label = ""


class ReferenceKeyAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """secret: of one that was made here, shown this once. The record's key id is what tokens have as `kid`."""

    key: KeyAnswer
    secret: str | None = None


@operation("POST", "/v1/publishable_keys", answer=PublishableKeyAnswer, status=201, codes=("key_limit_reached",))
async def create_publishable(call: Call, body: NewPublishableKey) -> Reply:
    """Make a publishable key. At most 10 live at once."""
    record = await create_publishable_key(call.node.store, call.scope, body.label, call.cause)
    answer = PublishableKeyAnswer(answer_key(record, call.now_ms), str(record.kid))
    return json_reply(call.request_id, answer, 201)


@operation("GET", "/v1/publishable_keys", answer=KeyList)
async def list_publishable(call: Call) -> Reply:
    """List publishable keys, oldest first; `kid` is what pages name."""
    return await _listed(call, "publishable")


@operation("POST", "/v1/api_credentials", answer=CredentialAnswer, status=201, codes=("field_invalid", *_SECRET_CODES))
async def create_api_credential(call: Call, body: NewCredential) -> Reply:
    """Make an API credential, a key id and a first secret, or take over one that is used with the original.

    At most 8 keys of purpose `reference` live at once, those of credentials among them.
    """
    wanted = NewSecret(call.scope, body.label, body.api_key_id, body.secret)
    made = await create_credential(call.node.store, call.node.sealer, wanted, call.cause)
    return _made(call, made)


@operation("GET", "/v1/api_credentials", answer=CredentialList)
async def list_api_credentials(call: Call) -> Reply:
    """List API credentials with their secrets, without what signs."""
    found = await call.node.store.read(list_credentials, call.scope)
    return json_reply(call.request_id, CredentialList([_held(each, call.now_ms) for each in found]))


@operation(
    "POST",
    "/v1/api_credentials/{api_key_id}/secrets",
    answer=CredentialAnswer,
    status=201,
    codes=("key_not_found", *_SECRET_CODES),
)
async def create_credential_secret(call: Call, body: NewCredentialSecret) -> Reply:
    """Give a credential one more secret: to rotate, or as a standby that takes over when the other is revoked.

    At most 3 live at once.
    """
    wanted = NewSecret(call.scope, body.label, call.part("api_key_id"), body.secret)
    return _made(call, await add_secret(call.node.store, call.node.sealer, wanted, call.cause))


@operation("POST", "/v1/reference_keys", answer=ReferenceKeyAnswer, status=201, codes=("field_invalid", *KEY_CODES))
async def create_reference_key(call: Call, body: ReferenceKeyInput) -> Reply:
    """Make a secret that signs customer references and nothing else, or register a public key that verifies tokens.

    A JWK with a private member is refused, and that key is refused for good. At most 8 live at once.
    """
    node = call.node
    if body.jwk is UNSET:
        made = await issue_reference_secret(node.store, node.sealer, call.scope, body.label, call.cause)
        answer = ReferenceKeyAnswer(key=answer_key(made.record, call.now_ms), secret=made.secret_text)
    else:
        wanted = NewReferenceKey(call.scope, body.jwk, body.alg, body.label)
        record = await register_reference_key(node.store, wanted, call.cause)
        answer = ReferenceKeyAnswer(key=answer_key(record, call.now_ms))
    return json_reply(call.request_id, answer, 201)


@operation("GET", "/v1/reference_keys", answer=KeyList)
async def list_reference_keys(call: Call) -> Reply:
    """List the keys that customer references are signed with, those of credentials too, oldest first, dead ones too."""
    return await _listed(call, "reference")


async def _listed(call: Call, purpose: Purpose) -> Reply:
    records = await call.node.store.read(list_keys, KeyFilter(scope=call.scope, purpose=purpose))
    return json_reply(call.request_id, KeyList(_answers(records, call.now_ms)))


def _made(call: Call, made: MadeSecret) -> Reply:
    answer = CredentialAnswer(api_key_id=made.api_key_id, keys=_answers(made.records, call.now_ms), secret=made.secret_text)
    return json_reply(call.request_id, answer, 201)


def _held(credential: Credential, now_ms: int) -> HeldCredential:
    return HeldCredential(credential.api_key_id, [HeldSecret(_answers(each, now_ms)) for each in credential.secrets])


def _answers(records: list[KeyRecord] | tuple[KeyRecord, ...], now_ms: int) -> list[KeyAnswer]:
    return [answer_key(each, now_ms) for each in records]


OPERATIONS = (
    create_publishable,
    list_publishable,
    create_api_credential,
    list_api_credentials,
    create_credential_secret,
    create_reference_key,
    list_reference_keys,
)
