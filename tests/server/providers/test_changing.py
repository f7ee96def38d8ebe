"""Creating, changing and deleting providers on both databases: what is kept, sealed, audited, and who sees it."""

import asyncio

import pytest

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.claims import Claim, claim_place, forget_claims
from accredit.server.keyring.scope import Scope
from accredit.server.providers import changing
from accredit.server.providers.changing import ProviderChange
from accredit.server.providers.defaults import SANDBOX_PROVIDERS
from accredit.server.providers.records import MAX_PROVIDERS, find_by_ref

from .conftest import LIVE, SANDBOX

EID = {
    "kind": "oidc",
    "issuer": "https://203.0.113.7.example",
    "client_id": "accredit",
    "client_secret": "s3cret-of-the-provider",
}


def ids(desk, scope=SANDBOX, node=None):
    return [record.provider_id for record in desk.run((node or desk.providers).find(scope))]


def test_a_new_account_has_seven_in_its_sandbox_and_none_in_live(desk):
    records = desk.run(desk.providers.find(SANDBOX))
    assert [record.provider_id for record in records] == sorted(SANDBOX_PROVIDERS)
    assert {record.kind for record in records} == {"sandbox"}
    assert {record.flows for record in records} == {("redirect", "headless", "embedded")}
    assert [record.provider_id for record in records if record.requires_encryption] == ["ftn"]
    assert len({record.ref for record in records}) == len(records)
    assert ids(desk, LIVE) == []


def test_every_node_sees_a_change(desk):
    second = desk.node()
    assert ids(desk, LIVE, second) == []
    made = desk.create("eid", LIVE, **EID)
    assert ids(desk, LIVE) == ids(desk, LIVE, second) == ["eid"]
    desk.change("eid", LIVE, enabled=False)
    assert [record.enabled for record in desk.run(second.find(LIVE))] == [False]
    desk.run(changing.delete_provider(desk.parts, LIVE, "eid", desk.cause()))
    assert ids(desk, LIVE, second) == []
    assert desk.run(desk.store.read(find_by_ref, made.ref)) is None
    assert desk.rows("SELECT id FROM provider_keys") == []


def test_everything_is_audited_without_a_value(desk):
    desk.create("eid", LIVE, **EID)
    desk.change("eid", LIVE, client_secret="another-secret", loa="high")
    desk.run(changing.delete_provider(desk.parts, LIVE, "eid", desk.cause()))
    kind = {"provider_id": "eid", "kind": "oidc"}
    assert desk.audited("provider.created") == [{**kind, "changed": sorted(EID)}]
    assert desk.audited("provider.changed") == [{**kind, "changed": ["client_secret", "loa"]}]
    assert desk.audited("provider.deleted") == [{**kind, "changed": []}]


def test_a_secret_is_only_there_sealed(desk):
    record = desk.create("eid", LIVE, **EID)
    columns = desk.rows("SELECT * FROM providers WHERE id = 'eid'")
    assert "s3cret-of-the-provider" not in str(columns)
    assert b"s3cret-of-the-provider" not in b"".join(value for row in columns for value in row if isinstance(value, bytes))
    assert "s3cret-of-the-provider" not in repr(record)
    assert desk.open(record)._profile._secret == "s3cret-of-the-provider"


def test_a_change_replaces_what_it_names(desk):
    made = desk.create("eid", LIVE, **EID, mapping={"nin": {"claim": "pid", "as": "nin", "country": "NO"}})
    desk.now_ms += 1
    changed = desk.change("eid", LIVE, display_name="Example eID", acr_values={"high": "x"})
    assert (changed.ref, changed.created_ms, changed.updated_ms) == (made.ref, made.created_ms, desk.now_ms)
    assert (changed.display_name, changed.settings["acr_values"], changed.mapping) == (
        "Example eID",
        {"high": "x"},
        made.mapping,
    )
    assert changed.settings["issuer"] == EID["issuer"]
    assert desk.open(changed)._profile._secret == "s3cret-of-the-provider"


def test_changes_at_once_are_both_kept(run, desk):
    desk.create("eid", LIVE, **EID)

    async def both():
        changes = ({"display_name": "Example"}, {"loa": "high"})
        await asyncio.gather(
            *(changing.change_provider(desk.parts, ProviderChange(LIVE, "eid", each, desk.cause())) for each in changes)
        )

    run(both())
    (record,) = run(desk.providers.find(LIVE))
    assert (record.display_name, record.loa) == ("Example", "high")


