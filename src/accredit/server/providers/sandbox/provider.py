"""The sandbox as a provider: no network, every flow, every end that a sign-in can take.

Headless, it tells an outcome some seconds after it was asked, and draws its `idpData` anew meanwhile, as a provider with an animated
code does. On the page, the person chooses what the request left open.
"""

import re
from collections.abc import Mapping

from accredit.encoding import Json
from accredit.server.providers.provider import Asked, Ended, Finished, Outcome, Show, State, Step, Verified, Waiting
from accredit.server.providers.sandbox.choosing import Choice, read_choice
from accredit.server.providers.sandbox.persons import OUTCOMES, PERSONS, default_person

_POLL_MS = 1000


class SandboxProvider:
    """Every provider of kind `sandbox`: what tells them apart is the id of the record."""

    async def start(self, asked: Asked) -> Step:
        """Wait (headless), finish at once (`sandbox_auto`), or let the person choose."""
        choice = read_choice(asked.parameters, asked.prefilled)
        if asked.flow == "headless":
            return _wait(asked, {"due_ms": asked.now_ms + 1000 * choice.after_s})
        return _end(asked, choice, {}) if choice.auto else _show(asked, choice, None)

    async def submit(self, asked: Asked, state: State, form: Mapping[str, str]) -> Step:
        """The person chose."""
        choice = read_choice(asked.parameters, asked.prefilled)
        known = form.get("person", "") in ("", *PERSONS) and form.get("outcome", "") in ("", *OUTCOMES)
        return _end(asked, choice, form) if known else _show(asked, choice, "unknown")

    async def come_back(self, asked: Asked, state: State, query: Mapping[str, str]) -> Step:
        """Nobody is sent away from here, so whoever comes back looks at the page again."""
        return _show(asked, read_choice(asked.parameters, asked.prefilled), None)

    async def poll(self, asked: Asked, state: State) -> Step:
        """The outcome, when it is due."""
        due_ms = state.get("due_ms")
        choice = read_choice(asked.parameters, asked.prefilled)
        if not isinstance(due_ms, int) or asked.now_ms < due_ms or choice.outcome == "hang":
            return _wait(asked, state)
        return _end(asked, choice, {})


def _wait(asked: Asked, state: State) -> Waiting:
    prefix, second = attribute_prefix(asked.provider.provider_id), asked.now_ms // 1000
    data = {
        "autoStartToken": asked.attempt_id,
        "qrData": f"sandbox.{asked.attempt_id}.{second}",
        f"{prefix}Status": "PENDING",
    }
    due_ms = state.get("due_ms")
    soon = asked.now_ms + _POLL_MS
    return Waiting(data, state, min(soon, due_ms) if isinstance(due_ms, int) and due_ms > asked.now_ms else soon)


def _show(asked: Asked, choice: Choice, fault: str | None) -> Show:
    person = choice.person or default_person(asked.provider.provider_id)
    persons: list[Json] = [
        {"value": each, "name": str(PERSONS[each]["name"]), "chosen": each == person}
        for each in PERSONS
        if choice.person in (None, each)
    ]
    outcomes: list[Json] = [
        {"value": each, "chosen": each == (choice.outcome or "success")} for each in OUTCOMES if choice.outcome in (None, each)
    ]
    return Show("person", {"persons": persons, "outcomes": outcomes, "fault": fault}, {})


def _end(asked: Asked, choice: Choice, form: Mapping[str, str]) -> Step:
    outcome = choice.outcome or form.get("outcome") or "success"
    if outcome == "hang":
        return Show("waiting", {}, {})
    person = choice.person or form.get("person") or default_person(asked.provider.provider_id)
    return Finished(_outcome(asked, choice, person, outcome))


def _outcome(asked: Asked, choice: Choice, person: str, outcome: str) -> Outcome:
    ending = OUTCOMES[outcome]
    if ending.status == "success":
        claims = {} if outcome == "sparse" else claims_of(asked, person)
        return Verified(str(PERSONS[person]["idpId"]), claims, choice.loa or asked.provider.loa)
    assert ending.status != "waiting"
    return Ended(ending.status, ending.detail, ending.audit)


def claims_of(asked: Asked, person: str) -> dict[str, Json]:
    """A person's attributes, and an answer to each that was asked for and is the provider's own."""
    members = PERSONS[person]
    prefix, nin = attribute_prefix(asked.provider.provider_id), members.get("nin")
    own: dict[str, Json] = {
        name: f"sandbox:{name}" for name in asked.requested_attributes if name.startswith(prefix) and name != prefix
    }
    if "ftnHetu" in own:
        own["ftnHetu"] = nin["value"] if isinstance(nin, dict) else None
    return {**members, **own}


def attribute_prefix(provider_id: str) -> str:
    """What the provider's own attributes begin with: `sbidIdcard` for `sbid-idcard`."""
    return re.sub(r"-+(.?)", lambda match: match[1].upper(), provider_id.strip("-"))
