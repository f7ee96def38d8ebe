"""Signed deployments: compact JWS, ES512, by the deployer's server.

RFC 7515, RFC 7518 section 3.4; protocol-embed.md sections 5 to 7. `token` reads the shape, `claims` judges freshness,
`verification` puts the steps together, `signing` is the deployer's side.

    token = sign_deployment({"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": "user-1"}, private_jwk)
    key = parse_deployment_key(public_jwk)
    verified = verify_deployment(token, [key], now=int(time.time()))
    verified.properties.uid          # "user-1"
"""

from accredit.deployment.claims import LEEWAY_S, MAX_LIFETIME_S, ORIGINAL_POLICY, Demand, TokenPolicy
from accredit.deployment.signing import sign_deployment
from accredit.deployment.token import MAX_TOKEN_BYTES, TOKEN_TYPE, PeekedDeployment, peek_deployment
from accredit.deployment.verification import VerifiedDeployment, spend_verification, verify_deployment

__all__ = [
    "LEEWAY_S",
    "MAX_LIFETIME_S",
    "MAX_TOKEN_BYTES",
    "ORIGINAL_POLICY",
    "TOKEN_TYPE",
    "Demand",
    "PeekedDeployment",
    "TokenPolicy",
    "VerifiedDeployment",
    "peek_deployment",
    "sign_deployment",
    "spend_verification",
    "verify_deployment",
]
