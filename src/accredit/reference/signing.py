"""The deployer's side: signing a customer reference on its own backend.

protocol-flow.md sections 2 and 3. What would be refused by every server is refused here, before it is handed out, with the same
codes. Sign the id of the user of this very session, never one that the page sends.
"""

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence

from joserfc.jws import JWSRegistry

from accredit.encoding import Json, JsonError, b64_encode, b64url_encode, compact_json
from accredit.errors import MalformedError, Refused
from accredit.keys import parse_signing_key
from accredit.reference.claims import AUDIENCE, MAX_LIFETIME_S, read_claims
from accredit.reference.customer import read_customer_reference
from accredit.reference.keys import TOKEN_SECRET_ALGORITHM, ReferenceSecret
from accredit.reference.signature import TOKEN_TYPE, peek_token

_LIFETIME_S, _JTI_BYTES = 600, 16
# What a browser sends for a page that may be admitted (RFC 6454 section 6.2).
_ORIGIN = re.compile(r"(?:https://[a-z0-9.-]{1,253}|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?")


def sign_reference(secret: ReferenceSecret, customer_reference: str) -> str:
    """Sign a customer reference as the original does; the page passes the result as `user.signature`.

    secret: from `ReferenceSecret.from_text`. customer_reference: of the signed-in user, exactly as the page will pass it; unique,
    persistent, and no personal data.

    Returns 44 characters of base64, good for ever, for any template and page; `sign_reference_v2` makes less of it.
    Raises MalformedError: `customer_reference_invalid`.
    """
    return b64_encode(hmac.digest(secret.octets, read_customer_reference(customer_reference), "sha256"))


def sign_reference_v2(
    key: ReferenceSecret | Mapping[str, object],
    customer_reference: str,
    templates: Sequence[str],
    *,
    environment: str,
    now: int,
    lifetime_s: int = _LIFETIME_S,
    origins: Sequence[str] = (),
    user: Mapping[str, Json] | None = None,
    session_id: str | None = None,
    kid: str | None = None,
    jti: str | None = None,
) -> str:
    """Sign a token that names the user, for how long, and where; the page passes it as `user.signature`.

    key: a secret with its key id (HS256), or a private JWK (P-256, P-521 or Ed25519, as the key record says). customer_reference: of
    the signed-in user. templates: 1 to 20 template ids that it may open. environment: `live` or `sandbox`. now: Unix seconds.
    lifetime_s: 1 to 3600. origins: of the pages, `https://host[:port]`, at most 20; none leaves it good on all that the template
    allows. user: prefill that the person cannot change. session_id: the only session that it may open. kid: how Accredit calls the
    key (default: the secret's key id, or the JWK's `kid`). jti: 22 to 64 of `A-Z a-z 0-9 _ -`; default: a fresh random one.

    Raises MalformedError: `customer_reference_invalid`, `field_invalid` (origins), `field_missing` (kid), those of private keys:
    `key_malformed`, `key_curve_unsupported`, `key_alg_mismatch`, `key_encoding_invalid`, `key_value_invalid`; Refused for what no
    server takes: `token_claims_invalid`, `token_lifetime`, `jws_malformed` (too long or too deep).
    """
    read_customer_reference(customer_reference)
    if not 0 < lifetime_s <= MAX_LIFETIME_S:
        raise Refused("token_lifetime", "exp")
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise MalformedError("field_invalid", "origins")
    claims: dict[str, Json] = {"aud": AUDIENCE, "env": environment, "exp": now + lifetime_s, "iat": now}
    claims["jti"] = secrets.token_urlsafe(_JTI_BYTES) if jti is None else jti
    claims |= {"ori": list(origins)} if origins else {}
    claims |= {} if session_id is None else {"sid": session_id}
    claims |= {"sub": customer_reference, "tpl": list(templates)}
    claims |= {} if user is None else {"usr": dict(user)}
    token = _sign_claims(key, kid, claims)
    # Judged as the server would.
    read_claims(peek_token(token).payload)
    return token


def _sign_claims(key: ReferenceSecret | Mapping[str, object], kid: str | None, claims: dict[str, Json]) -> str:
    kid = kid or str((key.key_id if isinstance(key, ReferenceSecret) else key.get("kid")) or "")
    if not kid:
        raise MalformedError("field_missing", "kid")
    if isinstance(key, ReferenceSecret):
        signing_input = _signing_input(TOKEN_SECRET_ALGORITHM, kid, claims)
        return f"{signing_input}.{b64url_encode(hmac.digest(key.token_octets, signing_input.encode('ascii'), 'sha256'))}"
    alg, parsed = parse_signing_key(dict(key))
    signing_input = _signing_input(alg, kid, claims)
    return f"{signing_input}.{b64url_encode(JWSRegistry.algorithms[alg].sign(signing_input.encode('ascii'), parsed))}"


def _signing_input(alg: str, kid: str, claims: dict[str, Json]) -> str:
    try:
        payload = compact_json(claims)
    except JsonError as error:
        raise Refused("token_claims_invalid", "usr") from error
    header = compact_json({"alg": alg, "kid": kid, "typ": TOKEN_TYPE})
    return f"{b64url_encode(header)}.{b64url_encode(payload)}"
