"""A deployer's keys: handed in, made here, or followed at an address of its own (protocol-embed.md section 10)."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from accredit.encoding import Json
from accredit.errors import MalformedError, NotFoundError
from accredit.server.accounts.deployers import find_deployer
from accredit.server.api.bodies import Label
from accredit.server.api.key_answers import KeyAnswer, answer_key
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.integrations.policy import Id
from accredit.server.keyring.deployment_keys import Holder, generate_deployment_key, register_deployment_key
from accredit.server.keyring.key_set_records import KeySet, find_key_set, list_key_sets
from accredit.server.keyring.records import KeyFilter, list_keys
from accredit.server.times import wire_time

_ADDRESS = "/v1/deployers/{deployer_id}/keys"
KEY_CODES = (
    "key_malformed",
    "key_private_member",
    "key_type_unsupported",
    "key_use_invalid",
    "key_alg_mismatch",
    "key_curve_unsupported",
    "key_encoding_invalid",
    "key_value_invalid",
    "key_denied",
    "key_exists",
    "key_limit_reached",
)
IntegrationIds = Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=100)]


class NewDeploymentKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of jwk (a public JSON Web Key), jwks_uri and generate. integration_ids: where the key counts; null: everywhere."""

    # Whatever it is, it is judged as a key, with the codes of keys.
    jwk: Annotated[Any, msgspec.Meta(extra_json_schema={"type": "object"})] | UnsetType = UNSET
    jwks_uri: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    generate: bool = False
    alg: str = "ES512"
    integration_ids: IntegrationIds | None = None
    label: Label = ""


class KeySetAnswer(msgspec.Struct, frozen=True):
    """An address at which a deployer publishes its keys. last_error: why it could not be read, or the codes of skipped keys."""

    key_set_id: str
    jwks_uri: str
    alg: str
    integration_ids: tuple[str, ...] | None
    created_at: str
    fetched_at: str
    checked_at: str
    last_error: str | None


class DeploymentKeyAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one key: key, and private_jwk if it was made here, shown this once. Of a key set: key_set, keys that count now, and skipped:
    the codes of those that do not."""

    key: KeyAnswer | None = None
    private_jwk: dict[str, Any] | None = None
    key_set: KeySetAnswer | None = None
    keys: list[KeyAnswer] = []
    skipped: tuple[str, ...] = ()


class DeploymentKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first, dead keys too."""

    keys: list[KeyAnswer]
    key_sets: list[KeySetAnswer]


@operation(
    "POST",
    _ADDRESS,
    answer=DeploymentKeyAnswer,
    status=201,
    codes=(
        "deployer_not_found",
        "integration_not_found",
        *KEY_CODES,
        "jwks_uri_invalid",
        "endpoint_address_forbidden",
        "key_set_unreadable",
    ),
)
async def create_deployer_key(call: Call, body: NewDeploymentKey) -> Reply:
    """Give a deployer a key.

    A JWK with a private member is refused, and that key is refused for good. At most 5 keys live at once, so that rotation
    overlaps. A key set is read at once and every 10 minutes; a key that left it is revoked.
    """
    if [body.jwk is not UNSET, body.jwks_uri is not None, body.generate].count(True) != 1:
        raise MalformedError("field_missing", "jwk")
    holder = Holder(call.scope, call.part("deployer_id"), body.alg, body.integration_ids, body.label)
    return json_reply(call.request_id, await _create(call, body, holder), 201)


async def _create(call: Call, body: NewDeploymentKey, holder: Holder) -> DeploymentKeyAnswer:
    store, now_ms = call.node.store, call.now_ms
    if body.jwks_uri is not None:
        added = await call.node.key_sets.add(holder, body.jwks_uri, call.cause)
        keys = [answer_key(each, now_ms) for each in added.keys]
        return DeploymentKeyAnswer(key_set=_answer_set(added.key_set), keys=keys, skipped=added.skipped)
    if body.jwk is not UNSET:
        jwk: Json = body.jwk
        record = await register_deployment_key(store, holder, jwk, call.cause)
        return DeploymentKeyAnswer(key=answer_key(record, now_ms))
    made = await generate_deployment_key(store, holder, call.cause)
    return DeploymentKeyAnswer(key=answer_key(made.record, now_ms), private_jwk=made.private_jwk)


@operation("GET", _ADDRESS, answer=DeploymentKeys, codes=("deployer_not_found",))
async def list_deployer_keys(call: Call) -> Reply:
    """List a deployer's keys and key sets, oldest first."""
    node, deployer_id = call.node, await require_deployer(call)
    records = await node.store.read(list_keys, KeyFilter(scope=call.scope, purpose="deployment", deployer_id=deployer_id))
    sets = await node.store.read(list_key_sets, (call.scope, deployer_id))
    keys = [answer_key(each, call.now_ms) for each in records]
    return json_reply(call.request_id, DeploymentKeys(keys=keys, key_sets=[_answer_set(each) for each in sets]))


@operation(
    "DELETE", "/v1/deployers/{deployer_id}/key_sets/{key_set_id}", status=204, codes=("deployer_not_found", "key_not_found")
)
async def delete_key_set(call: Call) -> Reply:
    """Follow a key set no more, and revoke its keys."""
    deployer_id, wanted = await require_deployer(call), (call.scope, call.part("key_set_id"))
    key_set = found(await call.node.store.read(find_key_set, wanted), "key_not_found")
    if key_set.holder.deployer_id != deployer_id:
        raise NotFoundError("key_not_found")
    await call.node.key_sets.remove(*wanted, call.cause)
    return empty_reply(call.request_id)


async def require_deployer(call: Call) -> str:
    """The deployer that the address names. Raises NotFoundError `deployer_not_found`."""
    deployer_id = call.part("deployer_id")
    found(await call.node.store.read(find_deployer, (call.scope, deployer_id)), "deployer_not_found")
    return deployer_id


def _answer_set(key_set: KeySet) -> KeySetAnswer:
    return KeySetAnswer(
        key_set_id=key_set.key_set_id,
        jwks_uri=key_set.uri,
        alg=key_set.holder.alg,
        integration_ids=key_set.holder.integration_ids,
        created_at=wire_time(key_set.created_ms),
        fetched_at=wire_time(key_set.fetched_ms),
        checked_at=wire_time(key_set.checked_ms),
        last_error=key_set.last_error,
    )


OPERATIONS = (create_deployer_key, list_deployer_keys, delete_key_set)
