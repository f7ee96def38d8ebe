"""Handing in, making, retiring and revoking keys, and what is told of each."""

import asyncio
import json
from typing import Any

import pytest

from accredit.errors import AccreditError, ConflictError, MalformedError, NotFoundError
from accredit.keys import generate_deployment_key as generate_pair
from accredit.server.keyring.api_keys import create_api_key
from accredit.server.keyring.changes import Retirement, Revocation, retire_key, revoke_key
from accredit.server.keyring.deployment_keys import Holder, generate_deployment_key, register_deployment_key
from accredit.server.keyring.passport_keys import PassportHolder, create_passport_key
from accredit.server.keyring.records import KeyFilter, find_key, list_keys
from accredit.server.keyring.scope import Scope


def register(ring: Any, jwk: Any, deployer_id: str = "shop", scope: Any = None, **members: Any) -> Any:
    holder = Holder(scope or ring.scope, deployer_id, **members)
    return ring.run(register_deployment_key(ring.store, holder, jwk, ring.cause()))


def revoke(ring: Any, record: Any) -> Any:
    return ring.run(ring.store.write(revoke_key, Revocation(record.scope, record.key_id, ring.cause())))


def test_keeps_the_public_half_and_tells_of_it(ring: Any) -> None:
    pair = generate_pair()
    record = register(ring, {**pair.public_jwk, "kid": "mine", "x5u": "https://elsewhere.example"}, label="main")
    assert ring.run(ring.store.read(find_key, (ring.scope, record.key_id))) == record
    assert record.state(ring.clock.now_ms) == "active"
    assert (record.kid, record.thumbprint, record.label) == ("mine", pair.thumbprint, "main")
    assert record.public_jwk is not None
    assert set(record.public_jwk) == {"kty", "crv", "x", "y"}
    assert ring.audited("key.created") == [(None, "tester", record.key_id, '{"purpose":"deployment"}')]
    assert [json.loads(row[0]) for row in ring.events("key.created")] == [{"key_id": record.key_id, "purposes": ["deployment"]}]


def test_the_private_half_made_here_is_kept_nowhere(ring: Any) -> None:
    made = ring.run(generate_deployment_key(ring.store, Holder(ring.scope, "shop"), ring.cause()))
    assert {"d", "kid", "alg", "use", "key_ops"} < set(made.private_jwk)
    for table in ("keys", "audit", "events"):
        assert made.private_jwk["d"] not in str(ring.rows(f"SELECT * FROM {table}"))
    assert made.private_jwk["d"] not in repr(made)


def test_a_generated_key_has_the_identifier_that_tokens_may_name(ring: Any) -> None:
    made = ring.run(generate_deployment_key(ring.store, Holder(ring.scope, "shop"), ring.cause()))
    assert made.private_jwk["kid"] == made.record.kid == made.record.thumbprint


@pytest.mark.parametrize(
    ("holder", "code", "member"),
    [
        ({"deployer_id": "nobody"}, "deployer_not_found", "deployer_id"),
        ({"scope": Scope("acc_1", "sandbox")}, "deployer_not_found", "deployer_id"),
        ({"integration_ids": ("acc_1_bank",)}, "integration_not_found", "integration_ids"),
        ({"integration_ids": ("acc_2_shop",)}, "integration_not_found", "integration_ids"),
        ({"integration_ids": ()}, "field_invalid", "integration_ids"),
        ({"alg": "HS256"}, "field_invalid", "alg"),
        ({"alg": "ES256"}, "key_alg_mismatch", "alg"),
    ],
)
def test_refuses_a_holder_that_does_not_fit(ring: Any, holder: Any, code: str, member: str) -> None:
    with pytest.raises(AccreditError) as refusal:
        register(ring, generate_pair().public_jwk, **holder)
    assert (refusal.value.code, refusal.value.member) == (code, member)
    assert ring.rows("SELECT id FROM keys") == []


@pytest.mark.parametrize("kid", ["", "x" * 257, "a\nb", 7])
def test_refuses_a_kid_that_no_token_should_name(ring: Any, kid: Any) -> None:
    with pytest.raises(MalformedError, match="field_invalid: kid"):
        register(ring, {**generate_pair().public_jwk, "kid": kid})


