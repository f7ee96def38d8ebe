"""The session object of the flow door, member by member (protocol-flow.md section 9).

A session with a public key tells of its person in the clear only until it ends: then `sealed` holds what was personal, as one JWE
that was made at the end, and the members themselves are null.
"""

from functools import lru_cache

import msgspec

from accredit.encoding import Json, compact_json
from accredit.sealing import EncryptionKey, parse_encryption_key, seal_response
from accredit.server.node import Node
from accredit.server.sessions.flow.details import CHECKS, check_objects, own_details, screening_id, step_words
from accredit.server.sessions.flow.links import shareable_url
from accredit.server.sessions.flow.record import NO_EXPIRY_MS, FlowPerson, FlowSession, StepState, load_person
from accredit.server.sessions.flow.running import close_steps
from accredit.server.sessions.flow.statuses import flow_word
from accredit.server.times import wire_time

VERSION = "2020-08-14"
_USER = ("name", "phone", "email", "date_of_birth", "address", "id_number", "ip_address")
_ADDRESS = ("street", "street2", "city", "subdivision", "postal_code", "country_code")
_ID_NUMBER = ("value", "type", "category")


def session_object(node: Node, session: FlowSession) -> dict[str, Json]:
    """The session as the API answers. Its scope is ready. Raises FailureError `sealed_damaged`."""
    return built_object(node, session, load_person(node.sealer, session), node.clock())


def built_object(node: Node, session: FlowSession, person: FlowPerson, now_ms: int) -> dict[str, Json]:
    """The object of a session whose sealed part is at hand. now_ms: what is expired then is shown as such."""
    steps = steps_at(session, now_ms)
    sealed = None if session.answer is None else session.answer.decode("ascii")
    personal = personal_members(person, steps)
    head = {**_control_members(node, session, now_ms), "customer_reference": person.customer_reference}
    members: dict[str, Json] = {
        **{name: head[name] for name in _BEFORE_USER},
        "screening_id": personal["screening_id"],
        "user": personal["user"],
        "steps": step_words(steps),
        "redacted_at": _time(session.redacted_ms),
        "_meta": VERSION,
        **{check: personal[check] if sealed is None else None for check in CHECKS},
        **{name: head[name] for name in _AFTER_CHECKS},
        "details": None if sealed is not None or session.redacted_ms is not None else personal["details"],
        "unverified": personal["unverified"],
        "sealed": sealed,
    }
    return members


def session_summary(node: Node, session: FlowSession) -> dict[str, Json]:
    """The session as lists have it: without `user`, checks and details. Raises as `session_object`."""
    members = session_object(node, session)
    return {name: value for name, value in members.items() if name not in _PERSONAL}


_BEFORE_USER = (
    *("id", "status", "customer_reference", "template", "created_at", "completed_at", "previous_session_id", "shareable_url"),
)
_AFTER_CHECKS = ("environment", "expires_at", "admitted_by", "tags")
_PERSONAL = frozenset({"user", "screening_id", *CHECKS, "details", "unverified", "sealed"})


def _control_members(node: Node, session: FlowSession, now_ms: int) -> dict[str, Json]:
    """What is read in clear. A session that the clock has ended completed when its time came, whether it was written down or not."""
    status, redacted = session.status_at(now_ms), session.redacted_ms is not None
    completed_ms = session.expires_ms if status != session.status else session.completed_ms
    tags: list[Json] = list(session.control.tags)
    return {
        "id": session.session_id,
        "status": flow_word(status),
        "template": {"id": session.integration_id, "version": session.integration_version},
        "created_at": wire_time(session.created_ms),
        "completed_at": _time(completed_ms),
        "previous_session_id": session.previous_session_id,
        "shareable_url": shareable_url(node, session),
        "environment": session.environment,
        "expires_at": None if session.expires_ms >= NO_EXPIRY_MS else wire_time(session.expires_ms),
        "admitted_by": session.proof_kind,
        "tags": None if redacted else tags,
    }


def personal_members(person: FlowPerson, steps: dict[str, StepState]) -> dict[str, Json]:
    """The members that tell of the person."""
    trusted = {*person.signed, *person.checked}
    unverified: list[Json] = [name for name in person.user.known() if name not in trusted]
    return {
        "screening_id": screening_id(person),
        "user": _user(person),
        **check_objects(person, steps),
        "details": own_details(person),
        "unverified": unverified,
    }


def _user(person: FlowPerson) -> dict[str, Json]:
    """`user`, an object with every member; groups have all of theirs, too."""
    known: dict[str, Json] = {**person.user.as_json(), "ip_address": person.ip_address}
    shown: dict[str, Json] = {name: known.get(name) for name in _USER}
    for name, members in (("address", _ADDRESS), ("id_number", _ID_NUMBER)):
        group = shown[name]
        if isinstance(group, dict):
            shown[name] = {member: group.get(member) for member in members}
    return shown


def steps_at(session: FlowSession, now_ms: int) -> dict[str, StepState]:
    """The steps as every reader sees them at that time: expiry has closed them, whether it was written down or not."""
    if session.status_at(now_ms) == session.status:
        return session.steps
    return close_steps(session.control.rules, session.steps, "expired", session.expires_ms)


def seal_personal(session: FlowSession, person: FlowPerson) -> bytes | None:
    """What is kept of the person when a session ends that has a public key: one JWE; None without a key.

    Its plain text is a JSON object of `id` and the members that are null from then on.
    """
    key = session.control.encryption_key
    if key is None:
        return None
    return seal_response(compact_json({"id": session.session_id, **personal_members(person, session.steps)}), _parsed_key(key))


@lru_cache(maxsize=1024)
def _parsed_key(text: str) -> EncryptionKey:
    """A key that was judged before. Parsing it costs more than sealing to it."""
    return parse_encryption_key(msgspec.json.decode(text))


def _time(ms: int | None) -> str | None:
    return None if ms is None else wire_time(ms)
