"""A broker of the Finnish trust network, with another vendor's JOSE (jwcrypto): its statement, its signed keys, its token endpoint.

It trusts nothing that our side does not sign: requests and assertions are verified by our signed key set, and that by our entity
statement, both fetched from where we publish them. What it answers is whatever a test wants it to be.
"""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import jwcrypto.jwe
import jwcrypto.jwk
import jwcrypto.jws

from ..site import Reply, Request, Site

ACR = "http://ftn.ficora.fi/2017/"
PERSON = {
    "urn:oid:1.2.246.21": "070770-9019",
    "urn:oid:1.2.246.575.1.14": "Väinö",
    "urn:oid:2.5.4.4": "Äijälä",
    "urn:oid:1.3.6.1.5.5.7.9.1": "1970-07-07",
}


def make(kid: str, kty: str = "RSA", **members: Any) -> jwcrypto.jwk.JWK:
    return jwcrypto.jwk.JWK.generate(kty=kty, kid=kid, **({"size": 2048} if kty == "RSA" else {}), **members)


@cache
def _lasting(kid: str, **members: Any) -> jwcrypto.jwk.JWK:
    return make(kid, **members)


def sign(claims: Any, key: Any, alg: str = "RS256", **header: Any) -> str:
    """A compact JWS. header: further members; one that is None is left out."""
    token = jwcrypto.jws.JWS(json.dumps(claims))
    protected = {"alg": alg, "kid": key.get("kid"), **header}
    token.add_signature(key, alg, json.dumps({name: value for name, value in protected.items() if value is not None}), None)
    return str(token.serialize(compact=True))


def encrypt(text: str, jwk: Any, alg: str = "RSA-OAEP", enc: str = "A128CBC-HS256", **header: Any) -> str:
    """A compact JWE. header: further members; one that is None is left out."""
    protected = {"alg": alg, "enc": enc, "cty": "JWT", "kid": jwk["kid"], **header}
    protected = {name: value for name, value in protected.items() if value is not None}
    token = jwcrypto.jwe.JWE(text.encode(), json.dumps(protected), recipient=jwcrypto.jwk.JWK(**jwk), algs=[alg, enc])
    return str(token.serialize(compact=True))