def test_a_deployer_has_five_live_keys(ring: Any) -> None:
    records = [register(ring, generate_pair().public_jwk) for _ in range(5)]
    with pytest.raises(ConflictError, match="key_limit_reached"):
        register(ring, generate_pair().public_jwk)
    register(ring, generate_pair().public_jwk, deployer_id="bank")
    retirement = Retirement(ring.scope, records[0].key_id, ring.clock.now_ms + 1000, ring.cause())
    ring.run(ring.store.write(retire_key, retirement))
    with pytest.raises(ConflictError, match="key_limit_reached"):
        register(ring, generate_pair().public_jwk)
    ring.clock.now_ms += 1000
    register(ring, generate_pair().public_jwk)
    revoke(ring, records[1])
    register(ring, generate_pair().public_jwk)


def test_the_limit_holds_for_registrations_at_once(ring: Any, database_url: str) -> None:
    other, _ = ring.other_node(database_url)
    pairs = [generate_pair().public_jwk for _ in range(8)]

    async def register_all() -> list[Any]:
        jobs = [
            register_deployment_key((ring.store, other)[number % 2], Holder(ring.scope, "shop"), jwk, ring.cause())
            for number, jwk in enumerate(pairs)
        ]
        return await asyncio.gather(*jobs, return_exceptions=True)

    outcomes = ring.run(register_all())
    assert sorted(getattr(outcome, "code", "kept") for outcome in outcomes) == ["kept"] * 5 + ["key_limit_reached"] * 3


def test_refuses_a_key_that_is_live_already(ring: Any) -> None:
    jwk = generate_pair().public_jwk
    record = register(ring, jwk)
    with pytest.raises(ConflictError, match="key_exists"):
        register(ring, jwk)
    register(ring, jwk, deployer_id="bank")
    revoke(ring, record)
    assert register(ring, jwk).key_id != record.key_id


def test_refuses_and_burns_a_jwk_with_its_private_half(ring: Any) -> None:
    pair = generate_pair()
    live = register(ring, pair.public_jwk, deployer_id="bank")
    elsewhere = register(ring, pair.public_jwk, scope=Scope("acc_2", "live"))
    with pytest.raises(MalformedError, match="key_private_member"):
        register(ring, pair.private_jwk)
    with pytest.raises(MalformedError, match="key_denied"):
        register(ring, pair.public_jwk)

    states = {
        record.key_id: ring.run(ring.store.read(find_key, (record.scope, record.key_id))).state(0)
        for record in (live, elsewhere)
    }
    assert states == {live.key_id: "revoked", elsewhere.key_id: "active"}
    assert ring.audited("key.denied") == [("key_private_member", "tester", None, f'{{"thumbprints":["{pair.thumbprint}"]}}')]
    assert [json.loads(row[0])["source"] for row in ring.events("key.leaked")] == ["api"]
    assert str(pair.private_jwk["d"]) not in str(ring.rows("SELECT * FROM keys"))


def test_a_key_denied_everywhere_is_refused_in_every_account(ring: Any) -> None:
    pair = generate_pair()

    def deny(tx: Any, _: Any) -> list[None]:
        tx.execute(
            "INSERT INTO denied_keys (account_id, thumbprint, reason, denied_ms) VALUES ('', ?, 'x', 0)", (pair.thumbprint,)
        )
        return [None]

    ring.run(ring.store.write(deny, None))
    with pytest.raises(MalformedError, match="key_denied"):
        register(ring, pair.public_jwk)


def test_retires_a_key_and_tells_until_when(ring: Any) -> None:
    record = register(ring, generate_pair().public_jwk)
    until_ms = ring.clock.now_ms + 3_600_007
    retired = ring.run(ring.store.write(retire_key, Retirement(ring.scope, record.key_id, until_ms, ring.cause())))
    assert ring.run(ring.store.read(find_key, (ring.scope, record.key_id))) == retired
    states = [retired.state(ms) for ms in (ring.clock.now_ms, until_ms - 1, until_ms)]
    assert states == ["retiring", "retiring", "retired"]
    told = json.loads(ring.events("key.retiring")[0][0])
    assert told == {"key_id": record.key_id, "purposes": ["deployment"], "until": "2027-01-15T09:00:00.007Z"}
    ring.clock.now_ms = until_ms
    with pytest.raises(ConflictError, match="key_not_live"):
        ring.run(ring.store.write(retire_key, Retirement(ring.scope, record.key_id, until_ms + 1, ring.cause())))


