"""Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.

    IDENTITY_SECRET=... python3 sign.py CP_ID CP_DEPLOYMENT_ID [EMAIL]

Sign anew for each page view: a signature is good once, for a minute.
"""

import base64
import hmac
import os
import secrets
import sys
import time


def sign_identity(secret: str, cp_id: str, cp_deployment_id: str, email: str = "") -> str:
    """email: exactly as the page passes it in customerInfo; empty for an anonymous user."""
    key = decode_secret(secret)
    timestamp, nonce = int(time.time()), secrets.token_hex(16)
    text = f"{timestamp}:{cp_id}:{cp_deployment_id}:{email}:{nonce}"
    mac = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    return f"{timestamp}:{mac}:{nonce}"


def decode_secret(secret: str) -> bytes:
    key = base64.b64decode(secret, validate=True)
    if len(key) < 16:
        raise ValueError("that is not the secret")
    return key


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: sign.py CP_ID CP_DEPLOYMENT_ID [EMAIL]")
    print(sign_identity(os.environ["IDENTITY_SECRET"], *sys.argv[1:]))
