"""Whatever a provider sends as a token, a key set, a statement or a state ends in one of our errors."""

import json
from typing import Any

import jwcrypto.jwk
import jwcrypto.jws
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accredit.encoding import b64url_encode
from accredit.errors import MalformedError
from accredit.sealing.algorithms import ENCRYPTIONS
from accredit.sealing.private_keys import generate_encryption_key, parse_decryption_key
from accredit.server.providers.oidc.entity_statement import BrokerStatement, read_statement, statement_fingerprint
from accredit.server.providers.oidc.exchange import address_with
from accredit.server.providers.oidc.once import Once, find_session_id, is_state_of
from accredit.server.providers.oidc.remote import AttemptEnded
from accredit.server.providers.oidc.settings import FtnSettings
from accredit.server.providers.oidc.signatures import AnswerError, read_jwks
from accredit.server.providers.oidc.tokens import TokenRules, check_claims, read_token

KEY = jwcrypto.jwk.JWK.generate(kty="EC", crv="P-256", kid="k-1")
JWKS = {"keys": [KEY.export_public(as_dict=True)]}
OPENING = parse_decryption_key(generate_encryption_key("RSA-OAEP", kid="e-1").private_jwk)
PLAIN = TokenRules("https://id.example", "accredit", encrypted=False, opening=(), encs=ENCRYPTIONS)
SEALED = TokenRules("https://id.example", "accredit", encrypted=True, opening=(OPENING,), encs=ENCRYPTIONS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
PART = st.from_regex(r"[A-Za-z0-9_-]{0,40}", fullmatch=True) | JSON.map(lambda value: b64url_encode(json.dumps(value).encode()))
TOKENS = st.text(max_size=100) | st.lists(PART, min_size=1, max_size=6).map(".".join)
SESSION = "019aa5b2-6c00-7d3e-8f4a-5b6c7d8e9f01"


async def source(_again: bool) -> Any:
    return read_jwks(JWKS)


@settings(max_examples=200, deadline=None)
@given(token=TOKENS, encrypted=st.booleans())
def test_any_text_as_a_token(token: str, encrypted: bool) -> None:
    reading = read_token(token, SEALED if encrypted else PLAIN, source)
    with pytest.raises(AnswerError):
        # Nothing here waits, so the coroutine ends with its first step.
        reading.send(None)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["iss", "aud", "azp", "sub", "iat", "exp", "nonce", "acr"]), JSON))
def test_any_claims(claims: Any) -> None:
    with pytest.raises(AnswerError):
        check_claims(claims, PLAIN, "x", 1_800_000_000)


def sign(claims: Any, **header: Any) -> str:
    token = jwcrypto.jws.JWS(json.dumps(claims))
    protected = {"alg": "ES256", "kid": "k-1", "typ": "entity-statement+jwt", **header}
    token.add_signature(KEY, "ES256", json.dumps(protected), None)
    return str(token.serialize(compact=True))


PROVIDER = dict.fromkeys(("issuer", "authorization_endpoint", "token_endpoint", "signed_jwks_uri"), "https://b.example")
STATEMENT = {"iss": "b", "sub": "b", "exp": 2_000_000_000, "jwks": JWKS, "metadata": {"openid_provider": PROVIDER}}


def record(statement: str) -> FtnSettings:
    fingerprint = statement_fingerprint(statement)
    return FtnSettings(
        profile="ftn", entity_statement=statement, entity_statement_sha256=fingerprint, sp_name="x", signing_alg="RS256"
    )


def test_a_statement_that_holds() -> None:
    assert read_statement(record(f" {sign(STATEMENT)}\n"), 1_800_000_000_000).entity_id == "b"


@settings(max_examples=100, deadline=None)
@given(
    TOKENS
    | st.fixed_dictionaries({}, optional=dict.fromkeys(STATEMENT, JSON)).map(
        lambda part: sign({**STATEMENT, **part, "exp": "x"})
    )
)
def test_any_text_as_a_statement(statement: str) -> None:
    with pytest.raises(MalformedError, match="entity_statement_invalid"):
        read_statement(record(statement), 1_800_000_000_000)


@pytest.mark.parametrize("exp", [True, 1.5, None, "2000000000"])
def test_the_end_of_a_statement_is_a_whole_number(exp: Any) -> None:
    with pytest.raises(MalformedError, match="entity_statement_invalid"):
        BrokerStatement.peek(record(sign({**STATEMENT, "exp": exp})))


def test_a_statement_may_be_meant_for_ever() -> None:
    assert BrokerStatement.peek(record(sign({**STATEMENT, "exp": 10**30}))).expires == 10**30


def test_a_state_names_its_session_and_is_known_by_a_hash_alone() -> None:
    once = Once.fresh(SESSION)
    kept = once.kept(pkce=True)
    assert find_session_id(once.state) == SESSION
    assert is_state_of(kept, once.state)
    assert not is_state_of(kept, Once.fresh(SESSION).state)
    assert not is_state_of({}, once.state)
    assert once.state not in str(kept)
    assert once.nonce not in str(kept)
    assert (len(once.verifier), len(once.challenge)) == (43, 43)
    assert once.kept(pkce=False).keys() == {"state", "nonce"}


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9_-]{64}", fullmatch=True))
def test_any_text_as_a_state(text: str) -> None:
    found = find_session_id(text)
    assert found is None or len(found) == 36
    assert not is_state_of(Once.fresh(SESSION).kept(pkce=False), text)


@pytest.mark.parametrize(
    ("endpoint", "plain", "address"),
    [
        ("https://id.example/a", False, "https://id.example/a?x=%26"),
        ("https://id.example/a?b=c", False, "https://id.example/a?b=c&x=%26"),
        ("http://id.example/a", True, "http://id.example/a?x=%26"),
        ("http://id.example/a", False, None),
        ("javascript:alert(1)", True, None),
        ("https://id.example/a#b", False, None),
        ("https://id.example/\r\nX: y", False, None),
        ('https://id.example/"', False, None),
        ("//id.example/", True, None),
    ],
)
def test_where_browsers_are_sent(endpoint: str, plain: bool, address: str | None) -> None:
    if address is None:
        with pytest.raises(AttemptEnded):
            address_with(endpoint, {"x": "&"}, plain=plain)
    else:
        assert address_with(endpoint, {"x": "&"}, plain=plain) == address