def verify(compact: str, jwks: Any, typ: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims and the header of a JWS under a key of that set."""
    token = jwcrypto.jws.JWS()
    token.deserialize(compact)
    header = json.loads(token.objects["protected"])
    assert header["typ"] == typ
    (named,) = [jwk for jwk in jwks["keys"] if jwk["kid"] == header["kid"]]
    assert set(named) & {"d", "p", "q"} == set()
    token.verify(jwcrypto.jwk.JWK(**named), header["alg"])
    return json.loads(token.payload), header


@dataclass
class Broker:
    """One broker. now: Unix seconds of its tokens. answer: what its token endpoint answers with; None for a token that is good."""

    site: Site
    client_id: str = ""
    our_addresses: Any = None
    now: int = field(default_factory=lambda: int(time.time()))
    request_algs: tuple[str, ...] = ("RS256", "PS256", "ES256")
    entity: Any = field(default_factory=lambda: _lasting("entity-1", use="sig", alg="RS256"))
    signing: Any = field(default_factory=lambda: _lasting("sign-1", use="sig"))
    requests: list[dict[str, Any]] = field(default_factory=list)
    assertions: list[str] = field(default_factory=list)
    token: Any = None

    def __post_init__(self) -> None:
        self.site.paths["/jwks"] = lambda _: Reply(self.key_set().encode(), media_type="application/jwk-set+jwt")
        self.site.paths["/token"] = self._token

    @property
    def issuer(self) -> str:
        return self.site.url()

    def statement(self, key: Any = None, typ: str = "entity-statement+jwt", **claims: Any) -> str:
        provider = {
            "issuer": self.issuer,
            "authorization_endpoint": self.site.url("/authorize"),
            "token_endpoint": self.site.url("/token"),
            "signed_jwks_uri": self.site.url("/jwks"),
            "request_object_signing_alg_values_supported": list(self.request_algs),
        }
        said = {
            "iss": self.issuer,
            "sub": self.issuer,
            "iat": self.now,
            "exp": self.now + 365 * 86400,
            "jwks": {"keys": [self.entity.export_public(as_dict=True)]},
            "metadata": {"openid_provider": provider},
            **claims,
        }
        return sign(said, key or self.entity, typ=typ)

    def key_set(self, key: Any = None, typ: str = "jwk-set+jwt", **claims: Any) -> str:
        keys = [{**self.signing.export_public(as_dict=True), "use": "sig"}]
        said = {"keys": keys, "iss": self.issuer, "sub": self.issuer, "iat": self.now, "exp": self.now + 86400, **claims}
        return sign(said, key or self.entity, typ=typ)

    def our_keys(self) -> dict[str, Any]:
        """Our key set, trusted as the network has it: by our statement, whose keys were exchanged by hand."""
        statement_url, jwks_url = self.our_addresses
        statement = httpx.get(statement_url)
        assert statement.headers["content-type"] == "application/entity-statement+jwt"
        peeked = jwcrypto.jws.JWS()
        peeked.deserialize(statement.text)
        entity_keys = json.loads(peeked.objects["payload"])["jwks"]
        claims, _ = verify(statement.text, entity_keys, "entity-statement+jwt")
        relying = claims["metadata"]["openid_relying_party"]
        assert (claims["iss"], claims["sub"], relying["signed_jwks_uri"]) == (self.client_id, self.client_id, jwks_url)
        published = httpx.get(jwks_url)
        assert published.headers["content-type"] == "application/jwk-set+jwt"
        keys, _ = verify(published.text, entity_keys, "jwk-set+jwt")
        assert (keys["iss"], keys["sub"]) == (self.client_id, self.client_id)
        assert keys["iat"] < keys["exp"] <= keys["iat"] + 86400
        return keys

    def take(self, url: str, keys: Any = None) -> dict[str, Any]:
        """The request that a browser brings, verified; its claims."""
        with httpx.Client() as browser:
            sent = dict(browser.build_request("GET", url).url.params)
        claims, header = verify(sent.pop("request"), keys or self.our_keys(), "JWT")
        assert header["alg"] in self.request_algs
        self.requests.append({**claims, "outside": sent})
        return claims

    def id_token(self, request: Any, **claims: Any) -> dict[str, Any]:
        """The claims of a token that is good for this request."""
        said = {"iss": self.issuer, "aud": request["client_id"], "sub": "pairwise-1", "nonce": request["nonce"]}
        times = {"iat": self.now, "exp": self.now + 600}
        return {**said, **times, "acr": request["acr_values"], "ftn_idp_id": "bank-1", **PERSON, **claims}

    def seal(self, claims: Any, keys: Any = None, **how: Any) -> str:
        """The token signed by us and encrypted to our peer's published key."""
        (jwk,) = [jwk for jwk in (keys or self.our_keys())["keys"] if jwk["use"] == "enc"]
        alg = how.pop("signed_with", "RS256")
        return encrypt(sign(claims, how.pop("key", self.signing), alg), jwk, **how)

    def _token(self, request: Request) -> Reply:
        form = request.form
        claims, _ = verify(form["client_assertion"], self.our_keys(), "JWT")
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert (claims["iss"], claims["sub"], claims["aud"]) == (self.client_id, self.client_id, self.site.url("/token"))
        assert claims["exp"] == claims["iat"] + 300
        assert claims["jti"] not in self.assertions
        self.assertions.append(claims["jti"])
        assert form["grant_type"] == "authorization_code"
        if callable(self.token):
            return self.token(form)
        return Reply(
            json.dumps({"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": self.token}).encode()
        )


def fingerprint(statement: str) -> str:
    """As a broker tells it: in groups of two digits."""
    return hashlib.sha256(statement.encode()).digest().hex(":").upper()
