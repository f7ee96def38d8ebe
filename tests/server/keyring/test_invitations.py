"""Invitations: one key for one deployer, once, in time."""

import asyncio
from typing import Any

import pytest

from accredit.errors import AccreditError, ConflictError, MalformedError, NotFoundError
from accredit.keys import generate_deployment_key as generate_pair
from accredit.server.keyring.deployment_keys import Holder, register_deployment_key
from accredit.server.keyring.invitations import (
    LIFETIME_MS,
    accept_invitation,
    create_invitation,
    find_open_invitation,
    list_invitations,
)
from accredit.server.keyring.scope import Scope


def invite(ring: Any, **members: Any) -> Any:
    holder = Holder(members.pop("scope", ring.scope), members.pop("deployer_id", "shop"), **members)
    return ring.run(create_invitation(ring.store, holder, ring.cause()))


def accept(ring: Any, token: str, jwk: Any = None) -> Any:
    return ring.run(accept_invitation(ring.store, token, jwk or generate_pair().public_jwk, ring.cause()))


def test_a_deployer_hands_in_its_key_once(ring: Any) -> None:
    made = invite(ring, alg="ES256", integration_ids=("acc_1_shop",))
    assert len(made.token) == 43
    assert ring.run(find_open_invitation(ring.store, made.token, ring.clock.now_ms)) == made.invitation

    pair = generate_pair("ES256")
    record = accept(ring, made.token, pair.public_jwk)
    assert (record.thumbprint, record.alg, record.integration_ids) == (pair.thumbprint, "ES256", ("acc_1_shop",))
    keys = ring.run(ring.keyring.deployment_keys(ring.scope, "shop")).live(ring.clock.now_ms, "acc_1_shop")
    assert [key.key_id for key in keys] == [record.key_id]
    assert [row[:3] for row in ring.audited("key.created")] == [(None, made.invitation.invitation_id, record.key_id)]

    with pytest.raises(NotFoundError, match="link_invalid"):
        accept(ring, made.token, generate_pair("ES256").public_jwk)
    (used,) = ring.run(ring.store.read(list_invitations, (ring.scope, "shop")))
    assert (used.used_ms, used.key_id) == (ring.clock.now_ms, record.key_id)


def test_a_link_is_good_for_seven_days(ring: Any) -> None:
    early, late = invite(ring), invite(ring)
    ring.clock.now_ms += LIFETIME_MS - 1
    accept(ring, early.token)
    ring.clock.now_ms += 1
    with pytest.raises(NotFoundError, match="link_invalid"):
        accept(ring, late.token)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud800"])
def test_an_unknown_link_is_invalid(ring: Any, token: str) -> None:
    with pytest.raises(NotFoundError, match="link_invalid"):
        accept(ring, token)


def test_of_two_who_accept_at_once_one_wins(ring: Any, database_url: str) -> None:
    async def race() -> list[Any]:
        jobs = [
            accept_invitation(store, made.token, pair.public_jwk, ring.cause())
            for store, pair in zip(stores, pairs, strict=True)
        ]
        return await asyncio.gather(*jobs, return_exceptions=True)

    made, pairs = invite(ring), [generate_pair() for _ in range(4)]
    other, _ = ring.other_node(database_url)
    stores = [ring.store, other] * 2
    outcomes = ring.run(race())
    assert sorted(getattr(outcome, "code", "kept") for outcome in outcomes) == ["kept"] + ["link_invalid"] * 3
    assert len(ring.rows("SELECT id FROM keys")) == 1


def test_a_refused_key_leaves_the_link_good(ring: Any) -> None:
    made, pair = invite(ring), generate_pair()
    ring.run(register_deployment_key(ring.store, made.invitation.holder, pair.public_jwk, ring.cause()))
    with pytest.raises(ConflictError, match="key_exists"):
        accept(ring, made.token, pair.public_jwk)
    for jwk in ({"kty": "RSA"}, "x", generate_pair().private_jwk):
        with pytest.raises(MalformedError):
            accept(ring, made.token, jwk)
    accept(ring, made.token)


def test_a_private_half_is_burnt_but_nobody_elses(ring: Any) -> None:
    made, own, victim = invite(ring), generate_pair(), generate_pair()
    bank = Holder(ring.scope, "bank")
    ring.run(register_deployment_key(ring.store, bank, victim.public_jwk, ring.cause()))
    forged = {**victim.public_jwk, "key_ops": None, "d": own.private_jwk["d"]}
    with pytest.raises(MalformedError, match="key_private_member"):
        accept(ring, made.token, forged)
    keys = ring.run(ring.keyring.deployment_keys(ring.scope, "bank")).live(ring.clock.now_ms, "acc_1_bank")
    assert [key.thumbprint for key in keys] == [victim.thumbprint]
    with pytest.raises(MalformedError, match="key_denied"):
        accept(ring, made.token, own.public_jwk)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"deployer_id": "nobody"}, "deployer_not_found"),
        ({"scope": Scope("acc_1", "sandbox")}, "deployer_not_found"),
        ({"integration_ids": ("acc_2_shop",)}, "integration_not_found"),
        ({"alg": "RS256"}, "field_invalid"),
    ],
)
def test_refuses_to_invite_to_what_is_not_there(ring: Any, members: Any, code: str) -> None:
    with pytest.raises(AccreditError) as refusal:
        invite(ring, **members)
    assert refusal.value.code == code


def test_the_token_is_kept_as_a_hash_only(ring: Any) -> None:
    made = invite(ring)
    assert made.token not in repr(made)
    for table in ("invitations", "audit"):
        assert made.token not in str(ring.rows(f"SELECT * FROM {table}"))
