"""Vectors of the rest door that need no server: which requests are taken, and what becomes of a callback address."""

import json
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.errors import AccreditError
from accredit.server.gate.rest import FaultyRequestError, key_fault, parse_request
from accredit.server.gate.rest.addresses import AddressRules, address_fault
from accredit.server.keyring.data_keys import find_data_keys
from accredit.server.keyring.root import RootKey, RootKeys
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.rest.callbacks import callback_form
from accredit.server.sessions.rest.subjects import subject_id
from accredit.server.store import one_by_one

from .conftest import NOW_MS, Offer, make_gate

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/rest.json").read_text(encoding="utf-8"))


def cases(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in VECTORS["cases"] if case["kind"] == kind]


@pytest.mark.parametrize("case", cases("create"))
def test_create(case):
    inputs, expected = case["inputs"], case["expect"]
    policy = {"request_domains": VECTORS["policy"]["request_domains"], **inputs["policy"]}
    registered = policy.pop("registered", None)
    offers = tuple(Offer(**{**each, "flows": tuple(each["flows"])}) for each in VECTORS["policy"]["providers"])
    made = make_gate(inputs["environment"], offers, **policy)
    if expected != "valid":
        with pytest.raises(AccreditError) as refused:
            decide(made, inputs, registered)
        assert refused.value.code == expected
        if "invalid_params" in case:
            assert isinstance(refused.value, FaultyRequestError)
            assert [[each.name, each.code] for each in refused.value.faults] == case["invalid_params"]
        return
    admission = decide(made, inputs, registered)
    request = admission.request
    assert {
        "sessionLifetime": request.lifetime_s,
        "offered": list(admission.offered),
        "requestedAttributes": list(request.requested_attributes),
        "encrypted": request.has_key,
        "prefilled": list(request.prefilled),
    } == {**case["effective"]}


def decide(made, inputs, registered):
    """Steps 4 to 7, with a key that is judged as the server's key ring does."""
    request = parse_request(inputs["body"].encode(), made.surroundings())
    environment = inputs["environment"]
    try:
        if request.key_id is not None and request.key_id not in VECTORS["policy"]["registered_ids"]:
            raise accredit.EncryptionKeyError("key_not_registered")
        if request.key is not None:
            accredit.parse_encryption_key(request.key, denied=VECTORS["deny"][environment], registered=registered)
    except accredit.EncryptionKeyError as error:
        raise key_fault(error, "encryptionPublicKey" if request.key_id is None else "encryptionKeyId") from error
    return made.admit(request, encrypted=inputs["encrypted_request"])


@pytest.mark.parametrize("case", cases("callback"))
def test_callback(case):
    inputs = case["inputs"]
    fault = address_fault(inputs["url"], AddressRules((), plain=inputs["environment"] == "sandbox"))
    assert (fault or "valid") == case["expect"]
    if fault is None:
        reference, nonce = inputs["external_reference"], inputs["session_nonce"]
        formed = callback_form(inputs["url"], inputs["session_id"], external_reference=reference, session_nonce=nonce)
        assert formed == case["result"]


@pytest.mark.parametrize("case", cases("subject_id"))
def test_subject_id(run, store, case):
    """The key of look-ups is a data key of the account; here it is the vector's."""
    inputs, scope, root = case["inputs"], Scope("acc_1", "live"), RootKeys(RootKey.from_octets(bytes(32)))
    sealer = Sealer(store, root, lambda: NOW_MS)
    run(sealer.ready(scope))
    run(store.write(put_key, (scope, root.current, bytes.fromhex(inputs["key_hex"]))))
    fresh = Sealer(store, root, lambda: NOW_MS)
    run(fresh.ready(scope))
    assert subject_id(fresh, scope, inputs["provider"], inputs["idp_id"]) == case["result"]
    assert subject_id(sealer, scope, inputs["provider"], inputs["idp_id"]) != case["result"]


@one_by_one
def put_key(tx, item):
    scope, root_key, octets = item
    (held,) = [key for key in find_data_keys(tx, scope) if key.purpose == "lookup"]
    wrapped = root_key.wrap(octets, f"accredit-data-key\0{held.key_id}\0acc_1\0live\0lookup".encode())
    tx.execute("UPDATE data_keys SET wrapped = ? WHERE id = ?", (wrapped, held.key_id))