@pytest.mark.parametrize("members", [{"kind": "email_otp"}, {"profile": "ftn"}, {"provider_id": "other"}])
def test_what_a_provider_is_stays(desk, members):
    desk.create("eid", LIVE, **EID)
    change = ProviderChange(LIVE, "eid", members, desk.cause())
    with pytest.raises(MalformedError, match=f"field_invalid: {next(iter(members))}"):
        desk.run(changing.change_provider(desk.parts, change))


@pytest.mark.parametrize(
    ("member", "url", "code"),
    [
        ("issuer", "http://id.example", "endpoint_url_invalid"),
        ("issuer", "https://10.0.0.1", "endpoint_url_invalid"),
        ("issuer", "https://user@id.example", "endpoint_url_invalid"),
        ("url", "http://app.example", "endpoint_url_invalid"),
    ],
)
def test_an_address_is_judged_when_it_is_saved(desk, member, url, code):
    callout = {"kind": "callout", "secret": "whsec_" + "QUJD" * 11}
    members = {**(EID if member == "issuer" else callout), member: url}
    with pytest.raises(MalformedError, match=f"{code}: {member}"):
        desk.create("eid", LIVE, **members)


def test_an_id_is_given_once_in_each_environment(desk):
    desk.create("eid", LIVE, **EID)
    desk.create("eid", SANDBOX, **EID)
    with pytest.raises(ConflictError, match="provider_exists: provider_id"):
        desk.create("eid", LIVE, **EID)


def test_what_is_not_there(desk):
    with pytest.raises(NotFoundError, match="provider_not_found"):
        desk.change("eid", LIVE, enabled=False)
    with pytest.raises(NotFoundError, match="provider_not_found"):
        desk.run(changing.delete_provider(desk.parts, SANDBOX, "eid", desk.cause()))
    with pytest.raises(NotFoundError, match="account_not_found"):
        desk.create("eid", Scope("acc_9", "live"), **EID)
    desk.create("eid", LIVE, **EID)
    with pytest.raises(NotFoundError, match="provider_not_found"):
        desk.change("eid", SANDBOX, enabled=False)


def test_an_account_has_as_many_as_it_may(desk):
    for number in range(MAX_PROVIDERS - len(SANDBOX_PROVIDERS)):
        desk.create(f"x-{number}", kind="sandbox")
    with pytest.raises(ConflictError, match="provider_limit_reached"):
        desk.create("one-more", kind="sandbox")
    desk.create("elsewhere", LIVE, kind="email_otp")


def test_accounts_do_not_see_each_other(desk):
    desk.run(create_account(desk.store, NewAccount(account_id="acc_2"), desk.cause()))
    desk.create("eid", LIVE, **EID)
    assert ids(desk, Scope("acc_2", "live")) == []
    assert desk.run(desk.providers.find(Scope("acc_2", "sandbox")))[0].ref not in {
        record.ref for record in desk.run(desk.providers.find(SANDBOX))
    }


def test_what_may_happen_once_happens_once(run, desk, second_store):
    """Two nodes, ten requests each, three places."""

    async def all_at_once():
        claim = Claim(("entry", "session-1"), 3, desk.now_ms)
        return await asyncio.gather(*(store.write(claim_place, claim) for store in (desk.store, second_store) * 10))

    places = run(all_at_once())
    assert sorted(place for place in places if place is not None) == [0, 1, 2]
    assert run(desk.store.write(claim_place, Claim(("entry", "session-2"), 1, desk.now_ms))) == 0


def test_claims_are_forgotten_after_a_day_and_an_hour(run, desk):
    claim = Claim(("state", "x"), 1, desk.now_ms)
    assert run(desk.store.write(claim_place, claim)) == 0
    day_ms = 25 * 3600 * 1000
    assert run(desk.store.write(forget_claims, desk.now_ms + day_ms)) == 0
    assert run(desk.store.write(claim_place, claim)) is None
    assert run(desk.store.write(forget_claims, desk.now_ms + day_ms + 1)) == 1
    assert run(desk.store.write(claim_place, claim)) == 0
