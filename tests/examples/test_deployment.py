"""Deployments that the samples sign: taken by the library and by a server, and never made without the key."""

import json
import time

import pytest

import accredit
from accredit.encoding import b64url_decode

IDS = {"deployer_id": "shop", "integration_id": "checkout", "owner_id": "example"}
UIDS = ("user-123456", 'zoë "Z" \\ <b> / 🙂')


@pytest.fixture(scope="module")
def made():
    return accredit.generate_deployment_key()


def test_the_library_takes_the_token(printed, made):
    key = accredit.parse_deployment_key(made.public_jwk)
    for uid in UIDS:
        token = printed("deployment/sign", *IDS.values(), uid, DEPLOYMENT_KEY=json.dumps(made.private_jwk))
        assert b64url_decode(token.partition(".")[0]) == b'{"alg":"ES512"}'
        policy = accredit.TokenPolicy(expiry="require")
        verified = accredit.verify_deployment(token, [key], now=int(time.time()), policy=policy)
        properties = verified.properties
        assert (properties.deployer_id, properties.integration_id, properties.owner_id) == tuple(IDS.values())
        assert properties.uid == uid
        assert verified.expires - time.time() == pytest.approx(300, abs=15)
        assert verified.warnings == ()


def test_without_a_user_the_visit_is_anonymous(printed, made):
    # As people keep a key in a file: with line breaks in it.
    token = printed("deployment/sign", *IDS.values(), DEPLOYMENT_KEY=json.dumps(made.private_jwk, indent=2))
    payload = json.loads(b64url_decode(token.split(".")[1]))
    assert payload == {**IDS, "iat": payload["iat"], "exp": payload["iat"] + 300}


@pytest.mark.parametrize("environ", [{}, {"DEPLOYMENT_KEY": ""}, {"DEPLOYMENT_KEY": "{}"}], ids=["none", "empty", "no key"])
def test_without_the_key_nothing_is_signed(sample, environ):
    done = sample("deployment/sign", *IDS.values(), **environ)
    assert done.code != 0
    assert "eyJ" not in done.out


def test_without_ids_the_usage_is_told(sample, made):
    done = sample("deployment/sign", "shop", DEPLOYMENT_KEY=json.dumps(made.private_jwk))
    assert (done.code != 0, done.out) == (True, "")
    assert "usage: " in done.err
    assert "DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]" in done.err


def test_a_server_admits_whom_they_sign(printed, server):
    owner = server.owner()
    integration = owner.integration(signed_deployment="required")
    ids = [integration[name] for name in IDS]
    key = owner.deployment_key()
    token = printed("deployment/sign", *ids, UIDS[0], DEPLOYMENT_KEY=json.dumps(key))
    session = owner.visit(integration, signed_deployment=token)
    assert (session["uid"], session["trust"], session["deployer_id"]) == (UIDS[0], "signed", "shop")
    signing_input, _, signature = token.rpartition(".")
    forged = f"{signing_input}.{signature[:-8]}{signature[-8:].swapcase()}"
    assert server.embed({"signed_deployment": forged}).status_code == 403
