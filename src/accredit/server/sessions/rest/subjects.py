"""The subject of a session: what it ends with (protocol-rest.md section 13)."""

from collections.abc import Mapping

from accredit.encoding import Json, b64_encode
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer


def subject_id(sealer: Sealer, scope: Scope, provider_id: str, idp_id: str) -> str:
    """`subject.id`: the same for one person of one provider, and in each account and environment another.

    base64 of HMAC-SHA-256 over the provider's id, a zero octet and the provider's id of the person, under a key that never changes.
    No kind of other look-ups is a provider's id: those have an underscore or a colon.
    """
    return b64_encode(sealer.lookup_hash(scope, provider_id, idp_id))


def build_subject(
    sealer: Sealer, scope: Scope, provider_id: str, idp_id: str, attributes: Mapping[str, Json]
) -> dict[str, Json]:
    """`subject`: who it is, and the attributes that were asked for and are known."""
    return {"id": subject_id(sealer, scope, provider_id, idp_id), "idpId": idp_id, **attributes}
