"""Signed HTTP messages: who sent this request, and that nobody changed it.

`requests` (with `authorization`) has the original's form, `Date`, `Digest` and `(request-target)` under an HMAC, as its clients
send it and its webhooks have it (protocol-flow.md section 8); `message_requests` has the additive one, RFC 9421; `messages` is what
that has in common with the signatures of answers in `accredit.sealing`; `dates` and `fields` read what both stand on.

    headers = sign_request("GET", "/flow_sessions/flwses_1", b"", key_id="live_key_1", secret=text, now=int(time.time()))
    verify_request("GET", "/flow_sessions/flwses_1", headers, b"", {"live_key_1": [text]}, now=int(time.time())).key_id
"""

from accredit.httpsig.authorization import PeekedRequest, peek_request
from accredit.httpsig.dates import format_http_date, parse_http_date
from accredit.httpsig.fields import HeaderFields, gather_fields
from accredit.httpsig.message_requests import peek_request_v2, sign_request_v2, verify_request_v2
from accredit.httpsig.messages import LEEWAY_S, MAX_AGE_S, Profile, content_digest, is_fresh, signature_headers
from accredit.httpsig.requests import TOLERANCE_S, VerifiedRequest, sign_request, verify_request

__all__ = [
    "LEEWAY_S",
    "MAX_AGE_S",
    "TOLERANCE_S",
    "HeaderFields",
    "PeekedRequest",
    "Profile",
    "VerifiedRequest",
    "content_digest",
    "format_http_date",
    "gather_fields",
    "is_fresh",
    "parse_http_date",
    "peek_request",
    "peek_request_v2",
    "sign_request",
    "sign_request_v2",
    "signature_headers",
    "verify_request",
    "verify_request_v2",
]
