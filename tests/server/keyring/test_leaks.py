"""What counts as exposed, and what happens then."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.errors import MalformedError, Refused
from accredit.keys import generate_deployment_key as generate_pair
from accredit.keys import generate_secret, secret_hash
from accredit.server.keyring.api_keys import create_api_key
from accredit.server.keyring.changes import Cause, Revocation, revoke_key
from accredit.server.keyring.credentials import MadeSecret, NewSecret, create_credential
from accredit.server.keyring.deployment_keys import Holder, register_deployment_key
from accredit.server.keyring.exposed import Exposed, find_exposed
from accredit.server.keyring.identity_secrets import SecretHolder, import_identity_secret
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.leaks import Leak, exposed_digest, exposed_secret, respond
from accredit.server.keyring.passport_keys import PassportHolder, create_passport_key
from accredit.server.keyring.records import KeyRecord, find_key
from accredit.server.keyring.scope import Scope

from .conftest import CountedReads

PAIR = generate_pair()
SECRET = generate_secret("live", "api")
IDENTITY = base64.b64encode(bytes(range(32))).decode()


def respond_to(ring: Any, exposed: Exposed, **members: Any) -> Any:
    cause = Cause(ring.clock.now_ms, request_id="req_1")
    return ring.run(respond(ring.store, Leak(exposed, "browser", cause, **members)))


def state_of(ring: Any, record: KeyRecord) -> str:
    return ring.run(ring.store.read(find_key, (record.scope, record.key_id))).state(ring.clock.now_ms)


def register(ring: Any, jwk: Any, scope: Any = None) -> Any:
    return ring.run(register_deployment_key(ring.store, Holder(scope or ring.scope, "shop"), jwk, ring.cause()))


@pytest.mark.parametrize("text", [SECRET, f"key={SECRET}&x=1", json.dumps({"a": {"b": [f"Bearer {SECRET}"]}}), f"{SECRET}abc"])
def test_finds_a_secret_wherever_it_stands(text: str) -> None:
    assert find_exposed(["nothing", text]) == Exposed(secret_hashes=(secret_hash(SECRET),))


@pytest.mark.parametrize("alg", ["ES512", "ES256", "EdDSA"])
@pytest.mark.parametrize(
    "wrap",
    [
        json.dumps,
        lambda jwk: json.dumps({"keys": [jwk]}),
        lambda jwk: json.dumps({"card": json.dumps(jwk)}),
        lambda jwk: f"see: {json.dumps(jwk, indent=2)} and so on",
        lambda jwk: json.dumps({"kty": jwk["kty"], "crv": jwk["crv"], "d": jwk["d"]}),
    ],
)
def test_finds_a_private_jwk_wherever_it_stands(alg: str, wrap: Any) -> None:
    pair = generate_pair(alg)
    assert find_exposed([wrap(pair.private_jwk)]) == Exposed(thumbprints=(pair.thumbprint,))


def test_a_private_half_names_its_own_public_half_only() -> None:
    """Else anybody could burn a key by writing its public half beside a made-up `d`."""
    other = generate_pair()
    forged = {**PAIR.public_jwk, "d": other.private_jwk["d"]}
    assert find_exposed([json.dumps(forged)]).thumbprints == (other.thumbprint,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SECRET[:-1] + ("A" if SECRET[-1] != "A" else "B"),
        SECRET[:-1],
        "accredit_live_api_",
        json.dumps(PAIR.public_jwk),
        json.dumps({**PAIR.public_jwk, "d": None}),
        json.dumps({**PAIR.public_jwk, "d": 5}),
        json.dumps({**PAIR.public_jwk, "d": "AA"}),
        json.dumps({**PAIR.public_jwk, "d": "_" * 88}),
        json.dumps({**PAIR.public_jwk, "d": "A" * 20_000}),
        json.dumps({**PAIR.private_jwk, "crv": "P-999"}),
        json.dumps({"kty": "oct", "k": 7}),
        '{"kty":"EC","kty":"EC","d":"AQ"}',
        '{"kty" "d"}',
        "\ud800 accredit_ kty",
    ],
)
def test_finds_nothing_where_nothing_is_exposed(text: str) -> None:
    assert not find_exposed([text])


@given(st.text(st.sampled_from('{}"dk:ty,[]\\ accredit_live_EC\ud800')))
def test_reads_any_text(text: str) -> None:
    find_exposed([text, f"kty accredit_ {text}"])


def test_bounds_what_one_request_costs() -> None:
    exposed = find_exposed([json.dumps([generate_pair("EdDSA").private_jwk for _ in range(40)])])
    assert len(exposed.thumbprints) == 16


def test_an_exposed_api_key_stops_at_once_and_is_told_of(ring: Any) -> None:
    made = ring.run(create_api_key(ring.store, ring.scope, "backend", ring.cause()))
    ring.run(ring.keyring.authenticate(made.secret_text, 0))
    revoked = respond_to(ring, exposed_secret(made.secret_text), url="https://shop.example")
    assert [(each.key_id, each.revoke_reason) for each in revoked] == [(made.record.key_id, "secret_exposed")]
    with pytest.raises(Refused, match="invalid_token"):
        ring.run(ring.keyring.authenticate(made.secret_text, 0))
    assert [json.loads(row[0]) for row in ring.events("key.leaked")] == [
        {"key_id": made.record.key_id, "purposes": ["api"], "source": "browser", "url": "https://shop.example"}
    ]
    assert [row[:3] for row in ring.audited("key.leaked")] == [("secret_exposed", None, made.record.key_id)]
    assert respond_to(ring, exposed_secret(made.secret_text)) == ()
    assert len(ring.events("key.leaked")) == 1


def credential(ring: Any, scope: Scope | None = None, brought: str | None = None) -> MadeSecret:
    wanted = NewSecret(scope or ring.scope, brought=brought)
    return ring.run(create_credential(ring.store, ring.sealer, wanted, ring.cause()))


def test_every_record_over_one_text_ends(ring: Any) -> None:
    """An API credential of the flow door is three records over one text."""
    made = credential(ring)
    ring.run(ring.store.write(revoke_key, Revocation(ring.scope, made.records[1].key_id, ring.cause())))
    assert len(expose(ring, f'{{"publishableKey":"{made.secret_text}"}}')) == 2
    assert {state_of(ring, record) for record in made.records} == {"revoked"}
    assert [json.loads(row[0])["purposes"] for row in ring.events("key.leaked")] == [["api", "webhook"]]
    assert str(made.secret_text) not in str(ring.rows("SELECT * FROM audit") + ring.rows("SELECT * FROM events"))


@pytest.mark.parametrize("wrap", ["{}", "key={}&x=1", 'const key = "{}";', "Bearer {}abc", "see {}."])
def test_an_api_secret_is_known_again_wherever_it_stands(ring: Any, wrap: str) -> None:
    made = credential(ring)
    assert len(expose(ring, "nothing", wrap.format(made.secret_text))) == 3
    assert not ring.run(ring.keyring.find_exposed([wrap.format(made.secret_text)])), "nothing is looked for where none lives"


@pytest.mark.parametrize("wrap", ["{}", " {}\n", '{{"a":"{}"}}', "key={}&x=1", "Bearer {}"])
def test_a_secret_of_no_form_is_known_again_where_it_stands_alone(ring: Any, wrap: str) -> None:
    text = "Correct-Horse/Battery+Staple.And~More!"
    assert not ring.run(ring.keyring.find_exposed([wrap.format(text)]))
    credential(ring, brought=text)
    assert len(expose(ring, wrap.format(text))) == 3


def test_every_account_loses_a_secret_that_both_brought_along(ring: Any) -> None:
    text, other = "live_secret_" + "7e57" * 16, Scope("acc_2", "sandbox")
    credential(ring, brought=text)
    credential(ring, other, brought=text)
    revoked = respond_to(ring, exposed_digest(ring.sealer, secret_hash(text)))
    assert {record.scope for record in revoked} == {ring.scope, other}
    assert len(ring.events("key.leaked")) == 2


def test_a_digest_finds_secrets_of_every_form_and_no_other(ring: Any) -> None:
    api = ring.run(create_api_key(ring.store, ring.scope, "backend", ring.cause()))
    made = credential(ring)
    assert respond_to(ring, exposed_digest(ring.sealer, secret_hash("live_secret_" + "0" * 64))) == ()
    for text, ended in ((api.secret_text, 1), (str(made.secret_text), 3)):
        assert len(respond_to(ring, exposed_digest(ring.sealer, secret_hash(text)))) == ended


def test_an_exposed_private_key_is_denied_where_it_is_known(ring: Any) -> None:
    pair, elsewhere = generate_pair(), Scope("acc_2", "live")
    live, dead = register(ring, pair.public_jwk), register(ring, pair.public_jwk, elsewhere)
    ring.run(ring.store.write(revoke_key, Revocation(elsewhere, dead.key_id, ring.cause())))
    assert [record.key_id for record in respond_to(ring, Exposed(thumbprints=(pair.thumbprint,)))] == [live.key_id]
    for scope in (ring.scope, elsewhere):
        with pytest.raises(MalformedError, match="key_denied"):
            register(ring, pair.public_jwk, scope)


def test_a_symmetric_passport_key_is_known_again(ring: Any) -> None:
    made = ring.run(create_passport_key(ring.store, ring.sealer, PassportHolder(ring.scope, "acc_1_shop"), ring.cause()))
    assert [each.key_id for each in respond_to(ring, find_exposed([json.dumps(made.jwk)]))] == [made.record.key_id]
    assert ring.run(ring.keyring.passport_keys(ring.scope, "acc_1_shop")).live(ring.clock.now_ms, "acc_1_shop") == ()


def bring(ring: Any, text: str, integration_id: str | None = None, **members: Any) -> KeyRecord:
    holder = SecretHolder(**{"scope": ring.scope, "deployer_id": "shop", "integration_id": integration_id, **members})
    return ring.run(import_identity_secret(ring.store, ring.sealer, holder, text, ring.cause()))


def expose(ring: Any, *texts: str) -> Any:
    return respond_to(ring, ring.run(ring.keyring.find_exposed(texts)))


def test_an_identity_secret_is_known_again_wherever_it_stands(ring: Any) -> None:
    record = bring(ring, IDENTITY)
    assert not ring.run(ring.keyring.find_exposed(["nothing", IDENTITY[:-1]]))
    revoked = expose(ring, "nothing", json.dumps({"meta": f"secret {IDENTITY}"}))
    assert [(each.key_id, each.revoke_reason) for each in revoked] == [(record.key_id, "secret_exposed")]
    secrets = ring.run(ring.keyring.identity_secrets(ring.scope, "shop", "acc_1_shop_boot"))
    assert (secrets.live(ring.clock.now_ms), [each.key_id for each in secrets.old(0)]) == ((), [record.key_id])
    assert [json.loads(row[0]) for row in ring.events("key.leaked")] == [
        {"key_id": record.key_id, "purposes": ["identity"], "source": "browser", "url": None}
    ]
    assert IDENTITY not in str(ring.rows("SELECT * FROM audit") + ring.rows("SELECT * FROM events"))


@pytest.mark.parametrize("octets", [b"k" * 16, b"k" * 18, b"k" * 24, b"k" * 64], ids=len)
def test_finds_identity_secrets_of_the_sizes_that_are_in_use(ring: Any, octets: bytes) -> None:
    text = base64.b64encode(octets).decode()
    assert not ring.run(ring.keyring.find_exposed([text]))
    record = bring(ring, text)
    assert [each.key_id for each in expose(ring, f'"{text}"')] == [record.key_id]
    assert not ring.run(ring.keyring.find_exposed([text]))


def test_every_holder_of_an_identity_secret_loses_it_and_hears_of_it(ring: Any) -> None:
    other = Scope("acc_2", "live")
    records = [bring(ring, IDENTITY), bring(ring, IDENTITY, "acc_1_shop_boot"), bring(ring, IDENTITY, scope=other)]
    expose(ring, IDENTITY)
    assert {state_of(ring, record) for record in records} == {"revoked"}
    told = ring.rows("SELECT account_id, integration_id, data FROM events WHERE type = 'key.leaked'")
    assert {(account_id, integration_id, json.loads(data)["key_id"]) for account_id, integration_id, data in told} == {
        ("acc_1", None, records[0].key_id),
        ("acc_1", "acc_1_shop_boot", records[1].key_id),
        ("acc_2", None, records[2].key_id),
    }


def test_a_secret_that_a_page_goes_on_sending_is_dealt_with_once(ring: Any) -> None:
    """Else each view of that page would empty the caches of all nodes."""
    pair = generate_pair()
    bring(ring, IDENTITY)
    register(ring, pair.public_jwk)
    texts = (IDENTITY, json.dumps(pair.private_jwk))
    assert len(expose(ring, *texts)) == 2
    # Another secret of that size is in use, so the revoked one is still looked up.
    bring(ring, base64.b64encode(bytes(32)).decode())
    version, exposed = ring.store.config_version, ring.run(ring.keyring.find_exposed(texts))
    assert len(exposed.secret_hashes + exposed.thumbprints) == 2
    assert respond_to(ring, exposed) == ()
    assert ring.store.config_version == version
    assert len(ring.events("key.leaked")) == 2


def test_looking_for_identity_secrets_reads_once_after_a_change(ring: Any) -> None:
    store: Any = CountedReads(ring.store)
    keyring = Keyring(store, ring.sealer, ring.clock)
    for reads, expected in ((1, False), (2, True)):
        for text in (IDENTITY, "nothing", IDENTITY):
            assert bool(ring.run(keyring.find_exposed([text]))) is (expected and text == IDENTITY)
        assert store.reads == reads
        if not expected:
            bring(ring, IDENTITY)


def test_a_secret_that_was_added_on_another_node_is_found_within_a_second(ring: Any, database_url: str) -> None:
    _, other = ring.other_node(database_url)
    assert not ring.run(other.find_exposed([IDENTITY]))
    bring(ring, IDENTITY)
    assert ring.wait_until(lambda: bool(ring.run(other.find_exposed([IDENTITY])))) < 1


def test_what_is_nobodys_changes_nothing(ring: Any) -> None:
    version = ring.store.config_version
    assert respond_to(ring, Exposed((secret_hash(SECRET),), (PAIR.thumbprint,))) == ()
    assert ring.store.config_version == version
    assert ring.rows("SELECT thumbprint FROM denied_keys") == []


def test_a_finder_who_speaks_for_one_account_ends_nothing_elsewhere(ring: Any) -> None:
    record = register(ring, generate_pair().public_jwk, Scope("acc_2", "live"))
    exposed = Exposed(thumbprints=(record.thumbprint,))
    assert respond_to(ring, exposed, account_id="acc_1") == ()
    assert state_of(ring, record) == "active"
    assert len(respond_to(ring, exposed, account_id="acc_2")) == 1
