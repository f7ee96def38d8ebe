"""Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.

    IDENTITY_SECRET=... IDENTITY_KEY_ID=... python3 sign_v2.py CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...

Sign anew for each page view: a signature is good once, for a minute.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time


def sign_identity_v2(
    secret: str, key_id: str, cp_id: str, cp_deployment_id: str, fields: dict[str, str], origin: str = ""
) -> str:
    """fields: all of customerInfo, and page and locale if the page passes them. origin: of the page; empty for any."""
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    # Browsers post the line ends of a form as CR LF; what is empty counts as absent.
    texts = {name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in fields.items() if value}
    digest = hashlib.sha256(canonical(texts)).hexdigest()
    email = fields.get("email", "")
    signed = ["accredit-identity-v2", key_id, timestamp, nonce, cp_id, cp_deployment_id, email, digest, origin]
    mac = hmac.digest(decode_secret(secret), canonical(signed), "sha256")
    return f"v2.{key_id}.{timestamp}.{nonce}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def canonical(value: object) -> bytes:
    """RFC 8785, for texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def decode_secret(secret: str) -> bytes:
    key = base64.b64decode(secret, validate=True)
    if len(key) < 16:
        raise ValueError("that is not the secret")
    return key


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: sign_v2.py CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...")
    cp_id, cp_deployment_id, origin, *pairs = sys.argv[1:]
    fields = dict(pair.split("=", 1) for pair in pairs)
    secret, key_id = os.environ["IDENTITY_SECRET"], os.environ["IDENTITY_KEY_ID"]
    print(sign_identity_v2(secret, key_id, cp_id, cp_deployment_id, fields, origin))
