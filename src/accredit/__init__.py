"""Accredit: proves in both directions.

The names exported here are the paved path for a customer's backend: sign a deployment and seal a passport where you embed, make
keys, verify and open where you own the application. Each is imported when it is first used, so that `import accredit` alone
costs next to nothing. The server is never imported from here.

    private_jwk = json.loads(os.environ["DEPLOYMENT_KEY"])
    token = accredit.sign_deployment({"deployer_id": "d", "integration_id": "i", "uid": "user-1"}, private_jwk)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accredit.deployment import (
        PeekedDeployment,
        TokenPolicy,
        VerifiedDeployment,
        peek_deployment,
        sign_deployment,
        verify_deployment,
    )
    from accredit.errors import AccreditError, ConflictError, FailureError, MalformedError, NotFoundError, Refused, SealedError
    from accredit.identity import (
        BootBody,
        CustomerFields,
        IdentityCheck,
        IdentityDiagnosis,
        IdentityPolicy,
        IdentitySecret,
        PeekedIdentity,
        VerifiedIdentity,
        diagnose_identity,
        generate_identity_secret,
        peek_identity,
        read_boot_body,
        read_customer_fields,
        sign_identity,
        sign_identity_v2,
        verify_identity,
    )
    from accredit.keys import DeploymentKey, GeneratedKey, generate_deployment_key, parse_deployment_key
    from accredit.passport import (
        CheckedPassport,
        GeneratedPassportKey,
        OpenedPassport,
        PassportKey,
        PassportKeyRule,
        PassportRules,
        check_passport,
        generate_passport_key,
        open_passport,
        parse_passport_key,
        seal_passport,
    )
    from accredit.properties import DirectProperties, Properties
    from accredit.sealing import (
        AnswerSignature,
        DecryptionKey,
        EncryptedRequestError,
        EncryptionKey,
        EncryptionKeyError,
        Exchange,
        ServerKey,
        Signer,
        generate_encryption_key,
        generate_server_key,
        open_request,
        open_sealed,
        parse_decryption_key,
        parse_encryption_key,
        parse_server_key,
        seal_request,
        seal_response,
        sign_response,
        sign_response_detached,
        verify_response,
        verify_response_detached,
    )

__version__ = "0.1.0"

__all__ = [
    "AccreditError",
    "AnswerSignature",
    "BootBody",
    "CheckedPassport",
    "ConflictError",
    "CustomerFields",
    "DecryptionKey",
    "DeploymentKey",
    "DirectProperties",
    "EncryptedRequestError",
    "EncryptionKey",
    "EncryptionKeyError",
    "Exchange",
    "FailureError",
    "GeneratedKey",
    "GeneratedPassportKey",
    "IdentityCheck",
    "IdentityDiagnosis",
    "IdentityPolicy",
    "IdentitySecret",
    "MalformedError",
    "NotFoundError",
    "OpenedPassport",
    "PassportKey",
    "PassportKeyRule",
    "PassportRules",
    "PeekedDeployment",
    "PeekedIdentity",
    "Properties",
    "Refused",
    "SealedError",
    "ServerKey",
    "Signer",
    "TokenPolicy",
    "VerifiedDeployment",
    "VerifiedIdentity",
    "check_passport",
    "diagnose_identity",
    "generate_deployment_key",
    "generate_encryption_key",
    "generate_identity_secret",
    "generate_passport_key",
    "generate_server_key",
    "open_passport",
    "open_request",
    "open_sealed",
    "parse_decryption_key",
    "parse_deployment_key",
    "parse_encryption_key",
    "parse_passport_key",
    "parse_server_key",
    "peek_deployment",
    "peek_identity",
    "read_boot_body",
    "read_customer_fields",
    "seal_passport",
    "seal_request",
    "seal_response",
    "sign_deployment",
    "sign_identity",
    "sign_identity_v2",
    "sign_response",
    "sign_response_detached",
    "verify_deployment",
    "verify_identity",
    "verify_response",
    "verify_response_detached",
]

# Where each name lives; a test holds this, the block above and __all__ equal.
_HOMES = {
    "deployment": (
        "PeekedDeployment",
        "TokenPolicy",
        "VerifiedDeployment",
        "peek_deployment",
        "sign_deployment",
        "verify_deployment",
    ),
    "errors": (
        "AccreditError",
        "ConflictError",
        "FailureError",
        "MalformedError",
        "NotFoundError",
        "Refused",
        "SealedError",
    ),
    "identity": (
        "BootBody",
        "CustomerFields",
        "IdentityCheck",
        "IdentityDiagnosis",
        "IdentityPolicy",
        "IdentitySecret",
        "PeekedIdentity",
        "VerifiedIdentity",
        "diagnose_identity",
        "generate_identity_secret",
        "peek_identity",
        "read_boot_body",
        "read_customer_fields",
        "sign_identity",
        "sign_identity_v2",
        "verify_identity",
    ),
    "keys": ("DeploymentKey", "GeneratedKey", "generate_deployment_key", "parse_deployment_key"),
    "passport": (
        "CheckedPassport",
        "GeneratedPassportKey",
        "OpenedPassport",
        "PassportKey",
        "PassportKeyRule",
        "PassportRules",
        "check_passport",
        "generate_passport_key",
        "open_passport",
        "parse_passport_key",
        "seal_passport",
    ),
    "properties": ("DirectProperties", "Properties"),
    "sealing": (
        "AnswerSignature",
        "DecryptionKey",
        "EncryptedRequestError",
        "EncryptionKey",
        "EncryptionKeyError",
        "Exchange",
        "ServerKey",
        "Signer",
        "generate_encryption_key",
        "generate_server_key",
        "open_request",
        "open_sealed",
        "parse_decryption_key",
        "parse_encryption_key",
        "parse_server_key",
        "seal_request",
        "seal_response",
        "sign_response",
        "sign_response_detached",
        "verify_response",
        "verify_response_detached",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
