"""Identity secrets: what a deployer's backend and Accredit share.

protocol-boot.md section 8. A secret travels as padded standard base64 and counts as the octets that this stands for. It is decoded
here, once, because lenient decoders turn other text into other, short keys.

    secret = IdentitySecret.from_base64(os.environ["IDENTITY_SECRET"], key_id="key_1")
"""

import re
import secrets
from dataclasses import dataclass, field

from accredit.encoding import b64_decode, b64_encode
from accredit.errors import MalformedError

KEY_ID = r"[A-Za-z0-9_-]{1,64}"
_KEY_ID = re.compile(KEY_ID)
_MIN_BYTES, _MAX_BYTES, _ISSUED_BYTES = 16, 64, 32


@dataclass(frozen=True, slots=True)
class IdentitySecret:
    """A secret, decoded. `IdentitySecret.from_base64` makes one from its text.

    octets: 16..64 of them; they never stand in a representation of the value. key_id: the record's name, 1..64 of
    `A-Z a-z 0-9 _ -`, which version 2 signs; empty where it is not known.
    """

    octets: bytes = field(repr=False)
    key_id: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.octets, bytes) or not _MIN_BYTES <= len(self.octets) <= _MAX_BYTES:
            raise MalformedError("secret_malformed")
        if self.key_id and not _KEY_ID.fullmatch(self.key_id):
            raise MalformedError("field_invalid", "key_id")

    @classmethod
    def from_base64(cls, text: str, key_id: str = "") -> "IdentitySecret":
        """Read a secret as it was shown: canonical padded standard base64, without white space around it.

        Raises MalformedError: `secret_malformed`; `field_invalid` for a key id that is none.
        """
        try:
            octets = b64_decode(text)
        except ValueError as error:
            raise MalformedError("secret_malformed") from error
        return cls(octets, key_id)


def generate_identity_secret() -> str:
    """Make a secret: 32 random octets as padded standard base64, 44 characters. Raises nothing."""
    return b64_encode(secrets.token_bytes(_ISSUED_BYTES))
