"""What a request of the rest door tells of a key that is not taken (protocol-rest.md section 6)."""

from accredit.sealing import EncryptionKeyError
from accredit.server.gate.faults import Fault, FaultyRequestError


def key_fault(error: EncryptionKeyError, member: str = "encryptionPublicKey") -> FaultyRequestError:
    """The one fault of a key that is not taken (section 6)."""
    name = member if error.member is None else f"{member}.{error.member}"
    return FaultyRequestError([Fault(name, error.reason, error.code)])
