"""Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.

    DEPLOYMENT_KEY="$(cat key.jwk)" python3 sign.py DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]

Needs `pip install accredit`, of which it takes the library alone.
"""

import json
import os
import sys
import time

import accredit


def sign_deployment(
    private_jwk: dict[str, str], deployer_id: str, integration_id: str, owner_id: str, uid: str | None = None
) -> str:
    """uid: your user; None for an anonymous visit. The token is good for five minutes."""
    now = int(time.time())
    properties = {"deployer_id": deployer_id, "integration_id": integration_id, "owner_id": owner_id}
    user = {} if uid is None else {"uid": uid}
    return accredit.sign_deployment({**properties, **user, "iat": now, "exp": now + 300}, private_jwk)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: sign.py DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]")
    print(sign_deployment(json.loads(os.environ["DEPLOYMENT_KEY"]), *sys.argv[1:]))
