"""Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.

    REFERENCE_SECRET=... python3 sign.py CUSTOMER_REFERENCE

Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
"""

import base64
import hmac
import os
import re
import sys

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def sign_reference(secret: str, customer_reference: str) -> str:
    """customer_reference: exactly as the page passes it, unique and for good; at most 255 bytes."""
    message = customer_reference.encode()
    # A line break in it could make the signature one of an API request.
    if not 1 <= len(message) <= 255 or UNFIT.search(customer_reference):
        raise ValueError("that is no customer reference")
    return base64.b64encode(hmac.digest(read_secret(secret), message, "sha256")).decode()


def read_secret(secret: str) -> bytes:
    """The key is the text as it was shown, with all that it begins with."""
    if not re.fullmatch("[!-~]{32,128}", secret):
        raise ValueError("that is not the secret")
    return secret.encode("ascii")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: sign.py CUSTOMER_REFERENCE")
    print(sign_reference(os.environ["REFERENCE_SECRET"], sys.argv[1]))
