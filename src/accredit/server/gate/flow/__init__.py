"""The flow door's decision: which user of a deployer is this, and may this page say so (protocol-flow.md sections 2, 3 and 5)?

`user` reads what is told of a person, wherever it is told: in a token, by the API, on a screen. `deciding` is the gate itself.
"""

from accredit.server.gate.flow.deciding import AdmittedBy, FlowAdmission, ReferenceProof, admit_reference
from accredit.server.gate.flow.user import Address, IdNumber, Name, User, parse_member, parse_user

__all__ = [
    "Address",
    "AdmittedBy",
    "FlowAdmission",
    "IdNumber",
    "Name",
    "ReferenceProof",
    "User",
    "admit_reference",
    "parse_member",
    "parse_user",
]
