"""Customer references: what a deployer calls its user, and what may be one.

protocol-flow.md section 2. A reference counts byte for byte: nothing is trimmed, folded or normalised. The rules are the same in
signatures, in tokens and in the API, and hold before any MAC is computed: a line feed would make whoever signs references sign API
requests.
"""

import re

from accredit.errors import MalformedError

_MAX_BYTES = 255
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_customer_reference(customer_reference: str) -> bytes:
    """The octets that are signed: UTF-8, 1..255 of them, without controls and line separators.

    Raises MalformedError: `customer_reference_invalid`.
    """
    try:
        octets = customer_reference.encode("utf-8") if isinstance(customer_reference, str) else b""
    except UnicodeEncodeError as error:
        raise MalformedError("customer_reference_invalid", "customer_reference") from error
    if not 1 <= len(octets) <= _MAX_BYTES or _FORBIDDEN.search(customer_reference):
        raise MalformedError("customer_reference_invalid", "customer_reference")
    return octets
