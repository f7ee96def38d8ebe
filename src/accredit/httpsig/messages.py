"""HTTP Message Signatures, as much of them as requests and answers share: one label, one form, one place for the signature base.

RFC 9421 sections 2.3, 2.5 and 4, RFC 9530 (Content-Digest). What is written is read back in one form only: the label, the components,
their order and the parameters are fixed by a profile.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from accredit.encoding import b64_decode, b64_encode

MAX_AGE_S, LEEWAY_S = 300, 60
_LABEL = "accredit"
_KEYID = r"[!#-\[\]-~]{1,256}"
_SIGNATURE = re.compile(rf"{_LABEL}=:(?P<octets>[A-Za-z0-9+/=]{{1,1024}}):")


@dataclass(frozen=True, slots=True)
class GivenSignature:
    """A signature as the headers have it, of the right form. created: Unix seconds. parameters: as they were signed."""

    parameters: str
    created: int
    keyid: str
    alg: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of message has signed. components: identifiers as RFC 9421 section 2 writes them. tag: keeps uses apart."""

    components: tuple[str, ...]
    tag: str

    def write_parameters(self, *, created: int, keyid: str, alg: str) -> str:
        """The signature parameters (section 2.3). Raises ValueError for a keyid that has no place in a header."""
        if not re.fullmatch(_KEYID, keyid):
            raise ValueError("keyid")
        return f'({" ".join(self.components)});created={created};keyid="{keyid}";alg="{alg}";tag="{self.tag}"'

    def signature_base(self, values: Sequence[str | int], parameters: str) -> bytes:
        """The signature base (section 2.5). values: one for each component."""
        lines = [f"{name}: {value}" for name, value in zip(self.components, values, strict=True)]
        return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("utf-8", "surrogatepass")

    def read(self, headers: Mapping[str, str]) -> GivenSignature:
        """The signature that the headers have, names in lower case. Raises ValueError for any other form."""
        given = _input_form(self).fullmatch(headers.get("signature-input", ""))
        signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
        if given is None or signature is None:
            raise ValueError("not of this profile")
        octets = b64_decode(signature["octets"])
        return GivenSignature(given["parameters"], int(given["created"]), given["keyid"], given["alg"], octets)


@cache
def _input_form(profile: Profile) -> re.Pattern[str]:
    return re.compile(
        rf"{_LABEL}=(?P<parameters>\({re.escape(' '.join(profile.components))}\);created=(?P<created>[0-9]{{1,11}})"
        rf';keyid="(?P<keyid>{_KEYID})";alg="(?P<alg>[a-z0-9_-]+)";tag="{re.escape(profile.tag)}")'
    )


def signature_headers(body: bytes, parameters: str, signature: bytes) -> dict[str, str]:
    """The three headers of a signed message."""
    return {
        "Content-Digest": content_digest(body),
        "Signature-Input": f"{_LABEL}={parameters}",
        "Signature": f"{_LABEL}=:{b64_encode(signature)}:",
    }


def content_digest(body: bytes) -> str:
    """RFC 9530 section 2, with SHA-256 alone."""
    return f"sha-256=:{b64_encode(hashlib.sha256(body).digest())}:"


def is_fresh(signed_at: int, now: int, max_age: int, leeway: int) -> bool:
    """Whether something was signed at most so many seconds ago, and at most so many ahead."""
    return now - max_age <= signed_at <= now + leeway
