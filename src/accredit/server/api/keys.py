"""Keys of every purpose: API keys are made here; all are listed, retired and revoked here (protocol-embed.md section 10)."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Label, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.key_answers import KeyAnswer, answer_key
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.integrations.policy import Id
from accredit.server.keyring import changes
from accredit.server.keyring.api_keys import create_api_key as make_key
from accredit.server.keyring.changes import Retirement, Revocation
from accredit.server.keyring.records import KeyFilter, KeyRecord, Purpose, find_key, find_over_secret
from accredit.server.keyring.records import list_keys as find_keys
from accredit.server.sessions.of_keys import cancel_sessions_of_keys
from accredit.server.times import epoch_ms


class KeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys, and which page."""

    purpose: Purpose | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class KeyPage(msgspec.Struct, frozen=True):
    """Oldest first, dead ones too. next_cursor: null on the last page."""

    keys: list[KeyAnswer]
    next_cursor: str | None


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """integration_ids: what the key may reach; by default everything in its account and environment."""

    purpose: Literal["api"]
    label: Label = ""
    integration_ids: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=100)] | None = None


class MadeApiKeyAnswer(msgspec.Struct, frozen=True):
    """secret: shown this once, and kept nowhere."""

    key: KeyAnswer
    secret: str


class RetireKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """until: from then on the key no longer counts; a time that has passed ends it now.

    whole_secret: also the other keys over the same secret, as an API credential's.
    """

    until: Annotated[datetime, msgspec.Meta(tz=True)]
    whole_secret: bool = False


class RevokeKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """end_sessions: also cancel the open sessions that proofs under this key opened.

    whole_secret: also the other keys over the same secret, as an API credential's.
    """

    end_sessions: bool = False
    whole_secret: bool = False


class RevokedKey(msgspec.Struct, frozen=True):
    """sessions_cancelled: how many were still open."""

    key: KeyAnswer
    sessions_cancelled: int


@operation("POST", "/v1/keys", answer=MadeApiKeyAnswer, status=201, codes=("integration_not_found",))
async def create_key(call: Call, body: NewKey) -> Reply:
    """Make an API key of the caller's account and environment."""
    made = await make_key(call.node.store, call.scope, body.label, call.cause, integration_ids=body.integration_ids)
    return json_reply(call.request_id, MadeApiKeyAnswer(answer_key(made.record, call.now_ms), made.secret_text), 201)


@operation("GET", "/v1/keys", answer=KeyPage, codes=("cursor_invalid",))
async def list_keys(call: Call, query: KeyQuery) -> Reply:
    """List keys of every purpose, oldest first."""
    node, binding = call.node, ListBinding("keys", call.scope, (query.purpose,))
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(find_keys, KeyFilter(scope=call.scope, purpose=query.purpose))
    rest = [record for record in rows if _position(record) > after]
    shown, following = cut_page(node.sealer, binding, rest, query.limit, _position)
    return json_reply(call.request_id, KeyPage([answer_key(each, call.now_ms) for each in shown], following))


@operation("GET", "/v1/keys/{key_id}", answer=KeyAnswer, codes=("key_not_found",))
async def read_key(call: Call) -> Reply:
    """Read a key's record."""
    record = await call.node.store.read(find_key, (call.scope, call.part("key_id")))
    return json_reply(call.request_id, answer_key(found(record, "key_not_found"), call.now_ms))


@operation("POST", "/v1/keys/{key_id}/retire", answer=KeyAnswer, codes=("key_not_found", "key_not_live"))
async def retire_key(call: Call, body: RetireKey) -> Reply:
    """Let a key count until a time."""
    retirement = Retirement(call.scope, call.part("key_id"), epoch_ms(body.until), call.cause, body.whole_secret)
    record = await call.node.store.write(changes.retire_key, retirement)
    return json_reply(call.request_id, answer_key(record, call.now_ms))


@operation("POST", "/v1/keys/{key_id}/revoke", answer=RevokedKey, codes=("key_not_found",))
async def revoke_key(call: Call, body: RevokeKey) -> Reply:
    """End a key now. Revoking it again changes nothing, and cancels the sessions if that is asked now."""
    store, cancelled = call.node.store, 0
    # In this order: nothing opens under the key any more when its sessions are looked for.
    revocation = Revocation(call.scope, call.part("key_id"), call.cause, whole_secret=body.whole_secret)
    record = await store.write(changes.revoke_key, revocation)
    if body.end_sessions:
        ended = await store.read(find_over_secret, record) if body.whole_secret else [record]
        cancelled = await cancel_sessions_of_keys(call.node, ended)
    return json_reply(call.request_id, RevokedKey(answer_key(record, call.now_ms), cancelled))


def _position(record: KeyRecord) -> str:
    """Where a record stands in the list; text that sorts as the list does."""
    return f"{record.created_ms:020d}/{record.key_id}"


OPERATIONS = (create_key, list_keys, read_key, retire_key, revoke_key)
