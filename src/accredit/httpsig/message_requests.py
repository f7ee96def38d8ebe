"""Signed requests by HTTP Message Signatures: the additive form, which binds the host and says when it was made.

RFC 9421 with `hmac-sha256` (section 3.3.3), RFC 9530. The components are `@method`, `@target-uri` and `content-digest`; an empty
body has a digest too. The key is the text of the secret as it is written, as in the original's form.

    headers = sign_request_v2("POST", "https://id.example.com/flow_sessions", body, key_id="live_key_...", secret=text, now=now)
    verify_request_v2("POST", "https://id.example.com/flow_sessions", headers, body, {"live_key_...": [text]}, now=now).key_id
"""

import hmac
import re
from collections.abc import Mapping, Sequence

from accredit.encoding import b64_encode
from accredit.errors import MalformedError, Refused
from accredit.httpsig.authorization import ALGORITHM
from accredit.httpsig.fields import HeaderFields, gather_fields
from accredit.httpsig.messages import LEEWAY_S, MAX_AGE_S, GivenSignature, Profile, content_digest, is_fresh, signature_headers
from accredit.httpsig.requests import VERIFIER, VerifiedRequest, find_secret
from accredit.keys import read_written_secret

_COMPONENTS = ("@method", "@target-uri", "content-digest")
_PROFILE = Profile(tuple(f'"{name}"' for name in _COMPONENTS), "accredit-flow")
_NEEDED = ("content-digest", "signature-input", "signature")
# RFC 9421 section 2.2.1: the method as it is sent, in upper case.
_METHOD = re.compile("[A-Z]{1,32}")
_TARGET_URI = re.compile("https?://[!-~]{1,8000}")


def sign_request_v2(method: str, target_uri: str, body: bytes, *, key_id: str, secret: str, now: int) -> dict[str, str]:
    """The headers `Content-Digest`, `Signature-Input` and `Signature` of a request (RFC 9421).

    method: in upper case. target_uri: the whole address, with query, as it is called. body: its octets, empty where there is none.
    key_id: of the API key. secret: its text, as written. now: Unix seconds.

    Raises MalformedError: `secret_malformed`; `field_invalid` (method, target_uri, key_id).
    """
    for name, form, text in (("method", _METHOD, method), ("target_uri", _TARGET_URI, target_uri)):
        if not form.fullmatch(text):
            raise MalformedError("field_invalid", name)
    try:
        parameters = _PROFILE.write_parameters(created=now, keyid=key_id, alg=ALGORITHM)
    except ValueError as error:
        raise MalformedError("field_invalid", "key_id") from error
    base = _PROFILE.signature_base((method, target_uri, content_digest(body)), parameters)
    return signature_headers(body, parameters, hmac.digest(read_written_secret(secret), base, "sha256"))


def peek_request_v2(headers: HeaderFields) -> str:
    """The key id of a request that says it is signed by RFC 9421: whose secret is to be tried. Nothing is verified.

    Raises Refused: `authentication_missing`, `authorization_malformed`.
    """
    return _read(headers)[0].keyid


def verify_request_v2(
    method: str,
    target_uri: str,
    headers: HeaderFields,
    body: bytes,
    keys: Mapping[str, Sequence[str]],
    *,
    now: int,
    max_age: int = MAX_AGE_S,
    leeway: int = LEEWAY_S,
) -> VerifiedRequest:
    """Verify a request that is signed by RFC 9421 and return whose it is.

    method: of the request. target_uri: its whole address, as the client called it. headers: pairs or a mapping. body: its octets as
    they came. keys: the texts of the live secrets, by key id. now: Unix seconds. max_age: how many seconds ago it may have been
    signed; leeway: how many seconds ahead.

    Raises Refused with the first code that applies: `authentication_missing`, `authorization_malformed`, `date_out_of_range`,
    `digest_mismatch`, `key_unknown`, `mac_mismatch`; MalformedError: `secret_malformed` (of a given key). That a request takes effect
    once is the caller's to see to.
    """
    given, stated_digest = _read(headers)
    if not is_fresh(given.created, now, max_age, leeway):
        raise Refused("date_out_of_range", "signature-input")
    digest = content_digest(body)
    if digest != stated_digest:
        raise Refused("digest_mismatch", "content-digest")
    sound = _METHOD.fullmatch(method) and _TARGET_URI.fullmatch(target_uri)
    base = _PROFILE.signature_base((method, target_uri, digest), given.parameters) if sound else b""
    index = find_secret(keys.get(given.keyid, ()), base, given.octets)
    return VerifiedRequest(given.keyid, index, b64_encode(given.octets), given.created, _COMPONENTS, made_by=VERIFIER)


def _read(headers: HeaderFields) -> tuple[GivenSignature, str]:
    fields = gather_fields(headers)
    for name in _NEEDED:
        if name not in fields:
            raise Refused("authentication_missing", name)
    for name in _NEEDED:
        if len(fields[name]) > 1:
            raise Refused("authorization_malformed", name)
    try:
        given = _PROFILE.read({name: fields[name][0] for name in _NEEDED})
    except ValueError as error:
        raise Refused("authorization_malformed", "signature-input") from error
    if given.alg != ALGORITHM or len(given.octets) != 32:
        raise Refused("authorization_malformed", "signature")
    return given, fields["content-digest"][0]
