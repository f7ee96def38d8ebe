"""The gate: the one pure decision `proof x policy x origin x now -> Admission`, or a refusal with a stable code.

design.md section 5. It has no clock, no database and no log: it gets the integration, its live keys and the time as arguments.
One file for what all decisions share, one for each proof. To the outside all refusals look alike; what the gate raises is for the
audit record.
"""

from accredit.server.gate.admission import Admission, App, Visit
from accredit.server.gate.boot import IdentityProof, admit_identity
from accredit.server.gate.embed import DeploymentProof, LiveKeys, admit_deployment

__all__ = ["Admission", "App", "DeploymentProof", "IdentityProof", "LiveKeys", "Visit", "admit_deployment", "admit_identity"]
