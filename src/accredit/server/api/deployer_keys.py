"""A deployer's keys: handed in, or made here (protocol-embed.md section 10)."""

from typing import Annotated, Any

import msgspec

from accredit.errors import MalformedError
from accredit.server.accounts.deployers import find_deployer
from accredit.server.api.bodies import Label
from accredit.server.api.key_answers import KeyAnswer, answer_key
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.integrations.policy import Id
from accredit.server.keyring.deployment_keys import Holder, generate_deployment_key, register_deployment_key
from accredit.server.keyring.records import KeyFilter, list_keys

_ADDRESS = "/v1/deployers/{deployer_id}/keys"


class NewDeploymentKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of jwk (a public JSON Web Key), jwks_uri and generate. integration_ids: where the key counts; by default in all
    of the deployer's integrations."""

    # Whatever it is: the key ring says what is wrong with it.
    jwk: Any = None
    jwks_uri: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    generate: bool = False
    alg: str = "ES512"
    integration_ids: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=100)] | None = None
    label: Label = ""


class DeploymentKeyAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """key: the record of a key. private_jwk: of one that was made here, shown this once."""

    key: KeyAnswer
    private_jwk: dict[str, Any] | None = None


class DeploymentKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first, dead ones too."""

    keys: list[KeyAnswer]


@operation(
    "POST",
    _ADDRESS,
    answer=DeploymentKeyAnswer,
    status=201,
    codes=(
        "deployer_not_found",
        "integration_not_found",
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
    ),
)
async def create_deployer_key(call: Call, body: NewDeploymentKey) -> Reply:
    """Give a deployer a key.

    A JWK with a private member is refused, and that key is refused for good. At most 5 keys live at once, so that rotation overlaps.
    """
    store, cause = call.node.store, call.cause
    if [body.jwk is not None, body.jwks_uri is not None, body.generate].count(True) != 1:
        raise MalformedError("field_missing", "jwk")
    holder = Holder(call.scope, call.part("deployer_id"), body.alg, body.integration_ids, body.label)
    if body.jwk is not None:
        record = await register_deployment_key(store, holder, body.jwk, cause)
        return json_reply(call.request_id, DeploymentKeyAnswer(key=answer_key(record, call.now_ms)), 201)
    made = await generate_deployment_key(store, holder, cause)
    answer = DeploymentKeyAnswer(key=answer_key(made.record, call.now_ms), private_jwk=made.private_jwk)
    return json_reply(call.request_id, answer, 201)


@operation("GET", _ADDRESS, answer=DeploymentKeys, codes=("deployer_not_found",))
async def list_deployer_keys(call: Call) -> Reply:
    """List a deployer's keys, oldest first."""
    deployer_id = call.part("deployer_id")
    found(await call.node.store.read(find_deployer, (call.scope, deployer_id)), "deployer_not_found")
    records = await call.node.store.read(list_keys, KeyFilter(scope=call.scope, purpose="deployment", deployer_id=deployer_id))
    return json_reply(call.request_id, DeploymentKeys(keys=[answer_key(each, call.now_ms) for each in records]))


OPERATIONS = (create_deployer_key, list_deployer_keys)
