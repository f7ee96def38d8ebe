"""Which key an answer is sealed to: one that a request names, or one that it brings (protocol-rest.md sections 5, 6 and 15).

key = await find_encryption_key(node, scope, integration, "current", now_ms)
key = await check_inline_key(node, scope, jwk, registered_only=False, allowed_alg=rules.allowed_alg, cause=cause)
await is_key_live(node, scope, key_id, key.thumbprint, jwks_uri=rules.encryption_jwks_uri, now_ms=now_ms)      # when it ends
"""

from collections.abc import Collection

from accredit.sealing import EncryptionKey, EncryptionKeyError, parse_encryption_key
from accredit.server.integrations.integration import RestIntegration
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.encryption_key_sets import Reading
from accredit.server.keyring.encryption_records import CURRENT, burn_private
from accredit.server.keyring.encryption_ring import HeldEncryptionKeys
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node


async def find_encryption_key(node: Node, scope: Scope, integration: RestIntegration, name: str, now_ms: int) -> EncryptionKey:
    """The key that `encryptionKeyId` names; its `kid` is the key id, for the JWE and for `is_key_live`.

    name: a key id, a `kid` of the integration's key set, or `current`.
    Raises EncryptionKeyError `key_not_registered`, `key_type_not_allowed` (the policy narrows alg).
    """
    held, rules = await node.encryption_ring.held(scope), integration.rules
    registered = held.find(name, now_ms)
    if registered is not None:
        node.keyring.note_use(registered.record.key_id, now_ms)
        key = registered.key
    else:
        key = await _find_published(node, scope, held, rules.encryption_jwks_uri, name, now_ms)
    if key.alg not in rules.allowed_alg:
        raise EncryptionKeyError("key_type_not_allowed", reason="The policy does not allow the alg of this key.")
    return key


async def check_inline_key(
    node: Node,
    scope: Scope,
    jwk: object,
    *,
    registered_only: bool,
    allowed_alg: Collection[str],
    cause: Cause,
    jwks_uri: str | None = None,
) -> EncryptionKey:
    """The key that a request brings, if it is taken. jwks_uri: the integration's key set, whose keys count as registered.

    A private half is denied in the account for good, unless it is printed anyway. Raises EncryptionKeyError: the first fault of
    section 6.
    """
    held = await node.encryption_ring.held(scope)
    try:
        key = parse_encryption_key(jwk, allowed_alg=allowed_alg, denied=held.denied | held.revoked)
    except EncryptionKeyError as error:
        await burn_private(node.store, scope, error, jwk, cause)
        raise
    if registered_only and key.thumbprint not in held.live_thumbprints(cause.at_ms):
        reading = await _read_set(node, scope, jwks_uri, cause.at_ms)
        if key.thumbprint not in reading.thumbprints:
            reading = await _read_set(node, scope, jwks_uri, cause.at_ms, again=True)
        if key.thumbprint not in reading.thumbprints:
            raise EncryptionKeyError("key_not_registered")
    return key


async def is_key_live(
    node: Node, scope: Scope, key_id: str | None, thumbprint: str, *, jwks_uri: str | None, now_ms: int
) -> bool:
    """Whether a session's answer may still be sealed to the key that it was created with.

    It may not when the key was revoked, denied, or left the key set that it was named from. A key whose time is over is not given to
    new sessions; those that have it keep it. key_id: None for a key that the request brought.
    """
    held = await node.encryption_ring.held(scope)
    if thumbprint in held.denied or thumbprint in held.revoked:
        return False
    if key_id is None or held.knows(thumbprint):
        return True
    if jwks_uri is None:
        return False
    reading = await node.encryption_ring.key_sets.read(scope, jwks_uri, now_ms)
    # What cannot be read revokes nothing: no session outlives the 24 h for which the last reading holds.
    return reading is None or thumbprint in reading.thumbprints


async def _find_published(
    node: Node, scope: Scope, held: HeldEncryptionKeys, jwks_uri: str | None, name: str, now_ms: int
) -> EncryptionKey:
    key = None
    if name != CURRENT:
        key = (await _read_set(node, scope, jwks_uri, now_ms)).find(name)
        key = key or (await _read_set(node, scope, jwks_uri, now_ms, again=True)).find(name)
    if key is None or key.thumbprint in held.denied | held.revoked:
        raise EncryptionKeyError("key_not_registered")
    return key


async def _read_set(node: Node, scope: Scope, jwks_uri: str | None, now_ms: int, *, again: bool = False) -> Reading:
    if jwks_uri is None:
        return Reading()
    return await node.encryption_ring.key_sets.read(scope, jwks_uri, now_ms, again=again) or Reading()
