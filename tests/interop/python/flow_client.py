"""A customer's Python backend at the flow door, with the standard library alone. Reads one JSON object, writes what it was told."""

import base64
import hashlib
import hmac
import json
import sys
import urllib.error
import urllib.request
from email.utils import formatdate


def call(given, method, path, body):
    content = b"" if body is None else json.dumps(body).encode()
    date = formatdate(given["now"], usegmt=True)
    digest = "SHA-256=" + base64.b64encode(hashlib.sha256(content).digest()).decode()
    text = f"(request-target): {method.lower()} {path}\ndate: {date}\ndigest: {digest}"
    mac = hmac.new(given["secret"].encode(), text.encode(), "sha256").digest()
    parameters = {
        "keyId": given["key_id"],
        "algorithm": "hmac-sha256",
        "headers": "(request-target) date digest",
        "signature": base64.b64encode(mac).decode(),
    }
    headers = {
        "Date": date,
        "Digest": digest,
        "Authorization": "Signature " + ",".join(f'{name}="{value}"' for name, value in parameters.items()),
        "Content-Type": "application/vnd.api+json",
    }
    request = urllib.request.Request(given["url"] + path, content or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return {"status": answer.status, "body": json.load(answer)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": json.load(error)}


given = json.load(sys.stdin)
json.dump([call(given, *each) for each in given["calls"]], sys.stdout)