def test_revokes_a_key_once(ring: Any) -> None:
    record = register(ring, generate_pair().public_jwk)
    revoked = revoke(ring, record)
    ring.clock.now_ms += 1
    assert revoke(ring, record) == revoked
    assert (revoked.revoke_reason, revoked.state(0)) == ("revoked", "revoked")
    assert len(ring.events("key.revoked")) == 1
    assert [row[:3] for row in ring.audited("key.revoked")] == [("revoked", "tester", record.key_id)]


@pytest.mark.parametrize("scope", [Scope("acc_2", "live"), Scope("acc_1", "sandbox")])
def test_a_key_of_another_scope_is_not_found(ring: Any, scope: Scope) -> None:
    record = register(ring, generate_pair().public_jwk)
    for change, item in (
        (revoke_key, Revocation(scope, record.key_id, ring.cause())),
        (retire_key, Retirement(scope, record.key_id, 0, ring.cause())),
    ):
        with pytest.raises(NotFoundError, match="key_not_found"):
            ring.run(ring.store.write(change, item))
    assert ring.run(ring.store.read(find_key, (ring.scope, record.key_id))) == record


def test_what_is_refused_changes_nothing(ring: Any) -> None:
    version = ring.store.config_version
    with pytest.raises(NotFoundError):
        register(ring, generate_pair().public_jwk, deployer_id="nobody")
    assert (ring.rows("SELECT seq FROM audit"), ring.rows("SELECT id FROM events")) == ([], [])
    assert ring.store.config_version == version or ring.rows("SELECT id FROM keys") == []


def test_lists_by_purpose_and_holder(ring: Any) -> None:
    shop, bank = register(ring, generate_pair().public_jwk), register(ring, generate_pair().public_jwk, deployer_id="bank")
    api = ring.run(create_api_key(ring.store, ring.scope, "backend", ring.cause())).record

    def listed(**members: Any) -> list[str]:
        return [each.key_id for each in ring.run(ring.store.read(list_keys, KeyFilter(scope=ring.scope, **members)))]

    assert listed() == [shop.key_id, bank.key_id, api.key_id]
    assert listed(purpose="deployment") == [shop.key_id, bank.key_id]
    assert listed(purpose="deployment", deployer_id="bank") == [bank.key_id]
    assert listed(purpose="passport") == []


def test_an_api_key_belongs_to_an_account(ring: Any) -> None:
    with pytest.raises(NotFoundError, match="account_not_found"):
        ring.run(create_api_key(ring.store, Scope("acc_3", "live"), "backend", ring.cause()))


def test_an_integration_has_two_live_passport_keys(ring: Any) -> None:
    def create(integration_id: str = "acc_1_shop", **members: Any) -> Any:
        holder = PassportHolder(ring.scope, integration_id, **members)
        return ring.run(create_passport_key(ring.store, ring.sealer, holder, ring.cause()))

    first = create()
    create()
    with pytest.raises(ConflictError, match="key_limit_reached"):
        create()
    revoke(ring, first.record)
    create()
    for members, code in (({"alg": "RSA1_5"}, "alg"), ({"enc": "A128CBC-HS256"}, "enc")):
        with pytest.raises(MalformedError, match=f"field_invalid: {code}"):
            create(**members)
    with pytest.raises(NotFoundError, match="integration_not_found"):
        create("acc_2_shop")


def test_a_symmetric_passport_key_lies_sealed_only(ring: Any) -> None:
    made = ring.run(create_passport_key(ring.store, ring.sealer, PassportHolder(ring.scope, "acc_1_shop"), ring.cause()))
    assert len(str(made.jwk["k"])) == 22
    assert str(made.jwk["k"]) not in repr(made)
    for table in ("keys", "audit", "events"):
        assert str(made.jwk["k"]) not in str(ring.rows(f"SELECT * FROM {table}"))
        assert str(made.jwk["k"]).encode() not in b"".join(
            value for row in ring.rows(f"SELECT * FROM {table}") for value in row if isinstance(value, bytes)
        )
