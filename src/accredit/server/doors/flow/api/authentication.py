"""Who signed a call: steps 1 to 5 of protocol-flow.md section 8, in the original's form or by RFC 9421.

A call without `Authorization` that has `Signature-Input` is read as the additive form. An unknown key id costs what a known one does,
and both are refused alike; the audit record tells them apart.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accredit.errors import Refused
from accredit.httpsig import PeekedRequest, VerifiedRequest, peek_request, peek_request_v2, verify_request, verify_request_v2
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.flow_keys import ApiCredential, LiveSecret
from accredit.server.keyring.scope import Scope
from accredit.server.leak_response import Sighting, answer_exposed
from accredit.server.node import Node


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call as its client signed it. target: raw path and query. target_uri: the whole address. fields: its headers."""

    method: str
    target: str
    target_uri: str
    fields: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FlowCaller:
    """Whose call it is. record_id: of the key record that signed. signature: base64; with key_id what makes the call this one.

    digest: SHA-256 of the body.
    """

    key_id: str
    record_id: str
    scope: Scope
    signature: str
    digest: bytes


class SignerRefused(Refused):
    """A signature that does not hold. signer: whose key id it names, None if nobody's; for the audit record only."""

    def __init__(self, code: str, member: str | None = None, signer: ApiCredential | None = None) -> None:
        super().__init__(code, member)
        self.signer = signer


async def authenticate(node: Node, call: SignedCall, request_id: str, now_ms: int) -> FlowCaller:
    """The caller of the API.

    Raises Refused: `authentication_missing`, `authorization_malformed`; SignerRefused: `date_malformed`, `date_out_of_range`,
    `digest_malformed`, `digest_mismatch`, `key_unknown`, `mac_mismatch`, `secret_exposed` (the secret is revoked then).
    """
    peeked = _peek(call)
    key_id = peeked.key_id if isinstance(peeked, PeekedRequest) else peeked
    credential = await node.keyring.api_credential(key_id, now_ms)
    secrets = () if credential is None else credential.secrets
    try:
        verified = _verify(call, peeked, {key_id: [secret.text for secret in secrets]}, now_ms // 1000)
    except Refused as error:
        raise SignerRefused(error.code, error.member, credential) from error
    # Without one no signature holds.
    assert credential is not None
    return await _admit(node, call, credential, verified, Cause(now_ms, actor=key_id, request_id=request_id))


def _peek(call: SignedCall) -> PeekedRequest | str:
    """Steps 1 and 2: what the original's form says of itself, or the key id that a request by RFC 9421 names."""
    names = {name for name, _ in call.fields}
    if "authorization" not in names and "signature-input" in names:
        return peek_request_v2(call.fields)
    return peek_request(call.fields)


def _verify(call: SignedCall, peeked: PeekedRequest | str, keys: Mapping[str, Sequence[str]], now: int) -> VerifiedRequest:
    """Steps 3 to 5."""
    if isinstance(peeked, PeekedRequest):
        return verify_request(call.method, call.target, peeked, call.body, keys, now=now)
    return verify_request_v2(call.method, call.target_uri, call.fields, call.body, keys, now=now)


async def _admit(
    node: Node, call: SignedCall, credential: ApiCredential, verified: VerifiedRequest, cause: Cause
) -> FlowCaller:
    """The signer, unless a browser holds its secret."""
    secret: LiveSecret = credential.secrets[verified.secret_index]
    names = {name for name, _ in call.fields}
    if {"origin", "sec-fetch-site"} <= names:
        await answer_exposed(node, [secret.text], Sighting("browser", cause))
        raise SignerRefused("secret_exposed", "authorization", credential)
    node.keyring.note_use(secret.record_id, cause.at_ms)
    digest = hashlib.sha256(call.body).digest()
    return FlowCaller(credential.key_id, secret.record_id, credential.scope, verified.signature, digest)
