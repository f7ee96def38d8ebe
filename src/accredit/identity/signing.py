"""The deployer's side: signing a user's identity on its own backend.

protocol-boot.md sections 4 and 7. What would be refused by every server is refused here, before it is handed out, with the same
codes.
"""

import hmac
import re
import secrets
from collections.abc import Mapping

from accredit.encoding import Json, JsonError, b64_encode, b64url_encode
from accredit.errors import MalformedError
from accredit.identity.body import BootBody, read_boot_body
from accredit.identity.secret import IdentitySecret
from accredit.identity.signature import PREFIX_V2, PeekedIdentity, peek_identity
from accredit.identity.signed_text import signed_texts

_NONCE_BYTES = 16
# A signature is put together around this, read as the server would read it, and only then computed.
_NO_MAC = bytes(32)
# What a browser sends for a page (RFC 6454 section 6.2), or an app.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]{0,31}://[a-z0-9._:\[\]-]{1,270}|app:(?:ios|android):.{1,255}")


def sign_identity(
    secret: IdentitySecret,
    cp_id: str,
    cp_deployment_id: str,
    email: str | None = None,
    *,
    now: int,
    nonce: str | None = None,
) -> str:
    """Sign a user's identity on the deployer's backend; the page passes the result as `signature`.

    secret: from `IdentitySecret.from_base64`. cp_id, cp_deployment_id: of the integration. email: exactly as the page will pass it
    in `customerInfo`; None or empty for an anonymous user. now: Unix seconds; a server takes the signature for a minute about
    it. nonce: 30..50 characters of `!`..`~` without a colon; default: a fresh random one, as each page view needs.

    Returns `timestamp:mac:nonce`. It covers the ids and the e-mail only; that of `sign_identity_v2` covers all that is passed.

    Raises MalformedError: `field_missing`, `field_invalid` for an id or e-mail that no server takes; Refused: `timestamp_malformed`
    (such as milliseconds), `nonce_length`, `signature_malformed`.
    """
    boot = read_boot_body({"cp_id": cp_id, "cp_deployment_id": cp_deployment_id, "email": email})
    nonce = secrets.token_hex(_NONCE_BYTES) if nonce is None else nonce
    draft = peek_identity(f"{now}:{b64_encode(_NO_MAC)}:{nonce}")
    return f"{now}:{b64_encode(_mac(secret, draft, boot, None))}:{nonce}"


def sign_identity_v2(
    secret: IdentitySecret,
    cp_id: str,
    cp_deployment_id: str,
    customer_info: Mapping[str, Json],
    *,
    now: int,
    page: str | None = None,
    locale: str | None = None,
    origin: str | None = None,
    nonce: str | None = None,
) -> str:
    """Sign a user's identity and all that the page passes of it, so that the browser can change nothing.

    secret: as for `sign_identity`, with its key id. cp_id, cp_deployment_id: of the integration. customer_info: exactly what the
    page will pass as `customerInfo`, with the e-mail; unknown members are dropped, as the server drops them. page, locale: as
    passed beside it. origin: of the page, `https://host[:port]`, or `app:ios:{bundle id}`, `app:android:{package}`; None leaves the
    signature good anywhere, unless the integration's `identity_origin` is `require`. now: Unix seconds. nonce: 30..50 of
    `A-Z a-z 0-9 _ -`; default: a fresh random one.

    Returns `v2.kid.timestamp.nonce.mac`.

    Raises MalformedError: `field_missing` (an id, or the secret's `key_id`), `field_invalid`, `request_malformed` for what no server
    takes; Refused: `timestamp_malformed`, `nonce_length`, `nonce_charset`, `signature_malformed`.
    """
    if not secret.key_id:
        raise MalformedError("field_missing", "key_id")
    if origin is not None and not _ORIGIN.fullmatch(origin):
        raise MalformedError("field_invalid", "origin")
    beside = {"cp_id": cp_id, "cp_deployment_id": cp_deployment_id, "page": page, "locale": locale}
    boot = read_boot_body({**beside, "customerInfo": dict(customer_info)})
    nonce = secrets.token_hex(_NONCE_BYTES) if nonce is None else nonce
    draft = peek_identity(f"{PREFIX_V2}{secret.key_id}.{now}.{nonce}.{b64url_encode(_NO_MAC)}")
    try:
        mac = _mac(secret, draft, boot, origin)
    except JsonError as error:
        raise MalformedError("field_invalid", "meta") from error
    return f"{PREFIX_V2}{secret.key_id}.{now}.{nonce}.{b64url_encode(mac)}"


def _mac(secret: IdentitySecret, draft: PeekedIdentity, boot: BootBody, origin: str | None) -> bytes:
    text, *_unbound = signed_texts(draft, boot, origin)
    return hmac.digest(secret.octets, text, "sha256")
