"""The deployer's side: signing a deployment on its own server.

RFC 7515 section 5.1; protocol-embed.md sections 5 and 6. What would be refused by every server is refused here, before it is
signed, with the same codes.
"""

import secrets
from collections.abc import Mapping, Sequence

from joserfc.jws import JWSRegistry

from accredit.deployment.claims import MAX_LIFETIME_S, read_claims
from accredit.deployment.token import TOKEN_TYPE, peek_deployment
from accredit.encoding import JsonError, b64url_encode, compact_json
from accredit.errors import Refused
from accredit.keys import parse_signing_key, public_thumbprint
from accredit.properties import DirectProperties, merge_signed


def sign_deployment(
    properties: Mapping[str, object],
    private_jwk: Mapping[str, object],
    *,
    now: int | None = None,
    lifetime_s: int = MAX_LIFETIME_S,
    single_use: bool = True,
    audience: str | None = None,
    origins: Sequence[str] = (),
    kid: str | None = None,
) -> str:
    """Sign the properties of `accredit.init` on the deployer's server; the page passes the result as `signed_deployment`.

    properties: `deployer_id`, `integration_id` and, as used, `owner_id`, `view_id`, `uid`, `data_passport`,
    `encrypted_passport`; never `location`. private_jwk: P-521 (ES512), or P-256, Ed25519 where the key record says so.

    Without `now` the token is the original's: header `{"alg":"ES512"}`, good until the key is revoked. With `now` (Unix
    seconds) it is an extended one: `kid` (default: the key's thumbprint), `typ`, `iat`, `exp = now + lifetime_s` (1..300 s), a
    fresh `jti` if `single_use`, `aud` if `audience` (the server's public URL, without trailing slash) and `origins` (of the pages,
    `https://host[:port]`) if given. An extended token needs an integration whose `token_key_id` is `warn` or `require`; a
    single-use one is good for one page view.

    Raises Refused for properties that no server would take, with the code that the server would record; MalformedError for a
    key that is none: `key_malformed`, `key_curve_unsupported`, `key_alg_mismatch`, `key_encoding_invalid`, `key_value_invalid`.
    """
    alg, key = parse_signing_key(dict(private_jwk))
    header: dict[str, object] = {"alg": alg}
    payload = dict(properties)
    if now is not None:
        if not 1 <= lifetime_s <= MAX_LIFETIME_S:
            raise Refused("token_lifetime", "exp")
        header |= {"kid": kid or public_thumbprint(dict(private_jwk)), "typ": TOKEN_TYPE}
        payload |= {"iat": now, "exp": now + lifetime_s}
        payload |= {"jti": secrets.token_urlsafe(24)} if single_use else {}
        payload |= {"aud": audience} if audience else {}
        payload |= {"origins": list(origins)} if origins else {}
    try:
        signing_input = f"{b64url_encode(compact_json(header))}.{b64url_encode(compact_json(payload))}"
    except JsonError as error:
        raise Refused("payload_malformed") from error
    signature = JWSRegistry.algorithms[alg].sign(signing_input.encode("ascii"), key)
    token = f"{signing_input}.{b64url_encode(signature)}"
    # Judged as the server would; owner and view may still come directly.
    peeked = peek_deployment(token)
    read_claims(peeked.payload)
    merge_signed(peeked.payload, DirectProperties(owner_id="any"))
    return token
