"""What of ours, or of a deployer's, stands in texts that a browser sent: live-looking secrets, private JWKs, secrets of no form.

Nothing found here is kept or passed on: a secret becomes its hash, a private key the thumbprint of its public half, computed from the
private member itself, so that nobody burns another's key by writing its public half beside a made-up `d`.

    exposed = find_exposed(form.values())      # three substring searches a text, and nothing more, when there is nothing

Identity secrets, and API secrets that were brought along, need have no prefix, so a caller that looks for them says of which lengths
there are any (`Keyring.find_exposed`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from accredit.encoding import Json, JsonError, b64url_decode, b64url_encode, parse_json
from accredit.keys import has_secret_form, jwk_thumbprint, secret_hash
from accredit.server.keyring.bare_secrets import find_bare_secrets, find_written_secrets
from accredit.server.keyring.written_secrets import API_SECRET

# More in one request is no accident, and each costs time.
_MAX_FOUND = 16
# Standard Webhooks fixes this form; those of endpoints and of step services have 32 octets.
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
_SECRET = re.compile(r"accredit_(?:live|sandbox)_[a-z]+_[A-Za-z0-9_-]{49}")
# JWKs are flat. Scanning is linear: a brace ends the run that another brace began.
_FLAT_OBJECT = re.compile(r"\{[^{}]*\}")
_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
    "P-521": (ec.SECP521R1(), 66),
}


@dataclass(frozen=True, slots=True)
class Exposed:
    """secret_hashes: of secrets, keyed where they have not our own form. thumbprints: of the public halves of private keys.

    False when empty.
    """

    secret_hashes: tuple[bytes, ...] = ()
    thumbprints: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.secret_hashes or self.thumbprints)


NOTHING_EXPOSED = Exposed()


@dataclass(frozen=True, slots=True)
class BareSecrets:
    """What secrets in use look like that need have no prefix, and how one is found again.

    sizes: of identity secrets, in octets. written_sizes: of API secrets, in characters; hash_of_written gets their SHA-256.
    """

    sizes: frozenset[int]
    hash_of: Callable[[bytes], bytes]
    written_sizes: frozenset[int]
    hash_of_written: Callable[[bytes], bytes]


def find_exposed(texts: Iterable[str], bare: BareSecrets | None = None) -> Exposed:
    """The secrets and private JWKs in these texts, wherever in a text they stand; with `bare` also secrets of other forms."""
    texts = tuple(texts)
    suspected = [text for text in texts if "accredit_" in text or "kty" in text or "whsec_" in text]
    found = _find_ours(suspected) if suspected else NOTHING_EXPOSED
    if bare is None:
        return found
    hashes = [*map(bare.hash_of, find_bare_secrets(texts, bare.sizes))]
    hashes += [bare.hash_of_written(secret_hash(text)) for text in _find_api_secrets(texts, bare.written_sizes)]
    return Exposed((*found.secret_hashes, *hashes), found.thumbprints) if hashes else found


def _find_api_secrets(texts: tuple[str, ...], sizes: frozenset[int]) -> list[str]:
    """API secrets by the form that the original fixes, and what else has the length of one in use."""
    if not sizes:
        return []
    formed = [found for text in texts if "_secret_" in text for found in API_SECRET.findall(text)]
    return list(dict.fromkeys([*formed[:_MAX_FOUND], *find_written_secrets(texts, sizes)]))


def _find_ours(suspected: list[str]) -> Exposed:
    hashes = dict.fromkeys(hash_ for text in suspected for hash_ in _find_secrets(text))
    thumbprints: dict[str, None] = {}
    for jwk in (jwk for text in suspected for jwk in _find_jwks(text)):
        if jwk.get("kty") == "oct" and isinstance(key := jwk.get("k"), str):
            hashes[secret_hash(key)] = None
        elif (thumbprint := derived_thumbprint(jwk)) is not None:
            thumbprints[thumbprint] = None
    return Exposed(tuple(hashes)[:_MAX_FOUND], tuple(thumbprints)[:_MAX_FOUND])


def derived_thumbprint(jwk: dict[str, Json]) -> str | None:
    """The thumbprint of the public half that a private EC or Ed25519 JWK truly has; None if it is none."""
    crv, private = jwk.get("crv"), jwk.get("d")
    if not isinstance(crv, str) or not isinstance(private, str):
        return None
    try:
        octets = b64url_decode(private)
        return _ed25519_thumbprint(octets) if crv == "Ed25519" else _ec_thumbprint(crv, octets)
    except (KeyError, ValueError):
        return None


def _ed25519_thumbprint(octets: bytes) -> str:
    public = ed25519.Ed25519PrivateKey.from_private_bytes(octets).public_key()
    return jwk_thumbprint({"crv": "Ed25519", "kty": "OKP", "x": b64url_encode(public.public_bytes_raw())})


def _ec_thumbprint(crv: str, octets: bytes) -> str:
    curve, size = _CURVES[crv]
    # Leniently read, as to leading zeros: what some library wrote wrongly is exposed all the same. But not of any length.
    if len(octets) > size:
        raise ValueError("too long")
    numbers = ec.derive_private_key(int.from_bytes(octets, "big"), curve).public_key().public_numbers()
    x, y = (b64url_encode(coordinate.to_bytes(size, "big")) for coordinate in (numbers.x, numbers.y))
    return jwk_thumbprint({"crv": crv, "kty": "EC", "x": x, "y": y})


def _find_secrets(text: str) -> Iterator[bytes]:
    formed = (found for found in _SECRET.findall(text) if has_secret_form(found))
    # A form writes `+`, `/` and `=` as they are once it is decoded, and JSON may escape the slash.
    return map(secret_hash, chain(formed, _WEBHOOK_SECRET.findall(text.replace("\\/", "/"))))


def _find_jwks(text: str) -> Iterator[dict[str, Json]]:
    """Flat JSON objects with `kty` and a private member, also inside other JSON and inside its strings."""
    found = 0
    for flat in _FLAT_OBJECT.findall(text.replace('\\"', '"')):
        if '"kty"' not in flat or ('"d"' not in flat and '"k"' not in flat) or found == _MAX_FOUND:
            continue
        found += 1
        try:
            jwk = parse_json(flat.encode("utf-8", "replace"), max_depth=2)
        except JsonError:
            continue
        if isinstance(jwk, dict):
            yield jwk
